"""Things kept for a while, in memory, for all threads of this one process."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 100_000  # entries per shelf: a simulator under a load test must not eat the machine


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


class Shelf(Generic[T]):
    """Values under unguessable keys, each for `lifetime_seconds`; past LIMIT entries the oldest goes."""

    def __init__(self, lifetime_seconds: int) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._entries: dict[str, tuple[int, T]] = {}
        self._lock = threading.Lock()

    def put(self, value: T, key: str | None = None) -> str:
        """The value is on the shelf under the key (a new one, if none is given), which is returned."""
        key = key or secrets.token_urlsafe(24)
        with self._lock:
            self._drop_old()
            self._entries[key] = (now() + self._lifetime_seconds, value)
        return key

    def put_first(self, value: T, key: str) -> bool:
        """Whether the key was free; of any number of concurrent callers with one key, one hears True."""
        with self._lock:
            self._drop_old()
            if key in self._entries:
                return False
            self._entries[key] = (now() + self._lifetime_seconds, value)
            return True

    def get(self, key: str) -> T | None:
        with self._lock:
            return self._read(self._entries.get(key))

    def take(self, key: str) -> T | None:
        """The value, which nobody can get or take after this."""
        with self._lock:
            return self._read(self._entries.pop(key, None))

    def _read(self, entry: tuple[int, T] | None) -> T | None:
        return entry[1] if entry and entry[0] > now() else None

    def _drop_old(self) -> None:
        # Entries are in order of insertion and live equally long, so the first ones are the first to end.
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][0] > now() and len(self._entries) < LIMIT:
                return
            del self._entries[oldest]
