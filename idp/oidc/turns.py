"""Whose turn it is among a worker's senders, so that a portal which answers slowly holds up no other.

A portal is told by one sender at a time until it has once answered fast, and by two from then on. Of those whose last
answer was slow, or never came, few are being told at the same moment; whoever else is owed something finds a sender.
What is not told now is told later, in the order in which it came, at the pace of that portal.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from idp import clock
from idp.storage.outbox import NotYet

SLOW_AFTER_SECONDS = 0.5
FAST_AT_ONCE = 2
SLOW_PORTALS_AT_ONCE = 2  # of all that are known to be slow: fewer than a worker has senders
LONGEST_PAUSE_SECONDS = 300


@dataclass
class _Portal:
    began: list[float] = field(default_factory=list)  # when each call that is under way was made
    took_seconds: float | None = None  # the last call; None: there was none yet
    waiting: int = 0  # messages that were sent away since it was last free

    @property
    def is_fast(self) -> bool:
        return self.took_seconds is not None and self.took_seconds < SLOW_AFTER_SECONDS

    def is_slow(self, now: float) -> bool:
        """Whether the last call was slow, or one that is under way is by now."""
        lasts = any(now - began >= SLOW_AFTER_SECONDS for began in self.began)
        return lasts or (self.took_seconds is not None and not self.is_fast)


class Turns:
    def __init__(self) -> None:
        self._left = threading.Condition()
        self._portals: dict[str, _Portal] = {}

    @contextmanager
    def of(self, client_id: str) -> Iterator[None]:
        """It is this portal's turn, until the block ends; raises NotYet."""
        portal, began = self._taken(client_id)
        try:
            yield
        finally:
            with self._left:
                portal.began.remove(began)
                portal.took_seconds = clock.monotonic() - began
                portal.waiting = 0 if portal.is_fast else max(0, portal.waiting - 1)
                self._left.notify_all()

    def _taken(self, client_id: str) -> tuple[_Portal, float]:
        until = clock.monotonic() + SLOW_AFTER_SECONDS
        with self._left:
            portal = self._portals.setdefault(client_id, _Portal())
            while True:
                now = clock.monotonic()
                if self._has_place(portal, now):
                    portal.began.append(now)
                    return portal, now
                if now >= until or portal.is_slow(now):
                    raise NotYet(self._pause_seconds(portal))
                # Somebody who answers fast is free again in a moment; who is not becomes slow meanwhile.
                self._left.wait(min(until, min(portal.began) + SLOW_AFTER_SECONDS) - now)

    def _has_place(self, portal: _Portal, now: float) -> bool:
        if portal.is_slow(now):
            others = sum(1 for other in self._portals.values() if other.began and other.is_slow(now))
            return not portal.began and others < SLOW_PORTALS_AT_ONCE
        return len(portal.began) < (FAST_AT_ONCE if portal.is_fast else 1)

    def _pause_seconds(self, portal: _Portal) -> float:
        portal.waiting += 1
        pace_seconds = max(portal.took_seconds or 0, SLOW_AFTER_SECONDS)
        return min(portal.waiting * pace_seconds, LONGEST_PAUSE_SECONDS)
