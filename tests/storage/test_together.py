"""On SQLite, who comes while another commits shares the next commit: all or nothing each, and none without the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, literal, select

from idp.storage import Database
from idp.storage.chains import Chain
from idp.storage.database import Conflict, Unreachable
from idp.storage.engines import make_engine
from idp.storage.models import ChangeRow, SpentRow
from idp.storage.together import Together, Wanted
from tests.storage.places import make_tables

EVERYBODY = 6
KEEP = insert(SpentRow)
KEPT = select(SpentRow.key).order_by(SpentRow.key)
NOTED = select(ChangeRow.topic).order_by(ChangeRow.topic)
KEEP_AND_NOTE = Chain(insert(SpentRow).returning(SpentRow.key), insert(ChangeRow))
NEVER = Chain(
    insert(SpentRow).from_select(["key", "expires_at"], select(literal(b"never"), literal(1)).where(literal(1) == 0))
    .returning(SpentRow.key), insert(ChangeRow),
)  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(make_engine(f"sqlite:///{tmp_path}/together.db"))
    make_tables(database.engine)
    return database


def while_another_writes(database: Database, keys: Sequence[bytes], then: bytes) -> tuple[list[object], list[int]]:
    """What each heard who wanted to keep a key while somebody else was writing; and how many each commit was of."""
    sizes, commit_all = list[int](), database._together._commit_all

    def counted(everybody: Sequence[Wanted]) -> None:
        sizes.append(len(everybody))
        commit_all(everybody)

    def keep(key: bytes) -> object:
        try:
            return database.commit(KEEP, key=key, expires_at=1)
        except Conflict as problem:
            return type(problem)

    database._together._commit_all = counted
    with ThreadPoolExecutor(len(keys)) as pool:
        with database.write() as tx:
            heard = [pool.submit(keep, key) for key in keys]
            until = time.monotonic() + 30
            while len(database._together._waiting) < len(keys) - 1:  # one of them waits to begin
                assert time.monotonic() < until
                time.sleep(0.001)
            tx.run(KEEP, key=then, expires_at=1)
        return [each.result() for each in heard], sizes


def test_who_comes_meanwhile_is_in_the_next_commit(database: Database) -> None:
    keys = [bytes([number]) for number in range(EVERYBODY)]
    heard, sizes = while_another_writes(database, keys, b"first")
    assert heard == [None] * EVERYBODY
    assert sizes == [1, EVERYBODY - 1]
    assert [bytes(row[0]) for row in database.all(KEPT)] == sorted([*keys, b"first"])


def test_of_those_who_want_the_same_one_gets_it_and_the_others_lose_nothing_else(database: Database) -> None:
    heard, _ = while_another_writes(database, [b"same", b"same", b"same", b"own", b"first"], b"first")
    assert sorted(heard, key=str) == [Conflict, Conflict, Conflict, None, None]
    assert [bytes(row[0]) for row in database.all(KEPT)] == [b"first", b"own", b"same"]


def test_nothing_of_a_chain_stays_whose_end_is_refused(database: Database) -> None:
    assert database.commit(KEEP_AND_NOTE, key=b"a", expires_at=1, topic="taken", number=1) is not None
    with pytest.raises(Conflict):
        database.commit(KEEP_AND_NOTE, key=b"b", expires_at=1, topic="taken", number=1)
    assert [bytes(row[0]) for row in database.all(KEPT)] == [b"a"]


def test_a_chain_whose_beginning_makes_nothing_does_nothing(database: Database) -> None:
    assert database.commit(NEVER, topic="never", number=1) is None
    assert (database.all(KEPT), database.all(NOTED)) == ([], [])


def test_a_value_that_cannot_be_kept_is_its_callers_fault_alone(database: Database) -> None:
    with pytest.raises(Exception, match="type 'set'"):
        database.commit(KEEP, key=set(), expires_at=1)
    assert database.commit(KEEP, key=b"next", expires_at=1) is None
    assert [bytes(row[0]) for row in database.all(KEPT)] == [b"next"]


def test_a_commit_within_a_transaction_is_refused(database: Database) -> None:
    with database.write() as tx:
        tx.run(KEEP, key=b"a", expires_at=1)
        with pytest.raises(RuntimeError, match="within a transaction"):
            database.commit(KEEP, key=b"b", expires_at=1)
    assert [bytes(row[0]) for row in database.all(KEPT)] == [b"a"]


def test_everybody_hears_of_a_commit_that_failed() -> None:
    begun, may_fail = threading.Event(), threading.Event()

    def fail(_: Sequence[Wanted]) -> None:
        begun.set()
        assert may_fail.wait(30)
        raise Unreachable("a text") from OSError("the disk is full")

    together = Together(fail)
    with ThreadPoolExecutor(EVERYBODY) as pool:
        heard = [pool.submit(together.commit, [("", ())])]
        assert begun.wait(30)
        heard += [pool.submit(together.commit, [("", ())]) for _ in range(EVERYBODY - 1)]
        may_fail.set()
        problems = [each.exception(30) for each in heard]
    assert [type(problem) for problem in problems] == [Unreachable] * EVERYBODY
    assert {str(problem.__cause__) for problem in problems if problem} == {"the disk is full"}
    assert len(set(map(id, problems))) == EVERYBODY  # a traceback is one thread's
