"""Signing in on a computer with a phone: the addresses of both.

POST /sign-in/<login>/phone            on the computer: a code to scan, for two minutes
GET  /sign-in/<login>/phone/<handle>   the code as it is now, or what has come of it;  POST: the number was typed
GET  /phone/<code>                     on the phone: what was scanned; only the first phone goes on from here
GET  /phone/<handle>/question          which portal asks, from which computer;  POST: yes or no

Whoever gets somebody to scan the code of a computer elsewhere would be signed in as them (RFC 10027, BCP 247). So a
code is good for seconds and for one phone, the phone says where the computer is, and shows a number that has to be
typed there: a number on the computer would come to the phone with the picture of the code.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker import browsers
from idp.broker.desk import At, Desk, see_other
from idp.broker.journey import Journey
from idp.broker.phones import STEP_SECONDS, Begun, Phones, on_one_network
from idp.broker.shelf import Login, Shelf
from idp.broker.steps import Step, is_met_by
from idp.broker.telling import of_portal, place_of
from idp.clients import Client
from idp.clients.own import ACCOUNT
from idp.errors import Refused
from idp.seal import Sealer, to_text
from idp.sessions import Standing
from idp.sessions.cookies import Cookies
from idp.web import language
from idp.web import phone as pages
from idp.web.words import Lack

TYPED_CHARACTERS = 20


@dataclass(frozen=True, kw_only=True)
class Answering:
    """A phone that has scanned, and may answer as whoever is signed in on it."""

    begun: Begun
    login: Login
    client: Client
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class PhoneRoutes:
    desk: Desk
    journey: Journey
    phones: Phones
    shelf: Shelf
    sealer: Sealer
    cookies: Cookies
    audit: Audit
    issuer: str
    refuses_other_networks: bool

    def blueprint(self) -> Blueprint:
        room = Blueprint("phone", __name__)
        room.post("/sign-in/<login_id>/phone", endpoint="begin")(self._begin)
        room.get("/sign-in/<login_id>/phone/<handle>", endpoint="wait")(self._wait)
        room.post("/sign-in/<login_id>/phone/<handle>", endpoint="typed")(self._typed)
        room.get("/phone/<code>", endpoint="scanned")(self._scanned)
        room.get("/phone/<handle>/question", endpoint="question")(self._question)
        room.post("/phone/<handle>/question", endpoint="answered")(self._answered)
        return room

    # --- on the computer

    def _begin(self, login_id: str) -> Response:
        at = self.desk.at(login_id, with_form=True)
        if at is None or at.step is not Step.SIGN_IN:
            return self.desk.onward(login_id, at)
        browser = browsers.named(request.headers.get("User-Agent", ""))
        try:
            handle = self.phones.begin(at.login, browser, request.remote_addr or "")
        except Refused as problem:
            return self.desk.failure_page(login_id, problem.failure)
        return see_other(url_for("phone.wait", login_id=login_id, handle=handle))

    def _wait(self, login_id: str, handle: str) -> Response:
        at = self.desk.at(login_id)
        if at is None or at.step is not Step.SIGN_IN:
            return self.desk.onward(login_id, at)
        begun = self.phones.find(handle)
        if begun is None or begun.login_id != login_id:
            return self.desk.failure_page(login_id, errors.PHONE_TOO_LATE)
        return self._wait_page(at, begun)

    def _typed(self, login_id: str, handle: str) -> Response:
        at = self.desk.at(login_id, with_form=True)
        if at is None or at.step is not Step.SIGN_IN:
            return self.desk.onward(login_id, at)
        begun = self.phones.find(handle)
        if begun is None or begun.login_id != login_id:
            return self.desk.failure_page(login_id, errors.PHONE_TOO_LATE)
        number = request.form.get("number", "")[:TYPED_CHARACTERS].strip()
        try:
            arrived = self.phones.typed(begun, at.login, number, request.cookies)
        except Refused as problem:
            return self.desk.failure_page(login_id, problem.failure)
        return self._wait_page(at, begun, wrong=True) if arrived is None else self.desk.arrived(arrived)

    def _wait_page(self, at: At, begun: Begun, *, wrong: bool = False) -> Response:
        if begun.end is not None:
            return self.desk.failure_page(at.login.id, begun.end)
        scanned = begun.scanned_by is not None
        page = pages.WaitPage(
            portal_vi=at.client.name_vi, portal_en=at.client.name_en,
            state="type" if begun.number is not None else "look" if scanned else "scan",
            code_url=f"{self.issuer}{url_for('phone.scanned', code=begun.code)}", step_seconds=STEP_SECONDS,
            action_url=url_for("phone.typed", login_id=at.login.id, handle=begun.handle),
            back_url=url_for("broker.choose", login_id=at.login.id),
            form_token=self.journey.form_token(at.login, request.cookies), wrong=wrong and begun.number is not None,
            form_targets=at.client.origins,
        )  # fmt: skip
        return pages.wait(page, language.of_request(at.login.need.ui_locales))

    # --- on the phone

    def _scanned(self, code: str) -> Response:
        begun, is_good = self.phones.scanned(code)
        self.journey.count_network(request.remote_addr or "")
        login = self.shelf.login(begun.login_id)
        if login is None:
            raise Refused(errors.PHONE_CODE_OVER, "its sign-in is gone")
        if self.journey.is_of(login, request.cookies):  # one and the same browser needs no ceremony
            return see_other(url_for("broker.choose", login_id=login.id))
        if not is_good or login.expired or login.answer or login.verdict:
            raise Refused(errors.PHONE_CODE_OVER, "too late")
        standing = self.journey.standing(self.journey.client_of(login), request.cookies)
        lack = _lack(login, standing)
        if standing is None or lack is not None:
            return self._not_yet(login, lack or Lack.SESSION)
        self._refuse_other_networks(begun, login, standing)
        if not self.phones.claim(begun, standing):
            raise Refused(errors.PHONE_CODE_OVER, "scanned by another")
        return see_other(url_for("phone.question", handle=begun.handle))

    def _question(self, handle: str) -> Response:
        answering, spoken = self._answering(handle), language.of_request()
        begun, client = answering.begun, answering.client
        portal = (client.name_vi, client.name_en)
        if self.shelf.login_of_walked_leg(handle) is not None:
            return pages.end(portal, "done", spoken)
        if begun.end is not None:
            return pages.end(portal, "declined" if begun.declined else "gone", spoken)
        if begun.number is not None:
            return pages.number(pages.NumberPage(portal_vi=portal[0], portal_en=portal[1], number=begun.number), spoken)
        return self._question_page(answering, spoken)

    def _answered(self, handle: str) -> Response:
        answering = self._answering(handle)
        if not entropy.same(request.form.get("form_token", ""), self._form_token(handle)):
            raise Refused(errors.BAD_FORM)
        begun, decision = answering.begun, request.form.get("decision")
        if begun.end is None and decision in ("yes", "no"):
            self._refuse_other_networks(begun, answering.login, answering.standing)
            self.phones.answer(begun, answering.login, answering.standing, yes=decision == "yes")
        return see_other(url_for("phone.question", handle=handle))

    def _answering(self, handle: str) -> Answering:
        """The phone that scanned first, still signed in as it was; raises Refused for any other, whatever it lacks."""
        begun = self.phones.find(handle)
        login = None if begun is None else self.shelf.login(begun.login_id)
        if begun is None or login is None or begun.scanned_by is None:
            raise Refused(errors.PHONE_CODE_OVER, "nothing that was scanned")
        client = self.journey.client_of(login)
        standing = self.journey.standing(client, request.cookies)
        if standing is None or standing.session_id.hex() != begun.scanned_by or _lack(login, standing) is not None:
            raise Refused(errors.PHONE_CODE_OVER, "scanned by another session")
        return Answering(begun=begun, login=login, client=client, standing=standing)

    def _question_page(self, answering: Answering, spoken: language.Language) -> Response:
        begun, client, need = answering.begun, answering.client, answering.login.need
        page = pages.QuestionPage(
            portal_vi=client.name_vi, portal_en=client.name_en, place=place_of(need), browser=begun.browser,
            began_at=clock.instant(begun.at), same_network=on_one_network(begun.network, request.remote_addr or ""),
            action_url=url_for("phone.answered", handle=begun.handle), form_token=self._form_token(begun.handle),
            of_portal=of_portal(client, need),
        )  # fmt: skip
        return pages.question(page, spoken)

    def _not_yet(self, login: Login, lack: Lack) -> Response:
        return pages.not_yet(lack, login.need.owed_level, f"{ACCOUNT}/sign-in", language.of_request())

    def _refuse_other_networks(self, begun: Begun, login: Login, standing: Standing) -> None:
        if self.refuses_other_networks and not on_one_network(begun.network, request.remote_addr or ""):
            self.audit.refused(
                errors.PHONE_ELSEWHERE, client_id=login.need.client_id, person_id=standing.person_id,
                session_id=standing.session_id,
            )  # fmt: skip
            raise Refused(errors.PHONE_ELSEWHERE)

    def _form_token(self, handle: str) -> str:
        """What the phone's form must bring back: known only to the browser of this very session, and to us."""
        session = self.cookies.session(request.cookies) or ""
        return to_text(self.sealer.index("form.phone", f"{handle}:{session}"))


def _lack(login: Login, standing: Standing | None) -> Lack | None:
    """Why whoever is signed in on a phone cannot vouch for this sign-in; None if they can."""
    if standing is None:
        return Lack.SESSION
    if is_met_by(login.need, standing.level, standing.auth_time):
        return None
    return Lack.LEVEL if standing.level < login.need.owed_level else Lack.AGE
