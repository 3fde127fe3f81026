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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

from idp.storage import trips
from idp.storage.chains import Chain
from idp.storage.engines import own_connection

Row = Sequence[Any]
UNIQUE_VIOLATION = "23505"  # PostgreSQL's appendix A
_ANSWER = text("SELECT 1")


class Unreachable(Exception):
    """The database does not answer."""


class Conflict(Exception):
    """A unique row exists already: somebody else was first."""


class _Kept:
    """A thread's connection: when the thread ends nobody is left to close it, so that it is closed with this.

    All statements go over one cursor, and all rows are fetched at once: a cursor each costs a third more on PostgreSQL,
    and one with rows left would hold SQLite's log open.
    """

    __slots__ = ("__weakref__", "connection", "cursor", "in_transaction")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.in_transaction = False
        weakref.finalize(self, connection.close)


class _Prepared:
    """A statement as the driver wants it: its text, the literals in it, and the order of its parameters."""

    __slots__ = ("constants", "positions", "text")

    def __init__(self, statement: Any, dialect: Any) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text: str = compiled.string
        self.constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self.positions = tuple(compiled.positiontup or ()) if compiled.positional else None

    def bind(self, values: dict[str, Any]) -> Any:
        if self.constants:
            values = self.constants | values
        return values if self.positions is None else [values[name] for name in self.positions]


class Database:
    """The durable store. Thread-safe: every thread has a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._local = threading.local()
        self._prepared: dict[int, tuple[Executable | Chain, _Prepared]] = {}
        self.driver: Any = engine.dialect.import_dbapi()

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
        if self.is_sqlite and isinstance(statement, Chain):
            return self._commit_in_turn(statement, values)
        prepared = self.prepared(statement)
        kept = self._fresh()
        with self._told(kept):
            cursor = kept.cursor.execute(prepared.text, prepared.bind(values))
            rows: list[Row] = cursor.fetchall() if cursor.description else []
        return rows[0] if rows else None

    def _commit_in_turn(self, chain: Chain, values: dict[str, Any]) -> Row | None:
        first, others = self.prepared(chain.first), [self.prepared(other) for other in chain.others]
        kept = self._begun()
        with self._told(kept):
            rows: list[Row] = kept.cursor.execute(first.text, first.bind(values)).fetchall()
            for other in others if rows else []:
                kept.cursor.execute(other.text, other.bind(values))
            kept.cursor.execute("COMMIT")
        return rows[0] if rows else None

    @contextmanager
    def _told(self, kept: _Kept) -> Iterator[None]:
        """What goes wrong within is undone, and told in our words."""
        try:
            yield
        except self.driver.IntegrityError as problem:
            self._undo(kept)
            if not _is_taken(problem):  # a fault of ours; its text would show the row
                raise RuntimeError(f"a row that may not be: {type(problem).__name__}") from None
            raise Conflict(type(problem).__name__) from None
        except self.driver.OperationalError as problem:
            self._forget(kept)
            raise Unreachable(type(problem).__name__) from problem
        except BaseException:
            self._undo(kept)
            raise
        finally:
            kept.in_transaction = False

    def check(self) -> None:
        """Raises Unreachable unless the database answers."""
        self._read(_ANSWER, {})

    def prepared(self, statement: Executable | Chain) -> _Prepared:
        known = self._prepared.get(id(statement))
        if known is None:
            whole = statement.whole() if isinstance(statement, Chain) else statement
            # The statement is kept beside its text, so that its id() can never belong to another one.
            known = self._prepared[id(statement)] = (statement, _Prepared(whole, self.engine.dialect))
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
        if kept.in_transaction:
            raise RuntimeError("a commit within a transaction, which would be no commit")
        if self.is_sqlite or not select.select((kept.connection,), (), (), 0)[0]:
            return kept
        self._forget(kept)  # nobody has asked anything, so what there is to read is a farewell
        return self._kept()

    def _kept(self) -> _Kept:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            try:
                kept = self._local.kept = _Kept(own_connection(self.engine))
            except (DBAPIError, self.driver.Error) as problem:
                raise Unreachable(type(problem).__name__) from problem
        return kept

    def _undo(self, kept: _Kept) -> None:
        if not kept.in_transaction:
            return
        try:
            kept.cursor.execute("ROLLBACK")
        except self.driver.Error:
            self._forget(kept)

    def _forget(self, kept: _Kept) -> None:
        self._local.kept = None
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
