"""`idp keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine

from idp.keys import PUBLISHED_BEFORE_USE_SECONDS, PURPOSES, ROTATED
from idp.seal import load_sealer
from tests.cli.conftest import Terminal


def states(terminal: Terminal) -> list[tuple[str, str]]:
    rows: list[dict[str, Any]] = json.loads(terminal.does("keys", "list", "--json"))
    return [("cards" if row["for"] == "cards" else row["algorithm"], row["state"]) for row in rows]


def test_a_new_key_signs_when_portals_have_had_time_to_see_it(terminal: Terminal) -> None:
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        terminal.does("keys", "ensure")
        assert "signs in 10 minutes" in terminal.does("keys", "rotate", "--alg", "ES256")
        others = [*((each, "signs") for each in ROTATED if each != "ES256"), ("cards", "stands by")]
        assert sorted(states(terminal)) == sorted([*others, ("ES256", "signs"), ("ES256", "next")])
        clock.shift(PUBLISHED_BEFORE_USE_SECONDS)
        assert sorted(states(terminal)) == sorted([*others, ("ES256", "retiring"), ("ES256", "signs")])
        clock.shift(86_400)
        assert sorted(states(terminal)) == sorted([*others, ("ES256", "gone"), ("ES256", "signs")])


def test_only_the_keys_that_are_missing_are_made(terminal: Terminal) -> None:
    with terminal.house() as house, house.database.write() as tx:
        older = house.keys.rotate(tx, ["RS256", "ES256"])
    assert terminal.does("keys", "ensure").startswith("made: ps256-")
    made = terminal.last()["kids"]
    with terminal.house() as house:
        assert {key.kid for key in house.keys.listed()} == {*older, *made}
    assert sorted(states(terminal)) == sorted([*((each, "signs") for each in ROTATED), ("cards", "stands by")])
    assert terminal.does("keys", "ensure") == "there is a key for each purpose; nothing to do\n"
    assert terminal.last()["kids"] == made, "nothing done, nothing on record"


def test_a_stolen_key_is_replaced_at_once(terminal: Terminal) -> None:
    terminal.does("keys", "ensure")
    assert "signs now" in terminal.does("keys", "rotate", "--at-once")
    assert set(states(terminal)) == {
        *((each, state) for each in ROTATED for state in ("retiring", "signs")), ("cards", "stands by")
    }  # fmt: skip


def test_the_table_shows_when_each_key_signs(terminal: Terminal) -> None:
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        terminal.does("keys", "ensure")
    head, *rows = terminal.does("keys", "list").splitlines()
    assert head.split() == ["KID", "FOR", "ALGORITHM", "STATE", "SIGNS", "FROM", "PUBLISHED", "UNTIL", "KEPT", "IN"]
    assert len(rows) == len(PURPOSES)
    assert all("2026-03-01T08:00:00+00:00" in row and row.endswith("database") for row in rows)


def test_a_rotation_is_audited_with_its_operator(terminal: Terminal) -> None:
    terminal.does("keys", "rotate", "--operator", "hoa")
    with terminal.house() as house:
        kids = [key.kid for key in house.keys.listed()]
    assert terminal.last() == {"event": "keys_rotated", "kids": kids, "operator": "hoa"}


def test_the_operator_is_the_login_when_nobody_says(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    del terminal.environment["IDP_OPERATOR"]
    monkeypatch.delenv("IDP_OPERATOR", raising=False)
    monkeypatch.setenv("LOGNAME", "minh")
    terminal.does("keys", "ensure")
    assert terminal.last()["operator"] == "minh"


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 201])
def test_an_operator_has_a_name_of_one_line(terminal: Terminal, name: str) -> None:
    assert "one line of 1 to 200 characters" in terminal.refuses("keys", "ensure", "--operator", name)


def test_a_further_master_key_leaves_the_older_ones_in_place(empty: Terminal) -> None:
    file = str(empty.home / "master.keys")
    empty.does("keys", "new-master", file)
    sealed = load_sealer(file).seal("test", b"kept")
    assert "master key 2 added" in empty.does("keys", "new-master", file)
    assert load_sealer(file).open("test", sealed) == b"kept"
    assert Path(file).stat().st_mode & 0o777 == 0o600


def test_a_file_of_something_else_is_left_alone(terminal: Terminal) -> None:
    file = terminal.file("shopping", "two eggs\n")
    assert terminal.refuses("keys", "new-master", file) == f"Error: {file}: is there and is no file of master keys"
    assert Path(file).read_text() == "two eggs\n"
    assert "cannot be written" in terminal.refuses("keys", "new-master", "/nowhere/master.keys")
