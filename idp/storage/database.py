"""Running statements: written in SQLAlchemy Core, compiled once, sent over a connection that each thread keeps.

row = database.one(FIND_SESSION, fingerprint=...)            one round trip
with database.write() as tx: tx.run(ADD_GRANT, ...)          one commit, durable when the block has ended
row = database.commit(GRANT, ...)                            one statement that is a commit by itself
"""

from __future__ import annotations

import select
import sqlite3
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

from idp.storage import trips
from idp.storage.chains import Chain
from idp.storage.ends import End, Left, close_all
from idp.storage.engines import cursor_of, own_connection, spoken
from idp.storage.together import Together, Wanted, run

Row = Sequence[Any]
UNIQUE_VIOLATION = "23505"  # PostgreSQL's appendix A
_ANSWER = text("SELECT 1")


class Unreachable(Exception):
    """The database does not answer."""


class Conflict(Exception):
    """A unique row exists already: somebody else was first."""


class _Kept:
    """A thread's connection. All statements go over one cursor, and all rows are fetched at once: with rows left it
    would hold SQLite's log open.
    """

    __slots__ = ("connection", "cursor", "in_transaction")

    def __init__(self, connection: Any, cursor: Any) -> None:
        self.connection = connection
        self.cursor = cursor
        self.in_transaction = False


class _Prepared:
    """A statement as the driver wants it: its text, the literals in it, and the order of its parameters."""

    __slots__ = ("constants", "positions", "text")

    def __init__(self, statement: Any, dialect: Any) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text: str = compiled.string
        self.constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self.positions = tuple(compiled.positiontup or ())

    def bind(self, values: dict[str, Any]) -> list[Any]:
        if self.constants:
            values = self.constants | values
        return [values[name] for name in self.positions]


class Database:
    """The durable store. Thread-safe: every thread has a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._local = threading.local()
        self._left: Left = deque()
        weakref.finalize(self, close_all, self._left)
        self._prepared: dict[int, tuple[Executable | Chain, _Prepared]] = {}
        self.driver: Any = engine.dialect.import_dbapi()
        self._dialect = spoken(engine)
        self._together = Together(self._commit_all)

    def one(self, statement: Executable, **values: Any) -> Row | None:
        """The first row, or None; one round trip, outside any transaction. Raises Unreachable."""
        rows = self._read(statement, values)
        return rows[0] if rows else None

    def all(self, statement: Executable, **values: Any) -> list[Row]:
        return self._read(statement, values)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits durably at the end of the block; any exception undoes it all.

        On SQLite it takes the write lock at once: a transaction that starts by reading could not go on to write
        after another's commit. Raises Conflict for a row that must be unique, Unreachable for no database.
        """
        kept = self._begun()
        transaction = Transaction(self, kept.cursor)
        with self._told(kept):
            yield transaction
            if transaction.failed:
                raise RuntimeError("a statement failed, and the block went on as if it had not")
            trips.count("commit")
            kept.cursor.execute("COMMIT")

    def commit(self, statement: Executable | Chain, **values: Any) -> Row | None:
        """The statement, or the chain, took effect durably; returns its first row if it returns any.

        Raises Conflict for a row that must be unique, Unreachable for no database: then it may have taken effect.
        """
        trips.count("commit")
        rows = self._commit_with_others(statement, values) if self.is_sqlite else self._commit(statement, values)
        return rows[0] if rows else None

    def _commit(self, statement: Executable | Chain, values: dict[str, Any]) -> list[Row]:
        prepared = self.prepared(statement)
        kept = self._fresh()
        with self._told(kept):
            rows: list[Row] = kept.cursor.execute(prepared.text, prepared.bind(values)).fetchall()
            return rows

    def _commit_with_others(self, statement: Executable | Chain, values: dict[str, Any]) -> list[Row]:
        self._refuse_within(self._kept())
        parts = [statement.first, *statement.others] if isinstance(statement, Chain) else [statement]
        prepared = [self.prepared(part) for part in parts]
        return self._together.commit([(part.text, part.bind(values)) for part in prepared])

    def _commit_all(self, everybody: Sequence[Wanted]) -> None:
        kept = self._begun()
        with self._told(kept):
            for wanted in everybody:
                run(kept.cursor, wanted, self.driver.OperationalError, self._in_our_words)
            kept.cursor.execute("COMMIT")

    @contextmanager
    def _told(self, kept: _Kept) -> Iterator[None]:
        """What goes wrong within is undone, and told in our words."""
        try:
            yield
        except self.driver.IntegrityError as problem:
            self._undo(kept)
            raise self._in_our_words(problem) from None
        except self.driver.OperationalError as problem:
            self._forget(kept)
            raise Unreachable(type(problem).__name__) from problem
        except BaseException:
            self._undo(kept)
            raise
        finally:
            kept.in_transaction = False

    def _in_our_words(self, problem: Exception) -> Exception:
        if not isinstance(problem, self.driver.IntegrityError):
            return problem
        if _is_taken(problem):
            return Conflict(type(problem).__name__)
        return RuntimeError(f"a row that may not be: {type(problem).__name__}")  # a fault of ours; its text has the row

    def check(self) -> None:
        """Raises Unreachable unless the database answers."""
        self._read(_ANSWER, {})

    def prepared(self, statement: Executable | Chain) -> _Prepared:
        known = self._prepared.get(id(statement))
        if known is None:
            whole = statement.whole() if isinstance(statement, Chain) else statement
            # The statement is kept beside its text, so that its id() can never belong to another one.
            known = self._prepared[id(statement)] = (statement, _Prepared(whole, self._dialect))
        return known[1]

    def _read(self, statement: Executable, values: dict[str, Any]) -> list[Row]:
        prepared = self.prepared(statement)
        trips.count("read")
        for last_try in (self.is_sqlite, True):  # what reads may be sent again over a new connection
            kept = self._kept()
            try:
                rows: list[Row] = kept.cursor.execute(prepared.text, prepared.bind(values)).fetchall()
                return rows
            except self.driver.OperationalError as problem:
                self._forget(kept)
                if last_try:
                    raise Unreachable(type(problem).__name__) from problem
        raise AssertionError

    def _begun(self) -> _Kept:
        """This thread's connection, in a transaction: over a new one if the old one turns out to be dead."""
        for last_try in (self.is_sqlite, True):
            kept = self._kept()
            if kept.in_transaction:
                raise RuntimeError("a transaction within another, whose commit would be both's")
            try:
                kept.cursor.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            except self.driver.OperationalError as problem:
                self._forget(kept)
                if last_try:
                    raise Unreachable(type(problem).__name__) from problem
            else:
                kept.in_transaction = True
                return kept
        raise AssertionError

    def _fresh(self) -> _Kept:
        """This thread's connection, a new one if the server has closed it since: what writes is not sent twice."""
        kept = self._kept()
        self._refuse_within(kept)
        if not select.select((kept.connection,), (), (), 0)[0]:
            return kept
        self._forget(kept)  # nobody has asked anything, so what there is to read is a farewell
        return self._kept()

    def _refuse_within(self, kept: _Kept) -> None:
        if kept.in_transaction:
            raise RuntimeError("a commit within a transaction, which would be no commit")

    def _kept(self) -> _Kept:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            close_all(self._left)
            try:
                connection = own_connection(self.engine)
                kept = self._local.kept = _Kept(connection, cursor_of(connection, self.engine))
            except (DBAPIError, self.driver.Error) as problem:
                raise Unreachable(type(problem).__name__) from problem
            self._local.end = End(self, self._left, connection)
        return kept

    def _undo(self, kept: _Kept) -> None:
        if not kept.in_transaction:
            return
        try:
            kept.cursor.execute("ROLLBACK")
        except self.driver.Error:
            self._forget(kept)

    def _forget(self, kept: _Kept) -> None:
        self._local.kept = self._local.end = None
        with suppress(self.driver.Error):
            kept.connection.close()


class Transaction:
    """Statements that take effect together, or not at all."""

    def __init__(self, database: Database, cursor: Any) -> None:
        self._database = database
        self._cursor = cursor
        self.failed = False  # PostgreSQL would answer COMMIT after a failure by undoing everything, and call it success

    def run(self, statement: Executable, **values: Any) -> int:
        """How many rows were changed."""
        return int(self._execute(statement, values).rowcount)

    def one(self, statement: Executable, **values: Any) -> Row | None:
        """The first row of a SELECT or of a RETURNING, or None."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def all(self, statement: Executable, **values: Any) -> list[Row]:
        rows: list[Row] = self._execute(statement, values).fetchall()
        return rows

    def _execute(self, statement: Executable, values: dict[str, Any]) -> Any:
        prepared = self._database.prepared(statement)
        trips.count("statement")
        try:
            return self._cursor.execute(prepared.text, prepared.bind(values))
        except self._database.driver.Error:
            self.failed = True
            raise


def _is_taken(problem: Any) -> bool:
    """Whether a unique row was there already; anything else that breaks a constraint is a fault of ours."""
    taken = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)
    return getattr(problem, "sqlite_errorcode", None) in taken or getattr(problem, "sqlstate", None) == UNIQUE_VIOLATION
