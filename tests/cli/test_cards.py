"""`idp cards`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp.cards import Holder
from tests.cli.conftest import Terminal
from tests.oidc.residents import assertion


@pytest.fixture
def made(terminal: Terminal) -> tuple[str, str]:
    """Somebody's id, and the number of their card."""
    terminal.does("keys", "ensure")
    with terminal.house() as house, house.database.write() as tx:
        person_id = house.people.recognise(tx, assertion(), "population", 3).person.id
        card = house.cards.make(tx, Holder(person_id=person_id, name="Nguyễn Thị Mai Anh"))
        return person_id.hex(), card.number


def shown(terminal: Terminal, number: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = json.loads(terminal.does("cards", "show", number, "--json"))
    return rows[0]


def test_a_card_is_suspended_resumed_and_revoked_and_it_is_on_record(terminal: Terminal, made: tuple[str, str]) -> None:
    person_id, number = made
    assert number in terminal.does("cards", "list", person_id)
    assert shown(terminal, f"{number[:4].lower()}-{number[4:]}") == shown(terminal, number)
    assert shown(terminal, number)["person"] == person_id
    for command, state in [("suspend", "suspended"), ("resume", "valid"), ("revoke", "invalid")]:
        terminal.does("cards", command, number, "--reason", "letter 9", "--operator", "lan")
        assert shown(terminal, number)["state"] == state
        with terminal.house() as house:
            told = [event for event in house.audit.export() if event["event"] == "card_changed_by_operator"][-1]
        assert (told["details"]["operator"], told["details"]["reason"]) == ("lan", "letter 9")


def test_a_card_that_its_holder_suspended_can_be_held_back(terminal: Terminal, made: tuple[str, str]) -> None:
    person_id, number = made
    with terminal.house() as house, house.database.write() as tx:
        card = house.cards.book.by_number(number)
        assert card is not None and house.cards.book.suspend(tx, bytes.fromhex(person_id), card.id, "by_holder")
    terminal.does("cards", "suspend", number, "--reason", "stolen")
    assert (shown(terminal, number)["state"], shown(terminal, number)["why"]) == ("suspended", "by_operator")


def test_what_cannot_be_done_to_a_card_is_said_in_one_sentence(terminal: Terminal, made: tuple[str, str]) -> None:
    _, number = made
    assert "only a suspended card" in terminal.refuses("cards", "resume", number, "--reason", "x")
    terminal.does("cards", "revoke", number, "--reason", "x")
    assert "has ended already" in terminal.refuses("cards", "revoke", number, "--reason", "x")
    assert "has ended, and so cannot" in terminal.refuses("cards", "suspend", number, "--reason", "x")
    assert "no card has this number" in terminal.refuses("cards", "show", "NOSUCHNUMBER")
