"""The pages of signing in for a device: the code that it shows, the question whether it is one's own, and the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask import Response

from idp.web.language import Language
from idp.web.pages import INCOMPLETE_FORM_STATUS, OfPortal, render
from idp.web.words import Problem


@dataclass(frozen=True, kw_only=True)
class DeviceCodePage:
    """POST to `action_url` brings `user_code`."""

    action_url: str
    user_code: str = ""  # where a link brought it, it stands there already
    wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceQuestionPage:
    """POST to `action_url` brings `form_token` and `decision` (continue, decline)."""

    portal_vi: str
    portal_en: str
    user_code: str
    began_at: datetime
    network: str
    same_network: bool  # as that on which the person is
    action_url: str
    form_token: str
    place: str = ""  # where the portal is at home
    message: str = ""  # the portal's own words
    at_counter: bool = False  # it is the portal's screen, and asks for a number at the end
    of_portal: OfPortal = OfPortal()


@dataclass(frozen=True, kw_only=True)
class DeviceEndPage:
    portal_vi: str
    portal_en: str
    outcome: Literal["approved", "declined", "gone"]
    number: str | None = None  # to be typed at the device before it goes on


def code(page: DeviceCodePage, language: Language) -> Response:
    status = INCOMPLETE_FORM_STATUS if page.wrong else 200
    return render("device.html", language, status=status, page=page, problem_id=Problem.DEVICE_CODE)


def question(page: DeviceQuestionPage, language: Language) -> Response:
    return render("device_question.html", language, page=page)


def end(page: DeviceEndPage, language: Language) -> Response:
    return render("device_end.html", language, page=page)
