"""The person's own page: by which ways they come in, and which portals know them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response

from idp.web.language import Language
from idp.web.pages import render


@dataclass(frozen=True, kw_only=True)
class Row:
    """A source or a portal, since when."""

    name_vi: str
    name_en: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """POST to `add_url` brings `form_token`."""

    name: str | None
    level: int
    sources: tuple[Row, ...]
    portals: tuple[Row, ...]
    add_url: str
    form_token: str
    sign_out_url: str


def account(page: AccountPage, language: Language) -> Response:
    return render("account.html", language, page=page)


def stranger(sign_in_url: str, language: Language) -> Response:
    """For whoever is not signed in."""
    return render("account.html", language, page=None, sign_in_url=sign_in_url)
