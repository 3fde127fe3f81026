"""The plan of the real demo: complete, and true to what it describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox import cast
from idp.cli import demo


def the_plan(tmp_path: Path, port_base: int = 8400) -> demo.Plan:
    return demo.read_plan(demo.PLAN, data=tmp_path, port_base=port_base)


def test_every_party_has_a_host_name_of_its_own(tmp_path: Path) -> None:
    hosts = [process["host"] for process in the_plan(tmp_path).processes if "host" in process]
    assert len(hosts) == len(set(hosts))
    assert all(host.endswith(".localhost") for host in hosts)


def test_moving_the_ports_moves_every_address(tmp_path: Path) -> None:
    plan = the_plan(tmp_path, port_base=9400)
    text = json.dumps([plan.files, plan.prepare, plan.processes])
    assert ":94" in text
    assert ":84" not in text


def test_seeds_are_json_and_agree_with_the_processes(tmp_path: Path) -> None:
    plan = the_plan(tmp_path)
    portals, sources = json.loads(plan.files["portals.json"]), json.loads(plan.files["sources.json"])
    by_name = {process["name"]: process for process in plan.processes}
    for portal in portals:
        environment = by_name[portal["id"]]["env"]
        assert environment["PORTAL_CLIENT_ID"] == portal["id"]
        assert portal["redirect_uris"] == [f"{environment['PORTAL_BASE_URL']}/callback"]
        serves_firms = any(service.get("organisation") for service in json.loads(environment["PORTAL_SERVICES"]))
        asked = {*environment["PORTAL_SCOPE"].split(), *(["organisation"] if serves_firms else [])}
        assert asked == set(portal["scopes"])
        assert environment["PORTAL_NAME_VI"] == portal["name_vi"]
    issuers = {process["env"].get("SANDBOX_ISSUER"): process for process in plan.processes}
    for source in sources:
        process = issuers[_address_of(source["configuration"])]
        assert process["env"]["SANDBOX_KIND"] == {"certificate": "authority"}.get(source["kind"], source["kind"])
        file = process["env"].get("SANDBOX_CLIENTS_FILE")
        known_as = _names(json.loads(plan.files[Path(file).name])) if file else set()
        assert not known_as or known_as & _names([source["configuration"]])
        for secret in source["secrets"].values():
            assert isinstance(secret, dict) or _is_made(plan, secret)


def _address_of(configuration: dict[str, Any]) -> str:
    """The origin at which a source of the demo is asked; each kind has its own word for it."""
    url = next(configuration[name] for name in ("address", "metadata_url", "issuer") if name in configuration)
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _names(described: list[dict[str, Any]]) -> set[str]:
    """What we are called in the file of a source, and in our own of it."""
    words = ("client_id", "entity_id", "client", "username")
    return {one[word] for one in described for word in words if word in one}


def _is_made(plan: demo.Plan, file: str) -> bool:
    """Whether the file of a secret is a seed, or made for one."""
    name, _, kind = file.rpartition(".")
    wanted = {"secret": f"@{{{name}.secret}}", "key": f"@{{{name}.public}}"}.get(kind, "")
    return file in plan.files or any(wanted and wanted in text for text in plan.files.values())


def test_the_citizens_to_try_are_those_of_the_sandbox(tmp_path: Path) -> None:
    notes = "\n".join(the_plan(tmp_path).notes)
    for citizen in cast.TO_TRY:
        assert f"{citizen.personal_number}  {citizen.full_name}" in notes
    assert f"Password: {cast.PASSWORD} " in notes
    assert notes.endswith(f"One-time code and PIN: {cast.ONE_TIME_CODE}")
