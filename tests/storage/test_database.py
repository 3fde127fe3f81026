"""The durable store keeps what it acknowledged, undoes what it did not, and is the same on both engines."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, literal_column, select, text

from idp.storage import Database, trips
from idp.storage.database import Conflict
from idp.storage.models import SpentRow
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines

ADD = insert(SpentRow)
ALL = select(SpentRow.key, SpentRow.expires_at).order_by(SpentRow.key)
REMOVE = delete(SpentRow)
COUNT = select(func.count()).select_from(SpentRow)


class OutOfCoffee(Exception):
    """Something that has nothing to do with databases."""


def keep(database: Database, *keys: bytes | None, then: type[Exception] | None = None) -> None:
    with database.write() as tx:
        for key in keys:
            tx.run(ADD, key=key, expires_at=4711)
        if then is not None:
            raise then


def kept(database: Database) -> list[bytes]:
    return [bytes(row[0]) for row in database.all(ALL)]


def test_one_gives_the_first_row_or_none_and_all_gives_every_row(database: Database) -> None:
    assert database.one(ALL) is None
    assert database.all(ALL) == []
    keep(database, b"b", b"a")
    first = database.one(ALL)
    assert first is not None
    assert (bytes(first[0]), first[1]) == (b"a", 4711)
    assert kept(database) == [b"a", b"b"]


def test_what_a_commit_acknowledged_every_thread_reads_at_once(database: Database) -> None:
    for number in range(20):
        keep(database, bytes([number]))
        assert at_once(4, lambda _: len(kept(database))) == [number + 1] * 4


def test_nobody_else_sees_a_transaction_before_it_commits(database: Database) -> None:
    with database.write() as tx:
        tx.run(ADD, key=b"a", expires_at=1)
        assert at_once(2, lambda _: kept(database)) == [[], []]
        assert len(tx.all(ALL)) == 1
    assert kept(database) == [b"a"]


def test_an_exception_undoes_the_block_and_goes_on_upwards(database: Database) -> None:
    with pytest.raises(OutOfCoffee):
        keep(database, b"a", then=OutOfCoffee)
    assert kept(database) == []
    keep(database, b"b")
    assert kept(database) == [b"b"]


def test_a_row_that_is_there_already_is_a_conflict_that_undoes_the_block(database: Database) -> None:
    keep(database, b"a")
    with pytest.raises(Conflict):
        keep(database, b"b", b"a")
    assert kept(database) == [b"a"]
    keep(database, b"c")


def test_of_many_who_add_one_row_one_succeeds(database: Database) -> None:
    def add(_: int) -> bool:
        try:
            keep(database, b"a")
        except Conflict:
            return False
        return True

    assert at_once(16, add).count(True) == 1


def test_another_broken_constraint_is_no_conflict_and_its_error_shows_no_row(database: Database) -> None:
    with pytest.raises(RuntimeError) as problem:
        keep(database, b"a", None)
    assert "4711" not in str(problem.value)
    assert problem.value.__cause__ is None
    assert kept(database) == []


def test_a_failed_statement_cannot_be_passed_over(database: Database) -> None:
    """PostgreSQL answers the COMMIT of a failed transaction by undoing all of it, and calls that success."""

    def pass_over() -> None:
        with database.write() as tx:
            tx.run(ADD, key=b"b", expires_at=1)
            with contextlib.suppress(database.driver.IntegrityError):
                tx.run(ADD, key=b"a", expires_at=1)

    keep(database, b"a")
    with pytest.raises(RuntimeError, match="failed"):
        pass_over()
    assert kept(database) == [b"a"]


def test_a_transaction_within_a_transaction_is_refused_and_both_are_undone(database: Database) -> None:
    def nest() -> None:
        with database.write() as tx:
            tx.run(ADD, key=b"a", expires_at=1)
            keep(database, b"b")

    with pytest.raises(RuntimeError, match="within"):
        nest()
    assert kept(database) == []
    keep(database, b"c")
    assert kept(database) == [b"c"]


def test_two_databases_can_be_written_in_one_thread(database: Database) -> None:
    """The rule above is about one connection, not about one thread."""
    other = Database(database.engine)
    keep(database, b"a")
    with database.write() as tx:
        tx.run(ADD, key=b"b", expires_at=1)
        assert kept(other) == [b"a"]


def test_run_says_how_many_rows_were_changed(database: Database) -> None:
    keep(database, b"a", b"b")
    with database.write() as tx:
        assert tx.run(REMOVE.where(SpentRow.key == b"a")) == 1
        assert tx.run(REMOVE.where(SpentRow.key == b"z")) == 0


def test_values_that_are_part_of_a_statement_travel_with_it(database: Database) -> None:
    """A constant in a statement is bound like any parameter, beside the parameters of the call."""
    keep(database, b"a", b"b")
    constant = select(SpentRow.key).where(SpentRow.key == b"b", SpentRow.expires_at == 4711)
    row = database.one(constant)
    assert row is not None and bytes(row[0]) == b"b"
    row = database.one(select(literal_column("'%: ?'")))
    assert row is not None and row[0].replace("%%", "%") == "%: ?"


def test_a_statement_is_compiled_once(database: Database) -> None:
    assert database.prepared(ALL) is database.prepared(ALL)


def test_trips_are_counted_by_kind(database: Database) -> None:
    with trips.counted() as counted:
        keep(database, b"a", b"b")
        kept(database)
    assert counted == {"statement": 2, "commit": 1, "read": 1}


def test_a_connection_is_closed_when_its_thread_has_ended_and_another_begins(database: Database) -> None:
    """Servers end idle threads: what nobody closes would wait for the collector, and warn."""
    at_once(4, lambda _: kept(database))  # SQLite keeps closed files for the next who opens them: it begins with four
    gc.collect()
    before = open_connections(database)
    for _ in range(3):
        at_once(4, lambda _: kept(database))
        gc.collect()
    assert open_connections(database) <= before + 4  # those of the last four, which the next who begins will close


# The thread is one of C's, which has been in Python: so are those of our server. Python takes down its part of it.
A_THREAD_ENDS = """
import ctypes, sys
from idp.storage.database import Database, _ANSWER
from idp.storage.engines import make_engine

database, libc = Database(make_engine(sys.argv[1])), ctypes.CDLL(None)
within = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: print(len(database.all(_ANSWER))))
for _ in range(3):
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, within, None)
    libc.pthread_join(thread, None)
database.check()
print("lives")
"""


def test_a_thread_of_the_server_that_ends_takes_nobody_along(database_url: str) -> None:
    command = [sys.executable, "-c", A_THREAD_ENDS, database_url]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["1", "1", "1", "lives"], "")


def open_connections(database: Database) -> int:
    if not database.is_sqlite:
        row = database.one(text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
        assert row is not None
        return int(row[0])
    path = Path(database.engine.url.database or "").resolve()
    return sum(_leads_to(descriptor, path) for descriptor in Path("/proc/self/fd").iterdir())


def _leads_to(descriptor: Path, path: Path) -> bool:
    try:
        return descriptor.readlink() == path
    except OSError:
        return False


def test_two_threads_in_two_transactions_do_not_meet(database: Database) -> None:
    """Over one connection they would be one transaction, and what one undoes the other would lose."""
    inside, done = threading.Event(), threading.Event()

    def undo() -> None:
        with contextlib.suppress(OutOfCoffee), database.write() as tx:
            tx.run(ADD, key=b"a", expires_at=1)
            inside.set()
            done.wait(0.2 if database.is_sqlite else 30)  # on SQLite the other waits for our lock
            raise OutOfCoffee

    def commit() -> None:
        inside.wait(30)
        keep(database, b"b")
        done.set()

    at_once(2, lambda number: undo() if number else commit())
    assert kept(database) == [b"b"]
