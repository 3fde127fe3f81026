"""The pages of signing in with a phone: on the computer the code and the number, on the phone the question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask import Response

from idp.web import qr
from idp.web.language import Language
from idp.web.pages import INCOMPLETE_FORM_STATUS, OfPortal, render
from idp.web.words import Lack, Problem

Outcome = Literal["done", "declined", "gone"]
# To find the best one costs five times as much, every few seconds. What is drawn is chance: to that, all are alike.
MASK = 3


@dataclass(frozen=True, kw_only=True)
class WaitPage:
    """On the computer: a code to scan, then a look at the phone, then POST to `action_url` with `number`."""

    portal_vi: str
    portal_en: str
    state: Literal["scan", "look", "type"]
    code_url: str  # what the code says
    step_seconds: int  # so often the page is loaded anew where there is no script
    action_url: str
    back_url: str
    form_token: str
    wrong: bool = False
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QuestionPage:
    """On the phone: who asks, and where. POST to `action_url` brings `form_token` and `decision` (yes, no)."""

    portal_vi: str
    portal_en: str
    place: str  # where the answer goes; empty for a device and for our own pages
    browser: str
    began_at: datetime
    same_network: bool
    action_url: str
    form_token: str
    of_portal: OfPortal = OfPortal()


@dataclass(frozen=True, kw_only=True)
class NumberPage:
    """On the phone: what is to be typed on the computer."""

    portal_vi: str
    portal_en: str
    number: str


def wait(page: WaitPage, language: Language) -> Response:
    code = qr.drawing(page.code_url, MASK) if page.state == "scan" else None
    status = INCOMPLETE_FORM_STATUS if page.wrong else 200
    return render(
        "phone_wait.html", language, status=status, form_targets=page.form_targets, asks_again=True, page=page,
        code=code, problem_id=Problem.PHONE_NUMBER,
    )  # fmt: skip


def question(page: QuestionPage, language: Language) -> Response:
    return render("phone_question.html", language, page=page)


def number(page: NumberPage, language: Language) -> Response:
    return render("phone_number.html", language, page=page)


def not_yet(lack: Lack, level: int, sign_in_url: str, language: Language) -> Response:
    """For a phone on which nobody is signed in who could vouch; it is told nothing of what it scanned but the level."""
    return render("phone_not_yet.html", language, lack_id=lack, level=level, sign_in_url=sign_in_url)


def end(portal: tuple[str, str], outcome: Outcome, language: Language) -> Response:
    return render("phone_end.html", language, portal=portal, outcome=outcome)
