"""The shape of the database: which step it has reached, and how it is brought to the newest one.

The steps stand in `migrations/` at the root of the repository. Any number of machines may run them at once: one does
the work, the others wait for its lock and then find nothing left to do. All steps are one transaction, on both engines.

Alembic does them, and is loaded only then: to load it would be a tenth of what a server needs until it serves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, column, create_engine, event, func, inspect, select, table
from sqlalchemy.exc import OperationalError

from idp.settings import UnsafeSettings
from idp.storage.database import Database, Unreachable
from idp.storage.engines import BUSY_TIMEOUT_MILLISECONDS, SQLITE_PRAGMAS, make_engine

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
ADVISORY_LOCK = 0x6D6F74637561  # any number will do that no other program on the server uses: "motcua"
REACHED = table("alembic_version", column("version_num"))  # alembic's own


class NotAtHead(Exception):
    """The database has another shape than this program was written for; the text says what to do."""


def configuration(url: str, **attributes: Any) -> Config:
    """Alembic's configuration for our migrations and this database."""
    from alembic.config import Config

    config = Config(attributes={"url": url, **attributes})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def upgrade(url: str) -> list[str]:
    """The database at `url` is at the newest step; returns what was done for that. Raises Unreachable."""
    from alembic import command

    done: list[str] = []

    def note(*, step: Any, **_: Any) -> None:
        done.append(f"{step.up_revision_id} {step.up_revision.doc.rstrip('.').lower()}")

    command.upgrade(configuration(url, on_step=[note]), "head")
    return done


def newest() -> str:
    """The step that this program was written for."""
    return _newest(MIGRATIONS)


def check_at_head(database: Database) -> None:
    """Raises NotAtHead unless the database is at the step that this program was written for; Unreachable."""
    reached = _reached(database.engine)
    if reached != newest():
        raise NotAtHead(
            f"the database is at step {reached or 'none'} and this program needs {newest()}: run `idp migrate`"
        )


def at_head(database: Database) -> Callable[[], None]:
    """A question for /health/ready: raises Unreachable until the database has been seen at the newest step, once."""
    seen = threading.Event()

    def ask() -> None:
        if seen.is_set():
            return
        try:
            check_at_head(database)
        except NotAtHead as problem:
            raise Unreachable(str(problem)) from None
        seen.set()

    return ask


@contextmanager
def locked(url: str) -> Iterator[Connection]:
    """A connection in a transaction that no other migration can have at the same time.

    Raises Unreachable, and UnsafeSettings for a URL that cannot be one of ours.
    """
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        engine = _sqlite_that_locks(engine.url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            yield connection
    except OperationalError as problem:
        raise Unreachable(type(problem.orig).__name__) from problem
    finally:
        engine.dispose()


def _sqlite_that_locks(url: URL) -> Engine:
    """An engine whose every transaction has the write lock from its first moment on, and foreign keys unenforced.

    Enforced ones would empty the tables that refer to one that a step has to build anew (sqlite.org/lang_altertable).
    """
    file = Path(url.database or "")
    try:
        file.touch(mode=0o600)  # SQLite gives its other files the permissions of this one
    except OSError as problem:
        raise UnsafeSettings(f"database_url: {file} cannot be made: {problem.strerror}") from None
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        patience = f"PRAGMA busy_timeout={4 * BUSY_TIMEOUT_MILLISECONDS}"
        for pragma in (*SQLITE_PRAGMAS, patience, "PRAGMA foreign_keys=OFF"):
            connection.execute(pragma)

    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


@lru_cache
def _newest(migrations: Path) -> str:
    """The steps are one line, and each file begins with its step's number."""
    steps = [file.name.partition("_")[0] for file in migrations.glob("versions/[0-9]*_*.py")]
    if not steps:
        raise NotAtHead(f"there are no migrations in {migrations}: run the program from its own folder")
    return max(steps)


def _reached(engine: Engine) -> str | None:
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if file and not Path(file).exists():
        return None  # connecting would make an empty file
    try:
        with engine.connect() as connection:
            known = inspect(connection).has_table(REACHED.name)
            reached: str | None = connection.scalar(select(REACHED.c.version_num)) if known else None
            return reached
    except OperationalError as problem:
        raise Unreachable(type(problem.orig).__name__) from problem
