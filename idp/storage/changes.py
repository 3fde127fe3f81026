"""How a change of something cached reaches every worker within a second or two, with no message bus.

Whoever changes portals, sources or keys bumps their number in the same commit; every worker asks for all
numbers in one read, once a second at most, and drops what it cached when a number has moved.
"""

from __future__ import annotations

import threading

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from idp import clock
from idp.storage.database import Database, Transaction
from idp.storage.models import ChangeRow

LOOK_EVERY_SECONDS = 1.0

_FIND = select(ChangeRow.topic, ChangeRow.number)
_BUMPS = {
    sqlite: make(ChangeRow)
    .values(topic=bindparam("topic"), number=1)
    .on_conflict_do_update(index_elements=[ChangeRow.topic], set_={"number": ChangeRow.number + 1})
    for sqlite, make in ((True, sqlite_insert), (False, postgres_insert))
}


class Changes:
    """The numbers of all topics, at most a second old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._looked_at = -LOOK_EVERY_SECONDS

    def number(self, topic: str) -> int:
        """The topic's number; a cache made at another number is stale. Raises Unreachable."""
        if clock.monotonic() - self._looked_at >= LOOK_EVERY_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._numbers = {row[0]: row[1] for row in self._database.all(_FIND)}
                self._looked_at = clock.monotonic()
            finally:
                self._lock.release()
        return self._numbers.get(topic, 0)

    def forget(self) -> None:
        """The next question looks at once: for the process that made the change, and for tests."""
        self._looked_at = -LOOK_EVERY_SECONDS

    def bump(self, tx: Transaction, topic: str) -> None:
        """The change takes effect everywhere once this transaction commits."""
        tx.run(_BUMPS[self._database.is_sqlite], topic=topic)
        self.forget()
