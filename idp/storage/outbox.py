"""The outbox: a message is written in the commit that causes it, and leaves afterwards, at least once.

A worker claims a message by moving its due time past the next try; a worker that dies leaves it to be claimed
again then. Two workers never hold the same message, on either engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from idp import clock, entropy
from idp.seal import Sealer
from idp.storage.database import Database, Row, Transaction, Unreachable
from idp.storage.models import OutboxRow

CLAIM_SECONDS = 60  # longer than any delivery may take, so that nobody else tries at the same time
LONGEST_PAUSE_SECONDS = 3600
READ_AT_ONCE = 500
STATES = ("waiting", "done", "given_up")

_ADD = insert(OutboxRow)
_due = (
    select(OutboxRow.id)
    .where(OutboxRow.state == "waiting", OutboxRow.due_at <= bindparam("now"))
    .order_by(OutboxRow.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)  # means nothing to SQLite, where the write lock is held anyway
    .cte("due")  # PostgreSQL may ask a mere subquery more than once, and so claim more than it may
)
_CLAIM = (
    update(OutboxRow)
    .where(OutboxRow.id.in_(select(_due.c.id)))
    .values(due_at=bindparam("until"), attempts=OutboxRow.attempts + 1)
    .returning(OutboxRow.id, OutboxRow.kind, OutboxRow.body, OutboxRow.attempts)
)
_SETTLE = (
    update(OutboxRow)
    .where(OutboxRow.id == bindparam("message"))
    .values(state=bindparam("next_state"), due_at=bindparam("next_due"), problem=bindparam("why"))
)
_PUT_OFF = (
    update(OutboxRow)
    .where(OutboxRow.id == bindparam("message"))
    .values(due_at=bindparam("next_due"), attempts=bindparam("tries"))
)
_STATES = select(OutboxRow.state, func.count(), func.min(OutboxRow.made_at)).group_by(OutboxRow.state)
_WAITING = (
    select(
        OutboxRow.id, OutboxRow.kind, OutboxRow.body, OutboxRow.attempts, OutboxRow.made_at,
        OutboxRow.due_at, OutboxRow.problem,
    )
    .where(OutboxRow.kind == bindparam("of_kind"), OutboxRow.state == "waiting", OutboxRow.id > bindparam("after"))
    .order_by(OutboxRow.id)
    .limit(bindparam("most"))
)  # fmt: skip


class TryLater(Exception):
    """The message could not be delivered now; the text says why, without personal data."""


class NotYet(Exception):
    """Nobody has tried to deliver the message: it is due again in so many seconds, and this was no attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__("not yet")
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True)
class Message:
    id: bytes
    kind: str
    body: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A message that waits."""

    message: Message
    made_at: int
    due_at: int  # when it is tried next
    problem: str  # of the last attempt


class Outbox:
    def __init__(self, database: Database, sealer: Sealer, *, attempts: int, first_retry_seconds: int) -> None:
        self._database = database
        self._sealer = sealer
        self._attempts = attempts
        self._first_retry_seconds = first_retry_seconds

    def add(self, tx: Transaction, kind: str, body: Mapping[str, Any]) -> None:
        """The message leaves soon after `tx` commits, and not at all if it does not."""
        message, now = entropy.ordered_id(), clock.seconds()
        sealed = self._sealer.seal("outbox.body", json.dumps(body).encode(), message)
        tx.run(
            _ADD, id=message, kind=kind, body=sealed, made_at=now, due_at=now, attempts=0, state="waiting", problem=""
        )

    def deliver(self, handlers: Mapping[str, Callable[[Message], None]], most: int = 20) -> int:
        """Every due message (up to `most`) was handed to the handler of its kind once; returns their number.

        One that cannot be read or handled is put back like one that cannot be delivered, so that it holds up no other
        and is given up in the end; what went wrong with the first of them is raised when all had their turn.
        """
        claimed, fault = self._claim(most), None
        for row in claimed:
            try:
                message = self._message(row)
                handlers[message.kind](message)
            except TryLater as problem:
                self._put_back(row, str(problem))
            except NotYet as later:
                self._put_off(row, later.seconds)
            except Unreachable:
                raise
            except Exception as problem:  # noqa: BLE001 - whatever it is, the others of its batch have to leave
                self._put_back(row, type(problem).__name__)
                fault = fault or problem
            else:
                self._settle(row, "done", clock.seconds(), "")
        if fault is not None:
            raise fault
        return len(claimed)

    def states(self) -> dict[str, int]:
        """How many messages there are in each state."""
        return {state: number for state, (number, _) in self.standing().items()}

    def standing(self) -> dict[str, tuple[int, int]]:
        """How many messages there are in each state, and when the oldest of them was written."""
        return {row[0]: (row[1], row[2]) for row in self._database.all(_STATES)}

    def waiting(self, kind: str) -> Iterator[Waiting]:
        """Every message of this kind that waits, the oldest first."""
        after = b""
        while rows := self._database.all(_WAITING, of_kind=kind, after=after, most=READ_AT_ONCE):
            for row in rows:
                yield Waiting(message=self._message(row), made_at=row[4], due_at=row[5], problem=row[6])
            after = bytes(rows[-1][0])

    def _claim(self, most: int) -> list[Row]:
        now = clock.seconds()
        with self._database.write() as tx:
            return tx.all(_CLAIM, now=now, most=most, until=now + CLAIM_SECONDS)

    def _message(self, row: Row) -> Message:
        message, kind, body, attempts = bytes(row[0]), row[1], bytes(row[2]), row[3]
        opened = json.loads(self._sealer.open("outbox.body", body, message))
        return Message(id=message, kind=kind, body=opened, attempts=attempts)

    def _put_back(self, row: Row, problem: str) -> None:
        attempts = row[3]
        if attempts >= self._attempts:
            self._settle(row, "given_up", clock.seconds(), problem)
            return
        pause = min(self._first_retry_seconds * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
        self._settle(row, "waiting", clock.seconds() + int(pause + entropy.jitter(pause / 4)), problem)

    def _put_off(self, row: Row, seconds: float) -> None:
        """It waits on, as it was before it was claimed."""
        due_at = clock.seconds() + ceil(seconds)
        with self._database.write() as tx:
            tx.run(_PUT_OFF, message=bytes(row[0]), next_due=due_at, tries=row[3] - 1)

    def _settle(self, row: Row, state: str, due_at: int, problem: str) -> None:
        with self._database.write() as tx:
            tx.run(_SETTLE, message=bytes(row[0]), next_state=state, next_due=due_at, why=problem[:300])
