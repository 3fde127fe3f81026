"""`idp sources contract`: named test identities and lies, on a real source's own pages; what it found is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import BaseModel

from connectors import KINDS
from connectors.base import Context, Done, Failed, Failure, Input, Kind, LoginRequest, Redirect, Step
from tests.cli.conftest import ROOT, Terminal, add
from tests.races.provider import said
from tests.world import listening

BANK = ROOT / "config" / "demo" / "identities-bank.json"
LIES = {
    "replayed answer", "changed answer", "answer without state", "answer of another source", "answer to another visit",
}  # fmt: skip


def identities(**changes: Any) -> dict[str, Any]:
    """The bank's file with its ordinary citizen alone, changed as told."""
    read: dict[str, Any] = json.loads(BANK.read_text("utf-8"))
    ordinary = read["identities"][0] | changes
    return {"identities": [ordinary]}


def check(terminal: Terminal, file: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and every case by its label."""
    result = terminal.run("sources", "contract", "bank-sen", "--identities", file, "--json")
    return result.exit_code, {case["case"]: case for case in json.loads(result.stdout)}


def test_a_bank_that_keeps_its_contract_passes_every_case_and_that_is_kept(terminal: Terminal, bank: str) -> None:
    terminal.environment["IDP_OUTBOUND__TOTAL_SECONDS"] = "1"  # no longer than a test likes to wait for a slow source
    code, cases = check(terminal, str(BANK))
    assert {label: case["seen"] for label, case in cases.items() if case["result"] != "pass"} == {}
    assert code == 0
    read = json.loads(BANK.read_text("utf-8"))
    assert set(cases) == {one["label"] for one in (*read["identities"], *read["faults"])} | LIES
    event = terminal.last()
    assert event == {"event": "contract_checked", "version": 1, "passed": True, "operator": "lan"}
    kept = json.loads(terminal.does("sources", "reports", "bank-sen", "--json"))
    assert [(row["version"], row["result"], row["cases"]) for row in kept] == [(1, "pass", len(cases))]
    again = json.loads(terminal.does("sources", "reports", "bank-sen", "--cases", "--json"))
    assert {case["case"]: case for case in again} == cases


@pytest.mark.parametrize(
    "expect, seen",
    [
        ({"assertion": {"name": "Người Khác", "birth_date": "1990-03-15"}}, "differs: name, birth_date"),
        ({"assertion": {"personal_number": "", "level": 4}}, "differs: personal_number, level"),
        ({"failure": ["account_locked"]}, "signed in"),
    ],
)
def test_a_source_that_says_something_else_fails_and_the_report_tells_in_what_and_not_whose(
    terminal: Terminal, bank: str, expect: dict[str, Any], seen: str
) -> None:
    code, cases = check(terminal, terminal.file("identities.json", identities(expect=expect)))
    assert code == 1
    assert (cases["ordinary"]["result"], cases["ordinary"]["seen"]) == ("FAIL", seen)
    shown = terminal.does("sources", "reports", "bank-sen", "--cases", "--json")
    assert "Trần" not in shown and "001090000101" not in shown
    (report,) = json.loads(terminal.does("sources", "reports", "bank-sen", "--json"))
    assert (report["result"], report["failed"]) == ("FAIL", "ordinary")
    assert terminal.last()["passed"] is False


def test_an_identity_that_the_source_does_not_let_in_is_lost_and_not_passed(terminal: Terminal, bank: str) -> None:
    fill = {"number": "001090000101", "password": "falsch"}
    code, cases = check(terminal, terminal.file("identities.json", identities(fill=fill)))
    assert code == 1 and cases["ordinary"]["seen"].startswith("lost: ")
    assert "falsch" not in json.dumps(cases)


class _Name(BaseModel):
    name: str = "gullible"


class Gullible:
    """A source that sends everybody back at once, and lets in whoever comes, as often as they like."""

    address = ""

    def begin(self, context: Context, request: LoginRequest) -> Step:
        brings = {"state": request.handle, "iss": "https://gullible.invalid", "number": "1"}
        back = f"{request.callback_url}?{urlencode(brings)}"
        return Redirect(url=f"{self.address}/?{urlencode({'back': back})}", state=request.handle.encode())

    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        return Done(assertion=said(1))


class Honest(Gullible):
    """Another, which looks at everything, and at nothing twice."""

    def __init__(self) -> None:
        self.taken: set[bytes] = set()

    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        brought = {"state": state.decode(), "iss": "https://gullible.invalid", "number": "1"}
        is_right = dict(parse_qsl(answer.raw_query)) == brought and state not in self.taken
        self.taken.add(state)
        return Done(assertion=said(1)) if is_right else Failed(failure=Failure.REPLAYED, detail="")


def send_back(environ: dict[str, Any], start: Any) -> list[bytes]:
    back = dict(parse_qsl(environ["QUERY_STRING"]))["back"]
    start("303 See Other", [("Location", back), ("Content-Length", "0")])
    return [b""]


@contextmanager
def kind(connector: Gullible) -> Iterator[str]:
    """A kind of source, as long as the block lasts."""
    KINDS["gullible"] = Kind(name="gullible", configuration=_Name, connector=lambda _: connector, ceiling=4)
    try:
        with listening("gullible.localhost") as (connector.address, server):
            server.app = send_back
            yield "gullible"
    finally:
        del KINDS["gullible"]


@pytest.mark.parametrize("connector, result", [(Gullible(), "FAIL"), (Honest(), "pass")])
def test_a_source_that_lets_a_lie_pass_fails_by_name(terminal: Terminal, connector: Any, result: str) -> None:
    file = terminal.file("identities.json", identities(expect={"assertion": {"proofing": 3}}))
    with kind(connector) as name:
        add(terminal, kind=name, configuration={}, secrets={}, ceiling=3)
        code, cases = check(terminal, file)
    assert cases["ordinary"]["result"] == "pass"
    assert {cases[lie]["result"] for lie in LIES} == {result}
    assert code == (1 if result == "FAIL" else 0)
    if result == "FAIL":
        assert {cases[lie]["seen"] for lie in LIES} == {"signed in"}


def test_a_fault_that_the_source_does_not_know_is_told(terminal: Terminal, bank: str) -> None:
    fault = {"label": "odd", "fault": {"fault": "no such"}, "expect": ["timed_out"]}
    told = identities() | {"faults_url": "/_sandbox/faults", "faults_beside": "issuer", "faults": [fault]}
    code, cases = check(terminal, terminal.file("identities.json", told))
    assert code == 1 and cases["odd"]["seen"] == "the source does not take the fault: status 400"


def test_a_fault_is_over_when_the_check_is(terminal: Terminal, bank: str) -> None:
    fault = {"label": "down", "fault": {"fault": "down", "endpoint": "token"}, "expect": ["overloaded"]}
    told = identities() | {"faults_url": f"{bank}/_sandbox/faults", "faults": [fault]}
    assert check(terminal, terminal.file("identities.json", told))[0] == 0
    assert check(terminal, terminal.file("identities.json", identities()))[0] == 0


@pytest.mark.parametrize(
    "change, told",
    [
        ({"identities": []}, "identities: "),
        ({"required": ["ordinary", "locked"]}, "required, and not there: locked"),
        ({"faults": [{"label": "x", "fault": {}, "expect": ["timed_out"]}]}, "faults without faults_url"),
        ({"faults_url": "/_sandbox/faults"}, "faults_url is relative, and faults_beside does not say to which address"),
        (
            {"faults_url": "/_sandbox/faults", "faults_beside": "client_id"},
            "bank-sen: faults_beside: client_id is no address in its configuration",
        ),
        ({"colour": "red"}, "colour: Extra inputs"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_its_field(terminal: Terminal, change: dict[str, Any], told: str) -> None:
    add(terminal)
    file = terminal.file("identities.json", identities() | change)
    assert told in terminal.refuses("sources", "contract", "bank-sen", "--identities", file)


def test_an_identity_expects_exactly_one_thing(terminal: Terminal) -> None:
    add(terminal)
    file = terminal.file("identities.json", identities(expect={"failure": ["timed_out"], "organisations": []}))
    assert "exactly one of" in terminal.refuses("sources", "contract", "bank-sen", "--identities", file)


def test_flask_has_the_commands_about_a_source(terminal: Terminal, bank: str, tmp_path: Path) -> None:
    def flask(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "idp", "source", *words]
        environment = terminal.process_environment()
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    checked = flask("check", "bank-sen", "--json")
    assert checked.returncode == 0, checked.stderr
    assert {row["result"] for row in json.loads(checked.stdout)} == {"pass"}
    contract = flask("contract", "bank-sen", "--identities", terminal.file("identities.json", identities()), "--json")
    assert contract.returncode == 0, contract.stderr
    assert [row["result"] for row in json.loads(flask("reports", "bank-sen", "--json").stdout)] == ["pass"]
    nobody = flask("check", "nobody")
    assert nobody.returncode == 2 and "Traceback" not in nobody.stderr
