"""The contract check: a source is asked about named test identities, and lied to as an attacker would, on its own wire.

What was expected and what was seen is the evidence, kept with the source's version. Neither tokens nor anybody's
details are in it: an identity is its label, and of an assertion it is told which parts differ, not how.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial

from connectors.base import (
    Ask,
    Assertion,
    AutoPost,
    BirthDate,
    Connector,
    Context,
    Done,
    Failed,
    Identifier,
    IdentifierType,
    Input,
    LoginRequest,
    Name,
    NeedClientCertificate,
    OutboundError,
    Redirect,
    Step,
)
from connectors.registers import KnowsOrganisations, Pivot, Verdict, Verifier
from idp import clock, entropy
from idp.people import assurance
from idp.sources.identities import AskedPivot, ExpectedAssertion, Fault, Identities, Identity
from idp.sources.lies import LIES, Lie, Tampered
from idp.sources.robot import Lost, Robot

STEPS_LIMIT = 8
ANY_FAILURE = "a failure"


@dataclass(frozen=True, kw_only=True)
class Case:
    label: str
    expected: str
    seen: str
    passed: bool
    milliseconds: int


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The source to check, and where it sends people back to."""

    connector: object
    context: Context
    ceiling: int
    authentication_ceiling: int
    callback_url: str
    faults_url: str  # where the source is told to misbehave; empty where the file has no faults


@dataclass(frozen=True, kw_only=True)
class _Met:
    """The end of one sign-in, and what came back just before it."""

    step: Step
    state: bytes = b""
    answer: Input | None = None


def check_contract(subject: Subject, identities: Identities) -> list[Case]:
    """Every case of the file, and every negative one that this kind of source can be put to."""
    cases = [_timed(one.label, partial(_identity, subject, one)) for one in identities.identities]
    first = identities.identities[0]
    cases += [_timed(label, partial(_lied_to, subject, first, lie)) for label, lie in LIES.items()]
    cases += [_timed(one.label, partial(_faulty, subject, first, one)) for one in identities.faults]
    return [case for case in cases if case is not None]


def as_json(cases: list[Case]) -> str:
    return json.dumps([asdict(case) for case in cases], ensure_ascii=False)


def _timed(label: str, run: Callable[[], tuple[str, str] | None]) -> Case | None:
    """`run` gives what was expected and what was seen, or None where it does not apply to this source."""
    began = clock.monotonic()
    met = run()
    if met is None:
        return None
    expected, seen = met
    passed = _is_failure(seen) if expected == ANY_FAILURE else seen in expected.split(" or ")
    took = round((clock.monotonic() - began) * 1000)
    return Case(label=label, expected=expected, seen=seen, passed=passed, milliseconds=took)


def _is_failure(seen: str) -> bool:
    return seen.startswith("failed: ")


# --- one identity


def _identity(subject: Subject, identity: Identity) -> tuple[str, str]:
    expect = identity.expect
    if expect.failure:
        return " or ".join(f"failed: {each.value}" for each in expect.failure), _seen(subject, identity)
    if expect.verdict is not None:
        rectified = ", rectified" if expect.verdict.rectified else ""
        return f"{expect.verdict.agreement.value}, alive: {expect.verdict.alive}{rectified}", _seen(subject, identity)
    if expect.organisations is not None:
        return f"organisations: {' '.join(sorted(expect.organisations)) or 'none'}", _seen(subject, identity)
    return "as expected", _seen(subject, identity)


def _seen(subject: Subject, identity: Identity) -> str:
    """What the source says of this identity, in the words of the report."""
    try:
        if identity.pivot is not None:
            return _verdict(subject, identity.pivot)
        if identity.personal_number is not None:
            return _organisations(subject, identity.personal_number)
        met = _signed_in(subject, identity)
    except (OutboundError, Lost) as problem:
        return _problem(problem)
    return _told(met.step, subject, identity.expect.assertion)


def _problem(problem: OutboundError | Lost) -> str:
    return f"failed: {problem.failure.value}" if isinstance(problem, OutboundError) else f"lost: {problem}"


def _told(step: Step, subject: Subject, expected: ExpectedAssertion | None) -> str:
    if isinstance(step, Failed):
        return f"failed: {step.failure.value}"
    if not isinstance(step, Done):
        return f"stopped at: {type(step).__name__}"
    differing = [] if expected is None else list(_differences(step.assertion, expected, subject))
    if expected is None:
        return "signed in"
    return f"differs: {', '.join(differing)}" if differing else "as expected"


def _differences(said: Assertion, expected: ExpectedAssertion, subject: Subject) -> Iterator[str]:
    seen: dict[str, str | int | None] = {
        "name": said.name.full,
        "birth_date": _date(said.birth_date),
        "personal_number": _number(said, IdentifierType.PERSONAL_NUMBER),
        "former_number": _number(said, IdentifierType.FORMER_NUMBER),
        "tax_code": _number(said, IdentifierType.TAX_CODE),
        "proofing": min(said.proofing, subject.ceiling),
    }
    for name, value in seen.items():
        wanted = getattr(expected, name)
        if wanted is not None and wanted != value:
            yield name
    level = assurance.level_of(said, subject.ceiling, subject.authentication_ceiling)
    if expected.level is not None and level < expected.level:
        yield "level"


def _date(born: BirthDate | None) -> str:
    if born is None:
        return ""
    parts = (f"{born.year:04}", *(f"{part:02}" for part in (born.month, born.day) if part is not None))
    return "-".join(parts)


def _number(said: Assertion, kind: IdentifierType) -> str:
    return next((each.value for each in said.identifiers if each.type is kind), "")


def _verdict(subject: Subject, asked: AskedPivot) -> str:
    if not isinstance(subject.connector, Verifier):
        raise Lost("this source verifies nobody")
    kind = IdentifierType.FORMER_NUMBER if asked.former else IdentifierType.PERSONAL_NUMBER
    pivot = Pivot(
        identifier=Identifier(type=kind, value=asked.number),
        name=Name(full=asked.name),
        birth_date=_born(asked.birth_date),
    )
    answer = subject.connector.verify(subject.context, pivot)
    if isinstance(answer, Verdict):
        rectified = ", rectified" if answer.rectified is not None else ""
        return f"{answer.agreement.value}, alive: {answer.alive}{rectified}"
    return f"failed: {answer.failure.value}"


def _born(text: str) -> BirthDate | None:
    if not text:
        return None
    year, month, day = ([int(part) for part in text.split("-")] + [None, None])[:3]
    return BirthDate(year=year or 0, month=month, day=day, as_sent=text)


def _organisations(subject: Subject, personal_number: str) -> str:
    if not isinstance(subject.connector, KnowsOrganisations):
        raise Lost("this source knows no organisations")
    answer = subject.connector.organisations(subject.context, personal_number)
    if isinstance(answer, Failed):
        return f"failed: {answer.failure.value}"
    return f"organisations: {' '.join(sorted(one.tax_code for one in answer)) or 'none'}"


# --- a sign-in


def _signed_in(subject: Subject, identity: Identity) -> _Met:
    """The sign-in to its end, as far as the source goes; raises Lost, OutboundError."""
    connector = subject.connector
    if not isinstance(connector, Connector):
        raise Lost("nobody signs in at this source")
    request = LoginRequest(
        handle=entropy.short_handle(), callback_url=subject.callback_url, level=identity.level, force=True,
        network="contract",
    )  # fmt: skip
    robot = Robot(subject.context.http, identity.fill, home=subject.callback_url)
    met = _Met(step=connector.begin(subject.context, request))
    for _ in range(STEPS_LIMIT):
        if isinstance(met.step, Done | Failed):
            return met
        answer, state = _answer(robot, met.step, identity)
        met = _Met(step=connector.resume(subject.context, state, answer), state=state, answer=answer)
    raise Lost(f"not signed in after {STEPS_LIMIT} steps")


def _answer(robot: Robot, step: Step, identity: Identity) -> tuple[Input, bytes]:
    """What comes back of this step, and its state."""
    if isinstance(step, Redirect):
        return robot.walk(step.url), step.state
    if isinstance(step, AutoPost):
        return robot.post(step.url, dict(step.fields)), step.state
    if isinstance(step, Ask):
        if step.problem_id is not None:
            raise Lost(f"our page asks again: {step.problem_id}")
        typed = tuple((each.name, identity.fill.get(each.name, "")) for each in step.fields)
        return Input(method="POST", form=typed, network="contract"), step.state
    if isinstance(step, NeedClientCertificate):
        return Input(method="GET", client_certificate_pem=identity.certificate_pem), step.state
    raise Lost(f"the check cannot do this step: {type(step).__name__}")


# --- lies


def _lied_to(subject: Subject, identity: Identity, lie: Lie) -> tuple[str, str] | None:
    """A sign-in whose answers are lies; None where this source's answers have nothing to lie about in that way."""
    if not isinstance(subject.connector, Connector):
        return None
    tampered = Tampered(subject.connector, lie)
    try:
        seen = _told(_signed_in(replace(subject, connector=tampered), identity).step, subject, None)
    except OutboundError as problem:
        seen = _problem(problem)
    except Lost:
        seen = "failed: asked again"
    return (ANY_FAILURE, seen) if tampered.has_lied else None


# --- faults that the source can be told


def _faulty(subject: Subject, identity: Identity, fault: Fault) -> tuple[str, str]:
    """This identity, while the source misbehaves as told; afterwards it does not any more."""
    http, url = subject.context.http, subject.faults_url
    expected = " or ".join(f"failed: {each.value}" for each in fault.expect)
    body = json.dumps(fault.fault).encode()
    try:
        told = http.request("POST", url, headers={"Content-Type": "application/json"}, body=body)
        if told.status != 201:
            return expected, f"the source does not take the fault: status {told.status}"
        try:
            return expected, _seen(subject, identity)
        finally:
            for fault_id in json.loads(told.body)["ids"]:
                http.request("DELETE", f"{url}/{fault_id}")
    except OutboundError as problem:
        return expected, f"the fault cannot be set: {problem.failure.value}"
