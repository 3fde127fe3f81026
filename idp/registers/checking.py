"""Asked of the population register: does this person exist, are they alive, do they agree with what we were told?

Nobody is asked about in a transaction: a register may take seconds. What it says is kept in the commit that it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from connectors.base import Assertion, Failed, Failure, OutboundError
from connectors.registers import Agreement, Pivot, Verdict, Verifier
from idp import clock, errors
from idp.audit import Audit
from idp.errors import Refused
from idp.people import Checked, People, Person, pivot_of_person
from idp.sessions import Sessions, Standing
from idp.settings import Verification
from idp.sources import NotAsked, Sources
from idp.storage import Database
from idp.storage.database import Conflict

# That nobody answers is an outage, and the outage policy decides. Anything else is about the person who was asked for,
# who may be bringing it about: they do not enter by it.
SILENCE = frozenset({Failure.UNREACHABLE, Failure.TIMED_OUT, Failure.OVERLOADED, Failure.MISCONFIGURED,
                     Failure.BROKEN_ANSWER})  # fmt: skip
TRIES_AT_ONE_PERSON = 3  # somebody else may be changing the same person at the same moment
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Admission:
    """On what terms somebody enters: at which level, and with what word of the register; None: it was not asked."""

    level: int
    checked: Checked | None


class Checking:
    def __init__(
        self, *, database: Database, people: People, sources: Sources, sessions: Sessions, audit: Audit,
        policy: Verification,
    ) -> None:  # fmt: skip
        self._database = database
        self._people = people
        self._sources = sources
        self._sessions = sessions
        self._audit = audit
        self._policy = policy

    def before_sign_in(
        self, assertion: Assertion, *, source_id: str, proofing: int, level: int, owed_level: int
    ) -> Admission:
        """On what terms whoever the source means may sign in; raises Refused.

        While the register does not answer, nobody gets a session of the level from which it must: they get one below,
        where that is enough for the portal, and owe the check.
        """
        pivot = self._people.pivot(assertion, source_id, proofing) if self._policy.source else None
        if pivot is None:
            return Admission(level=level, checked=None)
        asked_at, verdict = clock.milliseconds(), self._ask(pivot)
        if verdict is None:
            level = min(level, self._policy.refuse_without_from_level - 1)
            if level < max(owed_level, 1):
                raise Refused(errors.REGISTER_SILENT)
        elif (refusal := _refusal(verdict)) is not None:
            self._refuse_number(pivot, verdict, refusal)
            raise Refused(refusal, "at a sign-in")
        checked = replace(self._checked(verdict, asked_at), number=pivot.identifier.value)
        return Admission(level=level, checked=checked)

    def at_single_sign_on(self, standing: Standing) -> None:
        """Whoever this session is of has been asked about again, as far as the register answers; raises Refused."""
        person = self._people.find(standing.person_id)
        pivot = None if person is None else pivot_of_person(person)
        if person is None or pivot is None:
            return
        asked_at, verdict = clock.milliseconds(), self._ask(pivot)
        if verdict is not None:
            refusal = self._apply(person, verdict, asked_at)
            if refusal is not None:
                raise Refused(refusal, "at single sign-on")
        elif standing.level >= self._policy.refuse_without_from_level:
            raise Refused(errors.REGISTER_SILENT)
        else:
            with self._database.write() as tx:
                self._people.keep_checked(tx, person, self._checked(None, asked_at))

    def recheck(self, person_id: bytes) -> bool:
        """The register has been asked about somebody who owed it; False while it does not answer."""
        person = self._people.find(person_id)
        pivot = None if person is None else pivot_of_person(person)
        if person is None:
            return True
        if pivot is None or person.status != "active":
            with self._database.write() as tx:
                self._people.forget_check(tx, person_id, owed=False)
            return True
        asked_at = clock.milliseconds()
        try:
            verdict = self._ask(pivot)
        except Refused as problem:
            log.warning("recheck_impossible", detail=problem.detail)
            return True  # about this one alone: those behind them are not to wait
        if verdict is not None:
            self._apply(person, verdict, asked_at)
        return verdict is not None

    def _ask(self, pivot: Pivot) -> Verdict | None:
        """The register's word; None while it is out. Raises Refused where it answers, and nothing can be made of it."""
        source = self._sources.find(self._policy.source)
        if source is None or not source.enabled or not isinstance(source.connector, Verifier):
            log.error("no_verifier", source=self._policy.source)
            return None
        try:
            with self._sources.call(source, "verify") as call:
                answer = source.connector.verify(call.context, pivot)
                call.note_answer(answer)
        except OutboundError as problem:
            if isinstance(problem, NotAsked) and problem.failure is Failure.OVERLOADED:
                # Our own cap: whoever comes with many others must not pass by it.
                raise Refused(errors.REGISTER_SILENT, problem.detail) from None
            answer = problem.as_failed()
        if not isinstance(answer, Failed):
            return answer
        log.warning("register_silent", source=source.id, failure=answer.failure.value, detail=answer.detail)
        if answer.failure not in SILENCE:
            raise Refused(errors.REGISTER_SILENT, answer.detail)
        return None

    def _refuse_number(self, pivot: Pivot, verdict: Verdict, refusal: errors.Failure) -> None:
        """What the register said of this number is on record, and takes effect on whoever of us has died."""
        with self._database.write() as tx:
            person = self._people.find_by_number(tx, pivot.identifier.value)
            self._audit.register_refused(
                tx, person_id=None if person is None else person.id, source_id=self._policy.source, code=refusal.code,
                agreement=verdict.agreement.value,
            )  # fmt: skip
            if person is not None and refusal is errors.PERSON_BARRED and person.status == "active":
                self._people.set_status(tx, person.id, "deceased", "the register says so")
                self._sessions.end_all_of(tx, person.id, "the person has died")

    def _checked(self, verdict: Verdict | None, asked_at: int) -> Checked:
        return Checked(source_id=self._policy.source, verdict=verdict, asked_at=asked_at)

    def _apply(self, person: Person, verdict: Verdict, asked_at: int) -> errors.Failure | None:
        """The register's word on somebody we know takes effect; returns why they cannot go on, or None."""
        for _ in range(TRIES_AT_ONE_PERSON):
            try:
                return self._applied(person, verdict, asked_at)
            except Conflict:
                person = self._people.find(person.id) or person
        raise Refused(errors.STORE_UNREACHABLE, "the same person is being changed all the time")

    def _applied(self, person: Person, verdict: Verdict, asked_at: int) -> errors.Failure | None:
        refusal = _refusal(verdict)
        with self._database.write() as tx:
            if refusal is None:
                self._people.keep_checked(tx, person, self._checked(verdict, asked_at))
                return None
            self._audit.register_refused(
                tx, person_id=person.id, source_id=self._policy.source, code=refusal.code,
                agreement=verdict.agreement.value,
            )  # fmt: skip
            self._people.forget_check(tx, person.id, owed=False)  # the next sign-in is asked about anyhow
            if refusal is errors.PERSON_BARRED and person.status == "active":
                self._people.set_status(tx, person.id, "deceased", "the register says so")
            self._sessions.end_all_of(tx, person.id, "the register does not agree any more")
        return refusal


def _refusal(verdict: Verdict) -> errors.Failure | None:
    """Why nobody may enter with this word; that somebody has died counts only where it is about them."""
    if verdict.agreement is Agreement.UNKNOWN:
        return errors.REGISTER_UNKNOWN
    if verdict.agreement is Agreement.DIFFERS:
        return errors.REGISTER_DIFFERS
    return errors.PERSON_BARRED if verdict.alive is False else None
