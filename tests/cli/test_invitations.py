"""`idp portals invite` and what operators see and do of portals that registered themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp import clock
from idp.clients import Registration
from idp.clients.invitations import Invitations
from idp.clients.self_registrations import SelfRegistrations
from tests.cli.conftest import PORTAL, Terminal

OPEN = {"IDP_REGISTRATION__OPEN_TO": "initial_access_token"}


@pytest.fixture
def operator(terminal: Terminal) -> Terminal:
    terminal.environment |= OPEN
    return terminal


def invited(terminal: Terminal, *words: str) -> str:
    """The token of a new invitation."""
    return terminal.does("portals", "invite", "--note", "the land office", *words).split()[-1]


def listed(terminal: Terminal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(terminal.does("portals", "invitations", "--json"))
    return found


def test_an_invitation_is_shown_once_and_kept_as_a_fingerprint(operator: Terminal) -> None:
    token = invited(operator, "--scope", "profile", "--level", "2", "--uses", "3", "--days", "2")
    with operator.house() as house:
        invitation = Invitations(house.database).of_token(token)
    assert invitation is not None
    assert (invitation.terms.scopes, invitation.terms.minimum_level) == (("openid", "profile"), 2)
    assert (invitation.uses_left, invitation.expires_at - invitation.made_at) == (3, 2 * 86_400)
    assert invitation.terms.pkce_required and invitation.terms.nonce_required
    assert token not in operator.does("portals", "invitations") + str(operator.events())
    last = operator.last()
    assert (last["event"], last["change"], last["operator"]) == ("invitation_changed", "made: the land office", "lan")


def test_an_invitation_can_exempt_and_can_ask_for_more(operator: Terminal) -> None:
    token = invited(operator, "--without-pkce", "--without-nonce", "--consent", "--statement", "--api-scope", "a.read")
    with operator.house() as house:
        invitation = Invitations(house.database).of_token(token)
    assert invitation is not None
    terms = invitation.terms
    assert (terms.pkce_required, terms.nonce_required) == (False, False)
    assert (terms.consent_required, terms.statement_required, terms.api_scopes) == (True, True, ("a.read",))


def test_a_token_can_go_to_a_private_file(operator: Terminal) -> None:
    place = operator.home / "token"
    told = operator.does("portals", "invite", "--note", "x", "--secret-file", str(place))
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.read_text() not in told
    with operator.house() as house:
        assert Invitations(house.database).of_token(place.read_text()) is not None


@pytest.mark.parametrize(
    "words, said",
    [
        (["--scope", "personal_number"], "guarded and an operator's to grant: personal_number"),
        (["--scope", "shoes"], "shoes"), (["--api-scope", "profile"], "none of those about people"),
        (["--api-scope", "a b"], "words of APIs"), (["--note", ""], "note"), (["--note", "x" * 201], "note"),
        (["--level", "5"], "--level"), (["--uses", "0"], "--uses"), (["--days", "366"], "--days"),
    ],
)  # fmt: skip
def test_an_invitation_that_cannot_be_is_refused(operator: Terminal, words: list[str], said: str) -> None:
    assert said in operator.refuses("portals", "invite", "--note", "the land office", *words)


def test_whoever_invites_while_registration_is_off_hears_of_it(terminal: Terminal) -> None:
    result = terminal.run("portals", "invite", "--note", "x")
    assert result.exit_code == 0
    assert result.stderr == 'registration.open_to is "nobody": it can be used when that is changed\n'


def test_an_invitation_can_be_withdrawn(operator: Terminal) -> None:
    token = invited(operator)
    (found,) = listed(operator)
    assert (found["state"], found["uses_left"], found["note"]) == ("open", 1, "the land office")
    operator.does("portals", "withdraw", found["id"])
    assert operator.last()["change"] == "withdrawn"
    assert listed(operator)[0]["state"] == "used up"
    with operator.house() as house:
        assert Invitations(house.database).of_token(token) is None
    assert "no such invitation" in operator.refuses("portals", "withdraw", "0" * 32)
    assert "not the id of a portal's invitation" in operator.refuses("portals", "withdraw", "nobody")


def registered_itself(operator: Terminal) -> tuple[str, str]:
    """The id of a portal that did, with an invitation of its own, and its token."""
    token = invited(operator)
    described = {name: value for name, value in PORTAL.items() if name != "id"}
    with operator.house() as house, house.database.write() as tx:
        invitation = Invitations(house.database).of_token(token)
        assert invitation is not None
        assert Invitations(house.database).use(tx, invitation)
        house.clients.add(tx, "self-land", Registration.model_validate(described))
        looks_after_itself = SelfRegistrations(house.database).add(
            tx, "self-land", invitation.id, {}, made_at=clock.seconds()
        )
    return "self-land", looks_after_itself


def knows(operator: Terminal, portal_id: str, token: str) -> bool:
    with operator.house() as house:
        found = SelfRegistrations(house.database).find(portal_id)
    return found is not None and found.knows_token(token)


def test_what_an_operator_changed_the_portal_does_not_change_back(operator: Terminal) -> None:
    portal_id, token = registered_itself(operator)
    shown = json.loads(operator.does("portals", "show", portal_id, "--json"))
    file = operator.file("portal.json", shown)
    assert operator.does("portals", "update", portal_id, file) == f"{portal_id}: nothing to change\n"
    assert knows(operator, portal_id, token)
    for level in (3, 4):
        told = operator.does("portals", "update", portal_id, operator.file("p.json", shown | {"minimum_level": level}))
        assert told.startswith(f"{portal_id}: changed minimum_level")
        assert ("its registration token is void" in told) is (level == 3), "it is void once"
        assert not knows(operator, portal_id, token)
    assert "itself, with invitation" in operator.does("portals", "show", portal_id), "who registered it stays known"


def test_whoever_had_the_old_secret_reads_no_new_one_with_the_registration_token(operator: Terminal) -> None:
    portal_id, token = registered_itself(operator)
    told = operator.does("portals", "new-secret", portal_id)
    assert told.startswith(f"{portal_id}: the old secret is void; its registration token is void: ")
    with operator.house() as house:
        client = house.clients.find(portal_id)
    assert client is not None and client.knows_secret(told.split()[-1])
    assert not knows(operator, portal_id, token)
    assert "registration token" not in operator.does("portals", "new-secret", portal_id), "it is void once"


def test_no_other_portal_is_told_of_a_registration_token(operator: Terminal) -> None:
    operator.does("portals", "add", operator.file("portal.json", PORTAL))
    told = operator.does("portals", "update", "tax", operator.file("p.json", {**PORTAL, "minimum_level": 3}))
    assert told == "tax: changed minimum_level\n"
    assert "registration token" not in operator.does("portals", "new-secret", "tax")


def test_operators_see_who_registered_themselves_and_switch_them_off(operator: Terminal) -> None:
    portal_id, _ = registered_itself(operator)
    assert operator.does("portals", "list").splitlines()[1].split()[:3] == [portal_id, "on", "itself"]
    (invitation,) = listed(operator)
    assert f"itself, with invitation {invitation['id']}" in operator.does("portals", "show", portal_id)
    operator.does("portals", "disable", portal_id)
    with operator.house() as house:
        found = house.clients.find(portal_id)
    assert found is not None and not found.enabled
