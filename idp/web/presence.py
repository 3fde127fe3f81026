"""The page on which a card is shown for this moment."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from idp.web.language import Language
from idp.web.pages import render
from idp.web.qr import Drawing


@dataclass(frozen=True, kw_only=True)
class CardNowPage:
    """`code` is that of this moment, `now` in seconds since 1970, and in `next_seconds` there is another.

    `card` is the text of a card that is bound to a phone, `binding` by what its presence codes name it; the script
    posts to `challenge_url` and `phone_url` with `form_token`, and goes to `sign_in_url` where that is too long ago.
    """

    number: str
    code: Drawing
    now: int
    next_seconds: int
    card: str | None
    binding: str
    form_token: str
    card_url: str
    sign_in_url: str
    code_url: str
    challenge_url: str
    phone_url: str


def card_now(page: CardNowPage, language: Language) -> Response:
    return render("card_now.html", language, asks_again=True, page=page)
