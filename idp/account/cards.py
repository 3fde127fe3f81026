"""A person's cards: made, shown, taken along, suspended and ended. Only by whoever is signed in surely enough.

GET  /account/cards                      all of them; POST makes one
GET  /account/cards/sign-in              the way to sign in at the level that cards need
GET  /account/cards/<number>             one with its code
GET  /account/cards/<number>/card.<kind> its code as svg or png, the whole card as pdf
POST /account/cards/<number>/suspend     it is refused from now on; .../resume: no more
GET  /account/cards/<number>/end         asks once more; POST ends it for good
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask import Response as File
from werkzeug.wrappers import Response

from idp import clock, entropy, errors
from idp.account.carriers import (
    BY_HOLDER,
    CARRIERS,
    carried,
    is_held_by_holder,
    row_of,
    said_on,
    shows_code,
    told_of,
)
from idp.account.door import FRESH_SECONDS, Door
from idp.broker.desk import see_other
from idp.broker.steps import Need
from idp.cards import CannotMake, Cards, Holder, Kept
from idp.clients.own import ACCOUNT, OWN_ID
from idp.errors import Refused
from idp.people import People
from idp.people.person import PROVEN, Person
from idp.sessions import Sessions, Standing
from idp.settings import DigitalIds
from idp.storage import Database, Transaction, spent
from idp.storage.database import Conflict
from idp.web import cards as pages
from idp.web import language, qr
from idp.web.headers import harden

CARDS = f"{ACCOUNT}/cards"
DAY_SECONDS = 86_400  # no session, and so no form, is older
PROVE_AGAIN = "prove_again"  # why no card is made: the person proved themselves too long ago for that
_GENDERS = {"male": 1, "female": 2}  # Claim 169, attribute 9
# Why no card was made, by the words of CannotMake; whatever else it says passes.
_HINDRANCES: dict[str, pages.Hindrance] = {
    "too_many": "too_many",
    "too_often": "too_often",
    "name_too_long": "name_too_long",
    "name_unknown": "name_unknown",
}


@dataclass(frozen=True, kw_only=True)
class CardPages:
    database: Database
    door: Door
    people: People
    sessions: Sessions
    cards: Cards
    policy: DigitalIds
    issuer: str
    brand: str

    def stand_in(self, room: Blueprint) -> None:
        room.get(CARDS, endpoint="cards")(self.listed)
        room.post(CARDS, endpoint="make_card")(self.make)
        room.get(f"{CARDS}/sign-in", endpoint="card_sign_in")(self.sign_in)
        room.get(f"{CARDS}/<number>", endpoint="card")(self.card)
        room.get(f"{CARDS}/<number>/card.<kind>", endpoint="carrier")(self.carrier)
        room.post(f"{CARDS}/<number>/suspend", endpoint="suspend_card")(self.suspend)
        room.post(f"{CARDS}/<number>/resume", endpoint="resume_card")(self.resume)
        room.get(f"{CARDS}/<number>/end", endpoint="end_question")(self.question)
        room.post(f"{CARDS}/<number>/end", endpoint="end_card")(self.end)

    def in_use(self, person_id: bytes) -> int:
        now = clock.seconds()
        return sum(card.is_good_at(now) for card in self.cards.book.of_person(person_id))

    def sign_in(self) -> Response:
        """By a source that reaches the level, and back to the cards from there."""
        need = Need(
            client_id=OWN_ID, claim_names=(), owed_level=self.policy.level, wished_level=self.policy.level,
            sign_in_again=True, answered_at=CARDS,
        )  # fmt: skip
        return self.door.begun(need)

    def listed(self) -> Response:
        standing = self.door.standing()
        if standing is None:
            return see_other(ACCOUNT)
        if standing.level < self.policy.level:
            return self._too_weak(standing)
        return self._all(standing, None)

    def make(self) -> Response:
        """There is one card more, however often the form comes; raises Refused."""
        standing = self.door.sure(self.policy.level)
        if standing is None:
            return see_other(CARDS)
        nonce = request.form.get("nonce", "")
        self.door.check_form(nonce)
        try:
            with self.database.write() as tx:
                spent.spend(tx, f"form for a card {self.door.form_token(nonce)}", DAY_SECONDS)
                made = self.cards.make(tx, holder_within(tx, self.people, self.sessions, standing, self.policy.level))
        except Conflict:  # the form came before: its card is the newest
            before = self.cards.book.of_person(standing.person_id)
            return see_other(self._url(before[0]) if before else CARDS)
        except CannotMake as problem:
            if str(problem) == PROVE_AGAIN:
                return self.sign_in()
            return self._all(standing, _HINDRANCES.get(str(problem), "busy"))
        return see_other(self._url(made))

    def card(self, number: str) -> Response:
        card = self._of_mine(number)
        if isinstance(card, Response):
            return card
        said = said_on(card)
        page = pages.CardPage(
            card=row_of(card, self._url(card)), name=said.name, birth_date=said.birth_date,
            told=told_of(card), code=qr.drawing(card.text) if shows_code(card) else None, cards_url=CARDS,
            suspend_url=url_for("account.suspend_card", number=number),
            resume_url=url_for("account.resume_card", number=number),
            end_url=url_for("account.end_question", number=number), form_token=self.door.form_token(),
        )  # fmt: skip
        return pages.card(page, language.of_request())

    def carrier(self, number: str, kind: str) -> Response:
        """A file to keep or print; of a card that is over there is none."""
        card = self._of_mine(number)
        if isinstance(card, Response):
            return card
        if kind not in CARRIERS or not shows_code(card):
            raise Refused(errors.NOT_FOUND, "a card's carrier")
        response = File(
            carried(card, kind, brand=self.brand, counter=f"{self.issuer}/counter"), mimetype=CARRIERS[kind]
        )
        response.headers["Content-Disposition"] = f'attachment; filename="motcua-{card.number}.{kind}"'
        return harden(response)

    def suspend(self, number: str) -> Response:
        return self._changed(number, "suspend")

    def resume(self, number: str) -> Response:
        return self._changed(number, "resume")

    def end(self, number: str) -> Response:
        return self._changed(number, "end")

    def question(self, number: str) -> Response:
        card = self._of_mine(number)
        if isinstance(card, Response):
            return card
        page = pages.EndCardPage(
            number=number, action_url=url_for("account.end_card", number=number), card_url=self._url(card),
            form_token=self.door.form_token(),
        )  # fmt: skip
        return pages.end_card(page, language.of_request()) if shows_code(card) else see_other(self._url(card))

    def _changed(self, number: str, change: str) -> Response:
        """What was asked for was done if the card still allowed it; its page says how it stands now. Raises Refused."""
        card = self._of_mine(number)
        if isinstance(card, Response):
            return card
        self.door.check_form()
        book = self.cards.book
        with self.database.write() as tx:
            if change == "suspend":
                book.suspend(tx, card.person_id, card.id, BY_HOLDER)
            elif change == "resume":
                self._resume(tx, card)
            elif change == "end":
                book.end(tx, card.person_id, card.id, BY_HOLDER)
        return see_other(self._url(card))

    def _resume(self, tx: Transaction, seen: Kept) -> None:
        """The card is valid again, unless an operator holds it back, be it since it was seen."""
        self.cards.book.hold_all_of(tx, seen.person_id)
        card = self.cards.book.find(seen.id)
        if card is not None and is_held_by_holder(card):
            self.cards.book.resume(tx, card.person_id, card.id)

    def _of_mine(self, number: str) -> Kept | Response:
        """The card, if it is theirs; else the way to sign in for it. Raises Refused for one that is not there or is
        somebody else's: nobody hears which.
        """
        standing = self.door.sure(self.policy.level)
        if standing is None:
            return see_other(CARDS)
        for card in self.cards.book.of_person(standing.person_id):
            if card.number == number:
                return card
        raise Refused(errors.NOT_FOUND, "a card")

    def _all(self, standing: Standing, refused: pages.Hindrance | None) -> Response:
        """The cards, and what hinders another: what just did, or what would."""
        mine = self.cards.book.of_person(standing.person_id)
        rows = tuple(row_of(card, self._url(card)) for card in mine)
        hindrance: pages.Hindrance | None = None if self._holder(standing) is not None else "name_unknown"
        if sum(map(shows_code, mine)) >= self.policy.most:
            hindrance = "too_many"
        nonce = entropy.opaque_value()
        page = pages.CardsPage(
            cards=rows, account_url=ACCOUNT, age_url=url_for("account.age"), make_url=CARDS,
            form_token=self.door.form_token(nonce), nonce=nonce, most=self.policy.most, days=self.policy.days,
            hindrance=refused or hindrance,
        )  # fmt: skip
        return pages.cards(page, language.of_request(), refused=refused is not None)

    def _holder(self, standing: Standing) -> Holder | None:
        person = self.people.find(standing.person_id)
        return None if person is None else holder_of(person, self.policy.level)

    def _too_weak(self, standing: Standing) -> Response:
        page = pages.TooWeakPage(
            level=standing.level, needed=self.policy.level, sign_in_url=url_for("account.card_sign_in"),
            account_url=ACCOUNT,
        )  # fmt: skip
        return pages.too_weak(page, language.of_request())

    def _url(self, card: Kept) -> str:
        return url_for("account.card", number=card.number)


def holder_within(
    tx: Transaction, people: People, sessions: Sessions, standing: Standing, level: int
) -> Holder:  # fmt: skip
    """As `holder_of`, of whoever is signed in until `tx` commits; raises CannotMake.

    Who is barred, joined, renamed or signed out at this moment has no card that says otherwise: either they wait for
    the card, and end it, or it waits for them. First the person, then the session: so does whoever changes who is who.
    """
    person = people.find_within(tx, standing.person_id, held=True)
    vouched = sessions.vouching(tx, standing.session_id)
    if person is None or vouched is None or vouched.person_id != person.id or vouched.level < level:
        raise CannotMake("name_unknown")
    if clock.seconds() - vouched.auth_time > FRESH_SECONDS:
        raise CannotMake(PROVE_AGAIN)
    holder = holder_of(person, level)
    if holder is None:
        raise CannotMake("name_unknown")
    return holder


def holder_of(person: Person, level: int) -> Holder | None:
    """What may stand on the person's card; None for somebody whose name nobody has vouched for.

    Only what a source has said that proofed them well enough: what people say of themselves does not become genuine by
    our signature.
    """
    least = max(level, PROVEN)
    sure = {name for name, attribute in person.attributes.items() if attribute.proofing >= least}
    if "name" not in sure or not person.name:
        return None
    born = person.birth_date if "birth_date" in sure else None
    return Holder(
        person_id=person.id, name=person.name,
        birth_date=None if born is None or born.month is None or born.day is None
        else f"{born.year:04d}{born.month:02d}{born.day:02d}",
        gender=_GENDERS.get(person.sex or "") if "sex" in sure else None,
        nationality=person.text("nationality") if "nationality" in sure else None,
    )  # fmt: skip
