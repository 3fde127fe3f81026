"""One durable commit for all who come while another is being made, on SQLite, which takes one writer at a time.

To wait for the disk is most of what a commit costs. Who comes while somebody else's commit is under way waits in this
process, not in SQLite's, which looks again after ever longer naps; then the first of those who wait commits for all of
them. PostgreSQL does the same by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

Part = tuple[str, Sequence[Any]]  # a statement and its values


@dataclass(eq=False)
class Wanted:
    """What one caller wants to take effect: the first part, and the others if that gave a row."""

    parts: Sequence[Part]
    rows: list[Sequence[Any]] = field(default_factory=list)
    problem: Exception | None = None
    done: bool = False


class Together:
    def __init__(self, commit_all: Callable[[Sequence[Wanted]], None]) -> None:
        """`commit_all` makes one transaction of what is wanted, and leaves each its rows, or its problem."""
        self._commit_all = commit_all
        self._committing = threading.Lock()
        self._waiting: deque[Wanted] = deque()

    def commit(self, parts: Sequence[Part]) -> list[Sequence[Any]]:
        """The rows of the first part, when all of it is durable; raises what `commit_all` found wrong with it."""
        wanted = Wanted(parts)
        self._waiting.append(wanted)
        with self._committing:
            if not wanted.done:  # nobody has taken it along
                self._lead()
        if wanted.problem is not None:
            raise wanted.problem
        return wanted.rows

    def _lead(self) -> None:
        everybody = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._commit_all(everybody)
        except BaseException as problem:
            for each in everybody:
                each.problem = _copied(problem)
            if not isinstance(problem, Exception):
                raise
        finally:
            for each in everybody:
                each.done = True


def _copied(problem: BaseException) -> Exception:
    """For a thread of its own, with all that it says and where it came from."""
    if not isinstance(problem, Exception):
        return RuntimeError("who committed for all was ended")
    copied = copy(problem)
    copied.__cause__ = problem.__cause__
    return copied


def run(cursor: Any, wanted: Wanted, fatal: type[Exception], told: Callable[[Exception], Exception]) -> None:
    """Within a transaction, it took effect, or nothing of it did and it has its problem; raises `fatal` alone."""
    cursor.execute("SAVEPOINT one")
    try:
        (text, values), *others = wanted.parts
        wanted.rows = cursor.execute(text, values).fetchall()
        for text, values in others if wanted.rows else ():
            cursor.execute(text, values)
    except fatal:
        raise
    except Exception as problem:  # noqa: BLE001 - what is wrong with one is nobody else's
        cursor.execute("ROLLBACK TO one")
        wanted.problem = told(problem)
    cursor.execute("RELEASE one")
