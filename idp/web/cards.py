"""The pages of a person's cards: all of them, one with its code, and the question before one ends for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from flask import Response

from idp.web.language import Language
from idp.web.pages import render
from idp.web.qr import Drawing

Standing = Literal["valid", "suspended", "ended", "expired"]
Told = Literal["suspended", "held", "ended", "changed", "expired"]
Hindrance = Literal["too_many", "too_often", "name_too_long", "name_unknown", "busy"]
CANNOT_STATUS = 409


@dataclass(frozen=True, kw_only=True)
class CardRow:
    number: str
    standing: Standing
    issued_at: datetime
    expires_at: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class CardsPage:
    """POST to `make_url` brings `form_token` and `nonce`; there is no form where something hinders."""

    cards: tuple[CardRow, ...]
    account_url: str
    age_url: str
    make_url: str
    form_token: str
    nonce: str
    most: int
    days: int
    hindrance: Hindrance | None = None


@dataclass(frozen=True, kw_only=True)
class TooWeakPage:
    """The session's level, and the one that cards need."""

    level: int
    needed: int
    sign_in_url: str
    account_url: str


@dataclass(frozen=True, kw_only=True)
class CardPage:
    """POST to `suspend_url` and to `resume_url` brings `form_token`. A card that is over has no `code` to show, and one
    that is held back is not theirs to use again.
    """

    card: CardRow
    name: str
    birth_date: date | None
    told: Told | None  # why it is not in use
    code: Drawing | None
    cards_url: str
    suspend_url: str
    resume_url: str
    end_url: str
    form_token: str


@dataclass(frozen=True, kw_only=True)
class EndCardPage:
    """POST to `action_url` brings `form_token`."""

    number: str
    action_url: str
    card_url: str
    form_token: str


def cards(page: CardsPage, language: Language, *, refused: bool = False) -> Response:
    return render("cards.html", language, status=CANNOT_STATUS if refused else 200, page=page)


def too_weak(page: TooWeakPage, language: Language) -> Response:
    return render("cards_too_weak.html", language, page=page)


def card(page: CardPage, language: Language) -> Response:
    return render("card.html", language, page=page)


def end_card(page: EndCardPage, language: Language) -> Response:
    return render("card_end.html", language, page=page)
