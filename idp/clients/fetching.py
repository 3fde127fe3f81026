"""Turns at the hosts of portals, so that what portals publish is fetched by few of our threads, whoever makes us ask.

For each portal one thread asks at a time, at whichever of its addresses. Of those portals whose hosts were slow when
they were asked last, one is asked at a time: so a portal with slow hosts holds one thread, however many addresses it
named, and others find the second place free. What was seen is remembered of so many and no more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from idp import clock

FETCHES_AT_ONCE = 2  # in a process, whatever is fetched: half of its threads, as it is usually started
SLOW_AFTER_SECONDS = 0.5
SLOW_AT_ONCE = 1
WAIT_SECONDS = 1.0
SLOW_REMEMBERED = 5_000

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """What is known by a name, of so many names: those used least recently are forgotten. Shared by all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Value] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def find(self, name: str) -> Value | None:
        with self._lock:
            if name in self._known:
                self._known.move_to_end(name)
            return self._known.get(name)

    def find_or_keep(self, name: str, value: Value) -> Value:
        """What is known by this name, and that is `value` if nothing was: whoever comes at once gets the same."""
        with self._lock:
            return self._used(name, self._known.setdefault(name, value))

    def keep(self, name: str, value: Value) -> Value:
        with self._lock:
            self._known[name] = value
            return self._used(name, value)

    def forget(self, name: str) -> None:
        with self._lock:
            self._known.pop(name, None)

    def _used(self, name: str, value: Value) -> Value:
        self._known.move_to_end(name)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return value


@dataclass
class _Fetch:
    address: str
    done: threading.Event = field(default_factory=threading.Event)
    awaited: bool = False


class Fetching:
    """Shared by all threads of a process, and by everything that asks hosts of portals for what they publish."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, _Fetch] = {}
        self._slow: Remembered[bool] = Remembered(SLOW_REMEMBERED)

    @contextmanager
    def turn(self, asker: str, address: str, *, waits: bool = True) -> Iterator[bool]:
        """Whether this thread may ask the address for this asker now, until the block ends; if not, what is known has
        to do. The asker is whoever named the address: a portal, or an invitation.

        Nobody waits for a place. Behind a thread that asks for the same asker one more waits, for WAIT_SECONDS, so that
        of two first requests of a portal both find its keys; none if the asker is known to be slow, or not `waits`.
        """
        fetch, ours = self._taken(asker, address, waits=waits)
        if not ours and fetch is not None:
            fetch.done.wait(WAIT_SECONDS)
            if fetch.address != address:  # what was waited for was something else
                fetch, ours = self._taken(asker, address, waits=False)
        if not ours:
            yield False
            return
        began = clock.monotonic()
        try:
            yield True
        finally:
            self._end(asker, slow=clock.monotonic() - began >= SLOW_AFTER_SECONDS)

    def _taken(self, asker: str, address: str, *, waits: bool) -> tuple[_Fetch | None, bool]:
        """The fetch for this asker to make (True) or to wait for; None: neither."""
        with self._lock:
            standing, is_slow = self._under_way.get(asker), asker in self._slow
            if standing is not None:
                if standing.awaited or is_slow or not waits:
                    return None, False
                standing.awaited = True
                return standing, False
            slow_ones = sum(1 for each in self._under_way if each in self._slow)
            if len(self._under_way) >= FETCHES_AT_ONCE or (is_slow and slow_ones >= SLOW_AT_ONCE):
                return None, False
            ours = self._under_way[asker] = _Fetch(address)
            return ours, True

    def _end(self, asker: str, *, slow: bool) -> None:
        with self._lock:
            if slow:
                self._slow.keep(asker, True)
            else:
                self._slow.forget(asker)
            self._under_way.pop(asker).done.set()
