from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

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


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[OpenPage]:
    """visit("choose", language="en", **options of a browser context): that page, in a browser of its own."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, *, language: str = "vi", query: str = "", **options: object) -> Page:
        context = chromium.new_context(**{"locale": "vi-VN", "viewport": {"width": 390, "height": 844}, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{address}/show/{name}?lang={language}{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def tourist(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(reduced_motion="reduce")
    context.add_init_script(Axe().axe_script)
    page = context.new_page()
    page.set_default_timeout(10_000)
    # Pages that lead on by themselves stay where they are.
    page.route("**/landed*", lambda route: route.fulfill(status=204))
    yield page
    context.close()


@pytest.fixture
def tour(tourist: Page, address: str) -> OpenPage:
    """tour("choose", "en"): that page, in a browser that all such tests share; fast, for those who only look."""

    def open_page(name: str, language: str = "vi") -> Page:
        tourist.emulate_media(color_scheme="light")
        tourist.set_viewport_size({"width": 390, "height": 844})
        tourist.goto(f"{address}/show/{name}?lang={language}", wait_until="commit")
        # A page that leads on at once never reports that it has loaded: dressed to the last line is what counts.
        tourist.get_by_role("contentinfo").wait_for()
        expect(tourist.locator("body")).to_have_css("display", "grid")
        return tourist

    return open_page
