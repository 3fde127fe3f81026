"""The sign-in page that the banks, the register and the tax office share: what is asked, and who proved themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, request

from connectors.sandbox.answers import page
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.common import common
from connectors.sandbox.errors import PageProblem
from connectors.sandbox.source import SESSION_LIFETIME_SECONDS

SESSION_COOKIE = "sandbox_session"
USUAL_LEVEL = 2  # a password and a one-time code

W = TypeVar("W")
Words = tuple[str, str]  # in Vietnamese and in English

WRONG: Words = ("Số định danh hoặc mật khẩu không đúng.", "The number or the password is wrong.")


class NotProved(Exception):
    """Nobody has signed in yet; the page says why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words[1])
        self.words = words


def login_page(interaction: str, *, hint: str = "", problem: Words | None = None) -> Response:
    return page(
        "login.html",
        422 if problem else 200,
        interaction=interaction,
        cast=CAST,
        problem=problem,
        number=request.form.get("number", hint),
        password=PASSWORD,
        one_time_code=ONE_TIME_CODE,
    )


def still_open(wanted: W | None) -> W:
    """What the page was opened for; raises PageProblem where that has expired or has been answered."""
    if wanted is None:
        vietnamese = "Trang đăng nhập này đã hết hạn hoặc đã dùng rồi. Hãy quay lại dịch vụ và đăng nhập lại."
        raise PageProblem("expired", vietnamese, "This sign-in has expired or was used. Go back and start again.")
    return wanted


def who(levels: tuple[int, ...], find: Callable[[str], Citizen | None], *, stranger: Words) -> tuple[Citizen, int]:
    """Who proved themselves by the form, and at which level; raises NotProved.

    `levels` are those that were asked for, in the order of preference; `stranger` is said where nobody is found.
    """
    level = levels[0] if levels else USUAL_LEVEL
    quick = "citizen" in request.form
    citizen = find(request.form.get("citizen" if quick else "number", ""))
    if not quick and request.form.get("password") != PASSWORD:
        raise NotProved(WRONG)
    if citizen is None:
        raise NotProved(stranger)
    if quick:
        return citizen, level
    code = request.form.get("otp", "")
    if code == ONE_TIME_CODE:
        return citizen, max(level, USUAL_LEVEL)
    if code or min(levels, default=1) > 1:
        raise NotProved((f"Hãy nhập mã xác thực {ONE_TIME_CODE}.", f"Enter the one-time code {ONE_TIME_CODE}."))
    return citizen, 1


def keep_signed_in(response: Response, cookie: str) -> None:
    """The browser will show this cookie, and need not ask the person again."""
    response.set_cookie(
        SESSION_COOKIE,
        cookie,
        max_age=SESSION_LIFETIME_SECONDS,
        secure=common().settings.issuer.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
