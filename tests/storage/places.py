"""Places to keep things in, one a test and on either engine; threads that start at once; a wire that can be cut."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from idp.storage import Base, schema
from idp.storage.engines import make_engine
from tests import servers

LONGEST_WAIT_SECONDS = 60
T = TypeVar("T")


@contextlib.contextmanager
def empty_database(engine: str, directory: Path) -> Iterator[str]:
    """The URL of a database with all our tables and nothing in them; it is gone when the block ends."""
    if engine == "sqlite":
        url = f"sqlite:///{directory}/{secrets.token_hex(4)}.db"
        _make_tables(url)
        yield url
        return
    server = make_url(os.environ.get("IDP_TEST_DATABASE_URL") or servers._postgresql())
    own = server.set(database=f"motcua_test_{secrets.token_hex(6)}")
    servers.tell(server, f'CREATE DATABASE "{own.database}"')
    try:
        url = own.render_as_string(hide_password=False)
        _make_tables(url)
        yield url
    finally:
        servers.tell(server, f'DROP DATABASE "{own.database}" WITH (FORCE)')


def short_lived_beside(engine: str) -> str:
    """The setting of the short-lived store as it goes with the engine: beside PostgreSQL stands Valkey."""
    if engine == "sqlite":
        return "database"
    return os.environ.get("IDP_TEST_VALKEY_URL") or servers._valkey()


def _make_tables(url: str) -> None:
    import idp.app  # noqa: F401 - every room's tables

    engine = make_engine(url)
    make_tables(engine)
    engine.dispose()


def make_tables(engine: Engine) -> None:
    """All tables of the models, as if every step had been taken: that both give the same is tested for itself."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        MigrationContext.configure(connection).stamp(ScriptDirectory(str(schema.MIGRATIONS)), "head")


def at_once(deeds: int, deed: Callable[[int], T]) -> list[T]:
    """What each of so many threads got, all of them let go at one moment."""
    start = threading.Barrier(deeds)

    def run(number: int) -> T:
        start.wait(LONGEST_WAIT_SECONDS)
        return deed(number)

    with ThreadPoolExecutor(deeds) as threads:
        return list(threads.map(run, range(deeds)))


class Wire:
    """A port on loopback that leads to a server until it is cut, and again after it was mended."""

    def __init__(self, server: tuple[str, int] | str) -> None:
        self._server = server
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port = 0
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept, self._listener)

    def cut(self) -> None:
        """Nobody listens, every connection has ended."""
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join()
        self._sockets.clear()
        self._threads.clear()

    def _run(self, function: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
            far.connect(self._server)
            self._sockets |= {near, far}
            self._run(_pump, near, far)
            self._run(_pump, far, near)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def wire_to(server: tuple[str, int] | str) -> Iterator[Wire]:
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.cut()


def wire_to_valkey(url: str) -> contextlib.AbstractContextManager[Wire]:
    parts = urlsplit(url)
    return wire_to(parts.path if parts.scheme == "unix" else (parts.hostname or "", parts.port or 6379))


__all__ = ["Wire", "at_once", "empty_database", "make_tables", "short_lived_beside", "wire_to", "wire_to_valkey"]
