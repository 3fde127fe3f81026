"""What can be tested of a service behind X-Road without a person: the lines of `sources check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from statistics import median

from connectors.base import Check, Context, Http, HttpAnswer

LATENCY_TRIES = 5
LATENCY_MILLISECONDS = 1000.0  # slower than this, people notice
CLOCK_SECONDS = 30.0  # NDXP's signature holds the time, and has been seen refused after some minutes

Test = Callable[[Context], str | None]  # None where all is well, else what is wrong


class _Watched(Http):
    """The same way out, which remembers what its clock said."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.date: str | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotent: bool = False,
    ) -> HttpAnswer:
        answer = self._http.request(method, url, headers=headers, form=form, body=body, idempotent=idempotent)
        self.date = answer.headers.get("date", self.date)
        return answer


def run_checks(context: Context, url: str, tests: Mapping[str, Test]) -> list[Check]:
    """One line for each test, and for encryption, clock and speed; the first test is also the one that is timed."""
    watched = _Watched(context.http)
    inner = replace(context, http=watched)
    lines = [_timed(inner, name, test) for name, test in tests.items()]
    if not lines[0].passed:
        return lines
    first = next(iter(tests.values()))
    times = sorted(_timed(inner, "latency", first).milliseconds for _ in range(LATENCY_TRIES))
    told = f"median {median(times):.0f} ms, slowest {times[-1]:.0f} ms"
    latency = Check(name="latency", passed=times[-1] <= LATENCY_MILLISECONDS, detail=told, milliseconds=median(times))
    return [*lines, _encryption(url), _clock(context, watched.date), latency]


def _timed(context: Context, name: str, test: Test) -> Check:
    started = context.now()
    problem = test(context)
    took = (context.now() - started).total_seconds() * 1000
    return Check(name=name, passed=problem is None, detail=problem or "as it should", milliseconds=took)


def _encryption(url: str) -> Check:
    encrypted = url.startswith("https://")
    detail = "the certificate is trusted" if encrypted else "none, on this machine's own *.localhost"
    return Check(name="tls", passed=True, detail=detail)


def _clock(context: Context, date: str | None) -> Check:
    try:
        skew = abs((parsedate_to_datetime(date or "") - context.now()).total_seconds())
    except (ValueError, TypeError):
        return Check(name="clock", passed=False, detail="the answer has no readable Date")
    detail = f"off by about {skew:.0f} s; up to {CLOCK_SECONDS:.0f} s is fine"
    return Check(name="clock", passed=skew <= CLOCK_SECONDS, detail=detail)
