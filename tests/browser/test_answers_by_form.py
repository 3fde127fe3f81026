"""An answer that goes to its portal by a form, in a real browser: by itself, past the portal's own redirects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tests.browser.conftest import watch
from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Portal, World, listening, world


@dataclass
class Answers:
    """A portal's callback, which keeps what it is told and leads on to its own page, as portals do."""

    portal: Portal
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("answers")) as country:
        yield country


@pytest.fixture
def answers(land: World) -> Iterator[Answers]:
    name = fresh_name()
    with listening(f"{name}.localhost") as (address, server), listening(f"www.{name}.localhost") as (home, site):
        uris = {"redirect_uris": [f"{address}/callback"], "home_url": f"{home}/"}
        kept = Answers(land.portal(name, **uris))

        @Request.application  # type: ignore[untyped-decorator]
        def callback(request: Request) -> Response:
            kept.told.append((request.method, request.form.to_dict()))
            return redirect(f"{home}/welcome", 303)

        server.app = callback
        site.app = Response("<h1>Welcome</h1>", mimetype="text/html")
        yield kept


@pytest.fixture
def context(chromium: Browser, land: World) -> Iterator[tuple[BrowserContext, list[str]]]:
    context, complaints = chromium.new_context(), list[str]()
    watch(context, complaints)
    yield context, complaints
    context.close()


def signed_in(land: World, context: BrowserContext, *portals: Portal) -> Resident:
    resident = move_in(land, *portals)
    context.add_cookies([{"name": "session", "value": resident.cookie, "domain": "idp.localhost", "path": "/"}])
    return resident


@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
def test_the_form_sends_itself(
    land: World, context: tuple[BrowserContext, list[str]], answers: Answers, mode: str
) -> None:
    browser, complaints = context
    signed_in(land, browser, answers.portal)
    tab = browser.new_page()
    tab.goto(answers.portal.ask(response_mode=mode).url)
    expect(tab.get_by_role("heading")).to_have_text("Welcome")
    ((method, told),) = answers.told
    assert (method, told.keys()) == (
        "POST",
        {"response"} if mode.endswith("jwt") else {"code", "state", "iss", "session_state"},
    )
    assert complaints == []


def test_after_a_journey_too(land: World, context: tuple[BrowserContext, list[str]], answers: Answers) -> None:
    """Whoever is told something first comes from a form of ours, and goes on by the next."""
    browser, complaints = context
    signed_in(land, browser)
    tab = browser.new_page()
    tab.goto(answers.portal.ask(response_mode="form_post").url)
    tab.locator("button[value=continue]").click()
    expect(tab.get_by_role("heading")).to_have_text("Welcome")
    assert len(answers.told) == 1 and complaints == []


def test_without_script_there_is_a_button(land: World, chromium: Browser, answers: Answers) -> None:
    browser = chromium.new_context(java_script_enabled=False)
    signed_in(land, browser, answers.portal)
    tab = browser.new_page()
    tab.goto(answers.portal.ask(response_mode="form_post").url)
    tab.get_by_role("main").get_by_role("button").click()
    expect(tab.get_by_role("heading")).to_have_text("Welcome")
    assert len(answers.told) == 1
    browser.close()
