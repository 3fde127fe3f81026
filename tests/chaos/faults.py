"""What is broken, and how: each function breaks one real thing, mends what does not mend itself, and returns the moment
from which the provider has all that it needs to recover, on the monotonic clock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.chaos.country import POSTGRESQL, SQLITE, Country
from tests.chaos.kept import kill_all, kill_trees

SLOW_SECONDS = 1.2  # each way: what took milliseconds takes longer than a call may wait for a call and an answer
WRONG_BY = "+900"  # seconds: longer than a code, an access token and a source's id_token live
BLOCK_BYTES = 1 << 20

Fault = Callable[[Country, float], float]


def worker_killed(country: Country, seconds: float) -> float:
    """Each worker of the node dies once, one after the other, and is replaced by its parent."""
    killed_at = 0.0
    for pid in country.workers():
        kill_all([pid])
        killed_at = time.monotonic()
        country.await_ready()
    return killed_at


def node_killed(country: Country, seconds: float) -> float:
    """All processes of the provider die at once; an init system starts them again."""
    kill_trees([country.node.pid, country.worker.pid])
    return time.monotonic()


def short_lived_killed(country: Country, seconds: float) -> float:
    """Valkey dies, and is empty when it is back."""
    assert country.short_lived is not None
    country.short_lived.kill()
    return time.monotonic()


def store_killed(country: Country, seconds: float) -> float:
    """PostgreSQL dies with all its processes, and reads its log when it is back."""
    assert country.store is not None
    country.store.kill()
    return time.monotonic()


def source_cut(country: Country, seconds: float) -> float:
    """What we send to the source is lost, and so is what it sends: nobody says no."""
    country.wire.silence()
    time.sleep(seconds)
    country.wire.mend()
    return time.monotonic()


def source_slowed(country: Country, seconds: float) -> float:
    country.wire.slow_down(SLOW_SECONDS)
    time.sleep(seconds)
    country.wire.mend()
    return time.monotonic()


def disk_filled(country: Country, seconds: float) -> float:
    """The disk on which the database lies has no byte left; then somebody makes room."""
    ballast = country.disk / "ballast"
    began = time.monotonic()
    if country.engine == SQLITE:
        _give_back(country.disk)
    while (now := time.monotonic()) < began + seconds:
        _fill(ballast)  # again and again: what others give back is taken as well
        if country.engine == POSTGRESQL and now > began + seconds / 2:
            _use_up(country)
        time.sleep(0.1)
    ballast.unlink()
    return time.monotonic()


def _fill(ballast: Path) -> None:
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    size = BLOCK_BYTES
    try:
        while size:
            try:
                os.write(descriptor, bytes(size))
            except OSError:
                size //= 2
    finally:
        os.close(descriptor)


def _give_back(disk: Path) -> None:
    """SQLite's log begins anew at no length, as after a restart; else it has room for minutes that was taken before."""
    for name in ("motcua.db", "motcua.db-short-lived"):
        # Where somebody is writing just now, it may fail.
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(disk / name, timeout=0.1)) as connection,
        ):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _use_up(country: Country) -> None:
    """PostgreSQL has no room left in the log that it had laid out: now it stops, and cannot start."""
    with (
        contextlib.suppress(psycopg.OperationalError),
        psycopg.connect(
            country.house.settings.database_url.replace("+psycopg", ""), autocommit=True, connect_timeout=1
        ) as connection,
    ):
        connection.execute("SELECT pg_switch_wal()")


def clock_jumped(country: Country, seconds: float) -> float:
    """The provider's clock is wrong by a quarter of an hour, and then right again."""
    country.clock.write_text(f"{WRONG_BY}\n")
    time.sleep(seconds)
    country.clock.write_text("+0\n")
    return time.monotonic()
