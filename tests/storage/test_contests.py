"""What can be had once is had by one, however many threads in however many processes want it at one moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from idp import clock
from idp.storage import Database
from idp.storage.database import Conflict
from idp.storage.engines import make_engine
from idp.storage.models import SpentRow
from idp.storage.short_lived import open_short_lived
from idp.storage.spent import spend, spend_now
from tests.storage.contender import PLACES, PROCESSES, THREADS, TIMES_COUNTED, contend
from tests.storage.places import empty_database, short_lived_beside

ALL = PROCESSES * THREADS


@pytest.fixture(params=["sqlite", "postgresql", "valkey"], scope="module")
def got(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Any]]]:
    """What the contenders got, by deed; "valkey" is the short-lived store beside a database on SQLite."""
    engine = "postgresql" if request.param == "postgresql" else "sqlite"
    short_lived_url = short_lived_beside("postgresql") if request.param == "valkey" else "database"
    directory = tmp_path_factory.mktemp("contests")
    with empty_database(engine, directory) as url:
        database = Database(make_engine(url))
        store = open_short_lived(short_lived_url, database)
        for key in ("to take", "to put", "to count", "to enter"):
            store.take(key)  # what an earlier run may have left in Valkey
        store.put_if_absent("to take", b"", 600)
        yield contend(["spend", "take", "put", "count", "place"], url, short_lived_url)
        database.engine.dispose()


@pytest.mark.parametrize("deed", ["spend", "take", "put"])
def test_one_of_32_threads_in_two_processes_has_it(got: dict[str, list[Any]], deed: str) -> None:
    assert sorted(got[deed]) == [False] * (ALL - 1) + [True]


def test_32_threads_in_two_processes_count_together_and_miss_none(got: dict[str, list[Any]]) -> None:
    counted = [number for numbers in got["count"] for number in numbers]
    assert sorted(counted) == list(range(1, ALL * TIMES_COUNTED + 1))


def test_as_many_of_32_threads_in_two_processes_get_a_place_as_there_are(got: dict[str, list[Any]]) -> None:
    assert sorted(got["place"]) == [False] * (ALL - PLACES) + [True] * PLACES


@pytest.mark.both_engines
def test_a_value_spent_in_a_transaction_that_is_undone_was_not_spent(database: Database) -> None:
    with contextlib.suppress(LookupError), database.write() as tx:
        spend(tx, "a value", 60)
        raise LookupError
    assert spend_now(database, "a value", 60)
    with pytest.raises(Conflict), database.write() as tx:
        spend(tx, "a value", 60)


@pytest.mark.both_engines
def test_a_spent_value_stays_spent_for_as_long_as_its_row_is_kept(database: Database) -> None:
    """When its time is over it may be removed; until somebody does, a second use fails."""
    assert spend_now(database, "a value", 1)
    with time_machine.travel(clock.seconds() + 100):
        assert not spend_now(database, "a value", 60)


@pytest.mark.both_engines
def test_what_was_spent_is_kept_as_a_fingerprint(database: Database) -> None:
    assert spend_now(database, "a bearer value", 60)
    (row,) = database.all(select(SpentRow.key))
    assert len(bytes(row[0])) == 32
    assert b"bearer" not in bytes(row[0])
