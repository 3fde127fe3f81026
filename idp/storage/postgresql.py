"""A cursor that says to PostgreSQL what must be said, and nothing besides: prepare once, then execute.

psycopg's own cursor adapts any Python value to any type, in Python, at each call: two thirds of what a statement
costs us. Ours sends the four kinds of values that our statements take, waits in libpq, and lets psycopg's C code read
the rows (psycopg.org/psycopg3/docs/api/pq.html). It does what sqlite3's cursor does where we use that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError, errors, pq
from psycopg.adapt import Transformer

_TEXT, _BINARY = 0, 1
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Cursor:
    def __init__(self, connection: Connection[Any]) -> None:
        self._server: Any = connection.pgconn  # its stubs know of no NULL among the values
        self._reader = Transformer.from_context(connection)
        self.prepared: dict[str, bytes] = {}  # the names of statements by their texts
        self._result: Any = None

    def execute(self, text: str, values: Sequence[Any] = ()) -> Cursor:
        """The statement, whose parameters are `$1`, `$2`, …, took effect; raises psycopg's errors, and TypeError for a
        value that is no whole number, text or bytes, nor None.
        """
        name = self.prepared.get(text) or self.prepare(text)
        formats = [_BINARY if isinstance(value, bytes) else _TEXT for value in values]
        self._result = self._checked(
            self._server.exec_prepared(name, [_written(value) for value in values], formats, _BINARY)
        )
        return self

    def fetchall(self) -> list[Any]:
        """The rows of the last statement, none where it gives none."""
        if not self._result.nfields:
            return []
        self._reader.set_pgresult(self._result)
        return self._reader.load_rows(0, self._result.ntuples, tuple)

    @property
    def rowcount(self) -> int:
        changed: int | None = self._result.command_tuples
        return -1 if changed is None else changed

    def prepare(self, text: str) -> bytes:
        """The server knows the statement by this name; the types of its parameters are its own guess, by their use."""
        name = b"s%d" % len(self.prepared)
        self._checked(self._server.prepare(name, text.encode()))
        self.prepared[text] = name
        return name

    def _checked(self, result: Any) -> Any:
        if result.status in _DONE:
            return result
        if not result.error_field(pq.DiagnosticField.SQLSTATE):  # not the server says it, but libpq
            raise OperationalError("the connection is gone")
        raise errors.error_from_result(result)


def _written(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"a {type(value).__name__} as the value of a parameter")
