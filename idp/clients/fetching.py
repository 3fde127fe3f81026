"""Turns at the hosts of portals, so that what portals publish is fetched by few of our threads, whoever makes us ask.

Each address is asked by one thread at a time. Of those that were slow when they were asked last, one is asked at a
time: so a portal with slow hosts holds one thread, and others find the second place free.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from idp import clock

FETCHES_AT_ONCE = 2  # in a process, whatever is fetched: half of its threads, as it is usually started
SLOW_AFTER_SECONDS = 0.5
SLOW_AT_ONCE = 1
WAIT_SECONDS = 1.0
SLOW_REMEMBERED = 5_000


@dataclass
class _Fetch:
    done: threading.Event = field(default_factory=threading.Event)
    awaited: bool = False


class Fetching:
    """Shared by all threads of a process, and by everything that asks hosts of portals for what they publish."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, _Fetch] = {}
        self._slow: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def turn(self, address: str, *, waits: bool = True) -> Iterator[bool]:
        """Whether this thread may ask the address now, until the block ends; if not, what is known has to do.

        Nobody waits for a place. Behind a thread that asks the same address one more waits, for WAIT_SECONDS, so that
        of two first requests of a portal both find its keys; none if the address is known to be slow, or not `waits`.
        """
        fetch, ours = self._taken(address, waits=waits)
        if not ours:
            if fetch is not None:
                fetch.done.wait(WAIT_SECONDS)
            yield False
            return
        began = clock.monotonic()
        try:
            yield True
        finally:
            self._end(address, slow=clock.monotonic() - began >= SLOW_AFTER_SECONDS)

    def _taken(self, address: str, *, waits: bool) -> tuple[_Fetch | None, bool]:
        """The fetch from this address to make (True) or to wait for; None: neither."""
        with self._lock:
            standing, is_slow = self._under_way.get(address), address in self._slow
            if standing is not None:
                if standing.awaited or is_slow or not waits:
                    return None, False
                standing.awaited = True
                return standing, False
            slow_ones = sum(1 for each in self._under_way if each in self._slow)
            if len(self._under_way) >= FETCHES_AT_ONCE or (is_slow and slow_ones >= SLOW_AT_ONCE):
                return None, False
            ours = self._under_way[address] = _Fetch()
            return ours, True

    def _end(self, address: str, *, slow: bool) -> None:
        with self._lock:
            self._slow.pop(address, None)
            if slow:
                self._slow[address] = None
            while len(self._slow) > SLOW_REMEMBERED:
                self._slow.popitem(last=False)
            self._under_way.pop(address).done.set()
