"""Where a request finds its sign-in, and where it goes from there: what all of the journey's addresses share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from idp.broker.journey import Journey
from idp.broker.shelf import Arrived, Login
from idp.broker.steps import Step
from idp.clients import Client
from idp.errors import Failure
from idp.sessions import Standing
from idp.sessions.cookies import Cookies
from idp.web import language, pages
from idp.web.words import Banner

# What a person can do something about on the choice page itself; anything else gets a page of its own.
BANNERS: dict[str, Banner] = {
    "S01": Banner.CANCELLED,
    "S05": Banner.TOO_WEAK,
    "S18": Banner.TOO_OFTEN,
    "S22": Banner.NO_CERTIFICATE,
    **dict.fromkeys(("S06", "S07", "S08", "S09", "S17", "S25", "L06"), Banner.SOURCE_DOWN),
}


@dataclass(frozen=True, kw_only=True)
class At:
    """Where a request finds its sign-in."""

    login: Login
    client: Client
    standing: Standing | None
    step: Step


class Desk:
    def __init__(self, journey: Journey, cookies: Cookies) -> None:
        self._journey = journey
        self._cookies = cookies

    def at(self, login_id: str, *, with_form: bool = False) -> At | None:
        """Where this sign-in stands; None if it is over and only its answer is left. Raises Refused."""
        login = self._journey.login(login_id, request.cookies)
        if with_form:
            self._journey.check_form(login, request.cookies, request.form.get("form_token", ""))
        if login.expired or login.answer or login.verdict:
            return None
        client = self._journey.client_of(login)
        standing = self._journey.standing(client, request.cookies)
        return At(login=login, client=client, standing=standing, step=self._journey.step(login, client, standing))

    def onward(self, login_id: str, at: At | None) -> Response:
        """Where the sign-in stands, by GET."""
        if at is None or at.step in (Step.ANSWER, Step.WRONG_PERSON):
            return self.to_answer(login_id)
        step_page = {Step.TELL: "broker.information", Step.ACT_FOR: "broker.acting"}.get(at.step, "broker.choose")
        return see_other(url_for(step_page, login_id=login_id))

    def to_answer(self, login_id: str) -> Response:
        return see_other(url_for("oidc.resume", login_id=login_id))

    def arrived(self, arrived: Arrived) -> Response:
        """Where somebody goes who has come back from a source, or from a page that we showed for it."""
        if arrived.failure is not None:
            response = self.told(arrived.login_id, arrived.failure, arrived.source_id or "", arrived.request_id)
        elif arrived.waiting is not None:
            response = see_other(url_for("visits.stop", login_id=arrived.login_id, handle=arrived.waiting))
        else:
            response = see_other(url_for("broker.choose", login_id=arrived.login_id))
        if arrived.session_cookie:
            for cookie in self._cookies.set_session(arrived.session_cookie):
                response.headers.add("Set-Cookie", cookie)
        return response

    def told(self, login_id: str, failure: Failure, source_id: str, request_id: str | None = None) -> Response:
        """What went wrong on the way to or from a source: above the choices, or on a page that leads back to them."""
        if failure.code not in BANNERS:
            return self.failure_page(login_id, failure, request_id)
        return see_other(url_for("broker.choose", login_id=login_id, problem=failure.code, source=source_id))

    def failure_page(self, login_id: str, failure: Failure, request_id: str | None = None) -> Response:
        login = self._journey.login(login_id, request.cookies)
        client, spoken = self._journey.client_of(login), language.of_request(login.need.ui_locales)
        return pages.failure(
            failure, request_id or request.environ.get("motcua.request_id", ""), spoken,
            return_link=(self._journey.entrance(client), client.name(spoken)),
            retry_url=url_for("broker.choose", login_id=login_id),
        )  # fmt: skip


def see_other(url: str) -> Response:
    response = redirect(url, 303)
    response.headers["Cache-Control"] = "no-store"  # some bring a cookie
    return response
