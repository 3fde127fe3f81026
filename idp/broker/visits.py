"""Visits to sources: begun, and come back from. What a source says becomes a session here, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from connectors.base import (
    Ask,
    Assertion,
    Done,
    Failed,
    Failure,
    Input,
    LoginRequest,
    NeedClientCertificate,
    OutboundError,
    Step,
    Wait,
)
from idp import clock, entropy, errors
from idp.audit import Audit, request_id
from idp.broker.journey import Journey
from idp.broker.shelf import Arrived, Leg, Login, Shelf
from idp.broker.steps import Need
from idp.cases import Cases
from idp.errors import FROM_SOURCE, Refused
from idp.people import People, Undecided
from idp.registers import Admission, Checking, Combining
from idp.sessions import Sessions, SignedIn, Standing
from idp.sessions.cookies import Cookies
from idp.settings import Settings
from idp.sources import Source, Sources
from idp.storage import Database, ShortLived, Transaction
from idp.storage.database import Conflict

TRIES_AT_ONE_PERSON = 3  # two first sign-ins of one person at one moment: the second finds what the first made
ADDED_WITHIN_SECONDS = 1200  # from the first proof to the second, of whoever adds a source
VISITS_OF_ONE_SIGN_IN = 30  # nobody presses that often; each may cost the source a request
WAITS_FOR_FIRST_CLICK = 20
WAIT_SECONDS = 0.25
CERTIFICATE_SECONDS = 120  # from the host where it is shown to ours
_GAVE_UP = Failed(failure=Failure.CANCELLED, detail="on a page of ours")

log = structlog.get_logger()


class Visits:
    def __init__(
        self, *, database: Database, short_lived: ShortLived, shelf: Shelf, journey: Journey, people: People,
        sources: Sources, sessions: Sessions, audit: Audit, cookies: Cookies, settings: Settings, checking: Checking,
        combining: Combining, cases: Cases,
    ) -> None:  # fmt: skip
        self._database = database
        self._short_lived = short_lived
        self._shelf = shelf
        self._journey = journey
        self._people = people
        self._sources = sources
        self._sessions = sessions
        self._audit = audit
        self._cookies = cookies
        self._settings = settings
        self._checking = checking
        self._combining = combining
        self._cases = cases

    def begin(self, login: Login, source_id: str, language: str, cookies: Mapping[str, str], network: str) -> Arrived:
        """The visit has begun, and come to its first stop; raises Refused when the source cannot be gone to."""
        source = self._sources.find(source_id)
        if source is None or not source.enabled or not source.signs_in:
            raise self._not_begun(login, errors.SOURCE_GONE)
        if source.reach < login.need.owed_level:
            raise self._not_begun(login, errors.SOURCE_TOO_WEAK, source.id)
        if self._visits_of(login) > VISITS_OF_ONE_SIGN_IN:
            raise self._not_begun(login, errors.TOO_MANY, source.id)
        handle = entropy.short_handle()
        return self._carried(login, source, handle, self._begun(source, login, handle, language, network), cookies)

    def waiting(self, login: Login, handle: str) -> Leg | None:
        """The visit of this sign-in that waits under this handle; None if it went on."""
        leg = self._shelf.leg(handle)
        return leg if leg is not None and leg.login_id == login.id else None

    def resume(self, handle: str, source_id: str, answer: Input, cookies: Mapping[str, str]) -> Arrived:
        """The sign-in goes on after the source's answer; raises Refused for an answer that is not this browser's.

        A second click on the same answer, or one whose response got lost, arrives where the first one did.
        """
        handle, leg = self._last_stop(handle)
        if leg is None:
            return self.arrived_before(handle, cookies)
        login = self._journey.login(leg.login_id, cookies)
        if leg.source_id != source_id:
            raise Refused(errors.FOREIGN_STATE, source_id[:60])
        if isinstance(leg.stop, Ask):  # we wait for the person, not for the source
            return Arrived(login_id=login.id, waiting=handle)
        return self._gone_on(handle, login, leg, answer, cookies)

    def answered(self, login: Login, handle: str, answer: Input | None, cookies: Mapping[str, str]) -> Arrived:
        """The sign-in goes on after what the person typed on a page of ours, or (None) did not want to."""
        leg = self._shelf.leg(handle)
        if leg is None:
            return self.arrived_before(handle, cookies)
        if leg.login_id != login.id or not isinstance(leg.stop, Ask):
            raise Refused(errors.FOREIGN_STATE)
        if answer is not None and self._visits_of(login) > VISITS_OF_ONE_SIGN_IN:
            return self._no_entry(login, errors.TOO_MANY, leg.source_id)
        return self._gone_on(handle, login, leg, answer, cookies)

    def keep_certificate(self, handle: str, pem: str | None) -> tuple[str, str]:
        """What a browser showed on this visit is kept; returns the source and a handle for it. Raises Refused."""
        leg = self._shelf.leg(handle)
        if leg is None or not isinstance(leg.stop, NeedClientCertificate):
            raise Refused(errors.UNKNOWN_STATE)
        return leg.source_id, self._shelf.keep_certificate(handle, pem, CERTIFICATE_SECONDS)

    def certificate(self, handle: str, shown: str) -> str | None:
        """What the browser showed on this very visit, if it showed any; raises Refused."""
        kept = self._shelf.certificate(shown)
        if kept is None or not entropy.same(kept[0], handle):
            raise Refused(errors.UNKNOWN_STATE)
        return kept[1]

    def _last_stop(self, handle: str) -> tuple[str, Leg | None]:
        """Where the visit has come to, that began under this handle: what a source sends back names its beginning."""
        for _ in range(VISITS_OF_ONE_SIGN_IN):
            leg = self._shelf.leg(handle)
            if leg is not None:
                return handle, leg
            arrived = self._shelf.arrival(handle)
            if arrived is None or arrived.waiting is None:
                return handle, None
            handle = arrived.waiting
        return handle, None

    def _visits_of(self, login: Login) -> int:
        return self._short_lived.count(f"visits:{login.id}", self._settings.lifetimes.login_seconds)

    def _gone_on(
        self, handle: str, login: Login, leg: Leg, answer: Input | None, cookies: Mapping[str, str]
    ) -> Arrived:
        if not self._shelf.take_leg(handle, login.id):
            return self.arrived_before(handle, cookies)
        arrived = self._arrived(login, leg, answer, cookies)
        self._shelf.keep_arrival(handle, arrived)
        return arrived

    def _arrived(self, login: Login, leg: Leg, answer: Input | None, cookies: Mapping[str, str]) -> Arrived:
        if login.expired:
            return Arrived(login_id=login.id)
        source = self._sources.at_version(leg.source_id, leg.version)
        if source is None:
            return self._no_entry(login, errors.SOURCE_GONE, leg.source_id)
        step = _GAVE_UP if answer is None else self._resumed(source, leg, answer)
        return self._carried(login, source, entropy.short_handle(), step, cookies)

    def _carried(self, login: Login, source: Source, handle: str, step: Step, cookies: Mapping[str, str]) -> Arrived:
        """Where a connector's step leads: to a stop of that handle, or to the end of the visit."""
        if isinstance(step, Failed):
            failure = self._failed(source, login, step)
            return Arrived(login_id=login.id, failure_code=failure.code, source_id=source.id)
        if isinstance(step, Done):
            return self._let_in(login, source, step.assertion, cookies)
        shows = isinstance(step, NeedClientCertificate)
        if isinstance(step, Wait) or (shows and not self._settings.client_certificate_header):
            return self._no_entry(login, errors.SOURCE_GONE, source.id, f"{type(step).__name__} is not offered here")
        self._shelf.begin_leg(
            handle, Leg(login_id=login.id, source_id=source.id, version=source.version, stop=step)
        )  # fmt: skip
        return Arrived(login_id=login.id, source_id=source.id, waiting=handle)

    def _let_in(self, login: Login, source: Source, assertion: Assertion, cookies: Mapping[str, str]) -> Arrived:
        try:
            session_id, value = self._admit(login, source, assertion, cookies)
        except Undecided as problem:
            self._cases.open(source.id, problem)
            return self._no_entry(login, problem.failure, source.id, problem.detail)
        except Refused as problem:
            return self._no_entry(login, problem.failure, source.id, problem.detail)
        self._shelf.note_signed_in(login.id, session_id)
        return Arrived(login_id=login.id, session_cookie=value)

    def _adding(self, login: Login, cookies: Mapping[str, str]) -> Standing | None:
        """The session of whoever wants one more way to come in, if this is for that; raises Refused if it is gone."""
        if login.need.adds_to is None:
            return None
        standing = self._journey.standing(self._journey.client_of(login), cookies)
        if standing is None or standing.person_id.hex() != login.need.adds_to:
            raise Refused(errors.LOGIN_GONE, "whoever wanted to add a source is signed out")
        if login.verdict is not None or clock.seconds() - standing.auth_time > ADDED_WITHIN_SECONDS:
            raise Refused(errors.LOGIN_GONE, "it was given up, or the first proof is too old")
        return standing

    def _no_entry(self, login: Login, failure: errors.Failure, source_id: str, detail: str = "") -> Arrived:
        log.info("sign_in_refused", source=source_id, code=failure.code, detail=detail)
        self._audit.refused(failure, client_id=login.need.client_id, source_id=source_id)
        return Arrived(login_id=login.id, failure_code=failure.code, source_id=source_id, request_id=request_id())

    def _not_begun(self, login: Login, failure: errors.Failure, source_id: str | None = None) -> Refused:
        self._audit.refused(failure, client_id=login.need.client_id, source_id=source_id)
        return Refused(failure, source_id or "no such source")

    def _admit(
        self, login: Login, source: Source, assertion: Assertion, cookies: Mapping[str, str]
    ) -> tuple[bytes, str | None]:
        """The person is recognised and has a session, in one commit; returns its id and new cookie. Raises Refused."""
        level = self._combining.most(assertion, source)
        if level < login.need.owed_level:
            raise Refused(FROM_SOURCE[Failure.LEVEL_TOO_LOW])
        adding, proofing = self._adding(login, cookies), min(assertion.proofing, source.ceiling)
        if adding is not None and max(level, proofing) > adding.level:
            raise Refused(errors.STRONGER_FIRST)  # whoever has the weaker would come to be who has the stronger
        admission = self._checking.before_sign_in(
            assertion, source_id=source.id, proofing=proofing, level=level, owed_level=login.need.owed_level
        )
        for _ in range(TRIES_AT_ONE_PERSON):
            try:
                return self._commit_sign_in(login, source, assertion, admission, cookies, adding)
            except Conflict:
                continue
        raise Refused(errors.STORE_UNREACHABLE, "the same person is being changed all the time")

    def _commit_sign_in(
        self, login: Login, source: Source, assertion: Assertion, admission: Admission, cookies: Mapping[str, str],
        adding: Standing | None,
    ) -> tuple[bytes, str | None]:  # fmt: skip
        proofing = min(assertion.proofing, source.ceiling)
        with self._database.write() as tx:
            recognised = self._people.recognise(
                tx, assertion, source.id, proofing, admission.checked, None if adding is None else adding.person_id
            )
            level, raised_by = self._combining.level(tx, recognised.person, assertion, source)
            level = min(level, admission.level)
            if level < login.need.owed_level:
                raise Refused(FROM_SOURCE[Failure.LEVEL_TOO_LOW], "no rule raises it")
            signed_in = SignedIn(
                person_id=recognised.person.id, source_id=source.id, source_kind=source.kind, level=level,
                amr=assertion.means, auth_time=int(assertion.auth_time.timestamp()),
                upstream_session=assertion.upstream_session, logout_hint=assertion.logout_hint,
            )  # fmt: skip
            session_id, value = self._opened(tx, signed_in, adding, cookies)
            self._audit.signed_in(
                tx, person_id=recognised.person.id, session_id=session_id, source_id=source.id,
                source_version=source.version, level=level, outcome=recognised.outcome, rule=recognised.rule,
                for_client=login.need.client_id, raised_by=raised_by,
            )  # fmt: skip
        return session_id, value

    def _opened(
        self, tx: Transaction, signed_in: SignedIn, adding: Standing | None, cookies: Mapping[str, str]
    ) -> tuple[bytes, str | None]:
        """The session that goes with the sign-in; whoever added a source keeps theirs as it was."""
        if adding is not None:
            if not self._sessions.is_open(tx, adding.session_id):
                raise Refused(errors.LOGIN_GONE, "whoever wanted to add a source is signed out")
            return adding.session_id, None
        return self._sessions.open(tx, self._cookies.session(cookies), signed_in)

    def _begun(self, source: Source, login: Login, handle: str, language: str, network: str) -> Step:
        request = LoginRequest(
            handle=handle, callback_url=f"{self._settings.issuer}/callback/{source.id}",
            level=_level_to_ask(login.need, source),
            # Always: on a shared device the source's own session may be the last person's, and within our session's
            # life nobody is asked a second time anyway.
            force=True, ui_locales=(language, "en" if language == "vi" else "vi"), network=network,
        )  # fmt: skip
        try:
            with self._sources.call(source, "sign_in") as call:
                step: Step = source.connector.begin(call.context, request)
                if isinstance(step, Failed):
                    call.note(step.failure)
                return step
        except OutboundError as problem:
            return problem.as_failed()

    def _resumed(self, source: Source, leg: Leg, answer: Input) -> Step:
        try:
            with self._sources.call(source, "sign_in", under_way=True) as call:
                step: Step = source.connector.resume(call.context, leg.stop.state, answer)
                if isinstance(step, Failed | Done):
                    call.note_answer(step)
                return step
        except OutboundError as problem:
            return problem.as_failed()

    def _failed(self, source: Source, login: Login, step: Failed) -> errors.Failure:
        row = FROM_SOURCE[step.failure]
        log.info("source_failed", source=source.id, code=row.code, failure=step.failure.value, detail=step.detail)
        self._audit.refused(row, client_id=login.need.client_id, source_id=source.id)
        return row

    def arrived_before(self, handle: str, cookies: Mapping[str, str]) -> Arrived:
        """Where a visit went that waits under this handle no more; raises Refused for one that never did."""
        login_id = self._shelf.login_of_walked_leg(handle)
        if login_id is None:
            raise Refused(errors.UNKNOWN_STATE)
        login = self._journey.login(login_id, cookies)
        for _ in range(WAITS_FOR_FIRST_CLICK):
            arrived = self._shelf.arrival(handle)
            if arrived is not None:
                return self._as_it_is_now(arrived)
            if login.expired:
                break
            clock.pause(WAIT_SECONDS)
        return Arrived(login_id=login.id)

    def _as_it_is_now(self, arrived: Arrived) -> Arrived:
        """Without a session that has ended or got a new cookie since: it must not take the place of a good one."""
        if self._sessions.by_cookie(arrived.session_cookie) is None:
            return replace(arrived, session_cookie=None)
        return arrived


def _level_to_ask(need: Need, source: Source) -> int:
    """What is owed, and what is wished as far as the source goes: a source that is asked for little gives little."""
    return max(need.owed_level, min(need.wished_level, source.authentication_ceiling))
