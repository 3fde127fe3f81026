"""Codes that say of a person that they have reached an age, and nothing else.

GET  /account/age    which age;  POST: a few codes for today, each to be shown once
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response

from idp import errors
from idp.account.cards import CARDS, holder_of
from idp.account.door import Door
from idp.broker.desk import see_other
from idp.cards import CannotMake, Cards
from idp.clients.own import ACCOUNT
from idp.errors import Refused
from idp.people import People
from idp.storage import Database, ShortLived
from idp.web import ages as pages
from idp.web import language, qr

PATH = f"{ACCOUNT}/age"
AGES = (14, 16, 18, 60)  # an identity card, work and motorbikes, of age, an elder (Law 39/2009/QH12)
BATCHES, DAY_SECONDS = 10, 86_400


@dataclass(frozen=True, kw_only=True)
class AgePages:
    database: Database
    short_lived: ShortLived
    door: Door
    people: People
    cards: Cards
    level: int

    def stand_in(self, room: Blueprint) -> None:
        room.get(PATH, endpoint="age")(self.ask)
        room.post(PATH, endpoint="age_codes")(self.make)

    def ask(self) -> Response:
        standing = self.door.sure(self.level)
        return see_other(CARDS) if standing is None else self._page(None)

    def make(self) -> Response:
        """Codes for the age asked for, kept nowhere; raises Refused."""
        standing = self.door.sure(self.level)
        if standing is None:
            return see_other(CARDS)
        self.door.check_form()
        age = next((each for each in AGES if request.form.get("age") == str(each)), None)
        if age is None:
            raise Refused(errors.BAD_FORM, "age")
        person = self.people.find(standing.person_id)
        holder = None if person is None else holder_of(person, self.level)
        if holder is None:
            return self._page("birth_date_unknown")
        if self.short_lived.count(f"ages:{standing.person_id.hex()}", DAY_SECONDS) > BATCHES:
            return self._page("too_often")
        try:
            with self.database.write() as tx:
                codes = self.cards.age_codes(tx, holder, age)
        except CannotMake as problem:
            return self._page("too_young" if str(problem) == "too_young" else "birth_date_unknown")
        drawn = tuple(map(qr.drawing, codes))
        return pages.codes(
            pages.AgeCodesPage(age=age, codes=drawn, ask_url=PATH, cards_url=CARDS), language.of_request()
        )

    def _page(self, hindrance: pages.Hindrance | None) -> Response:
        page = pages.AgePage(
            ages=AGES, action_url=PATH, cards_url=CARDS, form_token=self.door.form_token(), hindrance=hindrance
        )
        return pages.ask(page, language.of_request())
