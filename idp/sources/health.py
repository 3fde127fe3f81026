"""How a source is doing, in one of the things it does, seen by all workers: a breaker, and what pages show of it.

A few failures in a row within a minute open the breaker: from then on one call in a while is let through to try, and
the others are spared the wait. A call that goes well closes it; so does a minute in which nobody tried.
"""

from __future__ import annotations

from typing import Any, Literal

from connectors.base import Failure, Http, HttpAnswer
from idp.storage import ShortLived
from idp.storage.database import Unreachable

Health = Literal["up", "slow", "down"]
Operation = Literal["sign_in", "verify", "changes", "organisations", "sign_out", "metadata"]

WINDOW_SECONDS = 60
DOWN_AFTER_FAILURES = 3
TRY_EVERY_SECONDS = 10
# What is the source's own fault; a person who cancels or is locked out says nothing about its health.
SICK = frozenset(
    {Failure.UNREACHABLE, Failure.TIMED_OUT, Failure.OVERLOADED, Failure.BROKEN_ANSWER, Failure.MISCONFIGURED}
)


class Witness:
    """The way out of one call (`connectors.base.Http`), which remembers whether it met trouble of the source's own.

    What a browser brings back from a source, and what the source says to it with a status of 4xx, is in the hands of
    whoever holds the browser: three forged answers must not close a source for everybody.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.saw_the_source = False

    def request(self, method: str, url: str, **options: Any) -> HttpAnswer:
        self.saw_the_source = True
        answer = self._http.request(method, url, **options)
        self.saw_the_source = answer.status < 400 or answer.status == 429 or answer.status >= 500
        return answer


class HealthBook:
    """One number for each source and operation: the failures in a row. Without a store every breaker is closed."""

    def __init__(self, short_lived: ShortLived) -> None:
        self._short_lived = short_lived

    def may_call(self, source_id: str, operation: Operation = "sign_in") -> bool:
        """Whether this call may be made: one read while the source is well."""
        try:
            if self._failures(source_id, operation) < DOWN_AFTER_FAILURES:
                return True
            return self._short_lived.count(_trying(source_id, operation), TRY_EVERY_SECONDS) == 1
        except Unreachable:
            return True

    def note(self, source_id: str, failure: Failure | None, operation: Operation = "sign_in") -> None:
        """One more answer (None) or failure of the source is on the book."""
        try:
            if failure in SICK:
                self._note_failure(source_id, operation)
            elif failure is None and self._failures(source_id, operation):
                self._short_lived.take(_key(source_id, operation))
                self._short_lived.take(_trying(source_id, operation))
        except Unreachable:
            return  # a book that cannot be written does not undo what the source has said

    def of(self, source_id: str, operation: Operation = "sign_in") -> Health:
        """The source's health; a book that cannot be read says "up", and the sign-in itself will tell.

        One whose breaker is open is "slow" while the next call would be let through to try.
        """
        try:
            failures = self._failures(source_id, operation)
            if failures >= DOWN_AFTER_FAILURES and self._is_tried(source_id, operation):
                return "down"
        except Unreachable:
            return "up"
        return "slow" if failures else "up"

    def _failures(self, source_id: str, operation: Operation) -> int:
        return self._short_lived.counted(_key(source_id, operation), WINDOW_SECONDS)

    def _is_tried(self, source_id: str, operation: Operation) -> bool:
        return self._short_lived.counted(_trying(source_id, operation), TRY_EVERY_SECONDS) > 0

    def _note_failure(self, source_id: str, operation: Operation) -> None:
        key = _key(source_id, operation)
        if self._short_lived.count(key, WINDOW_SECONDS) < DOWN_AFTER_FAILURES:
            return
        # Open, or still open: the minute begins anew, and nobody tries for a while.
        self._short_lived.take(key)
        self._short_lived.put_if_absent(key, str(DOWN_AFTER_FAILURES).encode(), WINDOW_SECONDS)
        self._short_lived.count(_trying(source_id, operation), TRY_EVERY_SECONDS)


def _key(source_id: str, operation: Operation) -> str:
    return f"sick:{source_id}:{operation}"


def _trying(source_id: str, operation: Operation) -> str:
    return f"trying:{source_id}:{operation}"
