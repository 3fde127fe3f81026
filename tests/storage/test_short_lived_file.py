"""On SQLite the short-lived store has a file of its own: nobody waits there for the database, and it may be lost."""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import func, insert, select, text

from idp.storage import Database
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.models import ShortLivedRow, SpentRow
from idp.storage.short_lived import InDatabase, open_short_lived
from idp.storage.spent import spend
from tests.storage.places import at_once, empty_database

ROOT = Path(__file__).resolve().parents[2]
TAILS = ("", "-wal", "-shm")
OTHER = """
import sys
from idp import observe
from idp.storage import Database
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
observe.configure("INFO")
store = open_short_lived("database", Database(make_engine(sys.argv[1])))
print("ready", flush=True)
"""
START = "2030-03-01T08:00:00Z"
MANY = 200  # values, so that the file has more than a page


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with empty_database("sqlite", tmp_path) as url:
        yield Database(make_engine(url))


@pytest.fixture
def store(database: Database) -> InDatabase:
    return opened(database)


def opened(database: Database) -> InDatabase:
    """The store as another process has it."""
    store = open_short_lived("database", database)
    assert isinstance(store, InDatabase)
    return store


def file_of(database: Database) -> Path:
    return Path(f"{database.engine.url.database}-short-lived")


def fill(store: InDatabase) -> None:
    for number in range(MANY):
        store.put_if_absent(f"key-{number}", bytes(400), 600)


@contextmanager
def process(database: Database, deeds: str) -> Iterator[subprocess.Popen[str]]:
    """Another process with a `store` over the same database, which says "ready" before it does these deeds."""
    command = [sys.executable, "-W", "error", "-c", OTHER + deeds, database.engine.url.render_as_string()]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def filled_and_left(database: Database) -> Path:
    """The store's file, full of values; nobody has it open."""
    fill(opened(database))
    gc.collect()
    assert not Path(f"{file_of(database)}-wal").exists()
    return file_of(database)


def harm(file: Path, command: str) -> None:
    """Done by a shell: a process that closes a file of SQLite's would give up all its own locks on it."""
    subprocess.run(["/bin/sh", "-c", command, str(file)], check=True)


def test_it_works_while_somebody_else_writes_to_the_database(database: Database, store: InDatabase) -> None:
    store.put_if_absent("to take", b"value", 60)
    with database.write() as tx:
        spend(tx, "a value", 60)
        assert at_once(4, lambda number: store.put_if_absent(f"{number}", b"value", 60)) == [True] * 4
        assert store.take("to take") == b"value"
        assert store.count("a", 60) == 1
    assert database.one(select(func.count()).select_from(SpentRow)) == (1,)


def test_the_database_can_be_written_to_while_the_store_is(database: Database, store: InDatabase) -> None:
    with store.database.write() as tx:
        tx.run(insert(ShortLivedRow), key="a", value=b"", expires_at=1)
        with database.write() as durable:
            spend(durable, "a value", 60)


def test_nothing_short_lived_is_in_the_database(database: Database, store: InDatabase) -> None:
    fill(store)
    assert database.one(select(func.count()).select_from(ShortLivedRow)) == (0,)
    assert store.database.one(select(func.count()).select_from(ShortLivedRow)) == (MANY,)


def test_its_commits_wait_for_no_disk_and_what_is_durable_still_does(database: Database, store: InDatabase) -> None:
    assert store.database.one(text("PRAGMA synchronous")) == (1,)  # NORMAL
    assert store.database.one(text("PRAGMA journal_mode")) == ("wal",)
    assert database.one(text("PRAGMA synchronous")) == (2,)  # FULL


def test_it_is_made_by_whoever_needs_it_first_and_never_before(database: Database) -> None:
    store = opened(database)
    assert not file_of(database).exists()
    assert store.get("a") is None
    assert file_of(database).exists()


def test_it_has_the_permissions_of_the_database(database: Database, store: InDatabase) -> None:
    durable = Path(database.engine.url.database or "")
    durable.chmod(0o640)
    store.put_if_absent("a", b"", 60)
    assert [Path(f"{file_of(database)}{tail}").stat().st_mode & 0o777 for tail in TAILS] == [0o640] * 3


def test_it_stands_beside_the_database_itself_where_that_is_reached_by_a_link(
    database: Database, store: InDatabase, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.db").symlink_to(database.engine.url.database or "")
    store.put_if_absent("a", b"value", 60)
    assert opened(Database(make_engine(f"sqlite:///{tmp_path}/elsewhere/link.db"))).get("a") == b"value"


def test_of_many_processes_that_begin_at_once_one_makes_it_and_all_share_it(database: Database) -> None:
    deeds = "input(); print(store.put_if_absent('a', b'value', 60), flush=True)"
    with ExitStack() as held:
        children = [held.enter_context(process(database, deeds)) for _ in range(3)]
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        assert sorted(child.communicate(timeout=60)[0] for child in children) == ["False\n", "False\n", "True\n"]
    assert opened(database).get("a") == b"value"


HARM = {
    "removed": 'rm "$0" "$0-wal" "$0-shm"',
    "removed but for its log": 'rm "$0"',
    "its log removed": 'rm "$0-wal"',
    "its log and index removed": 'rm "$0-wal" "$0-shm"',
    "its log cut off": ': > "$0-wal"',
    "its log overwritten": 'yes nonsense | head -c 90000 > "$0-wal"',
    "replaced": 'rm "$0-wal" "$0-shm"; yes nonsense | head -c 90000 > "$0-other"; mv "$0-other" "$0"',
}


@pytest.mark.parametrize("command", HARM.values(), ids=HARM)
def test_a_file_that_is_harmed_under_us_is_made_anew_and_all_find_the_new_one(
    database: Database, store: InDatabase, command: str
) -> None:
    """One call may fail, by which the damage is met; then all is as with an empty store."""
    other = opened(database)
    fill(store)
    assert other.get("key-0") == bytes(400)
    harm(file_of(database), command)
    failed = 0
    for each in (store, other, store, other):
        try:
            fill(each)
        except Unreachable:
            failed += 1
    assert failed <= 1
    assert store.put_if_absent("new", b"value", 60)
    assert other.take("new") == b"value"
    assert store.get("new") is None
    store.check()


UNUSABLE: dict[str, Callable[[Path], None]] = {
    "no database": lambda file: harm(file, 'yes nonsense | head -c 90000 > "$0"'),
    "cut off": lambda file: os.truncate(file, file.stat().st_size // 2),
    "of another shape": lambda file: _told(file, "DROP TABLE short_lived; CREATE TABLE short_lived (name TEXT)"),
    "of before the machine was restarted": lambda file: _told(file, "PRAGMA user_version = 4711"),
}


def _told(file: Path, script: str) -> None:
    connection = sqlite3.connect(file)
    connection.executescript(script)
    connection.close()


@pytest.mark.parametrize("spoil", UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_cannot_be_used_is_made_anew_when_it_is_opened(
    database: Database, spoil: Callable[[Path], None]
) -> None:
    spoil(filled_and_left(database))
    store = opened(database)
    store.check()
    assert store.put_if_absent("key-0", b"value", 60)


def test_after_a_restart_of_the_machine_the_store_remembers_since_then(database: Database) -> None:
    """What was spent just before a power cut may be lost: who spends must hear of it, and refuse what is older."""
    with time_machine.travel(START, tick=False) as clock:
        since = opened(database).spend("a", 600)
        assert since is not None
        assert opened(database).spend("a", 600) is None
        gc.collect()
        _told(file_of(database), "PRAGMA user_version = 4711")
        clock.shift(30)
        assert opened(database).spend("b", 600) == since + 30


def test_a_file_made_anew_is_a_line_in_the_log_and_one_made_for_the_first_time_is_none(database: Database) -> None:
    with process(database, "store.check(); store.check()") as child:
        assert child.communicate(timeout=60)[1] == ""
    harm(file_of(database), 'yes nonsense | head -c 90000 > "$0"')
    with process(database, "store.check(); store.check()") as child:
        (line,) = child.communicate(timeout=60)[1].splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["reason"]) == ("short_lived_made_anew", "warning", "SQLITE_NOTADB")


def test_damage_in_the_middle_is_met_by_one_call_and_no_other(database: Database) -> None:
    path = filled_and_left(database)
    third = path.stat().st_size // 3
    with path.open("r+b") as file:
        file.seek(third)
        file.write(b"\xff" * third)
    store, failed = opened(database), 0
    for number in range(MANY):
        try:
            store.take(f"key-{number}")
        except Unreachable:
            failed += 1
    assert failed == 1
    assert store.put_if_absent("a", b"value", 60)


def test_it_outlives_those_who_use_it(database: Database) -> None:
    filled_and_left(database)
    assert opened(database).get("key-0") == bytes(400)


def test_a_process_that_is_killed_leaves_a_whole_file(database: Database) -> None:
    with process(database, "while True: print(store.count('a', 600), flush=True)") as child:
        for line in child.stdout or ():
            if int(line) == MANY:
                break
        child.kill()
        child.wait()
    store = opened(database)
    assert store.count("a", 600) > MANY
    assert store.database.one(text("PRAGMA integrity_check")) == ("ok",)


def test_where_nothing_can_be_made_the_store_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "motcua.db-short-lived").mkdir()
    store = opened(Database(make_engine(f"sqlite:///{tmp_path}/motcua.db")))
    for _ in range(2):
        with pytest.raises(Unreachable):
            store.check()
