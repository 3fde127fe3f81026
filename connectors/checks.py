"""The lines of `sources check` that sources of several protocols share: fetching, encryption, clock, latency."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from statistics import median

from connectors.base import Check, Context, HttpAnswer, OutboundError

LATENCY_TRIES = 5
LATENCY_MILLISECONDS = 1000.0  # slower than this, people notice
CLOCK_SECONDS = 5.0  # a Date header has whole seconds, and was a while on its way


def line(name: str, passed: bool, detail: str, milliseconds: float = 0.0) -> Check:
    return Check(name=name, passed=passed, detail=detail, milliseconds=milliseconds)


def since(context: Context, started: datetime) -> float:
    """How long ago that was, in milliseconds."""
    return (context.now() - started).total_seconds() * 1000


def fetched(context: Context, name: str, url: str, media_type: str) -> tuple[HttpAnswer | None, Check]:
    """The answer at `url`, None unless it is 200, and the line that tells how it went."""
    started = context.now()
    try:
        answer = context.http.request("GET", url, headers={"Accept": media_type}, idempotent=True)
    except OutboundError as problem:
        return None, line(name, False, problem.detail, since(context, started))
    passed = answer.status == 200
    return answer if passed else None, line(name, passed, f"HTTP {answer.status}", since(context, started))


def encryption(url: str) -> Check:
    """Whether `url`, at which the source has just answered, is encrypted; only our own machine may do without."""
    encrypted = url.startswith("https://")
    return line("tls", True, "the certificate is trusted" if encrypted else "none, on this machine's own *.localhost")


def clock(context: Context, date: str | None, allowed_seconds: float) -> Check:
    """How far the source's clock is off, by the Date of an answer that has just come."""
    try:
        skew = abs((parsedate_to_datetime(date or "") - context.now()).total_seconds())
    except (ValueError, TypeError):
        return line("clock", False, "the answer has no readable Date")
    detail = f"off by about {skew:.0f} s; up to {allowed_seconds:.0f} s is fine"
    return line("clock", skew <= allowed_seconds, detail)


def latency(attempt: Callable[[], Check], allowed_milliseconds: float = LATENCY_MILLISECONDS) -> Check:
    """Whether each of some attempts succeeds, and none takes too long."""
    tries = [attempt() for _ in range(LATENCY_TRIES)]
    times = sorted(one.milliseconds for one in tries)
    passed = all(one.passed for one in tries) and times[-1] <= allowed_milliseconds
    return line("latency", passed, f"median {median(times):.0f} ms, slowest {times[-1]:.0f} ms", median(times))
