"""The account: where people see by which ways they come in and which portals know them, and add one more way.

GET  /account            the page, or the way to sign in
GET  /account/sign-in    signs in here, as at any portal
POST /account/sources    one more way to come in: both have to be proved within minutes
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from idp import clock, entropy, errors
from idp.broker.desk import see_other
from idp.broker.journey import Journey
from idp.broker.steps import Need
from idp.cases import Joining
from idp.clients import Clients
from idp.clients.own import ACCOUNT, OWN_ID
from idp.errors import Refused
from idp.people import People
from idp.people.portals import known_at
from idp.seal import Sealer, to_text
from idp.sessions import Standing
from idp.sessions.cookies import Cookies
from idp.sources import Sources
from idp.storage import Database
from idp.web import language
from idp.web.account import AccountPage, Row, account, stranger

# By any source, and as surely as that one can: what is added may be no stronger than what one is signed in by.
_NEED = Need(client_id=OWN_ID, claim_names=(), owed_level=1, wished_level=4, sign_in_again=True)
FRESH_SECONDS = 600  # since the first proof: whoever walks up to a screen that was left adds nothing of theirs


@dataclass(frozen=True, kw_only=True)
class Account:
    database: Database
    journey: Journey
    people: People
    joining: Joining
    sources: Sources
    clients: Clients
    sealer: Sealer
    cookies: Cookies

    def blueprint(self) -> Blueprint:
        room = Blueprint("account", __name__)
        room.get(ACCOUNT, endpoint="page")(self.page)
        room.get(f"{ACCOUNT}/sign-in", endpoint="sign_in")(self.sign_in)
        room.post(f"{ACCOUNT}/sources", endpoint="add")(self.add)
        return room

    def page(self) -> Response:
        standing, spoken = self._standing(), language.of_request()
        person = None if standing is None else self.people.find(standing.person_id)
        if standing is None or person is None:
            return stranger(url_for("account.sign_in"), spoken)
        page = AccountPage(
            name=person.name, level=standing.level, sources=tuple(self._sources(person.id)),
            portals=tuple(self._portals(person.id)), add_url=url_for("account.add"),
            form_token=self._form_token(), sign_out_url=url_for("logout.logout"),
        )  # fmt: skip
        return account(page, spoken)

    def sign_in(self) -> Response:
        return self._begun(_NEED)

    def add(self) -> Response:
        """The visit to another source begins, or first another proof by the one that is known; raises Refused."""
        standing = self._standing()
        if standing is None:
            return see_other(ACCOUNT)
        if not entropy.same(request.form.get("form_token", ""), self._form_token()):
            raise Refused(errors.BAD_FORM)
        if clock.seconds() - standing.auth_time > FRESH_SECONDS:
            return self.sign_in()
        return self._begun(replace(_NEED, adds_to=standing.person_id.hex()))

    def _begun(self, need: Need) -> Response:
        started = self.journey.start(need, "", request.cookies, request.remote_addr or "")
        response = see_other(url_for("broker.choose", login_id=started.login_id))
        for cookie in started.cookies:
            response.headers.add("Set-Cookie", cookie)
        return response

    def _standing(self) -> Standing | None:
        return self.journey.standing(self.journey.own, request.cookies)

    def _form_token(self) -> str:
        """What the page's form must bring back: known only to this browser and to us."""
        return to_text(self.sealer.index("form.account", self.cookies.session(request.cookies) or ""))

    def _sources(self, person_id: bytes) -> list[Row]:
        rows = []
        for link in self.joining.links_of(person_id):
            source = self.sources.find(link.source_id)
            names = (link.source_id, link.source_id) if source is None else (source.name_vi, source.name_en)
            rows.append(Row(name_vi=names[0], name_en=names[1], since=clock.instant(link.made_at)))
        return rows

    def _portals(self, person_id: bytes) -> list[Row]:
        found = [(each, self.clients.find(each.client_id)) for each in known_at(self.database, person_id)]
        return [
            Row(name_vi=client.name_vi, name_en=client.name_en, since=clock.instant(each.at))
            for each, client in found
            if client is not None
        ]
