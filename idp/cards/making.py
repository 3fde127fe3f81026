"""Cards made for people, and batches of codes that say nothing but that somebody has reached an age."""

from __future__ import annotations

from dataclasses import dataclass

from idp import clock, entropy
from idp.audit import Audit
from idp.cards import models
from idp.cards.book import Book, Kept, State
from idp.cards.publishing import list_uri, signer
from idp.digital_id import Card, StatusReference, Unfit, issue, issue_age
from idp.digital_id.issuing import CODE_ID_BYTES
from idp.digital_id.status_lists import PLACES
from idp.keys import Keys
from idp.storage import Transaction

NUMBER_LETTERS = 12  # 57 bits: a card's number is no secret, and cannot be counted through either
DRAWS = 8  # a list in which so many places in a row are taken is left
TRIES = 3
DAY_SECONDS = 86_400
MADE_A_DAY = 4  # times as many as may be in force: each keeps its place in a list until it would have expired
AGE_CODES = 6  # in a batch: they are good for a day
VERSION, LANGUAGE, STANDARD = "1", "vie", "standard"


class CannotMake(Exception):
    """No card is made; the text is the name of the reason in the translations."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who a card is for. `birth_date` is YYYYMMDD, and only there if it is known to the day; `gender` as in Claim 169:
    1 male, 2 female, 3 other.
    """

    person_id: bytes
    name: str
    birth_date: str | None = None
    gender: int | None = None
    nationality: str | None = None


class Cards:
    """Cards and what becomes of them, for those who make them; `book` alone is for those who only end them."""

    def __init__(self, *, keys: Keys, book: Book, audit: Audit, issuer: str, days: int, most: int) -> None:
        self.book = book
        self._keys = keys
        self._audit = audit
        self._issuer = issuer
        self._days = days
        self._most = most

    def make(self, tx: Transaction, holder: Holder, holder_key: bytes | None = None) -> Kept:
        """The holder has one card more, with a place of its own in a status list; raises CannotMake, Unreachable."""
        if self.book.in_force(tx, holder.person_id) >= self._most:
            raise CannotMake("too_many")
        if self.book.made_since(tx, holder.person_id, clock.seconds() - DAY_SECONDS) >= MADE_A_DAY * self._most:
            raise CannotMake("too_often")
        for _ in range(TRIES):
            card = self._made(tx, holder, holder_key)
            if self.book.add(tx, card):
                return card
        raise CannotMake("busy")  # others took each place at the same moment

    def age_codes(self, tx: Transaction, holder: Holder, age: int) -> list[str]:
        """A batch of codes for the holder, who has reached this age; raises CannotMake where that is not certain.

        Nothing of them is kept: whoever could join them with each other, or with somebody, would be we.
        """
        now, (key, named) = clock.seconds(), signer(self._keys)
        if holder.birth_date is None:
            raise CannotMake("birth_date_unknown")
        if not _has_reached(holder.birth_date, age, now):
            raise CannotMake("too_young")
        self._audit.age_codes_made(tx, person_id=holder.person_id, number=AGE_CODES)
        return [
            issue_age(
                issuer=self._issuer, age=age, now=now, code_id=entropy.chance(CODE_ID_BYTES), signer=key, key_id=named
            )
            for _ in range(AGE_CODES)
        ]

    def _made(self, tx: Transaction, holder: Holder, holder_key: bytes | None) -> Kept:
        now, (key, named) = clock.seconds(), signer(self._keys)
        number, expires_at = entropy.letters(entropy.PLAIN_LETTERS, NUMBER_LETTERS), now + self._days * DAY_SECONDS
        list_number, list_index = self._place(tx)
        card = Card(
            issuer=self._issuer, issued_at=now, expires_at=expires_at, holder_key=holder_key,
            status=StatusReference(index=list_index, uri=list_uri(self._issuer, list_number)), number=number,
            version=VERSION, language=LANGUAGE, full_name=holder.name, birth_date=holder.birth_date,
            gender=holder.gender, nationality=holder.nationality,
        )  # fmt: skip
        try:
            text = issue(card, key, named)
        except Unfit:
            raise CannotMake("name_too_long") from None
        return Kept(
            id=entropy.random_id(), number=number, person_id=holder.person_id, profile=STANDARD, state=State.VALID,
            why=None, text=text, holder_key=holder_key, issued_at=now, expires_at=expires_at, changed_at=now,
            list_number=list_number, list_index=list_index,
        )  # fmt: skip

    def _place(self, tx: Transaction) -> tuple[int, int]:
        """A free place: chance, so that a place tells nobody when a card was made, or whose is beside it."""
        ((newest,),) = tx.all(models.NEWEST_LIST)
        for _ in range(DRAWS):
            index = entropy.below(PLACES)
            if tx.one(models.IS_TAKEN, of_list=newest, of_index=index) is None:
                return newest, index
        return newest + 1, entropy.below(PLACES)


def _has_reached(birth_date: str, age: int, now: int) -> bool:
    """By the day that it is in Vietnam. Who was born on 29 February has a birthday on 1 March in other years."""
    today = clock.instant(now).astimezone(clock.CIVIL_TIME).strftime("%Y%m%d")
    return int(today) - int(birth_date) >= age * 10_000


__all__ = ["CannotMake", "Cards", "Holder"]
