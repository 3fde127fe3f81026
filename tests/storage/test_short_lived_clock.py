"""A clock that ran ahead and was put right: what only limits is begun anew, what was spent or taken stays so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import time_machine

from idp.storage import Database, ShortLived
from idp.storage.engines import make_engine
from idp.storage.short_lived import CLOCKS_APART_SECONDS, open_short_lived
from tests.storage.places import empty_database

AHEAD_SECONDS = 900


@dataclass(frozen=True)
class Store:
    kept: ShortLived
    shift: Callable[[int], None]  # the clock of whoever asks goes so much ahead, or back


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with empty_database(request.param, tmp_path) as url:
        database = Database(make_engine(url))
        with time_machine.travel(time.time(), tick=False) as traveller:
            yield Store(open_short_lived("database", database), traveller.shift)
        database.engine.dispose()


def test_a_count_of_a_clock_that_ran_ahead_begins_anew(store: Store) -> None:
    store.shift(AHEAD_SECONDS)
    assert [store.kept.count("a", 60) for _ in range(3)] == [1, 2, 3]
    store.shift(-AHEAD_SECONDS)
    assert store.kept.count("a", 60) == 1
    store.shift(60)
    assert store.kept.count("a", 60) == 1, "and ends when its own time is over"


def test_what_is_read_of_such_a_count_is_nothing_also_when_its_time_comes_again(store: Store) -> None:
    store.shift(AHEAD_SECONDS)
    for _ in range(3):
        store.kept.count("a", 60)
    assert store.kept.counted("a", 60) == 3
    store.shift(-AHEAD_SECONDS)
    assert store.kept.counted("a", 60) == 0
    store.shift(AHEAD_SECONDS)
    assert store.kept.counted("a", 60) == 0


def test_machines_whose_clocks_differ_a_little_count_together(store: Store) -> None:
    for number in range(1, 9, 2):
        assert store.kept.count("a", 60) == number
        store.shift(CLOCKS_APART_SECONDS)
        assert store.kept.count("a", 60) == number + 1
        store.shift(-CLOCKS_APART_SECONDS)
        assert store.kept.counted("a", 60) == number + 1


def test_a_clock_that_went_back_does_not_make_a_count_last_longer(store: Store) -> None:
    store.kept.count("a", 60)
    store.shift(-AHEAD_SECONDS)
    assert [store.kept.count("a", 60) for _ in range(2)] == [1, 2]
    store.shift(60)
    assert store.kept.counted("a", 60) == 0


def test_a_place_that_was_taken_by_a_clock_that_ran_ahead_is_free(store: Store) -> None:
    store.shift(AHEAD_SECONDS)
    assert store.kept.take_place("a", 1, 60)
    assert store.kept.take_place("a", 1, 60) is None
    store.shift(-AHEAD_SECONDS)
    assert store.kept.take_place("a", 1, 60)
    assert store.kept.take_place("a", 1, 60) is None


def test_what_was_spent_stays_spent_until_its_time_is_over_by_the_clock_that_is_right(store: Store) -> None:
    store.shift(AHEAD_SECONDS)
    assert store.kept.spend("a", 60) is not None
    for seconds in (-AHEAD_SECONDS, 60, AHEAD_SECONDS - 61):
        store.shift(seconds)
        assert store.kept.spend("a", 60) is None
    store.shift(61)
    assert store.kept.spend("a", 60) is not None


def test_what_one_caller_alone_may_put_is_put_by_no_second_one(store: Store) -> None:
    """So does a pushed request have one answer."""
    store.shift(AHEAD_SECONDS)
    assert store.kept.put_if_absent("a", b"first", 60)
    store.shift(-AHEAD_SECONDS)
    assert not store.kept.put_if_absent("a", b"second", 60)
    assert store.kept.get("a") == b"first"


def test_what_was_taken_by_a_clock_that_ran_ahead_does_not_come_back(store: Store) -> None:
    store.kept.put_if_absent("a", b"value", 600)
    store.shift(AHEAD_SECONDS)
    assert store.kept.take("a") is None, "it is expired by that clock, and gone for every other"
    store.shift(-AHEAD_SECONDS)
    assert store.kept.take("a") is None


def test_in_valkey_it_does_not_matter_what_the_clocks_of_those_who_ask_say(valkey_url: str, tmp_path: Path) -> None:
    store = open_short_lived(valkey_url, Database(make_engine(f"sqlite:///{tmp_path}/unused.db")))
    key = str(tmp_path)
    with time_machine.travel(time.time(), tick=False) as traveller:
        assert store.take_place(f"{key}:places", 1, 60)
        for number, seconds in enumerate((AHEAD_SECONDS, -2 * AHEAD_SECONDS, AHEAD_SECONDS), start=1):
            traveller.shift(seconds)
            assert store.count(key, 60) == store.counted(key, 60) == number
            assert store.take_place(f"{key}:places", 1, 60) is None
            assert (store.spend(f"{key}:spent", 60) is not None) == (number == 1)
