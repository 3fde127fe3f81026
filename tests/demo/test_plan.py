"""The plan of the real demo: complete, and true to what it describes."""

from __future__ import annotations

import json
from pathlib import Path

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
        assert set(environment["PORTAL_SCOPE"].split()) == set(portal["scopes"])
        assert environment["PORTAL_NAME_VI"] == portal["name_vi"]
        json.loads(environment["PORTAL_SERVICES"])
    issuers = {process["env"].get("SANDBOX_ISSUER"): process for process in plan.processes}
    for source in sources:
        process = issuers[source["configuration"]["issuer"]]
        assert process["env"]["SANDBOX_NAME"] == source["name_vi"]
        clients = json.loads(plan.files[Path(process["env"]["SANDBOX_CLIENTS_FILE"]).name])
        assert [client["client_id"] for client in clients] == [source["configuration"]["client_id"]]
        assert clients[0]["redirect_uris"] == [f"http://idp.localhost:8400/callback/{source['id']}"]


def test_the_citizens_to_try_are_those_of_the_sandbox(tmp_path: Path) -> None:
    notes = "\n".join(the_plan(tmp_path).notes)
    for citizen in cast.TO_TRY:
        assert f"{citizen.personal_number}  {citizen.full_name}" in notes
    assert f"Password: {cast.PASSWORD} " in notes
    assert notes.endswith(f"One-time code: {cast.ONE_TIME_CODE}")
