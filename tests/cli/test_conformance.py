"""`idp conformance`, and the mode it is for: test people and nobody else, said on every page, never in production."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idp.app import create_app
from idp.clients.invitations import Invitations
from idp.settings import UnsafeSettings, load
from idp.storage import schema
from tests.cli.conftest import Terminal, add
from tests.oidc.residents import assertion
from tests.storage.test_settings import keys, refusal, safe

__all__ = ["keys", "safe"]

WORDS = "anybody can sign in as a test person"
FOR_TESTS = {"IDP_MODE": "conformance"}


@pytest.fixture
def tester(terminal: Terminal) -> Terminal:
    """An operator of a test deployment."""
    terminal.environment |= FOR_TESTS
    return terminal


def prepared(terminal: Terminal) -> dict[str, dict[str, Any]]:
    """What the suite gets, by profile."""
    place = terminal.home / "suite"
    place.mkdir(exist_ok=True)
    terminal.does("conformance", "prepare", str(place))
    for file in place.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, "there are secrets in it"
    return {file.stem: json.loads(file.read_text("utf-8")) for file in place.iterdir()}


def somebody(terminal: Terminal, source: str) -> None:
    with terminal.house() as house, house.database.write() as tx:
        house.people.recognise(tx, assertion(), source, 3)


# ---- prepared ----


def test_every_profile_has_two_clients_and_what_the_suite_needs_to_be_them(tester: Terminal) -> None:
    configurations = prepared(tester)
    assert configurations.keys() == {
        "basic", "frontchannel", "backchannel", "dynamic", "fapi2-dpop", "fapi2-mtls", "fapi2-jwt-mtls",
        "fapi2-signing", "fapi2-dpop-systems", "fapi2-mtls-systems",
    }  # fmt: skip
    with tester.house() as house:
        for name, configuration in configurations.items():
            assert configuration["server"]["discoveryUrl"].startswith(house.settings.issuer)
            for part in ("client", "client2"):
                given = configuration[part]
                if name == "dynamic":
                    assert Invitations(house.database).of_token(given["initial_access_token"]) is not None
                    continue
                client = house.clients.find(given["client_id"])
                assert client is not None and client.enabled
                assert client.has_secret == client.knows_secret(given.get("client_secret", ""))
                assert client.pkce_required == (name.startswith("fapi2"))
                signs = client.token_endpoint_auth_method == "private_key_jwt"
                assert ("d" in given.get("jwks", {"keys": [{}]})["keys"][0]) == signs
                assert ("mtls" in configuration) == client.tls_client_certificate_bound_access_tokens
        assert {client.sector for client in house.clients.all()} == {client.id for client in house.clients.all()}
    assert configurations["basic"]["client_secret_post"]["client_secret"]


def test_the_suite_calls_an_api_that_its_tokens_open_where_it_is_asked_for_what_they_are_bound_to(
    tester: Terminal,
) -> None:
    tester.environment |= {
        "IDP_CLIENT_CERTIFICATE_URL": "http://cert.localhost:8400", "IDP_CLIENT_CERTIFICATE_HEADER": "X-Certificate",
        "IDP_TRUSTED_PROXIES": "1",
    }  # fmt: skip
    called = {name: given["resource"]["resourceUrl"] for name, given in prepared(tester).items()}
    certified = {"fapi2-mtls", "fapi2-jwt-mtls", "fapi2-mtls-systems"}
    for name, url in called.items():
        path = "/conformance/resource" if name.endswith("-systems") else "/userinfo"
        assert url == f"http://{'cert' if name in certified else 'idp'}.localhost:8400{path}"


@pytest.mark.parametrize("mode, status", [("conformance", 401), ("test", 404), ("development", 404)])
def test_the_api_for_its_systems_is_nowhere_else(tester: Terminal, mode: str, status: int) -> None:
    tester.environment["IDP_MODE"] = mode
    tester.does("keys", "ensure")
    with tester.house() as house:
        client = create_app(house.settings).test_client()
    assert client.get("/conformance/resource").status_code == status
    assert client.post("/conformance/resource").status_code == status


def test_the_suites_addresses_are_what_its_file_says(tester: Terminal) -> None:
    file = tester.file("suite.toml", """
        base_url = "https://suite.example"
        alias = "ours"
        [profiles.mine]
        plans = ["a-plan"]
        variant = { response_type = "code" }
        [profiles.mine.registration]
        redirect_uris = ["callback", "callback?dummy1=lorem"]
        frontchannel_logout_uri = "frontchannel_logout"
    """)  # fmt: skip
    (place := tester.home / "out").mkdir()
    said = tester.does("conformance", "prepare", str(place), "--suite", file)
    assert "(response_type=code), for:\n    a-plan\n" in said
    assert "people sign in as mai, with the password conformance\n" in said
    with tester.house() as house:
        client = house.clients.find("conformance-mine-2")
        assert client is not None
        address = "https://suite.example/test/a/ours"
        assert client.redirect_uris == (f"{address}/callback", f"{address}/callback?dummy1=lorem")
        assert client.frontchannel_logout_uri == f"{address}/frontchannel_logout"


def test_a_plan_whose_endpoint_is_closed_is_told_of(tester: Terminal) -> None:
    file = tester.file("suite.toml", """
        base_url = "https://suite.example"
        alias = "ours"
        [profiles.dynamic]
        plans = ["a-plan"]
        variant = {}
    """)  # fmt: skip
    said = "registration.open_to is nobody"
    assert said in tester.does("conformance", "prepare", str(tester.home), "--suite", file)
    tester.environment["IDP_REGISTRATION__OPEN_TO"] = "initial_access_token"
    assert said not in tester.does("conformance", "prepare", str(tester.home), "--suite", file)


def test_prepared_again_everything_stands_with_new_secrets(tester: Terminal) -> None:
    first, second = prepared(tester), prepared(tester)
    for name, configuration in second.items():
        before = first[name]
        assert (configuration["client"], configuration.get("mtls")) != (before["client"], before.get("mtls"))
        assert configuration["client"].get("client_id") == before["client"].get("client_id")
    with tester.house() as house:
        given = second["basic"]["client"]
        client = house.clients.find(given["client_id"])
        assert client is not None
        assert client.knows_secret(given["client_secret"])
        assert not client.knows_secret(first["basic"]["client"]["client_secret"])


def test_what_was_prepared_is_on_record(tester: Terminal) -> None:
    prepared(tester)
    events = [event for event in tester.events() if event.get("change") == "prepared"]
    assert {event["operator"] for event in events} == {"lan"}
    assert {event["event"] for event in events} == {"portal_changed", "source_changed"}


def test_the_command_is_for_its_mode_alone(terminal: Terminal) -> None:
    said = terminal.refuses("conformance", "prepare", str(terminal.home))
    assert said == "Error: mode: only a provider in mode conformance has test people"


@pytest.mark.parametrize(
    "text, named",
    [
        ("base_url = 'x'", "base_url"),
        ("no TOML", "not TOML"),
        ("base_url = 'https://suite.example/'\nalias = 'a'\nprofiles = {}", "base_url"),
        ("base_url = 'https://suite.example'\nalias = '../a'\nprofiles = {}", "alias"),
    ],
)
def test_a_file_that_is_none_is_refused(tester: Terminal, text: str, named: str) -> None:
    assert named in tester.refuses("conformance", "prepare", str(tester.home), "--suite", tester.file("x.toml", text))


def test_a_registration_that_cannot_stand_is_refused_and_nothing_is_kept(tester: Terminal) -> None:
    text = """base_url = "https://suite.example"\nalias = "a"\n[profiles.mine]\nplans = ["p"]\nvariant = {}
    [profiles.mine.registration]\nredirect_uris = ["callback#x"]"""
    assert "profiles.mine: " in tester.refuses(
        "conformance", "prepare", str(tester.home), "--suite", tester.file("x.toml", text)
    )
    with tester.house() as house:
        assert house.sources.in_force() == []


# ---- test people and others are never together ----


def test_a_database_with_other_people_does_not_start_for_tests(tester: Terminal) -> None:
    prepared(tester)
    somebody(tester, "conformance")
    tester.does("keys", "list")
    somebody(tester, "bank")
    assert "mode: conformance needs a database of its own" in tester.run("keys", "list").stderr
    with tester.house() as house, pytest.raises(UnsafeSettings, match="holds other people"):
        create_app(house.settings)


def test_a_database_with_test_people_starts_for_nothing_else(tester: Terminal) -> None:
    prepared(tester)
    somebody(tester, "conformance")
    tester.environment["IDP_MODE"] = "test"
    assert "mode: this database holds test people" in tester.run("keys", "list").stderr
    with tester.house() as house, pytest.raises(UnsafeSettings, match="holds test people"):
        create_app(house.settings)  # as any server does that loads idp.serve


def test_a_database_that_was_made_ready_for_tests_starts_for_nothing_else_though_nobody_came_yet(
    tester: Terminal,
) -> None:
    """The suite's portals are in force there, and owe neither PKCE nor a nonce."""
    prepared(tester)
    for mode in ("test", "development"):
        tester.environment["IDP_MODE"] = mode
        assert "is ready for them: it is for conformance alone" in tester.refuses("keys", "list")
        with tester.house() as house, pytest.raises(UnsafeSettings, match="for conformance alone"):
            create_app(house.settings)


def test_a_database_with_a_source_of_others_is_not_made_ready_for_tests(terminal: Terminal) -> None:
    add(terminal)
    with terminal.house() as house:
        before = house.clients.all()
    terminal.environment |= FOR_TESTS
    said = terminal.refuses("conformance", "prepare", str(terminal.home))
    assert said == "Error: mode: conformance needs a database of its own, and this one has sources of others"
    with terminal.house() as house:
        assert house.clients.all() == before
        with pytest.raises(UnsafeSettings, match="sources of others"):
            create_app(house.settings)


@pytest.mark.parametrize("first", ["prepared", "added"])
def test_two_that_began_with_the_same_empty_database_notice_each_other(terminal: Terminal, first: str) -> None:
    """Each in its own mode, before the database held anything that tells whose it is."""
    servers = {}
    for mode in ("test", "conformance"):
        terminal.environment["IDP_MODE"] = mode
        with terminal.house() as house:
            house.keys.ensure()
            servers[mode] = create_app(house.settings)
    answers = {mode: server.test_client().get("/jwks").status_code for mode, server in servers.items()}
    assert answers == {"test": 200, "conformance": 200}
    if first == "prepared":
        prepared(terminal)
    else:
        terminal.environment["IDP_MODE"] = "test"
        add(terminal)
    for mode, server in servers.items():
        server.extensions["motcua"].changes.forget()  # what the passing of a second does
        is_theirs = (mode == "conformance") == (first == "prepared")
        assert server.test_client().get("/jwks").status_code == (200 if is_theirs else 500)


@pytest.mark.parametrize("people, status", [("conformance", 500), ("bank", 200)])
def test_a_database_that_is_made_later_is_looked_at_before_anybody_is_let_in(
    terminal: Terminal, people: str, status: int
) -> None:
    (terminal.home / "motcua.db").unlink()
    with terminal.house() as house:
        client = create_app(house.settings).test_client()
    assert [client.get(path).status_code for path in ("/health/live", "/health/ready", "/authorize")] == [200, 503, 503]
    schema.upgrade(terminal.environment["IDP_DATABASE_URL"])
    with terminal.house() as house:
        house.keys.ensure()
    somebody(terminal, people)
    assert {client.get(path).status_code for path in ("/health/ready", "/jwks")} == {status}
    assert client.get("/health/live").status_code == 200


def test_no_other_mode_can_read_the_source(tester: Terminal) -> None:
    prepared(tester)
    with tester.house() as house:
        assert [source.id for source in house.sources.in_force()] == ["conformance"]
    tester.environment["IDP_MODE"] = "test"
    with tester.house() as house:
        assert house.sources.in_force() == []


def test_no_other_mode_can_configure_the_source(terminal: Terminal) -> None:
    source = Path(__file__).resolve().parents[2] / "config" / "conformance" / "source.json"
    assert "kind: conformance is not one of" in terminal.refuses("sources", "add", str(source))


def test_the_sources_name_is_its_own(tester: Terminal) -> None:
    source = json.loads((Path(__file__).resolve().parents[2] / "config" / "conformance" / "source.json").read_text())
    assert "is the source of test people" in tester.refuses("sources", "add", tester.file("s", source | {"id": "bank"}))


# ---- where it may run, and what it says of itself ----


def test_outside_this_machine_its_host_is_said_twice(safe: dict[str, Any]) -> None:
    given = safe | {"mode": "conformance"}
    assert "conformance.public_host: must repeat" in refusal(**given)
    assert "conformance.public_host: must repeat" in refusal(**given, conformance={"public_host": "elsewhere.example"})
    named = given | {"conformance": {"public_host": "dangnhap.example.vn"}}
    assert load(**named).lets_test_people_in
    assert load(**(given | {"issuer": "http://idp.localhost:1"})).lets_test_people_in
    assert load(**(given | {"issuer": "https://localhost"})).lets_test_people_in
    assert "plain http" in refusal(**(named | {"issuer": "http://dangnhap.example.vn"}))


@pytest.mark.parametrize("mode", ["production", "development", "test"])
def test_no_other_mode_has_a_host_for_tests(safe: dict[str, Any], mode: str) -> None:
    given = safe | {"mode": mode, "conformance": {"public_host": "dangnhap.example.vn"}}
    assert "conformance.public_host: is for mode conformance alone" in refusal(**given)
    assert not load(**(given | {"conformance": {"public_host": ""}})).lets_test_people_in


@pytest.mark.parametrize("mode", ["conformance", "test"])
def test_it_says_what_it_is_in_its_health_and_on_every_page(tester: Terminal, mode: str) -> None:
    tester.environment["IDP_MODE"] = mode
    tester.does("keys", "ensure")
    with tester.house() as house:
        client = create_app(house.settings).test_client()
        healthy = [WORDS in client.get(f"/health/{word}").text for word in ("live", "ready")]
        pages = [client.get(path, headers={"Accept-Language": "en"}).text for path in ("/", "/claims", "/authorize")]
    assert set(healthy) == {mode == "conformance"}
    assert {"This is a test deployment" in page for page in pages} == {mode == "conformance"}


@pytest.mark.parametrize("mode", ["conformance", "test"])
def test_it_says_what_it_is_when_it_starts_however_little_it_logs(tester: Terminal, mode: str) -> None:
    environment = tester.process_environment() | {"IDP_MODE": mode, "IDP_LOG_LEVEL": "ERROR"}
    start = [sys.executable, "-c", "from idp.app import create_app; create_app()"]
    started = subprocess.run(start, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (WORDS in started.stderr) == (mode == "conformance")
