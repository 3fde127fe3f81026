"""A portal that registered itself chose its name itself: people are shown what the answer really goes to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from idp.clients.registration import DEVICE_CODE
from tests.oidc.devices import TELEVISION, agreed, begun, typed
from tests.oidc.registering import OPEN, Office
from tests.peers.visitor import Page
from tests.world import CITIZEN, Browser, Portal, world

WORDS = {"vi": "tự đặt tên này", "en": "chose this name itself"}
SITE = "http://land.localhost:9/callback"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with world(tmp_path_factory.mktemp("named"), registration=OPEN) as there:
        yield Office(there)


def both_pages(browser: Browser, portal: Portal, page: Page) -> tuple[str, str]:
    """The choice and the information page of one sign-in, as HTML."""
    assert "/sign-in/" in page.url and not page.url.endswith("/information")
    chosen = page.html
    while not page.url.endswith("/information"):
        page = browser.step(page, portal, citizen=CITIZEN)
    return chosen, page.html


@pytest.mark.parametrize("language, to", [("vi", "địa chỉ"), ("en", "the address")])
def test_both_pages_say_which_host_the_answer_goes_to(registry: Office, language: str, to: str) -> None:
    """However much the name and the portal's own home look like somebody else's."""
    wishes = {"client_name": "Cổng thuế.example", "client_name#en": "tax.example", "client_uri": "https://tax.example/"}
    portal = registry.portal(registry.register(**wishes, redirect_uris=[SITE]))
    browser = registry.world.browser(language)
    for html in both_pages(browser, portal, browser.open_at(portal.ask(scope="openid").url, portal)):
        assert WORDS[language] in html
        assert f'{to} <b class="name">land.localhost:9</b>' in html


def test_of_an_app_both_pages_name_the_app(registry: Office) -> None:
    scheme = "example.land.app:/callback"
    portal = registry.portal(registry.register(application_type="native", redirect_uris=[scheme]))
    browser = registry.world.browser()
    for html in both_pages(browser, portal, browser.open_at(portal.ask(scope="openid").url, portal)):
        assert WORDS["vi"] in html
        assert 'ứng dụng trên thiết bị của bạn: <b class="name">example.land.app</b>' in html


def test_of_a_device_every_page_says_that_it_is_one_also_the_first(registry: Office) -> None:
    """Who is sent the code of somebody else's device meets the name first where they are asked whether it is theirs."""
    told = registry.register(redirect_uris=None, grant_types=[DEVICE_CODE], response_types=[])
    portal = Portal(registry.world, told.id, told.told["client_secret"], "http://none.localhost/", "")
    browser = registry.world.browser()
    question = typed(browser, begun(portal, scope="openid"))
    for html in (question.html, *both_pages(browser, portal, agreed(browser, question))):
        assert WORDS["vi"] in html
        assert "thiết bị đã hiện mã" in html


def test_a_device_of_a_portal_that_an_operator_registered_is_shown_by_its_name_alone(registry: Office) -> None:
    browser = registry.world.browser()
    question = typed(browser, begun(registry.world.portal("television", **TELEVISION)))
    assert "Cổng television" in question.html
    assert WORDS["vi"] not in question.html


def test_a_portal_that_an_operator_registered_is_shown_by_its_name_alone(registry: Office) -> None:
    portal = registry.world.portal("operators")
    browser = registry.world.browser()
    for html in both_pages(browser, portal, browser.open_at(portal.ask().url, portal)):
        assert "Cổng operators" in html
        assert WORDS["vi"] not in html
        assert "operators.localhost" not in html.partition("<main")[2]
