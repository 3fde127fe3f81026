"""Places at a source: among this worker's threads plenty while it answers fast, few once it is slow; and among the
workers of all machines as many as its operator has said, if anything.

A healthy source may be asked by all threads but one. Calls that take long are another matter: `slow_at_once` of them
are what one source may hold, and whoever comes then is turned away at once, since a thread that waits for a slow source
is as lost to the others as one that talks to it.

The places of all workers are in the short-lived store, and each is taken for a minute at most: those of a worker that
died come back by themselves. While the store does not answer, every worker counts for itself, and says so in the log.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from idp import clock
from idp.storage import ShortLived
from idp.storage.database import Unreachable

SLOW_AFTER_SECONDS = 0.5  # what few calls to a healthy source take, also from a busy machine
LONGEST_WAIT_SECONDS = 0.5  # for others to leave, at a source that is fast
TAKEN_SECONDS = 60  # longer than a call takes
TOLD_EVERY_SECONDS = 10.0  # in the log
log = structlog.get_logger()


class Full(Exception):
    """There is no place at this source now."""


class Places:
    def __init__(self, short_lived: ShortLived, slow_at_once: int) -> None:
        self._short_lived = short_lived
        self._slow_at_once = slow_at_once
        self._left = threading.Condition()
        self._began: dict[str, list[float]] = {}
        self._told_at: dict[str, float] = {}

    @contextmanager
    def at(self, source_id: str, most: int) -> Iterator[None]:
        """One of this worker's places at the source, and one of the `most` of all workers if that is not 0; raises
        Full.
        """
        began = self._entered(source_id, most)
        try:
            if most:
                with self._among_all(source_id, most):
                    yield
            else:
                yield
        finally:
            with self._left:
                self._began[source_id].remove(began)
                self._left.notify_all()

    def _entered(self, source_id: str, most: int) -> float:
        until = clock.monotonic() + LONGEST_WAIT_SECONDS
        at_once = min(self._slow_at_once + 1, most or self._slow_at_once + 1)
        with self._left:
            under_way = self._began.setdefault(source_id, [])
            while True:
                now = clock.monotonic()
                if sum(now - began >= SLOW_AFTER_SECONDS for began in under_way) >= self._slow_at_once:
                    raise Full
                if len(under_way) < at_once:
                    under_way.append(now)
                    return now
                if now >= until:
                    raise Full
                self._left.wait(min(until - now, SLOW_AFTER_SECONDS))  # somebody may turn slow meanwhile

    @contextmanager
    def _among_all(self, source_id: str, most: int) -> Iterator[None]:
        key = f"places:{source_id}"
        try:
            name = self._short_lived.take_place(key, most, TAKEN_SECONDS)
        except Unreachable as problem:
            self._tell(source_id, problem)
            yield  # of this worker's own places there are no more than `most` either
            return
        if name is None:
            raise Full
        try:
            yield
        finally:
            with suppress(Unreachable):
                self._short_lived.give_back(key, name)

    def _tell(self, source_id: str, problem: Unreachable) -> None:
        """One line for many: it is true of every call until the store is back."""
        now = clock.monotonic()
        if now - self._told_at.get(source_id, -TOLD_EVERY_SECONDS) >= TOLD_EVERY_SECONDS:
            self._told_at[source_id] = now
            log.warning("source_limit_not_shared", source=source_id, problem=str(problem),
                        meaning="until the store answers, each process counts its calls for itself")  # fmt: skip
