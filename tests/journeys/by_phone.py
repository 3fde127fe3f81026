"""The two browsers of somebody who signs in on a computer with their phone, and what a camera sees of a screen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import zxingcpp
from PIL import Image, ImageDraw

from tests.journeys.reading import CarefulBrowser, words
from tests.oidc.residents import Resident, carry
from tests.peers.visitor import Page
from tests.world import Asked, Portal, World, parameters_of

PIXELS = 4  # of a module
_PATH = re.compile(r'<path fill="#000" d="([^"]*)"')
_BAR = re.compile(r"M(\d+) (\d+)h(\d+)v1")


@dataclass
class Screen:
    """A computer that shows a code, or what has come of it."""

    browser: CarefulBrowser
    portal: Portal
    request: Asked
    page: Page

    def look(self) -> Page:
        """The page as it is now: as it is loaded anew without script, or asked for again by script."""
        self.page = self.browser.follow(self.browser.get(self.page.url), until=self.portal.redirect_uri)
        return self.page

    def code(self) -> str:
        """The address that a camera finds on the screen now."""
        return seen(self.look().html)

    def type(self, number: str) -> Page:
        page = self.browser.submit(self.look(), {"number": number}, follow=False)
        return self.browser.follow(page, until=self.portal.redirect_uri)


def begun(country: World, portal: Portal, browser: CarefulBrowser | None = None, **asked: str) -> Screen:
    """A computer whose person chose to sign in with a phone."""
    computer, request = browser or CarefulBrowser(country.issuer), portal.ask(**asked)
    choice = computer.open_at(request.url, portal)
    return Screen(computer, portal, request, press_phone(computer, choice))


def press_phone(browser: CarefulBrowser, choice: Page) -> Page:
    form = next(i for i, form in enumerate(choice.forms) if form.action.endswith("/phone"))
    return browser.submit(choice, form=form)


def offers_phone(choice: Page) -> bool:
    return any(form.action.endswith("/phone") for form in choice.forms)


def phone_of(resident: Resident) -> CarefulBrowser:
    """A careful browser with the session of this person."""
    phone = CarefulBrowser(resident.country.issuer)
    carry(phone, resident.cookie)
    return phone


def seen(html: str) -> str:
    """What zxing-cpp, which is not ours, reads off the drawing."""
    path = _PATH.search(html)
    assert path is not None, "no code on this page"
    bars = [tuple(map(int, bar)) for bar in _BAR.findall(path[1])]
    side = (max(y for _, y, _ in bars) + 5) * PIXELS
    picture = Image.new("L", (side, side), 255)
    for x, y, width in bars:
        box = (x * PIXELS, y * PIXELS, (x + width) * PIXELS - 1, (y + 1) * PIXELS - 1)
        ImageDraw.Draw(picture).rectangle(box, fill=0)
    (code,) = zxingcpp.read_barcodes(picture)
    return str(code.text)


def agreed(phone: CarefulBrowser, code: str) -> str:
    """The phone scans and says yes; the number that it then shows."""
    question = phone.open(code)
    assert question.status == 200 and urlsplit(question.url).path.endswith("/question"), words(question)
    return number_on(phone.submit(question, {"decision": "yes"}))


def number_on(page: Page) -> str:
    number = page.text("phone-number")
    assert re.fullmatch(r"\d\d", number)
    return number


def others(number: str) -> list[str]:
    """Numbers that are not this one."""
    return [f"{(int(number) + step) % 100:02}" for step in range(1, 5)]


def tokens_of(country: World, screen: Screen, page: Page) -> tuple[dict[str, object], dict[str, object]]:
    """The id_token's claims and userinfo, where the page leads back to the portal."""
    told = country.redeemed(screen.portal, screen.request, screen.browser.answer(page, screen.portal))
    return dict(told.claims), dict(told.userinfo)


def error_of(page: Page) -> str:
    assert page.onward is not None, page.url
    return parameters_of(page.onward)["error"]
