from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from werkzeug.serving import make_server

from idp.web.language import Language

from .preview import create

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def app() -> Flask:
    return create()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def address(app: Flask) -> Iterator[str]:
    """Where the preview can be visited, on a port of this worker's own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://idp.localhost:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def tabs(chromium: Browser) -> Iterator[dict[str, Page]]:
    """A tab for each way in which tests have the browser set up, by that way."""
    opened: dict[str, Page] = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def visit(chromium: Browser, tabs: dict[str, Page], address: str) -> OpenPage:
    """visit("choose", language="en", **options of a browser context): that page, in a tab that knows of nothing yet.

    To open another tab costs more than to look at a page, so that tests with the same options take turns at one.
    """

    def open_page(name: str, *, language: str = "vi", query: str = "", **options: object) -> Page:
        page = tabs.get(repr(options))
        if page is None:
            chosen = {"locale": "vi-VN", "viewport": {"width": 390, "height": 844}, **options}
            page = tabs[repr(options)] = chromium.new_context(**chosen).new_page()  # type: ignore[arg-type]
            page.set_default_timeout(10_000)
        page.unroute_all()
        page.context.clear_cookies()
        page.emulate_media(media="null")
        page.goto(f"{address}/show/{name}?lang={language}{query}")
        return page

    return open_page


@dataclass(frozen=True, kw_only=True)
class Shown:
    page: Page
    language: Language
    complaints: list[str]  # what the browser noted while it opened the page


@pytest.fixture(scope="session")
def tourist(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(10_000)
    # Pages that lead on by themselves stay where they are.
    page.route("**/landed*", lambda route: route.fulfill(status=204))
    yield page
    context.close()


@pytest.fixture(scope="module")
def opened(tourist: Page, address: str, request: pytest.FixtureRequest) -> Shown:
    """A page, by its name and language, opened once for all tests that look at it."""
    name, language = request.param
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(f"{message.text} {message.location['url']}")

    tourist.on("console", note)
    tourist.goto(f"{address}/show/{name}?lang={language}", wait_until="commit")
    # A page that leads on at once never reports that it has loaded: dressed to the last line is what counts.
    tourist.get_by_role("contentinfo").wait_for()
    expect(tourist.locator("body")).to_have_css("display", "grid")
    tourist.remove_listener("console", note)
    return Shown(page=tourist, language=language, complaints=complaints)


@pytest.fixture
def shown(opened: Shown) -> Shown:
    """A page as it is by day on a telephone, in a tab that all who only look share."""
    opened.page.emulate_media(color_scheme="light")
    opened.page.set_viewport_size({"width": 390, "height": 844})
    return opened
