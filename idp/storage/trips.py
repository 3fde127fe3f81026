"""Counts round trips to stores: they are the unit of cost, so tests assert them and metrics show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_counting: ContextVar[Counter[str] | None] = ContextVar("trips", default=None)
listeners: list[Callable[[str], None]] = []


def count(kind: str) -> None:
    """One more trip of this kind: "read", "statement" (in a transaction), "commit" or "short_lived"."""
    counter = _counting.get()
    if counter is not None:
        counter[kind] += 1
    for listener in listeners:
        listener(kind)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The trips made in this context, by kind."""
    counter: Counter[str] = Counter()
    token = _counting.set(counter)
    try:
        yield counter
    finally:
        _counting.reset(token)
