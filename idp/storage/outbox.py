"""The outbox: a message is written in the commit that causes it, and leaves afterwards, at least once.

A worker claims a message by moving its due time past the next try; a worker that dies leaves it to be claimed
again then. Two workers never hold the same message, on either engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from idp import clock, entropy
from idp.seal import Sealer
from idp.storage.database import Database, Transaction
from idp.storage.models import OutboxRow

CLAIM_SECONDS = 60  # longer than any delivery may take, so that nobody else tries at the same time
LONGEST_PAUSE_SECONDS = 3600

_ADD = insert(OutboxRow)
_due = (
    select(OutboxRow.id)
    .where(OutboxRow.state == "waiting", OutboxRow.due_at <= bindparam("now"))
    .order_by(OutboxRow.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)  # means nothing to SQLite, where the write lock is held anyway
)
_CLAIM = (
    update(OutboxRow)
    .where(OutboxRow.id.in_(_due))
    .values(due_at=bindparam("until"), attempts=OutboxRow.attempts + 1)
    .returning(OutboxRow.id, OutboxRow.kind, OutboxRow.body, OutboxRow.attempts)
)
_SETTLE = (
    update(OutboxRow)
    .where(OutboxRow.id == bindparam("message"))
    .values(state=bindparam("next_state"), due_at=bindparam("next_due"), problem=bindparam("why"))
)
_STATES = select(OutboxRow.state, func.count()).group_by(OutboxRow.state)


class TryLater(Exception):
    """The message could not be delivered now; the text says why, without personal data."""


@dataclass(frozen=True, kw_only=True)
class Message:
    id: bytes
    kind: str
    body: Mapping[str, Any]
    attempts: int


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
        """Every due message (up to `most`) was handed to the handler of its kind once; returns their number."""
        claimed = self._claim(most)
        for message in claimed:
            try:
                handlers[message.kind](message)
            except TryLater as problem:
                self._put_back(message, str(problem))
            else:
                self._settle(message, "done", clock.seconds(), "")
        return len(claimed)

    def states(self) -> dict[str, int]:
        return {row[0]: row[1] for row in self._database.all(_STATES)}

    def _claim(self, most: int) -> list[Message]:
        now = clock.seconds()
        with self._database.write() as tx:
            rows = tx.all(_CLAIM, now=now, most=most, until=now + CLAIM_SECONDS)
        return [
            Message(id=bytes(row[0]), kind=row[1], attempts=row[3], body=self._open(bytes(row[0]), bytes(row[2])))
            for row in rows
        ]

    def _open(self, message: bytes, body: bytes) -> Mapping[str, Any]:
        opened: Mapping[str, Any] = json.loads(self._sealer.open("outbox.body", body, message))
        return opened

    def _put_back(self, message: Message, problem: str) -> None:
        if message.attempts >= self._attempts:
            self._settle(message, "given_up", clock.seconds(), problem)
            return
        pause = min(self._first_retry_seconds * 2 ** (message.attempts - 1), LONGEST_PAUSE_SECONDS)
        self._settle(message, "waiting", clock.seconds() + int(pause + entropy.jitter(pause / 4)), problem)

    def _settle(self, message: Message, state: str, due_at: int, problem: str) -> None:
        with self._database.write() as tx:
            tx.run(_SETTLE, message=message.id, next_state=state, next_due=due_at, why=problem[:300])
