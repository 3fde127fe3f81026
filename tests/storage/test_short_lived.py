"""The short-lived store does the same in a file beside SQLite, in a table of PostgreSQL and in Valkey."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import time_machine

from idp.settings import UnsafeSettings
from idp.storage import Database, ShortLived
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from idp.storage.short_lived_valkey import InValkey
from tests.servers import eventually
from tests.storage.places import at_once, empty_database, wire_to_valkey

PLACES = ("sqlite", "postgresql", "valkey")
BRIEF_SECONDS = 2  # real ones in Valkey: enough for a few calls on a busy machine


@dataclass(frozen=True)
class Store:
    kept: ShortLived
    outlive: Callable[[str, int], None]  # outlive(key, seconds): so much time has passed, and the key's own with it


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "valkey":
        yield _in_valkey(request.getfixturevalue("valkey_url"))
        return
    with empty_database(request.param, tmp_path) as url:
        database = Database(make_engine(url))
        with time_machine.travel(time.time(), tick=False) as traveller:
            yield Store(open_short_lived("database", database), lambda _, seconds: traveller.shift(seconds))
        database.engine.dispose()


def _in_valkey(url: str) -> Store:
    """Its clock is its own, so that expiries in these tests are short and real."""
    kept = InValkey(url)
    kept._client.flushdb()

    return Store(kept, lambda key, _: eventually(lambda: kept.get(key) is None))


def test_a_value_is_found_by_its_key_and_by_no_other(store: Store) -> None:
    assert store.kept.get("a") is None
    assert store.kept.put_if_absent("a", b"\x00\xffvalue", 60)
    assert store.kept.get("a") == b"\x00\xffvalue"
    assert store.kept.get("b") is None
    assert store.kept.get("A") is None


def test_several_values_come_in_the_order_of_their_keys_with_gaps_where_there_are_none(store: Store) -> None:
    store.kept.put_if_absent("a", b"1", 60)
    store.kept.put_if_absent("b", b"", 60)
    store.kept.put_if_absent("brief", b"2", BRIEF_SECONDS)
    assert store.kept.get_all(["b", "none", "a", "brief"]) == [b"", None, b"1", b"2"]
    store.outlive("brief", BRIEF_SECONDS)
    assert store.kept.get_all(["brief", "a"]) == [None, b"1"]
    assert store.kept.get_all(["a"]) == [b"1"]


def test_an_empty_value_is_a_value(store: Store) -> None:
    assert store.kept.put_if_absent("a", b"", 60)
    assert store.kept.get("a") == b""
    assert not store.kept.put_if_absent("a", b"other", 60)
    assert store.kept.take("a") == b""


def test_a_value_that_is_there_is_not_replaced(store: Store) -> None:
    assert store.kept.put_if_absent("a", b"first", 60)
    assert not store.kept.put_if_absent("a", b"second", 60)
    assert store.kept.get("a") == b"first"


def test_an_expired_value_is_gone_and_its_place_is_free(store: Store) -> None:
    assert store.kept.put_if_absent("a", b"first", BRIEF_SECONDS)
    store.outlive("a", BRIEF_SECONDS)
    assert store.kept.get("a") is None
    assert store.kept.take("a") is None
    assert store.kept.put_if_absent("a", b"second", 60)
    assert store.kept.get("a") == b"second"


def test_a_refused_value_does_not_prolong_the_one_that_is_there(store: Store) -> None:
    assert store.kept.put_if_absent("a", b"first", BRIEF_SECONDS)
    assert not store.kept.put_if_absent("a", b"second", 600)
    store.outlive("a", BRIEF_SECONDS)
    assert store.kept.get("a") is None


def test_what_was_taken_is_gone_and_its_place_is_free(store: Store) -> None:
    store.kept.put_if_absent("a", b"value", 60)
    assert store.kept.take("a") == b"value"
    assert store.kept.take("a") is None
    assert store.kept.get("a") is None
    assert store.kept.put_if_absent("a", b"again", 60)


def test_of_many_who_put_one_is_told_that_it_was_its_value(store: Store) -> None:
    told = at_once(32, lambda number: store.kept.put_if_absent("a", str(number).encode(), 60))
    assert told.count(True) == 1
    assert store.kept.get("a") == str(told.index(True)).encode()


def test_of_many_who_take_one_gets_the_value(store: Store) -> None:
    for round_ in range(5):
        store.kept.put_if_absent(f"a{round_}", b"value", 60)
        taken = at_once(32, lambda _, key=f"a{round_}": store.kept.take(key))  # type: ignore[misc]
        assert taken.count(b"value") == 1
        assert taken.count(None) == 31


def test_a_count_counts_from_one_for_every_key_apart(store: Store) -> None:
    assert [store.kept.count("a", 60) for _ in range(3)] == [1, 2, 3]
    assert store.kept.count("b", 60) == 1
    assert store.kept.count("a", 60) == 4


def test_what_was_counted_can_be_read_without_counting(store: Store) -> None:
    assert store.kept.counted("a", BRIEF_SECONDS) == 0
    store.kept.count("a", BRIEF_SECONDS)
    assert [store.kept.counted("a", BRIEF_SECONDS) for _ in range(2)] == [1, 1]
    assert store.kept.count("a", BRIEF_SECONDS) == 2
    store.outlive("a", BRIEF_SECONDS)
    assert store.kept.counted("a", BRIEF_SECONDS) == 0


def test_a_count_begins_anew_when_its_time_is_over_however_busy_it_was(store: Store) -> None:
    """Later calls do not prolong it, or a steady trickle would lock somebody out for good."""
    assert [store.kept.count("a", BRIEF_SECONDS) for _ in range(5)] == [1, 2, 3, 4, 5]
    store.outlive("a", BRIEF_SECONDS)
    assert store.kept.count("a", 60) == 1


def test_many_who_count_are_all_counted(store: Store) -> None:
    numbers = at_once(32, lambda _: [store.kept.count("a", 600) for _ in range(4)])
    assert sorted(number for counted in numbers for number in counted) == list(range(1, 32 * 4 + 1))


def test_no_more_places_are_taken_than_there_are_and_one_that_is_given_back_is_free(store: Store) -> None:
    names = [store.kept.take_place("a", 2, 60) for _ in range(3)]
    assert names[0] != names[1]
    assert names[2] is None
    assert store.kept.take_place("b", 1, 60), "each key has places of its own"
    store.kept.give_back("a", names[0] or "")
    assert store.kept.take_place("a", 2, 60)
    assert store.kept.take_place("a", 2, 60) is None


def test_a_place_can_be_given_back_once(store: Store) -> None:
    mine, theirs = store.kept.take_place("a", 2, 60), store.kept.take_place("a", 2, 60)
    for _ in range(2):
        store.kept.give_back("a", mine or "")
    store.kept.give_back("a", "nobody's")
    store.kept.give_back("b", theirs or "")
    assert store.kept.take_place("a", 2, 60)
    assert store.kept.take_place("a", 2, 60) is None


def test_a_place_that_nobody_gives_back_is_free_when_its_time_is_over(store: Store) -> None:
    lost = store.kept.take_place("a", 2, BRIEF_SECONDS)
    assert store.kept.take_place("a", 2, 60)
    assert store.kept.take_place("a", 2, 60) is None
    store.outlive("nothing", BRIEF_SECONDS)
    eventually(lambda: store.kept.take_place("a", 2, 60) is not None)
    store.kept.give_back("a", lost or "")  # too late, and of no effect on whoever has it now
    assert store.kept.take_place("a", 2, 60) is None


def test_a_limit_that_is_lowered_or_raised_holds_for_whoever_comes_next(store: Store) -> None:
    assert all(store.kept.take_place("a", 3, 60) for _ in range(3))
    assert store.kept.take_place("a", 2, 60) is None
    assert store.kept.take_place("a", 4, 60)


def test_a_key_may_hold_any_text(store: Store) -> None:
    """Keys carry network addresses and client ids, which strangers choose; the longest we make have 100 characters."""
    keys = ["ä:1", "a b", "a'b", "a\nb", "%s", "begun:2001:db8::1", "x" * 190]
    for key in keys:
        assert store.kept.put_if_absent(key, key.encode(), 60)
    assert [store.kept.get(key) for key in keys] == [key.encode() for key in keys]


DEEDS: dict[str, Callable[[ShortLived], object]] = {
    "get": lambda store: store.get("a"),
    "put_if_absent": lambda store: store.put_if_absent("a", b"", 60),
    "take": lambda store: store.take("a"),
    "count": lambda store: store.count("counts", 60),
    "counted": lambda store: store.counted("counts", 60),
    "take_place": lambda store: store.take_place("places", 9, 1),
    "give_back": lambda store: store.give_back("places", "nobody's"),
    "check": lambda store: store.check(),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_lost_valkey_is_unreachable_and_found_again_when_it_is_back(
    valkey_url: str, deed: Callable[[ShortLived], object]
) -> None:
    with wire_to_valkey(valkey_url) as line:
        store = open_short_lived(f"valkey://127.0.0.1:{line.port}/1", Database(make_engine("sqlite:///unused.db")))
        deed(store)
        line.cut()
        for _ in range(2):
            with pytest.raises(Unreachable):
                deed(store)
        line.mend()
        deed(store)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_table_that_cannot_be_opened_is_unreachable(tmp_path: Path, deed: Callable[[ShortLived], object]) -> None:
    store = open_short_lived("database", Database(make_engine(f"sqlite:///{tmp_path}/missing/motcua.db")))
    with pytest.raises(Unreachable):
        deed(store)


def test_a_store_that_we_do_not_know_is_refused_in_one_sentence(tmp_path: Path) -> None:
    database = Database(make_engine(f"sqlite:///{tmp_path}/motcua.db"))
    for url in ("", "memory", "memcached://localhost", "http://localhost", "Database"):
        with pytest.raises(UnsafeSettings, match=r"^short_lived_url: [^\n]+$"):
            open_short_lived(url, database)


@pytest.mark.parametrize("scheme", ["valkey", "redis"])
def test_valkey_is_known_by_both_its_names(valkey_url: str, scheme: str, tmp_path: Path) -> None:
    with wire_to_valkey(valkey_url) as line:
        database = Database(make_engine(f"sqlite:///{tmp_path}/motcua.db"))
        open_short_lived(f"{scheme}://127.0.0.1:{line.port}/0", database).check()
