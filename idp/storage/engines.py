"""The two engines: SQLite for one machine, PostgreSQL for many. Both keep what they acknowledged."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from idp.settings import UnsafeSettings
from idp.storage.postgresql import Cursor

BUSY_TIMEOUT_MILLISECONDS = 15_000
# WAL lets readers read while one writes; FULL makes a commit survive a power cut (sqlite.org/pragma.html).
SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)

# libpq waits for ever by itself: for a server that does not greet, and for one whose machine has vanished
# (postgresql.org/docs/current/libpq-connect.html; seconds and milliseconds).
POSTGRESQL_LIMITS = {"connect_timeout": 3, "tcp_user_timeout": 10_000}

# A statement here takes milliseconds; what takes longer waits for somebody who has forgotten to commit.
POSTGRESQL_PATIENCE = "SET statement_timeout='8s'; SET lock_timeout='5s'; SET idle_in_transaction_session_timeout='15s'"
# It finds its rows by an index. A plan that was made while a table was empty would read it whole, and is kept until
# somebody analyses the table. Where there is no index, a table is read whole all the same.
POSTGRESQL_PLANS = "SET enable_seqscan=off; SET jit=off"


def make_engine(url: str) -> Engine:
    """The engine for a `sqlite:///…` or `postgresql+psycopg://…` URL; raises UnsafeSettings for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UnsafeSettings("database_url: is not the address of a database") from None
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise UnsafeSettings("database_url: needs a file; workers cannot share a database in memory")
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MILLISECONDS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(parsed, pool_pre_ping=True, connect_args=POSTGRESQL_LIMITS)
    raise UnsafeSettings("database_url: must begin with sqlite:/// or postgresql+psycopg://")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would begin too late to be a lock
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def own_connection(engine: Engine) -> Any:
    """A driver connection outside SQLAlchemy's pool, in autocommit: the caller keeps and closes it."""
    raw = engine.raw_connection()
    raw.detach()
    connection: Any = raw.dbapi_connection
    if engine.dialect.name == "postgresql":
        connection.rollback()  # ends what the pool's ping began
        connection.autocommit = True
        connection.execute(POSTGRESQL_PATIENCE)
        connection.execute(POSTGRESQL_PLANS)
    return connection


def cursor_of(connection: Any, engine: Engine) -> Any:
    """What runs statements over such a connection, compiled as `spoken` says."""
    return connection.cursor() if engine.dialect.name == "sqlite" else Cursor(connection)


def spoken(engine: Engine) -> Dialect:
    """How statements are written for `cursor_of`: with their parameters by position."""
    if engine.dialect.name == "sqlite":
        return engine.dialect
    return PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
