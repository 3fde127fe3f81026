"""What can be tested of the gateway without a person: the lines of `sources check`."""

from __future__ import annotations

from connectors.answers import Refusal
from connectors.base import BirthDate, Check, Context, OutboundError
from connectors.checks import clock, encryption, latency, line, since
from connectors.insurance import AGREEMENTS, HISTORY, Insurance
from connectors.insurance_gateway import VERSIONS, Version
from connectors.registers import Agreement

LATENCY_MILLISECONDS = 3000.0  # the gateway takes 1 to 3 seconds on ordinary days
CLOCK_SECONDS = 15.0  # a Date header has whole seconds, and was a while on its way
NOBODY = "0000000000"  # a number that was never given to anybody


def run_checks(context: Context, insurance: Insurance) -> list[Check]:
    """One line for each thing that could be wrong; without a token nothing else can be asked."""
    started = context.now()
    try:
        _token, answer = insurance.gateway.take_token(context)
    except (Refusal, OutboundError) as problem:
        return [line("token", False, problem.detail, since(context, started))]
    took = since(context, started)
    return [
        line("token", True, "user name and password are accepted", took),
        encryption(insurance.configuration.address),
        clock(context, answer.headers.get("date"), CLOCK_SECONDS),
        *[_version(context, insurance, version) for version in VERSIONS],
        _codes(context, insurance),
        latency(lambda: _version(context, insurance, insurance.configuration.version), LATENCY_MILLISECONDS),
    ]


def _version(context: Context, insurance: Insurance, version: Version) -> Check:
    """A version that is not configured may be missing: it is told, so that a change can be planned."""
    configured = version == insurance.configuration.version
    problem, took = _asked_for_nobody(context, insurance, version)
    said = problem or "knows nobody by a number that nobody has, as it should"
    if not configured:
        return line(f"version {version}", True, f"not in use: {said}", took)
    return line(f"version {version}", problem is None, said, took)


def _asked_for_nobody(context: Context, insurance: Insurance, version: Version) -> tuple[str | None, float]:
    """What is wrong with the look-up, or None; and how long it took."""
    started = context.now()
    try:
        values = insurance.history_values(context, NOBODY, "KIỂM TRA", BirthDate(year=1900, as_sent="1900"))
        reply = insurance.gateway.ask(context, HISTORY, values, idempotent=True, version=version)
    except (Refusal, OutboundError) as problem:
        return problem.detail, since(context, started)
    unknown = AGREEMENTS.get(reply.code) is Agreement.UNKNOWN
    return None if unknown else f"answers {reply.code} about a number that nobody has", since(context, started)


def _codes(context: Context, insurance: Insurance) -> Check:
    """Whether one-time codes are offered, tried with a number that nobody has, so that nothing is sent."""
    started = context.now()
    try:
        found = insurance.recipient(context, NOBODY)
    except (Refusal, OutboundError) as problem:
        return line("one-time codes", False, problem.detail, since(context, started))
    detail = "offered" if found is None else "would be sent for a number that nobody has"
    return line("one-time codes", found is None, detail, since(context, started))
