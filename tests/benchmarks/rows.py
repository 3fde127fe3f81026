"""Rows of a database that has been in use for long, and what stands in its tables.

No grant goes before it is a day old, and no audit event before a month: a soak of half an hour on an empty database
would never see one removed. So the tables are given old rows beforehand, as many for each second as the load will make,
of which each second's come of age when it has come: what goes is as much as what comes, as after a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from idp.storage import Base

DAY_SECONDS = 86_400
GRANT_KEPT_DAYS, AUDIT_KEPT_DAYS = 1, 30  # the least that the settings allow


@dataclass(frozen=True)
class Kind:
    """Rows that are to be removed: so many seconds after the instant in this column, if the condition holds as well."""

    column: str
    kept_seconds: int = 0
    condition: str = "true"


# Said once more than in the product, which removes by its own statements.
KINDS = {
    "browser_sessions": Kind("expires_at", GRANT_KEPT_DAYS * DAY_SECONDS),
    "mandates": Kind("until"),
    "grants": Kind(
        "expires_at", GRANT_KEPT_DAYS * DAY_SECONDS,
        "NOT EXISTS (SELECT FROM browser_sessions WHERE browser_sessions.id = grants.session_id)",
    ),
    "devices": Kind("expires_at", DAY_SECONDS),
    "audit_events": Kind("at", AUDIT_KEPT_DAYS * DAY_SECONDS),
    "short_lived": Kind("expires_at"),
    "spent": Kind("expires_at"),
    "outbox": Kind("due_at", DAY_SECONDS, "state = 'done'"),
}  # fmt: skip

# What of an old row is its own; the rest is as in some row that the product has made. `of_age` is when it was of use
# last; ids sort by that. A session's number is that of the last one which came of age before.
_ID = "decode(lpad(to_hex(of_age * 1000), 12, '0') || left(md5(random()::text), 20), 'hex')"
_CHANCE = "decode(md5(random()::text) || md5(random()::text), 'hex')"
_SESSION = "decode(md5('session ' || {number}), 'hex')"
_OWN = {
    "browser_sessions": {
        "id": _SESSION.format(number="number"), "fingerprint": _CHANCE, "person_id": _ID, "expires_at": "of_age",
    },
    "grants": {
        "id": _ID, "session_id": _SESSION.format(number="number * %(sessions)s / %(rows)s"), "person_id": _ID,
        "issued_at": "of_age", "expires_at": "of_age",
    },
    "audit_events": {"id": _ID, "at": "of_age", "person_id": _ID},
    "outbox": {"id": _ID, "made_at": "of_age", "due_at": "of_age"},
}  # fmt: skip
_PATTERNS = {"audit_events": "event = 'granted'", "outbox": "state = 'done'"}


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What stood in them at one moment."""

    rows: dict[str, int]
    overdue: dict[str, int]  # rows that should be gone, by table; tables that have none are not named
    overdue_seconds: int  # for how long the first of them has been so
    megabytes: float


def connected(database_url: str) -> psycopg.Connection[Any]:
    address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


def looked_at(connection: psycopg.Connection[Any], now: int) -> Tables:
    rows, overdue, longest = dict[str, int](), dict[str, int](), 0
    for table in Base.metadata.tables:
        rows[table] = int(_one(connection, f"SELECT count(*) FROM {table}")[0])
    for table, kind in KINDS.items():
        moment = now - kind.kept_seconds
        asked = f"SELECT count(*), min({kind.column}) FROM {table} WHERE {kind.column} <= {moment} AND {kind.condition}"
        number, first = _one(connection, asked)
        if number:
            overdue[table], longest = number, max(longest, moment - first)
    size = int(_one(connection, "SELECT pg_database_size(current_database())")[0])
    return Tables(rows=rows, overdue=overdue, overdue_seconds=longest, megabytes=size / 1e6)


def add_old(connection: psycopg.Connection[Any], a_second: Mapping[str, float], first: int, seconds: float) -> int:
    """So many rows of each table come of age in each second from `first` on; returns how many were added.

    Each table must hold a row already: the new ones are made after its pattern.
    """
    added = {table: round(rate * seconds) for table, rate in a_second.items()}
    connection.execute("SET synchronous_commit = off")
    for table, number in added.items():
        columns = [column.name for column in Base.metadata.tables[table].columns]
        own = _OWN[table]
        values = ", ".join(own.get(name, f"pattern.{name}") for name in columns)
        since = first - KINDS[table].kept_seconds
        given = {"rows": number, "sessions": added["browser_sessions"], "since": since, "seconds": seconds}
        pattern = f"SELECT * FROM {table} WHERE {_PATTERNS.get(table, 'true')} LIMIT 1"
        connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM ({pattern}) AS pattern, "
            "(SELECT number, (%(since)s + number * %(seconds)s / %(rows)s)::bigint AS of_age "
            "FROM generate_series(1::bigint, %(rows)s) AS number) AS aging",
            given,
        )
    connection.execute("RESET synchronous_commit")
    connection.execute("VACUUM ANALYZE")
    return sum(added.values())


def _one(connection: psycopg.Connection[Any], asked: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(asked).fetchone()
    assert row is not None
    return row
