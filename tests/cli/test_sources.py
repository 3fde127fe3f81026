"""`idp sources`, with a real source of the sandbox to test and a source that is not there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jwt
import pytest

from connectors.sandbox.authority.anchors import main as write_anchors
from idp.sources import Source
from tests.cli.conftest import SOURCE, Terminal, add


def find(terminal: Terminal, source_id: str = "bank-sen") -> Source:
    with terminal.house() as house:
        found = house.sources.find(source_id)
    assert found is not None
    return found


def test_a_new_source_is_off_and_the_operator_gets_the_public_key_for_it(terminal: Terminal) -> None:
    said, give, key = add(terminal).splitlines()
    assert said == "bank-sen: version 1 is in force, switched off"
    assert give == "give the source this key:"
    published = json.loads(key)["keys"]
    assert [sorted(one) for one in published] == [["alg", "crv", "kid", "kty", "use", "x", "y"]]
    assert terminal.does("sources", "jwks", "bank-sen") == key + "\n"
    private = json.loads(find(terminal).context.secret("client_key"))
    assert {name: private[name] for name in published[0]} == published[0]
    assert terminal.last() == {"event": "source_changed", "change": "saved", "version": 1, "operator": "lan"}


def test_no_private_key_is_ever_shown(terminal: Terminal) -> None:
    shown = add(terminal) + terminal.does("sources", "list", "--json") + terminal.does("sources", "jwks", "bank-sen")
    private = json.loads(find(terminal).context.secret("client_key"))
    assert private["d"] not in shown + json.dumps(terminal.events())


def test_a_later_version_keeps_the_key_unless_new_ones_are_wanted(terminal: Terminal) -> None:
    add(terminal)
    first = find(terminal).context.secret("client_key")
    assert add(terminal, name_en="Lotus Bank") == "bank-sen: version 2 is in force, switched off\n"
    assert find(terminal).context.secret("client_key") == first
    assert find(terminal).name_en == "Lotus Bank"
    assert "give the source this key" in add(terminal, "--new-keys")
    assert find(terminal).context.secret("client_key") != first
    second = find(terminal).context.secret("client_key")
    add(terminal, secrets={"client_key": {"keep": True}})
    assert find(terminal).context.secret("client_key") == second


def test_another_algorithm_wants_another_key(terminal: Terminal) -> None:
    add(terminal)
    configuration = SOURCE["configuration"] | {"assertion_algorithm": "RS256"}
    assert "give the source this key" in add(
        terminal, configuration=configuration, secrets={"client_key": {"generate": "RS256"}}
    )


@pytest.mark.parametrize("alg", ["ES256", "ES384", "RS256", "PS256", "EdDSA"])
def test_a_key_can_be_made_for_every_algorithm_that_a_source_may_want(terminal: Terminal, alg: str) -> None:
    configuration = SOURCE["configuration"] | {"assertion_algorithm": alg}
    add(terminal, configuration=configuration, secrets={"client_key": {"generate": alg}})
    key = jwt.PyJWK(json.loads(find(terminal).context.secret("client_key")), algorithm=alg)
    assert jwt.encode({}, key)


def test_secrets_can_lie_in_files(terminal: Terminal) -> None:
    terminal.file("secret", "a shared secret\n")
    register = {"kind": "population", "secrets": {"client_secret": {"file": str(terminal.home / "secret")}}}
    add(terminal, id="register", **register)
    assert find(terminal, "register").context.secret("client_secret") == "a shared secret"
    add(
        terminal, "--secrets", str(terminal.home), id="register", kind="population", secrets={"client_secret": "secret"}
    )
    assert find(terminal, "register").context.secret("client_secret") == "a shared secret"
    add(terminal, id="register", kind="population", secrets={"client_secret": "another"})
    assert find(terminal, "register").context.secret("client_secret") == "another"


def test_a_part_of_the_configuration_can_lie_in_a_file(terminal: Terminal, tmp_path: Path) -> None:
    issuer = "http://ca.localhost:8419"
    write_anchors([str(tmp_path / "anchors.pem"), str(tmp_path / "between.pem"), "--issuer", issuer])
    configuration = {
        "issuer": "sandbox",
        "mode": "challenge",
        "signing_url": f"{issuer}/sign",
        "anchors": [{"file": "anchors.pem"}],
        "intermediates": [{"file": "between.pem"}],
        "revocation_urls": {f"{issuer}/": f"{issuer}/"},
    }
    circle = {"id": "certificate", "kind": "certificate", "ceiling": 3, "secrets": {}}
    add(terminal, "--secrets", str(tmp_path), **circle, configuration=configuration)
    known = find(terminal, "certificate").configuration
    assert known["anchors"] == [(tmp_path / "anchors.pem").read_text("utf-8").strip()]
    assert known["signing_url"] == f"{issuer}/sign"
    elsewhere = SOURCE | circle | {"configuration": configuration | {"anchors": [{"file": "/nowhere"}]}}
    told = terminal.refuses("sources", "add", terminal.file("s.json", elsewhere))
    assert told == "Error: certificate: configuration: /nowhere cannot be read: No such file or directory"


def test_a_list_of_sources_is_added_together_or_not_at_all(terminal: Terminal) -> None:
    file = terminal.file("sources.json", [SOURCE, SOURCE | {"id": "bank-tre", "ceiling": 4}])
    assert terminal.refuses("sources", "add", file) == (
        "Error: bank-tre: ceiling: a source of kind banking may assert LoA1 to LoA2"
    )
    assert terminal.does("sources", "list") == "none\n"
    terminal.does("sources", "add", terminal.file("s.json", [SOURCE, SOURCE | {"id": "bank-tre"}]), "--enable")
    assert [row["state"] for row in json.loads(terminal.does("sources", "list", "--json"))] == ["on", "on"]


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"kind": "bakery"}, "bank-sen: kind: bakery is not one of banking, "),
        ({"id": "no spaces"}, "id: letters, digits and hyphens"),
        ({"ceiling": "high"}, "ceiling: "),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"configuration": {"client_id": "motcua"}}, "bank-sen: issuer: Field required"),
        ({"configuration": SOURCE["configuration"] | {"pkce": False}}, "bank-sen: pkce: "),
        ({"secrets": {}}, "client_key"),
        ({"secrets": {"client_key": "not a key"}}, "client_key is not a private JWK for ES256"),
        ({"secrets": {"client_key": {"generate": "HS256"}}}, "secrets.client_key"),
        ({"secrets": {"client_key": {"generate": "RS256"}}}, "client_key is not a private JWK for ES256"),
        ({"secrets": {"client_key": {"keep": True}}}, "bank-sen: secrets.client_key: there is none to keep"),
        ({"secrets": {"client_key": {"file": "/nowhere"}}}, "/nowhere cannot be read: No such file or directory"),
    ],
)
def test_a_source_with_a_fault_is_refused_with_its_field(
    terminal: Terminal, change: dict[str, Any], fault: str
) -> None:
    told = terminal.refuses("sources", "add", terminal.file("s.json", SOURCE | change))
    assert told.startswith("Error: ")
    assert fault in told
    assert terminal.does("sources", "list") == "none\n"


def test_a_secret_with_a_fault_is_not_shown(terminal: Terminal) -> None:
    secrets = {"client_key": {"generate": "ES256", "password": "thu-nghiem-bi-mat"}}
    assert "thu-nghiem" not in terminal.refuses(
        "sources", "add", terminal.file("s.json", SOURCE | {"secrets": secrets})
    )


def test_the_kind_of_a_source_cannot_change(terminal: Terminal) -> None:
    add(terminal)
    file = terminal.file("s.json", SOURCE | {"kind": "population", "secrets": {"client_secret": "x"}})
    assert terminal.refuses("sources", "add", file) == "Error: bank-sen: kind: cannot change; add another source"


@pytest.mark.parametrize("words", [["check"], ["enable"], ["disable"], ["jwks"], ["limit", "5"]])
def test_a_source_that_is_not_there_is_told(terminal: Terminal, words: list[str]) -> None:
    told = terminal.refuses("sources", words[0], "nobody", *words[1:])
    assert told == "Error: nobody: there is no such source; `idp sources list` shows all"


def test_a_source_that_works_passes_every_test_and_is_switched_on(terminal: Terminal, bank: str) -> None:
    tests = json.loads(terminal.does("sources", "check", "bank-sen", "--json"))
    assert {row["result"] for row in tests} == {"pass"}
    assert {"discovery", "tls", "clock", "keys", "latency", "id_token algorithm"} <= {row["test"] for row in tests}
    assert all(row["milliseconds"] >= 0 for row in tests)
    told = terminal.does("sources", "enable", "bank-sen")
    assert told.splitlines()[0].split() == ["TEST", "RESULT", "MILLISECONDS", "DETAIL"]
    assert told.endswith("bank-sen: on, everywhere within seconds\n")
    assert find(terminal).enabled
    assert terminal.last() == {"event": "source_changed", "change": "enabled", "version": 1, "operator": "lan"}


def test_a_source_that_refuses_our_key_stays_off(terminal: Terminal, bank: str) -> None:
    add(terminal, "--new-keys", configuration={"issuer": bank, "client_id": "motcua"})
    result = terminal.run("sources", "enable", "bank-sen")
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("credentials") and "FAIL" in line]
    assert result.stderr == "Error: bank-sen: stays off, since a test failed\n"
    assert not find(terminal).enabled


def test_a_source_that_does_not_answer_fails_its_check_but_can_be_switched_on_unchecked(terminal: Terminal) -> None:
    add(terminal)
    result = terminal.run("sources", "check", "bank-sen")
    assert (result.exit_code, result.stderr) == (1, "")
    assert "FAIL" in result.stdout
    terminal.does("sources", "enable", "bank-sen", "--unchecked")
    assert terminal.last()["change"] == "enabled, unchecked"
    terminal.does("sources", "disable", "bank-sen")
    assert terminal.last()["change"] == "disabled"
    assert not find(terminal).enabled


def test_the_list_shows_version_and_health(terminal: Terminal) -> None:
    add(terminal)
    add(terminal, ceiling=1)
    assert [line.split() for line in terminal.does("sources", "list").splitlines()] == [
        ["ID", "KIND", "VERSION", "STATE", "CEILING", "LIMIT", "HEALTH", "NAME"],
        ["bank-sen", "banking", "2", "off", "LoA1", "up", "Ngân", "hàng", "Sen"],
    ]


def test_calls_at_once_are_limited_for_every_version_until_the_limit_is_taken_away(terminal: Terminal) -> None:
    add(terminal)
    assert terminal.does("sources", "limit", "bank-sen", "20") == (
        "bank-sen: calls at once: 20, everywhere within seconds\n"
    )
    changed = {"event": "source_changed", "change": "calls at once: 20", "version": 1, "operator": "lan"}
    assert terminal.last() == changed
    add(terminal, ceiling=1)
    assert find(terminal).calls_at_once == 20
    assert [row["limit"] for row in json.loads(terminal.does("sources", "list", "--json"))] == [20]
    told = terminal.does("sources", "limit", "bank-sen", "0")
    assert told == "bank-sen: calls at once: not limited, everywhere within seconds\n"
    assert [row["limit"] for row in json.loads(terminal.does("sources", "list", "--json"))] == [None]
    for calls in ("-1", "1001", "many"):
        terminal.refuses("sources", "limit", "--", "bank-sen", calls)
    assert find(terminal).calls_at_once == 0


def test_the_demo_is_prepared_with_these_very_commands(terminal: Terminal) -> None:
    from idp.cli import demo

    plan = demo.read_plan(demo.PLAN, data=terminal.home, port_base=8400)
    for name, text in plan.files.items():
        (terminal.home / name).write_text(demo._with_secrets(text, terminal.home), "utf-8")
    for step in plan.prepare:
        program, *words = (str(word) for word in step["command"])
        if Path(program).name != "idp":
            subprocess.run([program, *words], check=True)
        elif words[:2] != ["keys", "new-master"]:
            terminal.does(*words)
    assert {row["state"] for row in json.loads(terminal.does("sources", "list", "--json"))} == {"on"}
    assert (terminal.home / "ministry.secret").stat().st_mode & 0o777 == 0o600
