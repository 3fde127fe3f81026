"""Visits to sources: begun, and come back from. What a source says becomes a session here, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from connectors.base import Assertion, Done, Failed, Failure, Input, LoginRequest, OutboundError, Redirect, Step
from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker.journey import Journey
from idp.broker.shelf import Arrived, Leg, Login, Shelf
from idp.broker.steps import Need
from idp.errors import FROM_SOURCE, Refused
from idp.people import People, assurance
from idp.sessions import Sessions, SignedIn
from idp.sessions.cookies import Cookies
from idp.settings import Settings
from idp.sources import Busy, Source, Sources, Witness
from idp.storage import Database, ShortLived
from idp.storage.database import Conflict

TRIES_AT_ONE_PERSON = 3  # two first sign-ins of one person at one moment: the second finds what the first made
VISITS_OF_ONE_SIGN_IN = 30  # nobody presses that often; each may cost the source a request
WAITS_FOR_FIRST_CLICK = 20
WAIT_SECONDS = 0.25

log = structlog.get_logger()


class Visits:
    def __init__(
        self, *, database: Database, short_lived: ShortLived, shelf: Shelf, journey: Journey, people: People,
        sources: Sources, sessions: Sessions, audit: Audit, cookies: Cookies, settings: Settings,
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

    def begin(self, login: Login, source_id: str, language: str) -> tuple[str, Source]:
        """The URL at the source where the person goes on; raises Refused when the source cannot be gone to."""
        source = self._sources.find(source_id)
        if source is None or not source.enabled:
            raise self._not_begun(login, errors.SOURCE_GONE)
        if source.ceiling < login.need.owed_level:
            raise self._not_begun(login, errors.SOURCE_TOO_WEAK, source.id)
        if self._sources.health_of(source) == "down":  # the choice page does not offer it: leave it in peace
            raise self._not_begun(login, FROM_SOURCE[Failure.UNREACHABLE], source.id)
        visits = self._short_lived.count(f"visits:{login.id}", self._settings.lifetimes.login_seconds)
        if visits > VISITS_OF_ONE_SIGN_IN:
            raise self._not_begun(login, errors.TOO_MANY, source.id)
        handle = entropy.short_handle()
        step = self._begun(source, login, handle, language)
        if isinstance(step, Failed):
            self._sources.health.note(source.id, step.failure)
            raise Refused(self._failed(source, login, step), step.detail)
        if not isinstance(step, Redirect):
            raise self._not_begun(login, errors.SOURCE_GONE, source.id)
        leg = Leg(
            login_id=login.id, source_id=source.id, version=source.version, state=step.state,
        )  # fmt: skip
        self._shelf.begin_leg(handle, leg)
        return step.url, source

    def is_expected(self, handle: str) -> bool:
        """Whether an answer with this handle belongs to a visit that began here."""
        return self._shelf.leg(handle) is not None or self._shelf.login_of_walked_leg(handle) is not None

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
        arrived = self._arrived(login, leg, answer, cookies)
        self._shelf.keep_arrival(handle, arrived)
        return arrived

    def _arrived(self, login: Login, leg: Leg, answer: Input, cookies: Mapping[str, str]) -> Arrived:
        if login.expired:
            return Arrived(login_id=login.id)
        source = self._sources.at_version(leg.source_id, leg.version)
        if source is None:
            return self._no_entry(login, errors.SOURCE_GONE, leg.source_id)
        step = self._resumed(source, leg, answer)
        if isinstance(step, Failed):
            failure = self._failed(source, login, step)
            return Arrived(login_id=login.id, failure_code=failure.code, source_id=source.id)
        if not isinstance(step, Done):
            return self._no_entry(login, errors.SOURCE_GONE, source.id)
        self._sources.health.note(source.id, None)
        try:
            session_id, value = self._admit(login, source, step.assertion, cookies)
        except Refused as problem:
            return self._no_entry(login, problem.failure, source.id, problem.detail)
        self._shelf.note_signed_in(login.id, session_id)
        return Arrived(login_id=login.id, session_cookie=value)

    def _no_entry(self, login: Login, failure: errors.Failure, source_id: str, detail: str = "") -> Arrived:
        log.info("sign_in_refused", source=source_id, code=failure.code, detail=detail)
        self._audit.refused(failure, client_id=login.need.client_id, source_id=source_id)
        return Arrived(login_id=login.id, failure_code=failure.code, source_id=source_id)

    def _not_begun(self, login: Login, failure: errors.Failure, source_id: str | None = None) -> Refused:
        self._audit.refused(failure, client_id=login.need.client_id, source_id=source_id)
        return Refused(failure, source_id or "no such source")

    def _admit(
        self, login: Login, source: Source, assertion: Assertion, cookies: Mapping[str, str]
    ) -> tuple[bytes, str]:
        """The person is recognised and has a session, in one commit; returns its id and new cookie. Raises Refused."""
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
    ) -> tuple[bytes, str]:
        with self._database.write() as tx:
            recognised = self._people.recognise(tx, assertion, source.id, min(assertion.proofing, source.ceiling))
            signed_in = SignedIn(
                person_id=recognised.person.id, source_id=source.id, source_kind=source.kind, level=level,
                amr=assertion.means, auth_time=int(assertion.auth_time.timestamp()),
            )  # fmt: skip
            session_id, value = self._sessions.open(tx, self._cookies.session(cookies), signed_in)
            self._audit.signed_in(
                tx, person_id=recognised.person.id, session_id=session_id, source_id=source.id,
                source_version=source.version, level=level, outcome=recognised.outcome, rule=recognised.rule,
                for_client=login.need.client_id,
            )  # fmt: skip
        return session_id, value

    def _begun(self, source: Source, login: Login, handle: str, language: str) -> Step:
        request = LoginRequest(
            handle=handle, callback_url=f"{self._settings.issuer}/callback/{source.id}",
            level=_level_to_ask(login.need, source),
            # Always: on a shared device the source's own session may be the last person's, and within our session's
            # life nobody is asked a second time anyway.
            force=True, ui_locales=(language, "en" if language == "vi" else "vi"),
        )  # fmt: skip
        try:
            with self._sources.place_at(source):
                return source.connector.begin(source.context, request)
        except OutboundError as problem:
            return Failed(failure=problem.failure, detail=problem.detail)
        except Busy:
            raise self._not_begun(login, FROM_SOURCE[Failure.OVERLOADED], source.id) from None

    def _resumed(self, source: Source, leg: Leg, answer: Input) -> Step:
        witness = Witness(source.context.http)
        try:
            with self._sources.place_at(source):
                step = source.connector.resume(replace(source.context, http=witness), leg.state, answer)
        except OutboundError as problem:
            step = Failed(failure=problem.failure, detail=problem.detail)
        except Busy:
            step = Failed(failure=Failure.OVERLOADED, detail="as many visits as this worker allows")
        if isinstance(step, Failed) and witness.saw_the_source:
            self._sources.health.note(source.id, step.failure)
        return step

    def _failed(self, source: Source, login: Login, step: Failed) -> errors.Failure:
        row = FROM_SOURCE[step.failure]
        log.info("source_failed", source=source.id, code=row.code, failure=step.failure.value, detail=step.detail)
        self._audit.refused(row, client_id=login.need.client_id, source_id=source.id)
        return row

    def _arrived_before(self, handle: str, cookies: Mapping[str, str]) -> Arrived:
        login_id = self._shelf.login_of_walked_leg(handle)
        if login_id is None:
            raise Refused(errors.UNKNOWN_STATE)
        login = self._journey.login(login_id, cookies)
        for _ in range(WAITS_FOR_FIRST_CLICK):
            arrived = self._shelf.arrival(handle)
            if arrived is not None:
                return self._as_it_is_now(arrived)
            clock.pause(WAIT_SECONDS)
        return Arrived(login_id=login.id)

    def _as_it_is_now(self, arrived: Arrived) -> Arrived:
        """Without a session that has ended or got a new cookie since: it must not take the place of a good one."""
        if self._sessions.by_cookie(arrived.session_cookie) is None:
            return replace(arrived, session_cookie=None)
        return arrived


def _level_to_ask(need: Need, source: Source) -> int:
    """What is owed, and what is wished as far as the source goes: a source that is asked for little gives little."""
    return max(need.owed_level, min(need.wished_level, source.ceiling))
