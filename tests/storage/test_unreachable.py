"""A database that does not answer is `Unreachable`, soon; when it is back, so are we, without a restart."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.engine import make_url

from idp.storage import Database
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.models import SpentRow
from tests.storage.places import Wire, at_once, empty_database, wire_to

ADD = insert(SpentRow)
COUNT = select(func.count()).select_from(SpentRow)


def add(database: Database, key: bytes = b"a") -> None:
    with database.write() as tx:
        tx.run(ADD, key=key, expires_at=1)


DEEDS: dict[str, Callable[[Database], object]] = {
    "one": lambda database: database.one(COUNT),
    "all": lambda database: database.all(COUNT),
    "write": add,
    "commit": lambda database: database.commit(ADD, key=b"c", expires_at=1),
    "check": lambda database: database.check(),
}
every_deed = pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[tuple[Wire, Database]]:
    """A wire that can be cut, and a database at its other end."""
    with empty_database("postgresql", tmp_path) as url:
        parsed = make_url(url)
        directory, port = parsed.query.get("host"), parsed.port or 5432
        server = f"{directory}/.s.PGSQL.{port}" if directory else (parsed.host or "", port)
        with wire_to(server) as wire:
            through = parsed.set(host="127.0.0.1", port=wire.port, query={"sslmode": "disable"})
            database = Database(make_engine(through.render_as_string(hide_password=False)))
            yield wire, database
            database.engine.dispose()


@every_deed
def test_a_lost_server_is_unreachable_and_found_again_when_it_is_back(
    wire: tuple[Wire, Database], deed: Callable[[Database], object]
) -> None:
    """Reads and the beginning of a transaction go over a new connection by themselves: nothing was asked yet."""
    line, database = wire
    database.check()
    line.cut()
    for _ in range(2):
        with pytest.raises(Unreachable):
            deed(database)
    line.mend()
    deed(database)


@every_deed
def test_a_server_that_restarted_between_two_requests_was_never_missed(
    wire: tuple[Wire, Database], deed: Callable[[Database], object]
) -> None:
    line, database = wire
    database.check()
    line.cut()
    line.mend()
    deed(database)


@every_deed
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_a_backend_that_ended_at_the_other_end_of_a_unix_socket_was_never_missed(
    tmp_path: Path, deed: Callable[[Database], object], known: bool
) -> None:
    """There the system tells of it earlier, and libpq in other words; of a statement that is new as of a known one."""
    with empty_database("postgresql", tmp_path) as url:
        database, other = Database(make_engine(url)), Database(make_engine(url))
        if known:
            deed(database)
            with database.write() as tx:
                tx.run(delete(SpentRow))
        backend = database.one(text("SELECT pg_backend_pid()"))
        assert backend is not None
        other.one(text(f"SELECT pg_terminate_backend({backend[0]}, 5000)"))
        deed(database)
        for each in (database, other):
            each.engine.dispose()


def test_a_transaction_that_the_server_did_not_live_to_commit_is_unreachable_and_undone(
    wire: tuple[Wire, Database],
) -> None:
    line, database = wire

    def lose_the_server() -> None:
        with database.write() as tx:
            tx.run(ADD, key=b"b", expires_at=1)
            line.cut()

    add(database, b"a")
    with pytest.raises(Unreachable):
        lose_the_server()
    line.mend()
    assert database.one(COUNT) == (1,)


def test_a_statement_is_not_sent_again_in_the_middle_of_a_transaction(wire: tuple[Wire, Database]) -> None:
    """Its first half would be missing, and nobody would know."""
    line, database = wire

    def lose_the_server_for_a_moment() -> None:
        with database.write() as tx:
            tx.run(ADD, key=b"a", expires_at=1)
            line.cut()
            line.mend()
            tx.run(ADD, key=b"b", expires_at=1)

    with pytest.raises(Unreachable):
        lose_the_server_for_a_moment()
    assert database.one(COUNT) == (0,)


def test_every_thread_finds_the_server_again(wire: tuple[Wire, Database]) -> None:
    line, database = wire
    all_connected, back_again = threading.Barrier(9), threading.Event()

    def read_before_and_after(number: int) -> object:
        if number < 8:
            database.check()
            all_connected.wait(30)
            back_again.wait(30)
            return database.one(COUNT)
        all_connected.wait(30)
        line.cut()
        line.mend()
        back_again.set()
        return (0,)

    assert at_once(9, read_before_and_after) == [(0,)] * 9


def test_a_server_that_accepts_and_never_greets_is_unreachable_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(make_engine(f"postgresql+psycopg://x@127.0.0.1:{silent.getsockname()[1]}/x"))
        began = time.monotonic()
        with pytest.raises(Unreachable):
            database.check()
        assert time.monotonic() - began < 8
        database.engine.dispose()


@every_deed
def test_a_file_that_cannot_be_opened_is_unreachable(tmp_path: Path, deed: Callable[[Database], object]) -> None:
    database = Database(make_engine(f"sqlite:///{tmp_path}/missing/motcua.db"))
    for _ in range(2):
        with pytest.raises(Unreachable):
            deed(database)
    database.engine.dispose()
