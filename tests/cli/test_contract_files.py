"""The files of test identities in config/demo are true of the sandbox: every case passes at a source that is honest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.tokens import TOKEN_POLICY
from connectors.sandbox.population import DEFAULT_SEED
from idp.sources.identities import Identities
from tests.cli.conftest import ROOT, Terminal
from tests.connectors import circle
from tests.connectors.registers_at import CREDENTIALS, MEMBER, firms_configuration, people_configuration
from tests.connectors.saml import office
from tests.sandbox.conftest import running

FILES = ROOT / "config" / "demo"
CALLBACK = "http://idp.localhost:8400/callback/source"


@contextmanager
def population(folder: Path) -> Iterator[dict[str, Any]]:
    clients = folder / "clients.json"
    registered = {"client_id": "motcua", "client_secret": "a secret of tests", "redirect_uris": [CALLBACK]}
    clients.write_text(json.dumps([registered]), "utf-8")
    with running("population", clients, host="population.localhost") as url:
        yield {
            "configuration": {"issuer": url, "client_id": "motcua"},
            "secrets": {"client_secret": "a secret of tests"},
        }


@contextmanager
def register(folder: Path) -> Iterator[dict[str, Any]]:
    with running("population_register", members(folder), host="register.localhost") as url:
        yield {
            "configuration": people_configuration(f"{url}/ws/dan-cu").model_dump(mode="json"),
            "secrets": CREDENTIALS,
        }


@contextmanager
def business(folder: Path) -> Iterator[dict[str, Any]]:
    with running("business", members(folder), host="register.localhost") as url:
        yield {"configuration": firms_configuration(url).model_dump(mode="json"), "secrets": CREDENTIALS}


@contextmanager
def insurance(folder: Path) -> Iterator[dict[str, Any]]:
    clients = folder / "clients.json"
    registered = {"client_id": "motcua", "redirect_uris": [], "client_secret": "a secret of tests"}
    clients.write_text(json.dumps([registered]), "utf-8")
    often = ("codes_per_number_per_hour", "codes_per_phone_per_hour", "tries_per_number_per_day")
    limits = dict.fromkeys((*often, "tries_per_person_per_day"), 100)
    with running("insurance", clients, host="insurance.localhost") as url:
        configuration = {"address": url, "username": "motcua", "official_name": "Lý Thị Hỏi", "limits": limits}
        yield {
            "configuration": configuration,
            "secrets": {"password": "a secret of tests", "official_number": "001090000999"},
        }


@contextmanager
def tax(folder: Path) -> Iterator[dict[str, Any]]:
    clients = folder / "clients.json"
    known = {
        "entity_id": office.ENTITY_ID, "acs_urls": [CALLBACK], "signed_out_urls": [office.SIGNED_OUT_URL],
        "certificates": [office.certificate_pem(office.OUR_PAIR)],
    }  # fmt: skip
    clients.write_text(json.dumps([known]), "utf-8")
    with office.running(clients) as url:
        configuration = {
            "idp_entity_id": f"{url}/metadata", "entity_id": office.ENTITY_ID, "callback_url": CALLBACK,
            "metadata_url": f"{url}/metadata", "signed_out_url": office.SIGNED_OUT_URL,
        }  # fmt: skip
        yield {"configuration": configuration, "secrets": {"signing_key": office.pem_of(office.OUR_PAIR)}}


@contextmanager
def certificate(_folder: Path) -> Iterator[dict[str, Any]]:
    with circle.authority_running() as url:
        configuration = {
            "issuer": "sandbox", "mode": "challenge", "signing_url": f"{url}/sign",
            "anchors": [hierarchy.root(DEFAULT_SEED).pem], "revocation_urls": {f"{url}/": f"{url}/"},
            "hardware_policies": [TOKEN_POLICY],
        }  # fmt: skip
        yield {"configuration": configuration, "secrets": {}}


def members(folder: Path) -> Path:
    file = folder / "members.json"
    file.write_text(json.dumps([MEMBER]), "utf-8")
    return file


SOURCES = {
    "population": population,
    "population_register": register,
    "business": business,
    "insurance": insurance,
    "tax": tax,
    "certificate": certificate,
}
OF_ANYBODY = ("replayed answer", "changed answer")
OF_SOURCES = (*OF_ANYBODY, "answer to another visit")
LIES = {
    "population": (*OF_SOURCES, "answer without state", "answer of another source"),
    "population_register": (),  # whose answers pass no browser
    "business": (),
    "insurance": OF_ANYBODY,
    "tax": OF_SOURCES,
    "certificate": OF_SOURCES,
}
ALL_LIES = {lie for lies in LIES.values() for lie in lies}
CEILINGS = {"insurance": 1, "tax": 2}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_case_of_the_file_passes_at_the_sandbox(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    terminal.environment["IDP_OUTBOUND__TOTAL_SECONDS"] = "1"
    with SOURCES[kind](tmp_path) as described:
        source = {"id": "source", "kind": kind, "name_vi": "Nguồn", "name_en": "Source"} | described
        source["ceiling"] = CEILINGS.get(kind, 3)
        terminal.does("sources", "add", terminal.file("source.json", source))
        file = FILES / f"identities-{kind.replace('_', '-')}.json"
        result = terminal.run("sources", "contract", "source", "--identities", str(file), "--json")
    cases = json.loads(result.stdout)
    assert [(case["case"], case["seen"]) for case in cases if case["result"] != "pass"] == []
    assert result.exit_code == 0
    labels = {case["case"] for case in cases}
    assert {one["label"] for one in json.loads(file.read_text("utf-8"))["identities"]} <= labels
    assert set(LIES[kind]) == labels & ALL_LIES


@pytest.mark.parametrize("file", sorted(FILES.glob("identities-*.json")), ids=lambda file: file.stem)
def test_every_file_can_be_read(file: Path) -> None:
    assert Identities.model_validate_json(file.read_text("utf-8")).identities
