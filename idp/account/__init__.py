"""The account: where people see by which ways they come in, what they carry, who knows them and where they are in.

GET  /account            the page, or the way to sign in
GET  /account/sign-in    signs in here, as at any portal
POST /account/sources    one more way to come in: both have to be proved within minutes

Cards, portals and browsers have files of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from idp import clock
from idp.account.ages import AgePages
from idp.account.cards import CardPages
from idp.account.door import FRESH_SECONDS, Door
from idp.account.portals import Portals
from idp.account.sessions import Browsers, source_names
from idp.broker.desk import see_other
from idp.broker.steps import Need
from idp.cases import Joining
from idp.clients.own import ACCOUNT, OWN_ID
from idp.people import People
from idp.sources import Sources
from idp.web import language
from idp.web.account import AccountPage, Row, account, stranger

# By any source, and as surely as that one can: what is added may be no stronger than what one is signed in by.
_NEED = Need(client_id=OWN_ID, claim_names=(), owed_level=1, wished_level=4, sign_in_again=True)


@dataclass(frozen=True, kw_only=True)
class Account:
    door: Door
    people: People
    joining: Joining
    sources: Sources
    cards: CardPages
    ages: AgePages
    portals: Portals
    browsers: Browsers

    def blueprint(self) -> Blueprint:
        room = Blueprint("account", __name__)
        room.get(ACCOUNT, endpoint="page")(self.page)
        room.get(f"{ACCOUNT}/sign-in", endpoint="sign_in")(self.sign_in)
        room.post(f"{ACCOUNT}/sources", endpoint="add")(self.add)
        for part in (self.cards, self.ages, self.portals, self.browsers):
            part.stand_in(room)
        return room

    def page(self) -> Response:
        standing, spoken = self.door.standing(), language.of_request()
        person = None if standing is None else self.people.find(standing.person_id)
        if standing is None or person is None:
            return stranger(url_for("account.sign_in"), spoken)
        page = AccountPage(
            name=person.name, level=standing.level, sources=self._sources(person.id),
            cards_in_use=self.cards.in_use(person.id), portals=self.portals.rows(person.id),
            sessions=self.browsers.rows(standing), add_url=url_for("account.add"), cards_url=url_for("account.cards"),
            withdraw_url=url_for("account.withdraw"), end_url=url_for("account.end_session"),
            form_token=self.door.form_token(), sign_out_url=url_for("logout.logout"),
        )  # fmt: skip
        return account(page, spoken)

    def sign_in(self) -> Response:
        return self.door.begun(_NEED)

    def add(self) -> Response:
        """The visit to another source begins, or first another proof by the one that is known; raises Refused."""
        standing = self.door.standing()
        if standing is None:
            return see_other(ACCOUNT)
        self.door.check_form()
        if clock.seconds() - standing.auth_time > FRESH_SECONDS:
            return self.sign_in()
        return self.door.begun(replace(_NEED, adds_to=standing.person_id.hex()))

    def _sources(self, person_id: bytes) -> tuple[Row, ...]:
        rows = []
        for link in self.joining.links_of(person_id):
            name_vi, name_en = source_names(self.sources, link.source_id)
            rows.append(Row(name_vi=name_vi, name_en=name_en, since=clock.instant(link.made_at)))
        return tuple(rows)
