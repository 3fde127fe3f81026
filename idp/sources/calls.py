"""Calls to sources: none to one that fails again and again, and never so many at once that others have to wait.

Two things stand before a call: the breaker of this source and operation (`health`), and the places at the source
(`places`), so that it never holds all threads of this worker, and is never asked by more than its operator allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from connectors.base import Context, Failed, Failure, OutboundError
from idp import clock, observe
from idp.sources.health import SICK, HealthBook, Operation, Witness
from idp.sources.places import Full, Places
from idp.storage import ShortLived


class NotAsked(OutboundError):
    """The source was not asked: its breaker is open (UNREACHABLE), or too many are asking (OVERLOADED)."""


@dataclass(kw_only=True)
class Call:
    """One call to a source: what it may use of the world, and how it went."""

    context: Context
    witness: Witness
    began: float
    noted: bool = False
    failure: Failure | None = None

    def note(self, failure: Failure | None) -> None:
        """The source answered (None), or failed like this."""
        self.noted, self.failure = True, failure

    def note_answer(self, answer: object) -> None:
        """The source answered like this, which may be that it failed."""
        self.note(answer.failure if isinstance(answer, Failed) else None)


class Calls:
    def __init__(self, short_lived: ShortLived, health: HealthBook, *, here_at_once: int) -> None:
        self._health = health
        self._places = Places(short_lived, here_at_once)

    @contextmanager
    def call(
        self, source_id: str, context: Context, operation: Operation, *, most: int, under_way: bool
    ) -> Iterator[Call]:
        """See `Sources.call`; no more than `most` at once are made by all workers together, unless that is 0."""
        if not under_way and not self._health.may_call(source_id, operation):
            observe.SOURCE_CALLS.labels(source_id, operation, "not asked: failing").inc()
            observe.SOURCE_CLOSED_OFF.labels(source_id, operation).set(1)
            raise NotAsked(Failure.UNREACHABLE, "not asked: it has failed again and again")
        witness = Witness(context.http)
        try:
            with self._places.at(source_id, most):
                call = Call(context=replace(context, http=witness), witness=witness, began=clock.monotonic())
                try:
                    yield call
                except OutboundError as problem:
                    call.note(problem.failure)
                    raise
                finally:
                    self._note(source_id, operation, call, under_way=under_way)
        except Full:
            raise _too_many(source_id, operation) from None

    def _note(self, source_id: str, operation: Operation, call: Call, *, under_way: bool) -> None:
        outcome = "unsaid" if not call.noted else "answered" if call.failure is None else call.failure.value
        observe.SOURCE_CALLS.labels(source_id, operation, outcome).inc()
        observe.SOURCE_SECONDS.labels(source_id, operation).observe(clock.monotonic() - call.began)
        if call.noted and call.failure not in SICK:
            observe.SOURCE_CLOSED_OFF.labels(source_id, operation).set(0)
        # What comes back through somebody's browser counts only where we met the trouble ourselves.
        if call.noted and (call.failure is None or not under_way or call.witness.saw_the_source):
            self._health.note(source_id, call.failure, operation)


def _too_many(source_id: str, operation: Operation) -> NotAsked:
    observe.SOURCE_CALLS.labels(source_id, operation, "not asked: too many").inc()
    return NotAsked(Failure.OVERLOADED, "not asked: as many calls as we allow are under way")


__all__ = ["SICK", "Call", "Calls", "NotAsked"]
