"""`idp audit`, `idp outbox` and `idp expire`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import time_machine

from tests.cli.conftest import PORTAL, Terminal


@pytest.fixture
def history(terminal: Terminal) -> Terminal:
    """A portal that was registered in March and switched off in April."""
    with time_machine.travel("2026-03-31T17:30:00Z", tick=False):
        terminal.does("portals", "add", terminal.file("p.json", PORTAL))
    with time_machine.travel("2026-04-02T08:00:00Z", tick=False):
        terminal.does("portals", "disable", "tax")
    return terminal


def test_every_event_is_one_line_of_json(history: Terminal) -> None:
    events = [json.loads(line) for line in history.does("audit", "export").splitlines()]
    assert [(event["at"], event["event"], event["client_id"], event["details"]["change"]) for event in events] == [
        ("2026-03-31T17:30:00+00:00", "portal_changed", "tax", "added"),
        ("2026-04-02T08:00:00+00:00", "portal_changed", "tax", "disabled"),
    ]


@pytest.mark.parametrize(
    "since, expected",
    [
        ("2026-03-31", 2),
        ("2026-04-01", 1),
        ("2026-04-01T00:00+07:00", 2),  # Hà Nội is seven hours ahead
        ("2026-04-02T08:00:01Z", 0),
    ],
)
def test_an_export_can_begin_at_an_instant(history: Terminal, since: str, expected: int) -> None:
    assert len(history.does("audit", "export", "--since", since).splitlines()) == expected


def test_an_instant_that_is_none_is_refused(terminal: Terminal) -> None:
    told = terminal.refuses("audit", "export", "--since", "yesterday")
    assert told == "Error: --since: yesterday is not an ISO 8601 date or instant"


def test_an_export_goes_to_a_private_file(history: Terminal) -> None:
    file = history.home / "audit.jsonl"
    assert history.does("audit", "export", "--to", str(file)) == f"{file}: 2 events\n"
    assert [json.loads(line)["event"] for line in file.read_text("utf-8").splitlines()] == ["portal_changed"] * 2
    assert file.stat().st_mode & 0o777 == 0o600
    assert "cannot be written" in history.refuses("audit", "export", "--to", "/nowhere/audit.jsonl")


def test_the_outbox_shows_what_waits(terminal: Terminal) -> None:
    with terminal.house() as house, house.database.write() as tx:
        house.outbox.add(tx, "backchannel_logout", {"client_id": "tax", "sub": "s", "sid": "00"})
    assert terminal.does("outbox").split() == ["STATE", "MESSAGES", "waiting", "1", "done", "0", "given_up", "0"]
    assert json.loads(terminal.does("outbox", "--json"))[0] == {"state": "waiting", "messages": 1}


def test_expire_says_what_it_removed(history: Terminal) -> None:
    with history.house() as house:
        for number in range(7):
            house.short_lived.put_if_absent(f"key-{number}", b"value", 60)
    with time_machine.travel("2028-04-01T00:00:00Z", tick=False):
        rows = dict(line.split() for line in history.does("expire", "--batch", "3").splitlines()[1:])
    assert rows["short_lived"] == "7"
    assert rows["audit_events"] == "1"
    assert [event["change"] for event in history.events()] == ["disabled"]


def test_a_batch_has_a_size(terminal: Terminal) -> None:
    assert "--batch" in terminal.refuses("expire", "--batch", "0")
    assert Path(terminal.home).exists()
