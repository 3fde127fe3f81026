"""What a person reads off our pages, and a browser that looks twice at each of them."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.sandbox.citizen import Citizen
from idp.web.language import text
from tests.world import Asked, Browser, Page, Portal, World

_INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE)
_BANNER = re.compile(r'<div class="notice" role="status"><p>(.*?)</p>', re.DOTALL)
_CODE = re.compile(r"<dd>([A-Z]\d\d)</dd>")
_TILE = re.compile(r'name="source" value="([^"]*)"')
_NOTES = re.compile(r'<span class="tile-note">(.*?)</span>', re.DOTALL)
_LINES = re.compile(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", re.DOTALL)


class CarefulBrowser(Browser):
    """Refuses pages of the provider that hold script or style of their own, or come without the protective headers."""

    def __init__(self, issuer: str, language: str = "vi") -> None:
        super().__init__(language)
        self.issuer = issuer

    def request(self, method: str, url: str, **options: Any) -> Page:
        page = super().request(method, url, **options)
        if url.startswith(self.issuer) and page.headers.get("Content-Type", "").startswith("text/html"):
            check_page(page)
        return page

    def to_source(self, request: Asked, portal: Portal, source: str) -> Page:
        """The source's own sign-in page, on the way from the portal's request."""
        return self.step(self.open_at(request.url, portal), portal, source=source)

    def callback_url(self, page: Page, citizen: Citizen | str) -> str:
        """Where the source sends the person back to after signing in; not yet gone there."""
        number = citizen if isinstance(citizen, str) else citizen.personal_number
        return self.submit(page, {"citizen": number}, form=1, follow=False).location

    def to_information(self, request: Asked, portal: Portal, citizen: Citizen, source: str = "population") -> Page:
        """The page that tells what goes to the portal, for somebody who has not been there."""
        at_source = self.to_source(request, portal, source)
        return self.at_source(at_source, portal, citizen=citizen.personal_number)

    def session_cookie(self) -> str | None:
        return next((cookie.value for cookie in self.cookies if cookie.name == "session"), None)


def twin_of(browser: CarefulBrowser) -> CarefulBrowser:
    """The same browser, asking a second time: the same cookies, and no knowledge of the first answer."""
    twin = CarefulBrowser(browser.issuer)
    twin.cookies.update(browser.cookies)
    return twin


def check_page(page: Page) -> None:
    # A redirect's body is Werkzeug's own and never shown.
    if 300 <= page.status < 400:
        return
    assert not _INLINE.search(page.html), (page.url, _INLINE.search(page.html))
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, page.url
    assert page.headers["Cache-Control"] == "no-store", page.url


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def login_of(page: Page) -> str:
    """The id of the sign-in that this page belongs to."""
    return path_of(page).split("/")[2]


def is_choice(page: Page) -> bool:
    return re.fullmatch(r"/sign-in/[^/]+", path_of(page)) is not None and page.status == 200


def banner(page: Page) -> str | None:
    found = _BANNER.search(page.html)
    return None if found is None else _plain(found[1])


def code_on(page: Page) -> str | None:
    """The error code that a person would read out to the support desk."""
    found = _CODE.search(page.html)
    return None if found is None else found[1]


def selectable(page: Page) -> list[str]:
    return _TILE.findall(page.html)


def notes(page: Page) -> list[str]:
    """What the tiles of the choice page say beside the sources' names."""
    return [_plain(note) for note in _NOTES.findall(page.html)]


def lines(page: Page) -> dict[str, str]:
    """What the page says will go to the portal: label and value."""
    return {_plain(label): _plain(value) for label, value in _LINES.findall(page.html)}


def ways_on(page: Page) -> list[str]:
    """Where the links of a failure page lead: try again, and back to the portal."""
    return [
        urljoin(page.url, html.unescape(found))
        for found in re.findall(r'<a class="button[^"]*" href="([^"]*)"', page.html)
    ]


def words(page: Page) -> str:
    """All that the page says between its head and its foot."""
    return _plain(page.html.partition("<main")[2].partition(">")[2].partition("</main>")[0])


def _plain(markup: str) -> str:
    without_marks = re.sub(r"<[^>]+>", " ", re.sub(r"</?b\b[^>]*>", "", markup))
    return " ".join(html.unescape(without_marks).split())


def says(message: str, **values: str) -> str:
    """What the message of that id says in Vietnamese."""
    return text("vi", message, **values)


def refusals(country: World, portal: Portal) -> list[tuple[str, str | None]]:
    """The refusals in the audit that concern this portal: code and source."""
    return [
        (event["details"]["code"], event["source_id"])
        for event in country.house.audit.export()
        if event["event"] == "refused" and event["client_id"] == portal.id
    ]


def session_of(country: World, browser: CarefulBrowser) -> str:
    """Our own id of the browser's session; a portal knows it by a `sid` of its own."""
    session_id = country.house.sessions.by_cookie(browser.session_cookie())
    assert session_id is not None, "nobody is signed in"
    return session_id.hex()


def events(country: World, name: str, **matching: Any) -> list[dict[str, Any]]:
    found = (event for event in country.house.audit.export() if event["event"] == name)
    return [event for event in found if all(event[key] == value for key, value in matching.items())]


def press_back(browser: Browser, page: Page, portal: Portal) -> Page:
    """The choice page's own way back to the portal."""
    form = next(i for i, form in enumerate(page.forms) if form.action.endswith("/cancel"))
    return browser.follow(
        browser.submit(page, {"decision": "cancel"}, form=form, follow=False), until=portal.redirect_uri
    )
