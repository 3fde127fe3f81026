"""`idp people` and `idp sessions`: one command, and a person is out everywhere. A whole country stands by for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.oidc.holder import OFFLINE, bought, posted, refreshed, refused, told
from tests.oidc.residents import Resident, move_in, seconds_later
from tests.world import Browser, Portal, Tokens, World, world

NOBODY = "00" * 16


@dataclass
class SignedIn:
    """A citizen who has just signed in at a portal, and the terminal of the operator who looks on."""

    terminal: Terminal
    country: World
    portal: Portal
    browser: Browser
    tokens: Tokens

    @property
    def ids(self) -> tuple[str, str]:
        """Person and session, as the audit shows them."""
        granted = next(event for event in self.country.house.audit.export() if event["event"] == "granted")
        return granted["person_id"], granted["session_id"]

    def is_known_to_the_portal(self) -> bool:
        return self.portal.userinfo(self.tokens.access_token).status_code == 200


@pytest.fixture
def citizen(terminal: Terminal) -> Iterator[SignedIn]:
    with world(terminal.home) as country:
        terminal.environment["IDP_ISSUER"] = country.issuer
        base = "http://tax.localhost:9"
        portal = country.portal("tax", backchannel_logout_uri=f"{base}/backchannel-logout")
        browser = country.browser()
        yield SignedIn(terminal, country, portal, browser, country.sign_in(browser, portal))


@pytest.mark.parametrize("command, status", [("bar", "barred"), ("deceased", "deceased")])
def test_who_is_barred_is_out_at_once_and_the_portals_are_told(citizen: SignedIn, command: str, status: str) -> None:
    person_id, session_id = citizen.ids
    assert citizen.is_known_to_the_portal()
    told = citizen.terminal.does("people", command, person_id, "--reason", "letter 17/CA")
    assert told == f"{person_id}: {status}; 1 sessions ended\n"
    assert not citizen.is_known_to_the_portal()
    assert citizen.country.house.outbox.states() == {"waiting": 1}
    events = {event["event"]: event for event in citizen.country.house.audit.export()}
    assert events["person_status_changed"]["person_id"] == person_id
    assert events["person_status_changed"]["details"] == {"status": status, "reason": "lan: letter 17/CA"}
    assert events["session_ended"]["session_id"] == session_id
    assert events["session_ended"]["details"] == {"reason": "lan: letter 17/CA", "portals_told": 1}


def test_who_is_active_again_can_sign_in_again(citizen: SignedIn) -> None:
    person_id, _ = citizen.ids
    citizen.terminal.does("people", "bar", person_id, "--reason", "letter 17/CA")
    told = citizen.terminal.does("people", "activate", person_id, "--reason", "letter 18/CA")
    assert told == f"{person_id}: active; 0 sessions ended\n"
    last = citizen.terminal.last()
    assert (last["event"], last["status"], last["reason"]) == ("person_status_changed", "active", "lan: letter 18/CA")
    again = citizen.country.sign_in(citizen.country.browser(), citizen.portal)
    assert again.claims["sub"] == citizen.tokens.claims["sub"]


def test_a_session_is_ended_and_its_portals_are_told(citizen: SignedIn) -> None:
    _, session_id = citizen.ids
    told = citizen.terminal.does("sessions", "end", session_id, "--reason", "lost phone")
    assert told == f"{session_id}: ended; 1 portals are being told\n"
    assert not citizen.is_known_to_the_portal()
    event = {"event": "session_ended", "reason": "lan: lost phone", "portals_told": 1}
    assert event in citizen.terminal.events()
    assert citizen.terminal.refuses("sessions", "end", session_id, "--reason", "again").endswith(
        "no such session is open"
    )


# ---- what portals were granted ----


@dataclass
class Reader:
    """A portal that may go on reading about somebody when they have left."""

    person: Resident
    portal: Portal
    access_token: str
    refresh_token: str

    @property
    def person_id(self) -> str:
        return self.person.person_id.hex()

    def can_do(self) -> set[str]:
        """Of all that can be done with its tokens, what is."""
        about = [told(posted(self.portal, "/introspect", {"token": each})) for each in self.tokens]
        done = {
            "read": self.portal.userinfo(self.access_token).status_code == 200,
            "be told of": any(answer["active"] for answer in about),
            "renew": refreshed(self.portal, self.refresh_token).status_code == 200,
        }
        return {what for what, is_done in done.items() if is_done}

    @property
    def tokens(self) -> tuple[str, str]:
        return self.access_token, self.refresh_token


@pytest.fixture
def reader(citizen: SignedIn) -> Reader:
    land = citizen.country.portal("land", **OFFLINE)
    person = move_in(citizen.country, land, citizen.portal)
    tokens = bought(person, land)
    return Reader(person, land, tokens["access_token"], tokens["refresh_token"])


def granted(terminal: Terminal, person_id: str) -> dict[str, dict[str, Any]]:
    """What the command lists, by portal."""
    rows = json.loads(terminal.does("people", "grants", person_id, "--json"))
    return {row["portal"]: row for row in rows}


def test_operators_see_what_portals_were_granted_for_somebody(citizen: SignedIn, reader: Reader) -> None:
    reader.person.tokens(citizen.portal)
    found = granted(citizen.terminal, reader.person_id)
    assert {portal: row["offline"] for portal, row in found.items()} == {"land": "yes", "tax": "no"}
    assert {tuple(row) for row in found.values()} == {("grant", "portal", "since", "offline", "last_refresh")}
    assert found["land"]["last_refresh"] is None
    assert refreshed(reader.portal, reader.refresh_token).status_code == 200
    found = granted(citizen.terminal, reader.person_id)
    assert found["land"]["since"] <= found["land"]["last_refresh"]
    shown = citizen.terminal.does("people", "grants", reader.person_id)
    assert not [token for token in reader.tokens if token in shown]
    assert granted(citizen.terminal, citizen.ids[0]).keys() == {"tax"}, "nobody else's"


@pytest.mark.time_is_moved
def test_what_ended_with_the_session_is_not_listed_and_what_outlives_it_is(citizen: SignedIn, reader: Reader) -> None:
    reader.person.tokens(citizen.portal)
    citizen.terminal.does("sessions", "end", reader.person.session, "--reason", "lost phone")
    assert granted(citizen.terminal, reader.person_id).keys() == {"land"}
    assert reader.can_do() == {"read", "be told of", "renew"}
    with seconds_later(citizen.country.settings.lifetimes.refresh_token_days * 86_400 + 1):
        assert granted(citizen.terminal, reader.person_id) == {}


def test_one_grant_is_ended_at_once_and_everything_else_goes_on(citizen: SignedIn, reader: Reader) -> None:
    other = reader.person.tokens(citizen.portal)
    assert reader.can_do() == {"read", "be told of", "renew"}
    grant = granted(citizen.terminal, reader.person_id)["land"]["grant"]
    words = ("people", "end-grant", reader.person_id, grant, "--reason", "letter 19/CA")
    assert citizen.terminal.does(*words) == f"{grant}: ended; land can use nothing of it any more\n"
    assert reader.can_do() == set()
    refused(refreshed(reader.portal, reader.refresh_token), "invalid_grant", "T20")
    assert citizen.portal.userinfo(other.access_token).status_code == 200
    assert reader.person.is_signed_in(citizen.portal)
    assert granted(citizen.terminal, reader.person_id).keys() == {"tax"}
    (event,) = [each for each in citizen.country.house.audit.export() if each["event"] == "grant_revoked"]
    assert (event["person_id"], event["client_id"]) == (reader.person_id, "land")
    assert event["details"] == {"reason": "lan: letter 19/CA"}
    assert "no such grant of this person stands" in citizen.terminal.refuses(*words)


def test_a_grant_is_ended_by_the_name_of_its_own_person_alone(citizen: SignedIn, reader: Reader) -> None:
    grant = granted(citizen.terminal, reader.person_id)["land"]["grant"]
    for person_id, named in [(citizen.ids[0], grant), (reader.person_id, NOBODY)]:
        said = citizen.terminal.refuses("people", "end-grant", person_id, named, "--reason", "letter 19/CA")
        assert "no such grant of this person stands" in said
    assert "renew" in reader.can_do()


def test_nobody_s_grants_are_not_none(terminal: Terminal) -> None:
    assert terminal.refuses("people", "grants", NOBODY) == f"Error: {NOBODY}: nobody has this id"
    assert "32 hexadecimal digits" in terminal.refuses("people", "grants", "zz")
    assert "id of a grant" in terminal.refuses("people", "end-grant", NOBODY, "zz", "--reason", "letter 19/CA")
    assert "Missing option '--reason'" in terminal.refuses("people", "end-grant", NOBODY, NOBODY)


@pytest.mark.parametrize("words", [("people", "bar"), ("people", "activate"), ("sessions", "end")])
@pytest.mark.parametrize(
    "given, fault", [(NOBODY, f"Error: {NOBODY}: "), ("zz", "32 hexadecimal digits"), ("00", "32 hex")]
)
def test_an_id_of_nobody_is_refused(terminal: Terminal, words: tuple[str, str], given: str, fault: str) -> None:
    assert fault in terminal.refuses(*words, given, "--reason", "letter 17/CA")


def test_a_reason_is_owed(terminal: Terminal) -> None:
    assert terminal.refuses("people", "bar", NOBODY) == "Error: Missing option '--reason'."
    assert "one line" in terminal.refuses("people", "bar", NOBODY, "--reason", "  ")
