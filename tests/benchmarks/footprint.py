"""What people and sign-ons take: bytes a row on PostgreSQL with its indexes, bytes of WAL and commits a sign-on, bytes
that Valkey needs for a sign-in under way. `./run bench footprint`; docs/capacity.md counts with what it prints.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis
from sqlalchemy.engine import make_url

from idp.storage import schema
from idp.storage.short_lived_valkey import InValkey
from tests.benchmarks.contestants import stores
from tests.benchmarks.overload import crowd, go
from tests.benchmarks.processes import cores
from tests.races.provider import said, sign_in

PEOPLE = 3_000
SECONDS = 8.0
TABLES = ("people", "links", "subjects", "consents", "browser_sessions", "grants", "audit_events", "spent")
LOGIN_BYTES = 1_500  # a sign-in under way, sealed: its request, and where it stands
LEFT_BYTES = (1_500, 650, 100)  # of one that ended: its request, its answer, and whose a visit was
LOGINS = 20_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as home, stores(Path(home), cores()[1]) as kept:
        url = kept.new_database("footprint")
        schema.upgrade(url)
        valkey = f"unix://{kept.valkey_path}"
        with crowd(Path(home), url, valkey) as (task, running):
            portal = running.portal("other")
            with psycopg.connect(_address(url), autocommit=True) as connection:
                for number in range(PEOPLE):
                    sign_in(running.house, said(10**11 + number), portal)
                before = _counters(connection)
                outcome = go(replace(task), 0, SECONDS)
                after = _counters(connection)
                _print_rows(connection)
        print(f"a sign-on: {(after[0] - before[0]) / outcome.served:.0f} bytes of WAL, "
              f"{(after[1] - before[1]) / outcome.served:.2f} commits that wrote")  # fmt: skip
        _print_valkey(valkey, str(kept.valkey_path))


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _counters(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """Bytes of WAL so far, and how many transactions were given a number, which only those that write are."""
    row = connection.execute(
        "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint, txid_snapshot_xmax(txid_current_snapshot())"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _print_rows(connection: psycopg.Connection[Any]) -> None:
    for table in TABLES:
        row = connection.execute(
            f"SELECT count(*), pg_total_relation_size('{table}'), pg_indexes_size('{table}') FROM {table}"
        ).fetchone()
        assert row is not None
        count, total, indexes = row
        if count:
            print(f"{table}: {total / count:.0f} bytes a row, {indexes / count:.0f} of it indexes ({count} rows)")


def _print_valkey(url: str, path: str) -> None:
    print(f"Valkey: {_bytes_of(url, path, (LOGIN_BYTES,)):.0f} bytes for a sign-in under way of {LOGIN_BYTES}, "
          f"{_bytes_of(url, path, LEFT_BYTES):.0f} for one that ended")  # fmt: skip


def _bytes_of(url: str, path: str, values: tuple[int, ...]) -> float:
    store = InValkey(url)
    with Redis(unix_socket_path=path) as client:
        client.execute_command("FLUSHALL", "SYNC")  # else what went before is freed while we count
        before: dict[str, Any] = client.info("memory")
        for number in range(LOGINS):
            for kind, size in enumerate(values):
                store.put_if_absent(f"{kind}:{number:064x}", os.urandom(size), 1800)
        after: dict[str, Any] = client.info("memory")
    return float(after["used_memory"] - before["used_memory"]) / LOGINS


if __name__ == "__main__":
    main()
