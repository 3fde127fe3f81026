"""What belongs together, as one commit and, on PostgreSQL, as one statement and one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, Insert, Select, Update, bindparam, cast, exists, insert, literal_column, select
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate


class Chain:
    """A first statement that makes or changes a row, and others that take effect only if it did.

    The others are an insert of all the columns of a table, each a parameter of its name, or an update. Nobody sees what
    another one of them did (postgresql.org/docs/current/queries-with.html: one snapshot), so none may build on it.
    """

    def __init__(
        self, first: ReturningInsert[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]], *others: Insert | Update
    ) -> None:
        self.first = first
        self.others: Sequence[Insert | Update] = others

    def whole(self) -> Select[*tuple[Any, ...]]:
        """All of it as one statement, which returns what the first one does."""
        made = self.first.cte("made")
        statement = select(made)
        for number, other in enumerate(self.others):
            statement = statement.add_cte(_only_with(made, other).cte(f"other_{number}"))
        return statement


def _only_with(made: CTE, other: Insert | Update) -> Insert | Update:
    if isinstance(other, Update):
        return other.where(exists(select(literal_column("1")).select_from(made)))
    columns = list(other.table.columns)
    values = select(*(cast(bindparam(column.key), column.type) for column in columns)).select_from(made)
    return insert(other.table).from_select(columns, values)
