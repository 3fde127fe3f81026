"""How a database is filled fast: PostgreSQL's indexes go before, and are made anew of all rows together after."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine

from idp.storage.engines import own_connection
from tests.benchmarks.filling import TABLES

T = TypeVar("T")
CONSTRAINTS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = %s::text::regclass AND contype IN ('p', 'u')"
)
OTHERS = (
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::text::regclass "
    "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
)


def without(engine: Engine, fill: Callable[[], T]) -> T:
    """What `fill` gave, done while nothing but rows had to be kept; then all is as it was, and the planner knows it."""
    if engine.dialect.name == "sqlite":  # its primary keys are part of the tables
        return fill()
    with closing(own_connection(engine)) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET maintenance_work_mem = '512MB'")
        again = [statement for table in TABLES for statement in _taken_from(connection, table)]
        filled = fill()
        for statement in again:
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")
    return filled


def _taken_from(connection: Any, table: str) -> list[str]:
    """The statements that make the table's indexes again, which are gone now."""
    again = []
    for name, definition in connection.execute(CONSTRAINTS, (table,)).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for name, definition in connection.execute(OTHERS, (table,)).fetchall():
        connection.execute(f"DROP INDEX {name}")
        again.append(definition)
    return again


def bytes_of(engine: Engine) -> int:
    """How much room the database takes."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
    with closing(own_connection(engine)) as connection:
        return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])
