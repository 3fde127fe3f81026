"""`idp people` and `idp sessions`: one command, and a person is out everywhere. A whole country stands by for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cli.conftest import Terminal
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


@pytest.mark.parametrize("words", [("people", "bar"), ("people", "activate"), ("sessions", "end")])
@pytest.mark.parametrize(
    "given, fault", [(NOBODY, f"Error: {NOBODY}: "), ("zz", "32 hexadecimal digits"), ("00", "32 hex")]
)
def test_an_id_of_nobody_is_refused(terminal: Terminal, words: tuple[str, str], given: str, fault: str) -> None:
    assert fault in terminal.refuses(*words, given, "--reason", "letter 17/CA")


def test_a_reason_is_owed(terminal: Terminal) -> None:
    assert terminal.refuses("people", "bar", NOBODY) == "Error: Missing option '--reason'."
    assert "one line" in terminal.refuses("people", "bar", NOBODY, "--reason", "  ")
