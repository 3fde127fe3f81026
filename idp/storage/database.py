"""Running statements: written in SQLAlchemy Core, compiled once, sent over a connection that each thread keeps.

row = database.one(FIND_SESSION, fingerprint=...)            one round trip
with database.write() as tx: tx.run(ADD_GRANT, ...)          one commit, durable when the block has ended
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

from idp.storage import trips
from idp.storage.engines import own_connection

Row = Sequence[Any]


class Unreachable(Exception):
    """The database does not answer."""


class Conflict(Exception):
    """A unique row exists already: somebody else was first."""


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
        self._prepared: dict[int, tuple[Executable, _Prepared]] = {}
        driver: Any = engine.dialect.import_dbapi()
        self._driver = driver

    def one(self, statement: Executable, **values: Any) -> Row | None:
        """The first row, or None; one round trip, outside any transaction. Raises Unreachable."""
        rows = self._read(statement, values, every=False)
        return rows[0] if rows else None

    def all(self, statement: Executable, **values: Any) -> list[Row]:
        return self._read(statement, values, every=True)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits durably at the end of the block; any exception undoes it all.

        On SQLite it takes the write lock at once: a transaction that starts by reading could not go on to write
        after another's commit. Raises Conflict for a row that must be unique, Unreachable for no database.
        """
        connection = self._connection()
        transaction = Transaction(self, connection)
        try:
            connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            yield transaction
            trips.count("commit")
            connection.execute("COMMIT")
        except self._driver.IntegrityError as problem:
            self._undo(connection)
            raise Conflict(type(problem).__name__) from None
        except self._driver.OperationalError as problem:
            self._forget(connection)
            raise Unreachable(type(problem).__name__) from problem
        except BaseException:
            self._undo(connection)
            raise

    def check(self) -> None:
        """Raises Unreachable unless the database answers."""
        connection = self._connection()
        try:
            connection.execute("SELECT 1").fetchone()
        except self._driver.Error as problem:
            self._forget(connection)
            raise Unreachable(type(problem).__name__) from problem

    def prepared(self, statement: Executable) -> _Prepared:
        known = self._prepared.get(id(statement))
        if known is None:
            # The statement is kept beside its text, so that its id() can never belong to another one.
            known = self._prepared[id(statement)] = (statement, _Prepared(statement, self.engine.dialect))
        return known[1]

    def _read(self, statement: Executable, values: dict[str, Any], *, every: bool) -> list[Row]:
        prepared = self.prepared(statement)
        trips.count("read")
        for last_try in (False, True):
            connection = self._connection()
            try:
                cursor = connection.execute(prepared.text, prepared.bind(values))
                rows: list[Row] = cursor.fetchall() if every else cursor.fetchmany(1)
                return rows
            except self._driver.OperationalError as problem:
                self._forget(connection)
                if last_try or self.is_sqlite:  # a read may be sent again over a new connection; a write may not
                    raise Unreachable(type(problem).__name__) from problem
        raise AssertionError

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = self._local.connection = own_connection(self.engine)
            except (DBAPIError, self._driver.Error) as problem:
                raise Unreachable(type(problem).__name__) from problem
        return connection

    def _undo(self, connection: Any) -> None:
        try:
            connection.execute("ROLLBACK")
        except self._driver.Error:
            self._forget(connection)

    def _forget(self, connection: Any) -> None:
        self._local.connection = None
        with suppress(self._driver.Error):
            connection.close()


class Transaction:
    """Statements that take effect together, or not at all."""

    def __init__(self, database: Database, connection: Any) -> None:
        self._database = database
        self._connection = connection

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
        return self._connection.execute(prepared.text, prepared.bind(values))
