"""The page that asks which age shall be shown, and the one with the codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import Response

from idp.web.cards import CANNOT_STATUS
from idp.web.language import Language
from idp.web.pages import render
from idp.web.qr import Drawing

Hindrance = Literal["birth_date_unknown", "too_young", "too_often"]


@dataclass(frozen=True, kw_only=True)
class AgePage:
    """POST to `action_url` brings `form_token` and one of the ages as `age`."""

    ages: tuple[int, ...]
    action_url: str
    cards_url: str
    form_token: str
    hindrance: Hindrance | None


@dataclass(frozen=True, kw_only=True)
class AgeCodesPage:
    age: int
    codes: tuple[Drawing, ...]
    ask_url: str
    cards_url: str


def ask(page: AgePage, language: Language) -> Response:
    return render("age.html", language, status=200 if page.hindrance is None else CANNOT_STATUS, page=page)


def codes(page: AgeCodesPage, language: Language) -> Response:
    return render("age_codes.html", language, page=page)
