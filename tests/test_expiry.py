"""What has outlived its use goes, in small transactions; what has not stays."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, insert, select

from idp import clock, seal
from idp.audit.models import AuditRow
from idp.house import House, build
from idp.people.models import PersonRow
from idp.sessions.models import GrantRow, SessionRow
from idp.settings import load
from idp.storage import Base, expiry, schema, spent
from idp.storage.models import OutboxRow, ShortLivedRow, SpentRow
from idp.storage.outbox import Message, TryLater
from idp.worker import Worker, what_expires
from tests.servers import database_url, postgresql_url

__all__ = ["database_url", "postgresql_url"]

pytestmark = pytest.mark.both_engines
START = "2030-03-01T08:00:00Z"
DAY = 86_400
PERSON = bytes(16)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    seal.add_master_key(str(tmp_path / "master.keys"))
    schema.upgrade(database_url)
    house = build(
        load(
            mode="test", issuer="http://idp.localhost:8400", database_url=database_url,
            master_keys_file=str(tmp_path / "master.keys"), outbox={"attempts": 1, "first_retry_seconds": 1},
            lifetimes={"grant_kept_days": 90, "audit_kept_days": 730},
        )
    )  # fmt: skip
    yield house
    house.database.engine.dispose()


def rows(house: House, table: type[Base]) -> int:
    found = house.database.one(select(func.count()).select_from(table))
    assert found is not None
    return int(found[0])


def short_lived_rows(house: House) -> int:
    assert house.short_lived.database is not None
    found = house.short_lived.database.one(select(func.count()).select_from(ShortLivedRow))
    assert found is not None
    return int(found[0])


def expire(house: House) -> None:
    Worker(house).expire()


def add_session(house: House, number: int, *, seconds: int, ended: bool = False) -> None:
    now = clock.seconds()
    row: dict[str, Any] = {
        "id": bytes([number]) * 16, "fingerprint": bytes([number]) * 32, "person_id": PERSON, "source_id": "bank",
        "source_kind": "banking", "level": 2, "amr": "pwd", "auth_time": now, "opened_at": now, "used_at": now,
        "expires_at": now + seconds, "ended_at": now if ended else None, "upstream": None,
    }  # fmt: skip
    with house.database.write() as tx:
        tx.run(insert(SessionRow), **row)


def add_grant(house: House, number: int, session: int, **also: Any) -> None:
    row: dict[str, Any] = {
        "id": bytes([number]) * 16, "session_id": bytes([session]) * 16, "person_id": PERSON, "client_id": "tax",
        "sub": "abc", "claims": 0, "level": 2, "amr": "pwd", "source_kind": "banking", "issued_at": clock.seconds(),
        "revoked_at": None, "mandate_id": None,
    }  # fmt: skip
    others = [column for column in GrantRow.__table__.columns if column.name not in row]
    row |= {column.name: None if column.nullable else 0 for column in others}
    with house.database.write() as tx:
        tx.run(insert(GrantRow), **(row | also))


def test_short_lived_values_go_when_they_expire(house: House) -> None:
    with time_machine.travel(START, tick=False) as time:
        house.short_lived.put_if_absent("minute", b"1", 60)
        house.short_lived.put_if_absent("hour", b"1", 3600)
        time.shift(59)
        expire(house)
        assert short_lived_rows(house) == 2
        time.shift(1)
        expire(house)
        assert short_lived_rows(house) == 1
        assert house.short_lived.get("hour") == b"1"


def test_what_was_short_lived_in_the_database_goes_when_it_expires(house: House) -> None:
    """On SQLite the store was a table of the database before it had a file of its own."""
    with time_machine.travel(START, tick=False) as time:
        fill(house, 3, expires_at=clock.seconds() + 60)
        time.shift(59)
        expire(house)
        assert rows(house, ShortLivedRow) == 3
        time.shift(1)
        expire(house)
        assert rows(house, ShortLivedRow) == 0


def test_what_was_spent_stays_spent_for_as_long_as_it_was_said(house: House) -> None:
    with time_machine.travel(START, tick=False) as time:
        assert spent.spend_now(house.database, "jti", 300)
        time.shift(299)
        expire(house)
        assert not spent.spend_now(house.database, "jti", 300)
        time.shift(1)
        expire(house)
        assert rows(house, SpentRow) == 0


def test_a_delivered_message_is_kept_for_a_day_and_one_given_up_for_a_month(house: House) -> None:
    def refuse(_: Message) -> None:
        raise TryLater("nobody there")

    with time_machine.travel(START, tick=False) as time:
        with house.database.write() as tx:
            house.outbox.add(tx, "welcome", {})
            house.outbox.add(tx, "unwelcome", {})
        assert house.outbox.deliver({"welcome": lambda _: None, "unwelcome": refuse}) == 2
        with house.database.write() as tx:
            house.outbox.add(tx, "waiting", {})
        time.shift(DAY - 1)
        expire(house)
        assert rows(house, OutboxRow) == 3
        time.shift(1)
        expire(house)
        assert house.outbox.states() == {"given_up": 1, "waiting": 1}
        time.shift(29 * DAY)
        expire(house)
        assert house.outbox.states() == {"waiting": 1}  # what waits is never dropped


def test_sessions_and_their_grants_go_after_ninety_days(house: House) -> None:
    with time_machine.travel(START, tick=False) as time:
        add_session(house, 1, seconds=3600)
        add_grant(house, 1, session=1)
        add_session(house, 2, seconds=7200, ended=True)
        time.shift(3600 + 90 * DAY - 1)
        expire(house)
        assert (rows(house, SessionRow), rows(house, GrantRow)) == (2, 1)
        time.shift(1)
        expire(house)
        assert (rows(house, SessionRow), rows(house, GrantRow)) == (1, 0)
        time.shift(3600)
        expire(house)
        assert rows(house, SessionRow) == 0


def test_a_grant_that_outlives_its_session_is_kept_until_it_has_expired_for_ninety_days(house: House) -> None:
    with time_machine.travel(START, tick=False) as time:
        add_session(house, 1, seconds=3600)
        add_grant(house, 1, session=1, offline=1, expires_at=clock.seconds() + 180 * DAY)
        time.shift(120 * DAY)
        expire(house)
        assert (rows(house, SessionRow), rows(house, GrantRow)) == (0, 1)
        time.shift(150 * DAY - 1)
        expire(house)
        assert rows(house, GrantRow) == 1
        time.shift(1)
        expire(house)
        assert rows(house, GrantRow) == 0


def test_a_grant_is_not_forgotten_before_its_session(house: House) -> None:
    """As long as the session may end, the portals that must be told of it have to be known."""
    with time_machine.travel(START, tick=False) as time:
        add_session(house, 1, seconds=200 * DAY)  # signed in again and again
        add_grant(house, 1, session=1)
        time.shift(100 * DAY)
        expire(house)
        assert rows(house, GrantRow) == 1


def test_events_go_after_two_years_and_nothing_else_ever_does(house: House) -> None:
    with time_machine.travel(START, tick=False) as time:
        with house.database.write() as tx:
            house.audit.person_made(tx, person_id=PERSON, source_id="bank")
            person = {"id": PERSON, "status": "active", "version": 1, "number_index": None, "attributes": b""}
            tx.run(insert(PersonRow), **person, made_at=0, changed_at=0, checked_at=None, check_owed=0)
        time.shift(730 * DAY - 1)
        expire(house)
        assert rows(house, AuditRow) == 1
        time.shift(1)
        expire(house)
        assert rows(house, AuditRow) == 0
        assert rows(house, PersonRow) == 1


def fill(house: House, number: int, expires_at: int = 1) -> None:
    with house.database.write() as tx:
        for each in range(number):
            tx.run(insert(ShortLivedRow), key=f"key-{each}", value=b"", expires_at=expires_at)


def test_no_transaction_removes_more_than_a_batch_and_others_get_their_turn(house: House) -> None:
    fill(house, 25)
    left: list[int] = []

    def pause() -> bool:
        left.append(rows(house, ShortLivedRow))
        return False

    removed = expiry.expire(house.database, what_expires(house.settings.lifetimes), batch=10, pause=pause)
    assert left == [15, 5, 0]
    assert {name: number for name, number in removed.items() if number} == {"short_lived": 25}


def test_a_worker_that_is_asked_to_stop_leaves_the_rest_for_later(house: House) -> None:
    fill(house, 25)
    expiry.expire(house.database, expiry.OF_STORAGE, batch=10, pause=lambda: True)
    assert rows(house, ShortLivedRow) == 15


def test_two_workers_share_the_work_and_each_row_goes_once(house: House) -> None:
    fill(house, 300)
    other, removed = build(house.settings), []

    def work(by: House) -> None:
        removed.append(expiry.expire(by.database, expiry.OF_STORAGE, batch=7, pause=lambda: False)["short_lived"])

    threads = [threading.Thread(target=work, args=(by,)) for by in (house, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(removed) == 300
    assert rows(house, ShortLivedRow) == 0


def test_nothing_is_searched_for_without_an_index(house: House) -> None:
    """A scan of a hundred million grants, every minute, would be all that the database does."""
    if house.database.is_sqlite:
        explain, a_scan = "EXPLAIN QUERY PLAN", "SCAN"
    else:
        explain, a_scan = "EXPLAIN", "Seq Scan on"
    for kind in what_expires(house.settings.lifetimes):
        with house.database.engine.begin() as connection:
            if not house.database.is_sqlite:  # where an empty table is scanned, unless that is forbidden
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            text = re.sub(r"\$\d+|\?", "5", house.database.prepared(kind.statement).text)
            steps = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {text}")]
        scanned = [table for table in Base.metadata.tables for step in steps if f"{a_scan} {table}" in step]
        assert scanned == [], kind.name
