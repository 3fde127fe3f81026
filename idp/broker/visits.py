"""Visits to sources: begun, and come back from. What a source says becomes a session here, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from connectors.base import Assertion, Done, Failed, Failure, Input, LoginRequest, OutboundError, Redirect, Step
from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker.journey import Journey
from idp.broker.shelf import Leg, Login, Shelf
from idp.errors import FROM_SOURCE, Refused
from idp.people import People, assurance
from idp.sessions import Sessions, SignedIn
from idp.sessions.cookies import Cookies
from idp.settings import Settings
from idp.sources import Source, Sources
from idp.storage import Database
from idp.storage.database import Conflict

TRIES_AT_ONE_PERSON = 3  # two first sign-ins of one person at one moment: the second finds what the first made
WAITS_FOR_FIRST_CLICK = 20
WAIT_SECONDS = 0.25

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A person came back from a source: the sign-in goes on, with a session or with the failure to show."""

    login_id: str
    session_cookie: str | None = None
    failure: errors.Failure | None = None
    source_id: str | None = None


class Visits:
    def __init__(
        self, *, database: Database, shelf: Shelf, journey: Journey, people: People, sources: Sources,
        sessions: Sessions, audit: Audit, cookies: Cookies, settings: Settings,
    ) -> None:  # fmt: skip
        self._database = database
        self._shelf = shelf
        self._journey = journey
        self._people = people
        self._sources = sources
        self._sessions = sessions
        self._audit = audit
        self._cookies = cookies
        self._settings = settings

    def begin(self, login: Login, source_id: str, language: str) -> tuple[str, Source]:
        """The URL at the source where the person goes on; raises Refused when the source cannot be gone to."""
        source = self._sources.find(source_id)
        if source is None or not source.enabled:
            raise Refused(errors.SOURCE_GONE, source_id[:60])
        if source.ceiling < login.need.owed_level:
            raise Refused(errors.SOURCE_TOO_WEAK, source.id)
        handle = entropy.short_handle()
        step = self._begun(source, login, handle, language)
        if isinstance(step, Failed):
            raise Refused(self._failed(source, step), step.detail)
        if not isinstance(step, Redirect):
            raise Refused(errors.SOURCE_GONE, f"no page for a step of kind {type(step).__name__}")
        leg = Leg(
            login_id=login.id, source_id=source.id, version=source.version, state=step.state,
            level=login.need.owed_level,
        )  # fmt: skip
        self._shelf.begin_leg(handle, leg, self._settings.lifetimes.login_seconds)
        return step.url, source

    def resume(self, handle: str, source_id: str, answer: Input, cookies: Mapping[str, str]) -> Arrived:
        """The sign-in goes on after the source's answer; raises Refused for an answer that is not this browser's.

        A second click on the same answer, or one whose response got lost, arrives where the first one did.
        """
        leg = self._shelf.leg(handle)
        if leg is None:
            return self._arrived_before(handle, cookies)
        login = self._journey.login(leg.login_id, cookies)
        if leg.source_id != source_id:
            raise Refused(errors.FOREIGN_STATE, source_id[:60])
        if self._shelf.take_leg(handle) is None:
            return self._arrived_before(handle, cookies)
        source = self._sources.at_version(leg.source_id, leg.version)
        if login.expired:
            return Arrived(login_id=login.id)
        if source is None:
            return Arrived(login_id=login.id, failure=errors.SOURCE_GONE, source_id=leg.source_id)
        arrived = self._arrival(login, source, self._resumed(source, leg, answer), cookies)
        self._shelf.keep_arrival(handle, arrived.session_cookie)
        return arrived

    def _arrival(self, login: Login, source: Source, step: Step, cookies: Mapping[str, str]) -> Arrived:
        if isinstance(step, Failed):
            return Arrived(login_id=login.id, failure=self._failed(source, step), source_id=source.id)
        if not isinstance(step, Done):
            return Arrived(login_id=login.id, failure=errors.SOURCE_GONE, source_id=source.id)
        self._sources.health.note(source.id, None)
        try:
            value = self._admit(login, source, step.assertion, cookies)
        except Refused as problem:
            log.info("sign_in_refused", source=source.id, code=problem.failure.code, detail=problem.detail)
            self._audit.refused(problem.failure, client_id=login.need.client_id, source_id=source.id)
            return Arrived(login_id=login.id, failure=problem.failure, source_id=source.id)
        self._shelf.note_signed_in(login.id)
        return Arrived(login_id=login.id, session_cookie=value)

    def _admit(self, login: Login, source: Source, assertion: Assertion, cookies: Mapping[str, str]) -> str:
        """The person is recognised and has a session, in one commit; returns the new cookie value. Raises Refused."""
        level = assurance.level_of(assertion, source.ceiling)
        if level < login.need.owed_level:
            raise Refused(FROM_SOURCE[Failure.LEVEL_TOO_LOW])
        for _ in range(TRIES_AT_ONE_PERSON):
            try:
                return self._commit_sign_in(login, source, assertion, level, cookies)
            except Conflict:
                continue
        raise Refused(errors.STORE_UNREACHABLE, "the same person is being changed all the time")

    def _commit_sign_in(
        self, login: Login, source: Source, assertion: Assertion, level: int, cookies: Mapping[str, str]
    ) -> str:
        with self._database.write() as tx:
            recognised = self._people.recognise(tx, assertion, source.id, level)
            signed_in = SignedIn(
                person_id=recognised.person.id, source_id=source.id, source_kind=source.kind, level=level,
                amr=assertion.means, auth_time=int(assertion.auth_time.timestamp()), logout_hint=assertion.logout_hint,
            )  # fmt: skip
            session_id, value = self._sessions.open(tx, self._cookies.session(cookies), signed_in)
            self._audit.signed_in(
                tx, person_id=recognised.person.id, session_id=session_id, source_id=source.id,
                source_version=source.version, level=level, outcome=recognised.outcome, rule=recognised.rule,
                for_client=login.need.client_id,
            )  # fmt: skip
        return value

    def _begun(self, source: Source, login: Login, handle: str, language: str) -> Step:
        request = LoginRequest(
            handle=handle, callback_url=f"{self._settings.issuer}/callback/{source.id}", level=login.need.owed_level,
            # Always: on a shared device the source's own session may be the last person's, and within our session's
            # life nobody is asked a second time anyway.
            force=True, ui_locales=(language, "en" if language == "vi" else "vi"),
        )  # fmt: skip
        try:
            return source.connector.begin(source.context, request)
        except OutboundError as problem:
            return Failed(failure=problem.failure, detail=problem.detail)

    def _resumed(self, source: Source, leg: Leg, answer: Input) -> Step:
        try:
            return source.connector.resume(source.context, leg.state, answer)
        except OutboundError as problem:
            return Failed(failure=problem.failure, detail=problem.detail)

    def _failed(self, source: Source, step: Failed) -> errors.Failure:
        row = FROM_SOURCE[step.failure]
        self._sources.health.note(source.id, step.failure)
        log.info("source_failed", source=source.id, code=row.code, failure=step.failure.value, detail=step.detail)
        self._audit.refused(row, source_id=source.id)
        return row

    def _arrived_before(self, handle: str, cookies: Mapping[str, str]) -> Arrived:
        login_id = self._shelf.login_of_walked_leg(handle)
        if login_id is None:
            raise Refused(errors.UNKNOWN_STATE)
        login = self._journey.login(login_id, cookies)
        for _ in range(WAITS_FOR_FIRST_CLICK):
            arrival = self._shelf.arrival(handle)
            if arrival is not None:
                return Arrived(login_id=login.id, session_cookie=arrival or None)
            clock.pause(WAIT_SECONDS)
        return Arrived(login_id=login.id)
