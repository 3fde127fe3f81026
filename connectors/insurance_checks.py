"""What can be tested of the gateway without a person: the lines of `sources check`."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from statistics import median

from connectors.answers import Refusal
from connectors.base import BirthDate, Check, Context, HttpAnswer, OutboundError
from connectors.insurance import AGREEMENTS, HISTORY, Insurance
from connectors.insurance_gateway import VERSIONS, Version
from connectors.registers import Agreement

LATENCY_TRIES = 5
LATENCY_MILLISECONDS = 3000.0  # the gateway takes 1 to 3 seconds on ordinary days
CLOCK_SECONDS = 15.0  # a Date header has whole seconds, and was a while on its way
NOBODY = "0000000000"  # a number that was never given to anybody


def run_checks(context: Context, insurance: Insurance) -> list[Check]:
    """One line for each thing that could be wrong; without a token nothing else can be asked."""
    started = context.now()
    try:
        _token, answer = insurance.gateway.take_token(context)
    except (Refusal, OutboundError) as problem:
        return [_check("token", False, problem.detail, _since(context, started))]
    took = _since(context, started)
    encrypted = insurance.configuration.address.startswith("https://")
    return [
        _check("token", True, "user name and password are accepted", took),
        _check("tls", True, "the certificate is trusted" if encrypted else "none, on this machine's own *.localhost"),
        _clock(context, answer),
        *[_version(context, insurance, version) for version in VERSIONS],
        _codes(context, insurance),
        _latency(context, insurance),
    ]


def _check(name: str, passed: bool, detail: str, milliseconds: float = 0.0) -> Check:
    return Check(name=name, passed=passed, detail=detail, milliseconds=milliseconds)


def _since(context: Context, started: datetime) -> float:
    return (context.now() - started).total_seconds() * 1000


def _clock(context: Context, answer: HttpAnswer) -> Check:
    try:
        skew = abs((parsedate_to_datetime(answer.headers["date"]) - context.now()).total_seconds())
    except (KeyError, ValueError, TypeError):
        return _check("clock", False, "the answer has no readable Date")
    return _check("clock", skew <= CLOCK_SECONDS, f"off by about {skew:.0f} s; up to {CLOCK_SECONDS:.0f} s is fine")


def _version(context: Context, insurance: Insurance, version: Version) -> Check:
    """A version that is not configured may be missing: it is told, so that a change can be planned."""
    configured = version == insurance.configuration.version
    problem, took = _asked_for_nobody(context, insurance, version)
    said = problem or "knows nobody by a number that nobody has, as it should"
    if not configured:
        return _check(f"version {version}", True, f"not in use: {said}", took)
    return _check(f"version {version}", problem is None, said, took)


def _asked_for_nobody(context: Context, insurance: Insurance, version: Version) -> tuple[str | None, float]:
    """What is wrong with the look-up, or None; and how long it took."""
    started = context.now()
    try:
        values = insurance.history_values(context, NOBODY, "KIỂM TRA", BirthDate(year=1900, as_sent="1900"))
        reply = insurance.gateway.ask(context, HISTORY, values, idempotent=True, version=version)
    except (Refusal, OutboundError) as problem:
        return problem.detail, _since(context, started)
    unknown = AGREEMENTS.get(reply.code) is Agreement.UNKNOWN
    return None if unknown else f"answers {reply.code} about a number that nobody has", _since(context, started)


def _codes(context: Context, insurance: Insurance) -> Check:
    """Whether one-time codes are offered, tried with a number that nobody has, so that nothing is sent."""
    started = context.now()
    try:
        found = insurance.recipient(context, NOBODY)
    except (Refusal, OutboundError) as problem:
        return _check("one-time codes", False, problem.detail, _since(context, started))
    detail = "offered" if found is None else "would be sent for a number that nobody has"
    return _check("one-time codes", found is None, detail, _since(context, started))


def _latency(context: Context, insurance: Insurance) -> Check:
    tries = [_asked_for_nobody(context, insurance, insurance.configuration.version) for _ in range(LATENCY_TRIES)]
    times = sorted(took for _, took in tries)
    passed = all(problem is None for problem, _ in tries) and times[-1] <= LATENCY_MILLISECONDS
    return _check("latency", passed, f"median {median(times):.0f} ms, slowest {times[-1]:.0f} ms", median(times))
