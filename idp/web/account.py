"""The person's own page: their ways to come in, their cards, the portals that know them, and where they are in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response

from idp.web.language import Language
from idp.web.pages import render
from idp.web.words import ClaimLabel


@dataclass(frozen=True, kw_only=True)
class Row:
    """A source, since when."""

    name_vi: str
    name_en: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class PortalRow(Row):
    """A portal, since when it may read these things; `reads_on` when the person has left as well."""

    id: str
    details: tuple[ClaimLabel, ...]
    reads_on: bool = False


@dataclass(frozen=True, kw_only=True)
class SessionRow(Row):
    """A browser that is signed in, by which source and at which level; `id` is a name for it on this page alone."""

    id: str
    level: int
    used: datetime
    is_this: bool = False


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """Every POST brings `form_token`; the one to `withdraw_url` brings `portal`, the one to `end_url` brings `session`,
    which is `OTHERS` for all but this one.
    """

    name: str | None
    level: int
    sources: tuple[Row, ...]
    cards_in_use: int
    portals: tuple[PortalRow, ...]
    sessions: tuple[SessionRow, ...]
    add_url: str
    cards_url: str
    withdraw_url: str
    end_url: str
    form_token: str
    sign_out_url: str


OTHERS = "others"


def account(page: AccountPage, language: Language) -> Response:
    return render("account.html", language, page=page, others=OTHERS)


def stranger(sign_in_url: str, language: Language) -> Response:
    """For whoever is not signed in."""
    return render("account.html", language, page=None, sign_in_url=sign_in_url)
