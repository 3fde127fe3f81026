"""Keys on a schedule: what is missing is made and what has served its time is followed, once among all workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from idp import keys
from idp.app import create_app
from idp.house import House, build
from idp.keys import ALGORITHMS, PUBLISHED_BEFORE_USE_SECONDS, PURPOSES, ROTATED, PrivateKey
from idp.storage import Database, Transaction, schema
from idp.worker import DAY_SECONDS, Worker
from tests.keys.test_keys import published, signer
from tests.servers import database_url, eventually, postgresql_url
from tests.sessions.rooms import furnished
from tests.storage.places import at_once

__all__ = ["database_url", "postgresql_url"]

DAYS = 50
WORKERS = 8


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Keys that are followed after fifty days."""
    house = furnished(tmp_path, database_url=database_url, keys={"rotate_after_days": DAYS})
    yield house
    house.database.engine.dispose()


def days_later(days: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC).timestamp() + days * DAY_SECONDS, tick=False)


def kids(house: House) -> set[str]:
    house.changes.forget()
    return {key.kid for key in house.keys.listed()}


def rotations(house: House) -> list[list[str]]:
    return [event["details"]["kids"] for event in house.audit.export() if event["event"] == "keys_rotated"]


@pytest.mark.both_engines
def test_of_all_workers_that_find_keys_old_one_makes_their_successors(house: House) -> None:
    before = kids(house)
    workers = [Worker(build(house.settings)) for _ in range(WORKERS)]
    with days_later(DAYS):
        at_once(WORKERS, lambda number: workers[number].renew_keys())
        after = kids(house)
    assert len(after) == len(PURPOSES) + len(ROTATED)
    (made,) = rotations(house)
    assert set(made) >= after - before


@pytest.mark.both_engines
def test_of_all_workers_that_find_keys_missing_one_makes_them(database_url: str, tmp_path: Path) -> None:
    house = furnished(tmp_path, database_url=database_url, with_keys=False)
    workers = [Worker(build(house.settings)) for _ in range(WORKERS)]
    at_once(WORKERS, lambda number: workers[number].renew_keys())
    assert sorted(key["alg"] for key in published(house).values()) == sorted(ALGORITHMS)
    assert len(rotations(house)) == 1
    house.database.engine.dispose()


def test_a_key_is_followed_when_its_days_are_over_and_not_before(house: House) -> None:
    worker, old = Worker(house), signer(house)
    with days_later(DAYS - 0.01):
        worker.renew_keys()
        assert rotations(house) == []
    with days_later(DAYS):
        worker.renew_keys()
        worker.renew_keys()
        (made,) = rotations(house)
        assert {old, *made} <= kids(house)
        assert signer(house) == old, "portals see the new key before it signs"
    with days_later(DAYS + PUBLISHED_BEFORE_USE_SECONDS / DAY_SECONDS):
        assert signer(house) in made


def test_a_key_that_an_operator_has_followed_begins_its_days_anew(house: House) -> None:
    with days_later(DAYS / 2), house.database.write() as tx:
        house.keys.rotate(tx, ["ES256"])
    with days_later(DAYS):
        Worker(house).renew_keys()
    (made,) = rotations(house)
    assert sorted(kid.split("-")[0] for kid in made) == ["cards", "eddsa", "ps256", "rs256", "standby"]


def test_without_a_schedule_keys_stay(tmp_path: Path) -> None:
    house = furnished(tmp_path, keys={"rotate_after_days": 0})
    with days_later(3650):
        Worker(house).renew_keys()
    assert rotations(house) == []


def test_a_running_worker_looks_after_the_keys(tmp_path: Path) -> None:
    house = furnished(tmp_path, with_keys=False)
    worker = Worker(build(house.settings))
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        eventually(lambda: rotations(house) != [])
    finally:
        worker.stop()
        running.join()
    assert sorted(key["alg"] for key in published(house).values()) == sorted(ALGORITHMS)


# ---- an installation of before: it had two algorithms, and goes on without a moment of failing ----


def test_an_installation_with_fewer_keys_stays_ready_and_gets_the_others(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path}/kept.db"
    schema.upgrade(database_url)
    house = furnished(tmp_path, database_url=database_url, with_keys=False)
    client = create_app(house.settings).test_client()
    assert client.get("/health/ready").status_code == 503, "nothing to sign with"
    with house.database.write() as tx:
        house.keys.rotate(tx, ["RS256", "ES256"])
    house.changes.forget()
    eventually(lambda: client.get("/health/ready").status_code == 200)
    with house.database.write() as tx:
        made = house.keys.rotate(tx)
    assert {signer(house, alg) for alg in ("PS256", "EdDSA")} <= set(made), "a first key signs at once"
    assert client.get("/health/ready").status_code == 200
    house.database.engine.dispose()


def test_while_nobody_else_can_write_no_key_is_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An RSA key takes a second, and SQLite has one writer."""
    made = []
    write = type(house.database).write

    def refused(alg: str) -> PrivateKey:
        raise AssertionError(f"a key for {alg} was made within a transaction")

    @contextmanager
    def watched(database: Database) -> Iterator[Transaction]:
        with write(database) as tx, monkeypatch.context() as patched:
            patched.setattr(keys, "made_for", refused)
            yield tx
            made.append(True)

    monkeypatch.setattr(type(house.database), "write", watched)
    with days_later(DAYS):
        Worker(house).renew_keys()
    assert made
    assert len(kids(house)) == len(PURPOSES) + len(ROTATED)
