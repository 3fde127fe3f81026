"""Places at a source among this worker's threads: plenty while it answers fast, few once it is slow.

A healthy source may be asked by all threads but one. Calls that take long are another matter: `slow_at_once` of them
are what one source may hold, and whoever comes then is turned away at once, since a thread that waits for a slow source
is as lost to the others as one that talks to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from idp import clock

SLOW_AFTER_SECONDS = 0.5  # what few calls to a healthy source take, also from a busy machine
LONGEST_WAIT_SECONDS = 0.5  # for others to leave, at a source that is fast


class Full(Exception):
    """There is no place at this source now."""


class Places:
    def __init__(self, slow_at_once: int) -> None:
        self._slow_at_once = slow_at_once
        self._left = threading.Condition()
        self._began: dict[str, list[float]] = {}

    @contextmanager
    def at(self, source_id: str) -> Iterator[None]:
        """One of this worker's places at the source; raises Full."""
        began = self._entered(source_id)
        try:
            yield
        finally:
            with self._left:
                self._began[source_id].remove(began)
                self._left.notify_all()

    def _entered(self, source_id: str) -> float:
        until = clock.monotonic() + LONGEST_WAIT_SECONDS
        with self._left:
            under_way = self._began.setdefault(source_id, [])
            while True:
                now = clock.monotonic()
                if sum(now - began >= SLOW_AFTER_SECONDS for began in under_way) >= self._slow_at_once:
                    raise Full
                if len(under_way) <= self._slow_at_once:
                    under_way.append(now)
                    return now
                if now >= until:
                    raise Full
                self._left.wait(min(until - now, SLOW_AFTER_SECONDS))  # somebody may turn slow meanwhile
