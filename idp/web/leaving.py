"""The pages of signing out: the question, and that it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from flask import Response

from idp.web.language import Language
from idp.web.pages import Link, may_be_linked, render

# Browsers go on by themselves when all frames have loaded. For portals that do not answer a script ends the wait; where
# there are none, the browser's own limits do, or the person.
LONGEST_WAIT_MILLISECONDS = 5000


@dataclass(frozen=True, kw_only=True)
class SignOutPage:
    """POST brings `form_token` and `decision` (sign_out, stay)."""

    action_url: str
    form_token: str
    portals: tuple[tuple[str, str], ...] = ()  # where the person is signed in: name in Vietnamese, name in English
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PortalTold:
    """A portal that was told of the sign-out: it has answered, is being told, or could not be reached."""

    name_vi: str
    name_en: str
    told: Literal["yes", "pending", "no"] = "pending"


@dataclass(frozen=True, kw_only=True)
class SignedOutPage:
    """It is done. `frames` are addresses at portals, loaded unseen; `onward` is where the browser goes by itself."""

    told: tuple[PortalTold, ...] = ()
    frames: tuple[str, ...] = ()
    onward: Link | None = None
    return_link: Link | None = None  # to the portal that asked, where the browser stays
    at_source: bool = False  # the source was asked to sign the person out as well


def sign_out_question(page: SignOutPage, language: Language) -> Response:
    return render("sign_out.html", language, form_targets=page.form_targets, page=page)


def signed_out(page: SignedOutPage, language: Language) -> Response:
    link = page.return_link if page.return_link and may_be_linked(page.return_link[0]) else None
    return render(
        "signed_out.html", language, frames=page.frames, page=replace(page, return_link=link),
        longest_wait_milliseconds=LONGEST_WAIT_MILLISECONDS,
    )  # fmt: skip
