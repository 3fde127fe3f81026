"""The journey's addresses. Each shows a page or hands over to the next; the answer itself is given by `oidc`.

GET  /sign-in/<login>              choose a source, or go where the sign-in stands
POST /sign-in/<login>              a source was chosen
POST /sign-in/<login>/cancel       back to the portal
GET  /sign-in/<login>/acting       for whom the person acts;  POST: for themselves, for an organisation, cancel
GET  /sign-in/<login>/information  what goes to whom;  POST: go on, cancel, "this is not me"

What belongs to a visit to a source stands in `visit_routes`, to a phone in `phone_routes`.
"""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from idp import entropy, errors
from idp.broker.acting import Acting
from idp.broker.browsers import is_phone
from idp.broker.desk import BANNERS, At, Desk, see_other
from idp.broker.journey import Journey
from idp.broker.steps import Step, acts_for, may_act_for, may_come_by_phone, names_to_tell, owes_consent
from idp.broker.telling import lines_to_tell, of_portal, with_names_of_sources
from idp.broker.visit_routes import VisitRoutes
from idp.broker.visits import Visits
from idp.errors import Refused
from idp.sessions import Standing
from idp.sessions.cookies import Cookies
from idp.sources import Source, Sources
from idp.web import language, pages
from idp.web.words import Banner, Reason


class Routes:
    def __init__(
        self, *, desk: Desk, journey: Journey, visits: Visits, visit_routes: VisitRoutes, acting: Acting,
        sources: Sources, cookies: Cookies, by_phone: bool,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._journey = journey
        self._visits = visits
        self._visit_routes = visit_routes
        self._acting = acting
        self._sources = sources
        self._cookies = cookies
        self._by_phone = by_phone

    def blueprint(self) -> Blueprint:
        room = Blueprint("broker", __name__)
        room.get("/sign-in/<login_id>", endpoint="choose")(self.choose)
        room.post("/sign-in/<login_id>", endpoint="chosen")(self.chosen)
        room.post("/sign-in/<login_id>/cancel", endpoint="cancel")(self.cancel)
        room.get("/sign-in/<login_id>/information", endpoint="information")(self.information)
        room.post("/sign-in/<login_id>/information", endpoint="informed")(self.informed)
        room.get("/sign-in/<login_id>/acting", endpoint="acting")(self.acting)
        room.post("/sign-in/<login_id>/acting", endpoint="act")(self.act)
        return room

    def choose(self, login_id: str) -> Response:
        at = self._desk.at(login_id)
        if at is not None and at.step is Step.CHECK and at.standing is not None:
            return self._checked(at, at.standing)
        if at is None or at.step is not Step.SIGN_IN:
            return self._desk.onward(login_id, at)
        return self._choice_page(at)

    def _checked(self, at: At, standing: Standing) -> Response:
        """The register has been asked about the person again, once within this sign-in, and the sign-in goes on."""
        try:
            self._journey.check(at.login, standing)
        except Refused as problem:
            return self._desk.failure_page(at.login.id, problem.failure)
        return self._desk.onward(at.login.id, self._desk.at(at.login.id))

    def chosen(self, login_id: str) -> Response:
        at = self._desk.at(login_id, with_form=True)
        if at is None or at.step is not Step.SIGN_IN:
            return self._desk.onward(login_id, at)
        spoken = language.of_request(at.login.need.ui_locales)
        source_id = request.form.get("source", "")
        network = self._journey.network_name(request.remote_addr or "")
        try:
            arrived = self._visits.begin(at.login, source_id, spoken, request.cookies, network)
        except Refused as problem:
            return self._desk.told(login_id, problem.failure, source_id)
        if arrived.waiting is None:
            return self._desk.arrived(arrived)
        return self._visit_routes.page_of(at, arrived.waiting)

    def cancel(self, login_id: str) -> Response:
        at = self._desk.at(login_id, with_form=True)
        if at is not None:
            self._journey.give_up(at.login, errors.ACCESS_DENIED)
        return self._desk.to_answer(login_id)

    def information(self, login_id: str) -> Response:
        at = self._desk.at(login_id)
        if at is None or at.step is not Step.TELL or at.standing is None:
            return self._desk.onward(login_id, at)
        return self._information_page(at, at.standing, consent_missing=False)

    def informed(self, login_id: str) -> Response:
        at = self._desk.at(login_id, with_form=True)
        decision = request.form.get("decision")
        if at is not None and decision == "cancel":
            self._journey.give_up(at.login, errors.ACCESS_DENIED)
            return self._desk.to_answer(login_id)
        if decision == "switch":
            return self._switched(login_id)
        if at is None or at.step is not Step.TELL or at.standing is None:
            return self._desk.onward(login_id, at)
        if not entropy.same(request.args.get("shown_to", ""), self._journey.shown_to(at.standing)):
            return self._information_page(at, at.standing, consent_missing=False)  # somebody else signed in meanwhile
        asked = owes_consent(at.login.need, at.client)
        agreed = asked and request.form.get("consent") == "yes"  # nobody agrees unasked
        if asked and not agreed:
            return self._information_page(at, at.standing, consent_missing=True)
        self._journey.told(at.login, at.client, at.standing, agreed=agreed)
        return self._desk.to_answer(login_id)

    def acting(self, login_id: str) -> Response:
        at = self._desk.at(login_id)
        if at is None or at.standing is None or not _may_say_for_whom(at, at.standing):
            return self._desk.onward(login_id, at)
        return self._acting_page(at, at.standing)

    def act(self, login_id: str) -> Response:
        at = self._desk.at(login_id, with_form=True)
        if at is not None and request.form.get("decision") == "cancel":
            self._journey.give_up(at.login, errors.ACCESS_DENIED)
            return self._desk.to_answer(login_id)
        if at is None or at.standing is None or not _may_say_for_whom(at, at.standing):
            return self._desk.onward(login_id, at)
        chosen, shown_to = request.form.get("act_for", ""), request.args.get("shown_to", "")
        if not entropy.same(shown_to, self._journey.shown_to(at.standing)):
            return self._acting_page(at, at.standing)  # somebody else signed in meanwhile
        if not self._acting.choose(at.login, at.client, at.standing, chosen):
            return self._acting_page(at, at.standing, not_theirs=True)
        return self._desk.onward(login_id, self._desk.at(login_id))

    def _acting_page(self, at: At, standing: Standing, *, not_theirs: bool = False) -> Response:
        offer, client = self._acting.offer(at.login, standing), at.client
        page = pages.ActingPage(
            portal_vi=client.name_vi, portal_en=client.name_en, person=offer.person,
            organisations=tuple(each.organisation for each in offer.listed), complete=offer.complete,
            not_theirs=not_theirs, retry_url=url_for("broker.acting", login_id=at.login.id),
            action_url=url_for("broker.act", login_id=at.login.id, shown_to=self._journey.shown_to(standing)),
            form_token=self._journey.form_token(at.login, request.cookies), form_targets=client.origins,
        )  # fmt: skip
        return pages.acting(page, language.of_request(at.login.need.ui_locales))

    def _switched(self, login_id: str) -> Response:
        self._journey.end_session(request.cookies, "the person said: this is not me")
        response = see_other(url_for("broker.choose", login_id=login_id, problem="switched"))
        for cookie in self._cookies.clear_session():
            response.headers.add("Set-Cookie", cookie)
        return response

    def _choice_page(self, at: At) -> Response:
        need, client = at.login.need, at.client
        offered = [source for source in self._sources.in_force() if source.enabled and source.signs_in]
        problem, named = request.args.get("problem", ""), request.args.get("source", "")
        banner = Banner.SWITCHED if problem == "switched" else BANNERS.get(problem)
        about = next(((source.name_vi, source.name_en) for source in offered if source.id == named), None)
        if banner is None and at.standing is not None:
            banner = Banner.SIGN_IN_AGAIN
        page = pages.ChoosePage(
            portal_vi=client.name_vi, portal_en=client.name_en, level=need.owed_level,
            sources=tuple(self._tile(source, need.owed_level) for source in offered),
            action_url=url_for("broker.chosen", login_id=at.login.id),
            cancel_url=url_for("broker.cancel", login_id=at.login.id),
            form_token=self._journey.form_token(at.login, request.cookies), banner_id=banner, banner_source=about,
            form_targets=client.origins, of_portal=of_portal(client, need), phone_url=self._phone_url(at),
        )  # fmt: skip
        return pages.choose(page, language.of_request(need.ui_locales))

    def _phone_url(self, at: At) -> str | None:
        """Where the way by a phone begins; not for one that needs a proof of its own, nor on a phone itself."""
        on_phone = is_phone(request.headers.get("User-Agent", ""))
        offered = self._by_phone and may_come_by_phone(at.login.need) and not on_phone
        return url_for("phone.begin", login_id=at.login.id) if offered else None

    def _tile(self, source: Source, owed_level: int) -> pages.SourceTile:
        health = self._sources.health_of(source)
        reason = Reason.LEVEL if source.reach < owed_level else Reason.DOWN if health == "down" else None
        return pages.SourceTile(
            id=source.id, name_vi=source.name_vi, name_en=source.name_en, kind=source.kind, level=source.reach,
            selectable=reason is None, reason_id=reason, health=health,
        )  # fmt: skip

    def _information_page(self, at: At, standing: Standing, *, consent_missing: bool) -> Response:
        need, client, spoken = at.login.need, at.client, language.of_request(at.login.need.ui_locales)
        source, mandate = self._sources.find(standing.source_id), acts_for(need, standing)
        values = with_names_of_sources(
            self._journey.values_to_tell(at.login, standing), self._sources.in_force(), spoken
        )
        page = pages.InformationPage(
            portal_vi=client.name_vi, portal_en=client.name_en, level=standing.level,
            source_vi=source.name_vi if source else standing.source_id,
            source_en=source.name_en if source else standing.source_id,
            acting_for=None if mandate is None else mandate.organisation.name,
            acting_url=url_for("broker.acting", login_id=at.login.id) if may_act_for(need, standing) else None,
            lines=lines_to_tell(names_to_tell(need, standing), values, spoken),
            action_url=url_for("broker.informed", login_id=at.login.id, shown_to=self._journey.shown_to(standing)),
            form_token=self._journey.form_token(at.login, request.cookies),
            consent_required=owes_consent(need, client), consent_missing=consent_missing, form_targets=client.origins,
            offline=need.offline, of_portal=of_portal(client, need),
        )  # fmt: skip
        return pages.information(page, spoken)


def _may_say_for_whom(at: At, standing: Standing) -> bool:
    """Whether the question is owed, or may be answered anew before anything is sent."""
    return at.step is Step.ACT_FOR or (at.step is Step.TELL and may_act_for(at.login.need, standing))
