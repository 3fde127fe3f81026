"""The journey's addresses. Each shows a page or hands over to the next; the answer itself is given by `oidc`.

GET  /sign-in/<login>              choose a source, or go where the sign-in stands
POST /sign-in/<login>              a source was chosen
POST /sign-in/<login>/cancel       back to the portal
GET  /callback/<source>            back from a source (POST: kept, then the same by GET)
GET  /sign-in/<login>/information  what goes to whom;  POST: go on, cancel, "this is not me"
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from connectors.base import Input
from idp import entropy, errors
from idp.broker.journey import Journey
from idp.broker.shelf import Login, Shelf
from idp.broker.steps import Step, owes_consent
from idp.broker.telling import lines_to_tell
from idp.broker.visits import Visits
from idp.clients import Client
from idp.errors import Failure, Refused
from idp.sessions import Standing
from idp.sessions.cookies import Cookies
from idp.sources import Source, Sources
from idp.web import language, pages
from idp.web.words import Banner, Reason

POSTED_SECONDS = 300
FIELD_LIMIT = 50  # parameters in one answer
HANDLES = ("state", "RelayState")

# What a person can do something about on the choice page itself; anything else gets a page of its own.
_BANNERS: dict[str, Banner] = {
    "S01": Banner.CANCELLED,
    "S05": Banner.TOO_WEAK,
    **dict.fromkeys(("S06", "S07", "S08", "S09", "S17", "L06"), Banner.SOURCE_DOWN),
}


@dataclass(frozen=True, kw_only=True)
class _At:
    """Where a request finds its sign-in."""

    login: Login
    client: Client
    standing: Standing | None
    step: Step


class Routes:
    def __init__(self, journey: Journey, visits: Visits, shelf: Shelf, sources: Sources, cookies: Cookies) -> None:
        self._journey = journey
        self._visits = visits
        self._shelf = shelf
        self._sources = sources
        self._cookies = cookies

    def blueprint(self) -> Blueprint:
        room = Blueprint("broker", __name__)
        room.get("/sign-in/<login_id>", endpoint="choose")(self.choose)
        room.post("/sign-in/<login_id>", endpoint="chosen")(self.chosen)
        room.post("/sign-in/<login_id>/cancel", endpoint="cancel")(self.cancel)
        room.get("/sign-in/<login_id>/information", endpoint="information")(self.information)
        room.post("/sign-in/<login_id>/information", endpoint="informed")(self.informed)
        room.get("/callback/<source_id>", endpoint="callback")(self.callback)
        room.post("/callback/<source_id>", endpoint="posted_callback")(self.posted_callback)
        return room

    def choose(self, login_id: str) -> Response:
        at = self._at(login_id)
        if at is None or at.step is not Step.SIGN_IN:
            return self._onward(login_id, at)
        return self._choice_page(at)

    def chosen(self, login_id: str) -> Response:
        at = self._at(login_id, with_form=True)
        if at is None or at.step is not Step.SIGN_IN:
            return self._onward(login_id, at)
        spoken = language.of_request(at.login.need.ui_locales)
        source_id = request.form.get("source", "")
        try:
            url, source = self._visits.begin(at.login, source_id, spoken)
        except Refused as problem:
            return self._told(login_id, problem.failure, source_id)
        return pages.onward(url, source.name(spoken), spoken)

    def cancel(self, login_id: str) -> Response:
        at = self._at(login_id, with_form=True)
        if at is not None:
            self._journey.give_up(at.login, errors.ACCESS_DENIED)
        return self._to_answer(login_id)

    def callback(self, source_id: str) -> Response:
        answer = self._input()
        arrived = self._visits.resume(_handle(answer), source_id, answer, request.cookies)
        if arrived.failure is None:
            response = _see_other(url_for("broker.choose", login_id=arrived.login_id))
        else:
            response = self._told(arrived.login_id, arrived.failure, arrived.source_id or "")
        if arrived.session_cookie:
            response.headers.add("Set-Cookie", self._cookies.set_session(arrived.session_cookie))
        return response

    def posted_callback(self, source_id: str) -> Response:
        """A cross-site POST carries no Lax cookie: it is kept for a moment, and the browser comes back by GET."""
        text = request.get_data(as_text=True)
        if not self._visits.is_expected(_handle(_posted(text))):
            raise Refused(errors.UNKNOWN_STATE)
        kept = self._shelf.keep_posted(text, POSTED_SECONDS)
        return _see_other(url_for("broker.callback", source_id=source_id, posted=kept))

    def information(self, login_id: str) -> Response:
        at = self._at(login_id)
        if at is None or at.step is not Step.TELL or at.standing is None:
            return self._onward(login_id, at)
        return self._information_page(at, at.standing, consent_missing=False)

    def informed(self, login_id: str) -> Response:
        at = self._at(login_id, with_form=True)
        decision = request.form.get("decision")
        if at is not None and decision == "cancel":
            self._journey.give_up(at.login, errors.ACCESS_DENIED)
            return self._to_answer(login_id)
        if decision == "switch":
            return self._switched(login_id)
        if at is None or at.step is not Step.TELL or at.standing is None:
            return self._onward(login_id, at)
        if not entropy.same(request.args.get("shown_to", ""), self._journey.shown_to(at.standing)):
            return self._information_page(at, at.standing, consent_missing=False)  # somebody else signed in meanwhile
        asked = owes_consent(at.login.need, at.client)
        agreed = asked and request.form.get("consent") == "yes"  # nobody agrees unasked
        if asked and not agreed:
            return self._information_page(at, at.standing, consent_missing=True)
        self._journey.told(at.login, at.client, at.standing, agreed=agreed)
        return self._to_answer(login_id)

    def _at(self, login_id: str, *, with_form: bool = False) -> _At | None:
        """Where this sign-in stands; None if it is over and only its answer is left. Raises Refused."""
        login = self._journey.login(login_id, request.cookies)
        if with_form:
            self._journey.check_form(login, request.cookies, request.form.get("form_token", ""))
        if login.expired or self._shelf.answer(login_id) or self._shelf.verdict(login_id):
            return None
        client = self._journey.client_of(login)
        standing = self._journey.standing(client, request.cookies)
        return _At(login=login, client=client, standing=standing, step=self._journey.step(login, client, standing))

    def _onward(self, login_id: str, at: _At | None) -> Response:
        """Where the sign-in stands, by GET."""
        if at is None or at.step in (Step.ANSWER, Step.WRONG_PERSON):
            return self._to_answer(login_id)
        step_page = "broker.information" if at.step is Step.TELL else "broker.choose"
        return _see_other(url_for(step_page, login_id=login_id))

    def _to_answer(self, login_id: str) -> Response:
        return _see_other(url_for("oidc.resume", login_id=login_id))

    def _told(self, login_id: str, failure: Failure, source_id: str) -> Response:
        """What went wrong on the way to or from a source: above the choices, or on a page that leads back to them."""
        if failure.code not in _BANNERS:
            return self._failure_page(login_id, failure)
        return _see_other(url_for("broker.choose", login_id=login_id, problem=failure.code, source=source_id))

    def _switched(self, login_id: str) -> Response:
        self._journey.end_session(request.cookies, "the person said: this is not me")
        response = _see_other(url_for("broker.choose", login_id=login_id, problem="switched"))
        response.headers.add("Set-Cookie", self._cookies.clear_session())
        return response

    def _choice_page(self, at: _At) -> Response:
        need, client = at.login.need, at.client
        offered = [source for source in self._sources.in_force() if source.enabled]
        problem, named = request.args.get("problem", ""), request.args.get("source", "")
        banner = Banner.SWITCHED if problem == "switched" else _BANNERS.get(problem)
        about = next(((source.name_vi, source.name_en) for source in offered if source.id == named), None)
        if banner is None and at.standing is not None:
            banner = Banner.SIGN_IN_AGAIN
        page = pages.ChoosePage(
            portal_vi=client.name_vi, portal_en=client.name_en, level=need.owed_level,
            sources=tuple(self._tile(source, need.owed_level) for source in offered),
            action_url=url_for("broker.chosen", login_id=at.login.id),
            cancel_url=url_for("broker.cancel", login_id=at.login.id),
            form_token=self._journey.form_token(at.login, request.cookies), banner_id=banner, banner_source=about,
            form_targets=client.origins,
        )  # fmt: skip
        return pages.choose(page, language.of_request(need.ui_locales))

    def _tile(self, source: Source, owed_level: int) -> pages.SourceTile:
        health = self._sources.health_of(source)
        reason = Reason.LEVEL if source.ceiling < owed_level else Reason.DOWN if health == "down" else None
        return pages.SourceTile(
            id=source.id, name_vi=source.name_vi, name_en=source.name_en, kind=source.kind, level=source.ceiling,
            selectable=reason is None, reason_id=reason, health=health,
        )  # fmt: skip

    def _information_page(self, at: _At, standing: Standing, *, consent_missing: bool) -> Response:
        need, client, spoken = at.login.need, at.client, language.of_request(at.login.need.ui_locales)
        source = self._sources.find(standing.source_id)
        page = pages.InformationPage(
            portal_vi=client.name_vi, portal_en=client.name_en, level=standing.level,
            source_vi=source.name_vi if source else standing.source_id,
            source_en=source.name_en if source else standing.source_id,
            lines=lines_to_tell(need.claim_names, self._journey.values_to_tell(at.login, standing), spoken),
            action_url=url_for("broker.informed", login_id=at.login.id, shown_to=self._journey.shown_to(standing)),
            form_token=self._journey.form_token(at.login, request.cookies),
            consent_required=owes_consent(need, client), consent_missing=consent_missing, form_targets=client.origins,
        )  # fmt: skip
        return pages.information(page, spoken)

    def _failure_page(self, login_id: str, failure: Failure) -> Response:
        login = self._journey.login(login_id, request.cookies)
        client, spoken = self._journey.client_of(login), language.of_request(login.need.ui_locales)
        return pages.failure(
            failure, request.environ.get("motcua.request_id", ""), spoken,
            return_link=(client.home_url, client.name(spoken)),
            retry_url=url_for("broker.choose", login_id=login_id),
        )  # fmt: skip

    def _input(self) -> Input:
        """What the source sent: the query as received, or the form that was kept of a POST; raises Refused."""
        handle = request.args.get("posted")
        if handle is None:
            return Input(method="GET", raw_query=request.query_string.decode("latin-1"))
        form = self._shelf.posted(handle)
        if form is None:
            raise Refused(errors.UNKNOWN_STATE)
        return _posted(form)


def _posted(form: str) -> Input:
    return Input(method="POST", form=tuple(_parsed(form)))


def _handle(answer: Input) -> str:
    """The handle that went with the person to the source; empty if none came back."""
    pairs = answer.form if answer.method == "POST" else _parsed(answer.raw_query)
    return next((value for name, value in pairs if name in HANDLES and value), "")


def _parsed(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELD_LIMIT)
    except ValueError:
        raise Refused(errors.MALFORMED, "the answer cannot be parsed") from None


def _see_other(url: str) -> Response:
    response = redirect(url, 303)
    response.headers["Cache-Control"] = "no-store"  # some bring a cookie
    return response
