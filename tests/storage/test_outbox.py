"""A message leaves if and only if what caused it was committed; two workers never hold it; none holds up another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
import time_machine
from sqlalchemy import select, update

from idp.seal import BadSeal, Sealer
from idp.storage import Database
from idp.storage.models import OutboxRow
from idp.storage.outbox import CLAIM_SECONDS, LONGEST_PAUSE_SECONDS, Message, Outbox, TryLater
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
Handler = Callable[[Message], None]


@pytest.fixture
def outbox(database: Database, sealer: Sealer) -> Outbox:
    return Outbox(database, sealer, attempts=3, first_retry_seconds=2)


def send(database: Database, outbox: Outbox, *names: str, kind: str = "note") -> None:
    with database.write() as tx:
        for name in names:
            outbox.add(tx, kind, {"name": name})


def refuse(_: Message) -> None:
    raise TryLater("closed for lunch")


def test_a_message_leaves_once_with_what_it_was_given(database: Database, outbox: Outbox) -> None:
    left: list[Message] = []
    send(database, outbox, "Đào")
    assert outbox.deliver({"note": left.append}) == 1
    assert [(message.kind, message.body, message.attempts) for message in left] == [("note", {"name": "Đào"}, 1)]
    assert outbox.deliver({"note": left.append}) == 0
    assert outbox.states() == {"done": 1}


def test_a_message_of_a_transaction_that_was_undone_never_leaves(database: Database, outbox: Outbox) -> None:
    with contextlib.suppress(LookupError), database.write() as tx:
        outbox.add(tx, "note", {})
        raise LookupError
    assert outbox.deliver({"note": refuse}) == 0
    assert outbox.states() == {}


def test_a_message_is_kept_sealed_and_for_itself_alone(database: Database, outbox: Outbox, sealer: Sealer) -> None:
    send(database, outbox, "Hanh")
    ((message, body),) = database.all(select(OutboxRow.id, OutboxRow.body))
    assert b"Hanh" not in bytes(body)
    assert sealer.open("outbox.body", bytes(body), bytes(message))
    with pytest.raises(BadSeal):
        sealer.open("outbox.body", bytes(body), bytes(16))


def test_what_cannot_be_delivered_is_tried_again_after_longer_and_longer_pauses_and_given_up(
    database: Database, outbox: Outbox
) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        send(database, outbox, "a")
        for attempt, pause in ((1, 2), (2, 4)):
            assert outbox.deliver({"note": refuse}) == 1, attempt
            traveller.shift(pause - 1)
            assert outbox.deliver({"note": refuse}) == 0, "too early"
            traveller.shift(1 + pause / 4)
        assert outbox.deliver({"note": refuse}) == 1
        assert outbox.states() == {"given_up": 1}
        traveller.shift(LONGEST_PAUSE_SECONDS * 2)
        assert outbox.deliver({"note": refuse}) == 0
    ((problem,),) = database.all(select(OutboxRow.problem))
    assert problem == "closed for lunch"


def test_a_message_whose_worker_died_is_taken_up_by_another(database: Database, outbox: Outbox) -> None:
    def die(_: Message) -> None:
        raise KeyboardInterrupt

    left: list[Message] = []
    with time_machine.travel(time.time(), tick=False) as traveller:
        send(database, outbox, "a")
        with contextlib.suppress(KeyboardInterrupt):
            outbox.deliver({"note": die})
        traveller.shift(CLAIM_SECONDS - 1)
        assert outbox.deliver({"note": left.append}) == 0
        traveller.shift(1)
        assert outbox.deliver({"note": left.append}) == 1
    assert [message.attempts for message in left] == [2]


def test_a_worker_claims_no_more_than_it_is_told_and_the_oldest_first(database: Database, outbox: Outbox) -> None:
    left: list[Message] = []
    with time_machine.travel(time.time(), tick=False) as traveller:
        for name in "abcdefg":
            send(database, outbox, name)
            traveller.shift(1)
        assert [outbox.deliver({"note": left.append}, most=3) for _ in range(4)] == [3, 3, 1, 0]
    names = [message.body["name"] for message in left]
    assert [set(names[:3]), set(names[3:6]), names[6]] == [set("abc"), set("def"), "g"]


def test_many_workers_deliver_every_message_once(database: Database, outbox: Outbox) -> None:
    send(database, outbox, *(str(number) for number in range(60)))
    left: list[Message] = []

    def work(_: int) -> None:
        while outbox.deliver({"note": left.append}, most=4):
            pass

    at_once(6, work)
    assert sorted(int(message.body["name"]) for message in left) == list(range(60))
    assert outbox.states() == {"done": 60}


FAULTS: dict[str, tuple[type[Exception], str]] = {
    "unreadable": (BadSeal, "note"),
    "of a kind that nobody handles": (KeyError, "unknown"),
    "that its handler stumbles over": (ZeroDivisionError, "stumble"),
}


def stumble(_: Message) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("fault, kind", FAULTS.values(), ids=FAULTS)
def test_a_faulty_message_holds_up_no_other_is_reported_and_given_up(
    database: Database, outbox: Outbox, fault: type[Exception], kind: str
) -> None:
    left: list[Message] = []
    handlers: dict[str, Handler] = {"note": left.append, "stumble": stumble}
    with time_machine.travel(time.time(), tick=False) as traveller:
        send(database, outbox, "faulty", kind=kind)
        if fault is BadSeal:
            with database.write() as tx:
                tx.run(update(OutboxRow).values(body=bytes(40)))
        send(database, outbox, *"abc")
        for _ in range(3):
            with pytest.raises(fault):
                outbox.deliver(handlers)
            traveller.shift(10)
        assert outbox.deliver(handlers) == 0
    assert sorted(message.body["name"] for message in left) == ["a", "b", "c"]
    assert outbox.states() == {"done": 3, "given_up": 1}
    assert database.all(select(OutboxRow.problem).where(OutboxRow.state == "given_up")) == [(fault.__name__,)]
