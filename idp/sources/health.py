"""How a source is doing, seen by all workers: a few failures within a minute and it is shown as not answering."""

from __future__ import annotations

from typing import Any, Literal

from connectors.base import Failure, Http, HttpAnswer
from idp.storage import ShortLived
from idp.storage.database import Unreachable

Health = Literal["up", "slow", "down"]

WINDOW_SECONDS = 60
DOWN_AFTER_FAILURES = 3
# What is the source's own fault; a person who cancels or is locked out says nothing about its health.
SICK = frozenset(
    {Failure.UNREACHABLE, Failure.TIMED_OUT, Failure.OVERLOADED, Failure.BROKEN_ANSWER, Failure.MISCONFIGURED}
)


class Witness:
    """The way out of one visit (`connectors.base.Http`), which remembers whether it met trouble of the source's own.

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
    def __init__(self, short_lived: ShortLived) -> None:
        self._short_lived = short_lived

    def note(self, source_id: str, failure: Failure | None) -> None:
        """One more answer (None) or failure of the source is on the book."""
        if failure in SICK:
            self._short_lived.count(_key(source_id), WINDOW_SECONDS)
        elif failure is None and self._short_lived.get(_key(source_id)) is not None:
            self._short_lived.take(_key(source_id))

    def of(self, source_id: str) -> Health:
        """The source's health; a book that cannot be read says "up", and the sign-in itself will tell."""
        try:
            failures = int(self._short_lived.get(_key(source_id)) or b"0")
        except Unreachable:
            return "up"
        if failures >= DOWN_AFTER_FAILURES:
            return "down"
        return "slow" if failures else "up"


def _key(source_id: str) -> str:
    return f"sick:{source_id}"
