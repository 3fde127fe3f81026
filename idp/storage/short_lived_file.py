"""The short-lived store's own file beside a database on SQLite: `motcua.db-short-lived`.

What is put there waits neither for the disk nor for the one write lock of what is durable. A power cut might undo its
last commits, and so bring back what was taken: after every start of the machine the file is made anew, as when it
cannot be read or is gone. Whoever notices first does it, and says so in the log.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, create_engine, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.base import Executable

from idp.storage.base import Base
from idp.storage.database import Database, Row, Transaction, Unreachable, _Kept
from idp.storage.engines import BUSY_TIMEOUT_MILLISECONDS, SQLITE_PRAGMAS
from idp.storage.models import ShortLivedRow

TAIL = "-short-lived"
# In a commit nobody waits for the disk: in WAL the file is whole after a power cut even so (sqlite.org/pragma.html).
PRAGMAS = (*SQLITE_PRAGMAS, "PRAGMA synchronous=NORMAL")
# How SQLite tells of a file that is damaged, cut off, or no database at all (sqlite.org/rescode.html).
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_NOTADB)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOOK = select(ShortLivedRow.key, ShortLivedRow.value, ShortLivedRow.expires_at).limit(1)

log = structlog.get_logger()


class _Unusable(Unreachable):
    """The file must be made anew; the text is the reason."""


class ShortLivedFile(Database):
    """The file beside this database, for any number of processes: whoever opens it first makes it."""

    def __init__(self, database: Database) -> None:
        self._main = Path(database.engine.url.database or "").resolve()  # where SQLite, too, keeps its other files
        self._file = self._main.with_name(self._main.name + TAIL)
        self._files = [str(self._file) + tail for tail in ("", "-wal", "-shm")]
        self._was_there = False
        super().__init__(create_engine(URL.create("sqlite", database=str(self._file)), creator=self._open))

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits at the end of the block; any exception, or a power cut soon after, undoes it."""
        with self._watched(), super().write() as transaction:
            yield transaction

    def check(self) -> None:
        """Raises Unreachable unless the table can be read."""
        self.one(_LOOK)

    def _read(self, statement: Executable, values: dict[str, Any]) -> list[Row]:
        with self._watched():
            return super()._read(statement, values)

    def _kept(self) -> _Kept:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is not None and not kept.in_transaction and self._inodes() != self._local.inodes:
            self._forget(kept)  # it leads to files that somebody has removed
        return super()._kept()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """A file that turns out to be damaged is new afterwards; whoever met the damage hears Unreachable even so."""
        try:
            yield
        except (sqlite3.DatabaseError, Unreachable) as problem:
            cause = problem.__cause__ if isinstance(problem, Unreachable) else problem
            if not isinstance(cause, sqlite3.DatabaseError) or not _is_damage(cause):
                raise
            with self._alone():
                if self._inodes() == self._local.inodes:  # otherwise somebody was quicker
                    self._make(cause.sqlite_errorname)
            raise Unreachable(type(cause).__name__) from cause

    def _open(self) -> sqlite3.Connection:
        with self._alone():
            if not self._file.exists():
                self._make("removed" if self._was_there else "")
            try:
                return self._opened()
            except _Unusable as problem:
                self._make(str(problem))
                return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=BUSY_TIMEOUT_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except sqlite3.DatabaseError as problem:
            connection.close()
            if _is_damage(problem) or problem.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table, but not ours
                raise _Unusable(problem.sqlite_errorname) from None
            raise
        except _Unusable:
            connection.close()
            raise
        self._local.inodes, self._was_there = self._inodes(), True
        return connection

    def _make(self, reason: str) -> None:
        """The file is there and empty, whatever was there before, and belongs to whom the database belongs to."""
        for name in self._files:
            Path(name).unlink(missing_ok=True)
        self._file.touch(mode=0o600)  # SQLite gives its other files the permissions of this one
        with suppress(FileNotFoundError, PermissionError):
            main = self._main.stat()
            self._file.chmod(stat.S_IMODE(main.st_mode))
            os.chown(self._file, main.st_uid, main.st_gid)  # where root runs an operator's command
        if reason:
            log.warning("short_lived_made_anew", reason=reason)

    def _inodes(self) -> list[int]:
        """Which files bear the three names now."""
        try:
            return [os.stat(name).st_ino for name in self._files]  # noqa: PTH116 - before every statement: be quick
        except OSError:
            return []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else opens or makes the file: with one's database and another one's log, SQLite would destroy both."""
        try:
            directory = os.open(self._file.parent, os.O_RDONLY)
            try:
                fcntl.flock(directory, fcntl.LOCK_EX)
                yield
            finally:
                os.close(directory)
        except OSError as problem:
            raise Unreachable(type(problem).__name__) from problem


def _prepare(connection: sqlite3.Connection) -> None:
    """The table is there and has our columns; raises _Unusable for a file that was made before the machine started."""
    for pragma in PRAGMAS:
        connection.execute(pragma)
    ((made_in,),) = connection.execute("PRAGMA user_version").fetchall()
    if _THIS_RUN and made_in != _THIS_RUN:
        if made_in:
            raise _Unusable("the machine was restarted")
        connection.execute(f"PRAGMA user_version={_THIS_RUN}")
    for statement in _TABLE:
        connection.execute(statement).fetchall()


def _is_damage(problem: sqlite3.DatabaseError) -> bool:
    code = getattr(problem, "sqlite_errorcode", 0)  # the driver's own errors have none
    return code in DAMAGE or code & 0xFF in DAMAGE


def _table() -> tuple[str, ...]:
    """What makes the table where it is missing, and then fails unless it has our columns."""
    table, dialect = Base.metadata.tables[ShortLivedRow.__tablename__], SQLiteDialect()
    made = [str(CreateTable(table, if_not_exists=True).compile(dialect=dialect))]
    made += [str(CreateIndex(each, if_not_exists=True).compile(dialect=dialect)) for each in table.indexes]
    return (*made, str(_LOOK.compile(dialect=dialect, compile_kwargs={"literal_binds": True})))


def _this_run() -> int:
    """The number of this run of the machine, as good as certainly no other's; 0 where the system does not tell."""
    try:
        return int(BOOT_ID.read_text("ascii")[:8], 16) >> 1 or 1
    except (OSError, ValueError):
        return 0


_TABLE, _THIS_RUN = _table(), _this_run()
