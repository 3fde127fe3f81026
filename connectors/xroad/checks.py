"""What can be tested of a service behind X-Road without a person: the lines of `sources check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ParamSpec

from connectors.base import Check, Context, Http, HttpAnswer
from connectors.checks import clock, encryption, latency, line, since

CLOCK_SECONDS = 30.0  # NDXP's signature holds the time, and has been seen refused after some minutes

P = ParamSpec("P")
Test = Callable[[Context], str | None]  # None where all is well, else what is wrong


class _Watched:
    """The same way out, which remembers what its clock said."""

    def __init__(self, http: Http) -> None:
        self.date: str | None = None
        self.request = self._remembering(http.request)

    def _remembering(self, ask: Callable[P, HttpAnswer]) -> Callable[P, HttpAnswer]:
        def asked(*arguments: P.args, **named: P.kwargs) -> HttpAnswer:
            answer = ask(*arguments, **named)
            self.date = answer.headers.get("date", self.date)
            return answer

        return asked


def run_checks(context: Context, url: str, tests: Mapping[str, Test]) -> list[Check]:
    """One line for each test, and for encryption, clock and speed; the first test is also the one that is timed."""
    watched = _Watched(context.http)
    inner = replace(context, http=watched)
    lines = [_timed(inner, name, test) for name, test in tests.items()]
    if not lines[0].passed:
        return lines
    first = next(iter(tests.values()))
    # Only the time counts here: what the test finds has a line of its own.
    speed = latency(lambda: replace(_timed(inner, "latency", first), passed=True))
    return [*lines, encryption(url), clock(context, watched.date, CLOCK_SECONDS), speed]


def _timed(context: Context, name: str, test: Test) -> Check:
    started = context.now()
    problem = test(context)
    return line(name, problem is None, problem or "as it should", since(context, started))
