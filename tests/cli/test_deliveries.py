"""`idp portals deliveries`: which portals were told of sign-outs, which wait, which were given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from idp import observe
from idp.house import House
from idp.sessions import LOGOUT_NOTICE
from idp.storage.outbox import Message, NotYet, TryLater
from tests.cli.conftest import PORTAL, Terminal

AT = 1_800_000_000
EARS = {"backchannel_logout_uri": "https://tax.example/backchannel"}


def add(terminal: Terminal, portal_id: str, **registration: Any) -> None:
    described = PORTAL | {"id": portal_id, "sector": f"{portal_id}.example"} | registration
    terminal.does("portals", "add", "-", given=json.dumps(described))


@pytest.fixture
def house(terminal: Terminal) -> Iterator[House]:
    with terminal.house() as house:
        yield house


def owe(house: House, portal_id: str, number: int) -> None:
    with house.database.write() as tx:
        for _ in range(number):
            body = {"client_id": portal_id, "sub": "sub", "sid": "sid", "session_id": "00" * 16}
            house.outbox.add(tx, LOGOUT_NOTICE, body)


def refuse(_: Message) -> None:
    raise TryLater("status 503")


def rows(terminal: Terminal, *words: str) -> dict[str, dict[str, Any]]:
    return {row["portal"]: row for row in json.loads(terminal.does("portals", "deliveries", "--json", *words))}


def test_each_portal_has_a_line_with_what_was_delivered_waits_and_was_given_up(
    terminal: Terminal, house: House
) -> None:
    for portal_id, ears in (("tax", EARS), ("land", EARS), ("quiet", EARS), ("deaf", {})):
        add(terminal, portal_id, **ears)
    with time_machine.travel(AT, tick=False):
        with house.database.write() as tx:
            for _ in range(3):
                house.audit.logout_delivered(tx, client_id="tax", session_id=b"0" * 16, attempts=1)
            house.audit.logout_given_up(tx, client_id="land", session_id=b"0" * 16, attempts=12)
        owe(house, "land", 2)
    with time_machine.travel(AT + 60, tick=False):
        owe(house, "land", 1)
        house.outbox.deliver({LOGOUT_NOTICE: refuse}, most=1)
        told = rows(terminal)
    assert told.keys() == {"tax", "land", "quiet"}
    nothing = {"delivered": 0, "given_up": 0, "waiting": 0, "oldest": None, "next_try": None, "problem": ""}
    assert told["quiet"] == {"portal": "quiet", **nothing}
    assert told["tax"] == {"portal": "tax", **nothing, "delivered": 3}
    assert told["land"] == {
        "portal": "land", "delivered": 0, "given_up": 1, "waiting": 3, "oldest": "2027-01-15T08:00:00+00:00",
        "next_try": "2027-01-15T08:00:00+00:00", "problem": "status 503",
    }  # fmt: skip


def test_deliveries_are_counted_for_some_days_and_what_waits_is_shown_whatever_its_age(
    terminal: Terminal, house: House
) -> None:
    add(terminal, "tax", **EARS)
    with time_machine.travel(AT, tick=False):
        with house.database.write() as tx:
            house.audit.logout_delivered(tx, client_id="tax", session_id=b"0" * 16, attempts=1)
        owe(house, "tax", 1)
    with time_machine.travel(AT + 3 * 86_400, tick=False):
        assert [rows(terminal, "--days", days)["tax"]["delivered"] for days in ("2", "4")] == [0, 1]
        assert [rows(terminal, "--days", days)["tax"]["waiting"] for days in ("2", "4")] == [1, 1]


def test_without_json_it_is_a_table(terminal: Terminal) -> None:
    assert terminal.does("portals", "deliveries") == "none\n"
    add(terminal, "tax", **EARS)
    head, line = terminal.does("portals", "deliveries").splitlines()
    assert head.split("  ")[0] == "PORTAL"
    assert line.split() == ["tax", "0", "0", "0"]


def test_what_nobody_has_tried_yet_is_no_attempt(terminal: Terminal, house: House) -> None:
    """A message that waits for its portal to be free keeps its tries, and why the last one failed."""

    def busy(_: Message) -> None:
        raise NotYet(1.5)

    add(terminal, "tax", **EARS)
    seen: list[Message] = []
    with time_machine.travel(AT, tick=False) as time:
        owe(house, "tax", 1)
        house.outbox.deliver({LOGOUT_NOTICE: refuse})
        for _ in range(30):
            time.shift(60)
            assert house.outbox.deliver({LOGOUT_NOTICE: busy}) == 1
            assert house.outbox.deliver({LOGOUT_NOTICE: busy}) == 0  # not at once
        assert rows(terminal)["tax"]["problem"] == "status 503"
        time.shift(60)
        house.outbox.deliver({LOGOUT_NOTICE: seen.append})
    assert [message.attempts for message in seen] == [2]


def test_monitoring_sees_how_many_messages_wait_and_for_how_long(terminal: Terminal, house: House) -> None:
    add(terminal, "tax", **EARS)
    with time_machine.travel(AT, tick=False) as time:
        observe.outbox(house.outbox.standing())
        assert measured() == (0, 0)
        owe(house, "tax", 2)
        time.shift(90)
        observe.outbox(house.outbox.standing())
    assert measured() == (2, 90)


def measured() -> tuple[float, float]:
    lines = dict(line.rsplit(" ", 1) for line in observe.metrics().decode().splitlines() if not line.startswith("#"))
    waiting = lines['motcua_outbox_messages{state="waiting"}']
    return float(waiting), float(lines["motcua_outbox_oldest_waiting_seconds"])
