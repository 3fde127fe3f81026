"""Removing rows that have outlived their use: a few hundred in a transaction, with room for others in between.

Each room says in its `models.py` which of its rows are meant, with `outlived`; the worker knows for how long they
are kept. Any number of workers may do this at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.base import Executable

from idp import clock
from idp.storage.database import Database
from idp.storage.models import OutboxRow, ShortLivedRow, SpentRow

BATCH_ROWS = 500
MOMENT: BindParameter[int] = bindparam("moment")  # rows that were of use until this moment, and no longer, are meant


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """One kind of rows, and for how many seconds they are kept after the instant that its statement looks at."""

    name: str
    statement: Executable  # made by `outlived`
    kept_seconds: int = 0


def outlived(key: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]) -> Executable:
    """A statement that removes at most `most` rows that meet the conditions, and returns one row for each.

    `key` is the primary key. Two workers never wait for each other. The rows are chosen in a WITH, since PostgreSQL may
    ask a mere subquery more than once.
    """
    some = select(key).where(*conditions).limit(bindparam("most")).with_for_update(skip_locked=True, of=key.class_)
    chosen = some.cte("chosen")
    return delete(key.class_).where(key.in_(select(chosen.c[key.key]))).returning(literal_column("1"))


SHORT_LIVED = Expiry(name="short_lived", statement=outlived(ShortLivedRow.key, ShortLivedRow.expires_at <= MOMENT))
OF_STORAGE = (
    SHORT_LIVED,  # in the database: on PostgreSQL, and on SQLite what was put there before the store had its own file
    Expiry(name="spent", statement=outlived(SpentRow.key, SpentRow.expires_at <= MOMENT)),
    Expiry(
        name="outbox_done", kept_seconds=86_400,
        statement=outlived(OutboxRow.id, OutboxRow.state == "done", OutboxRow.due_at <= MOMENT),
    ),
    Expiry(
        name="outbox_given_up", kept_seconds=30 * 86_400,  # time for an operator to see what was wrong
        statement=outlived(OutboxRow.id, OutboxRow.state == "given_up", OutboxRow.due_at <= MOMENT),
    ),
)  # fmt: skip


def expire(
    database: Database, kinds: Sequence[Expiry], *, pause: Callable[[], bool], batch: int = BATCH_ROWS
) -> dict[str, int]:
    """Nothing of these kinds is left that should be gone; returns how many rows went, by kind. Raises Unreachable.

    Between two transactions `pause` lets others have the database; where it answers True, the rest is left for later.
    """
    removed = {kind.name: 0 for kind in kinds}
    for kind in kinds:
        moment, went = clock.seconds() - kind.kept_seconds, batch
        while went == batch:
            with database.write() as tx:
                went = len(tx.all(kind.statement, moment=moment, most=batch))
            removed[kind.name] += went
            if went and pause():
                return removed
    return removed
