"""How a journey ends at the portal: declined, too late, once, and for the browser that began it alone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.oidc.residents import Resident, seconds_later
from tests.peers.visitor import Page
from tests.world import Browser, Portal, World, parameters_of

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def at_portal(page: Page, portal: Portal) -> dict[str, str]:
    """What the portal is told, however the browser is sent on."""
    assert page.onward is not None, f"{page.status} {page.url}\n{page.html[:1500]}"
    assert page.onward.startswith(portal.redirect_uri), page.onward
    return parameters_of(page.onward)


def login_of(page: Page) -> str:
    return urlsplit(page.url).path.split("/")[2]


def cancel(browser: Browser, page: Page, portal: Portal) -> Page:
    number = next(i for i, form in enumerate(page.forms) if form.action.endswith("/cancel"))
    return browser.follow(browser.submit(page, {}, form=number, follow=False), until=portal.redirect_uri)


def test_who_declines_is_sent_back_with_the_reason(browser: Browser, portal: Portal) -> None:
    """Section 3.1.2.6."""
    request = portal.ask(state="declined")
    answer = at_portal(cancel(browser, browser.open_at(request.url, portal), portal), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("access_denied", "A17")
    assert (answer["state"], answer["iss"]) == ("declined", portal.world.issuer)
    assert "code" not in answer


def test_who_declines_to_have_it_told_is_sent_back_too(residents: Residents, portal: Portal) -> None:
    resident = residents()
    page = resident.browser.open_at(portal.ask().url, portal)
    assert page.url.endswith("/information")
    declined = resident.browser.submit(page, {"decision": "cancel"}, follow=False)
    answer = at_portal(resident.browser.follow(declined, until=portal.redirect_uri), portal)
    assert answer["error_description"].startswith("A17")
    assert resident.asked(portal, prompt="none")["error"] == "consent_required"


def test_who_takes_too_long_is_sent_back_with_the_reason(country: World, browser: Browser, portal: Portal) -> None:
    """Never a dead end: the portal can begin again."""
    request = portal.ask(state="slow")
    page = browser.open_at(request.url, portal)
    with seconds_later(country.settings.lifetimes.login_seconds + 1):
        answer = at_portal(browser.follow(browser.get(page.url), until=portal.redirect_uri), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("access_denied", "A21")
    assert answer["state"] == "slow"


def test_two_clicks_get_one_answer(country: World, browser: Browser, portal: Portal) -> None:
    request = portal.ask()
    page = browser.open_at(request.url, portal)
    login = login_of(page)
    answer = browser.answer(page, portal)
    again = browser.follow(browser.get(f"{country.issuer}/authorize/continue/{login}"), until=portal.redirect_uri)
    assert at_portal(again, portal) == answer
    tokens = country.redeemed(portal, request, answer)
    late = browser.get(f"{country.issuer}/authorize/continue/{login}")
    assert "code=" not in (late.onward or "") + late.html  # sent again, it would only take away what it bought
    assert portal.userinfo(tokens.access_token).status_code == 200


def test_the_back_button_shows_that_it_is_over(country: World, browser: Browser, portal: Portal) -> None:
    request = portal.ask()
    page = browser.open_at(request.url, portal)
    browser.answer(page, portal)
    with seconds_later(country.settings.lifetimes.code_seconds + 1):
        back = browser.open(page.url)
    assert (back.status, back.onward) == (200, None)
    assert f"http://{portal.id}.localhost:9/" in back.html  # the way back to the portal
    assert "code=" not in back.html


def test_nobody_ends_a_journey_that_another_browser_began(
    country: World, browser: Browser, portal: Portal, resident: Resident
) -> None:
    """Login CSRF, and codes leaked by a link that was passed on (Dex, CVE-2022-39222)."""
    page = browser.open_at(portal.ask().url, portal)
    login = login_of(page)
    for stranger in (country.browser(), resident.browser):
        for path in (f"/sign-in/{login}", f"/authorize/continue/{login}", f"/sign-in/{login}/information"):
            shown = stranger.get(country.issuer + path)
            assert (shown.status, shown.onward, "L02" in shown.html) == (400, None, True), path
    assert "code" in browser.answer(page, portal)


@pytest.mark.parametrize("login", ["x", "0" * 32, "%00", "..", "%2e%2e"])
def test_a_journey_that_nobody_began_has_a_page(country: World, browser: Browser, login: str) -> None:
    shown = browser.get(f"{country.issuer}/authorize/continue/{login}")
    assert shown.status in (400, 404)
    assert shown.onward is None


def test_a_portal_that_is_switched_off_meanwhile_gets_nothing(country: World, browser: Browser, portal: Portal) -> None:
    page = browser.open_at(portal.ask().url, portal)
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, portal.id, enabled=False)
    country.house.changes.forget()
    for path in (page.url, f"{country.issuer}/authorize/continue/{login_of(page)}"):
        shown = browser.get(path)
        assert (shown.status, shown.onward, "A18" in shown.html) == (403, None, True)


def test_a_journey_for_one_portal_gives_nothing_to_another(
    country: World, browser: Browser, portals: Portals, portal: Portal
) -> None:
    """Two tabs, two portals: each answer goes where its own request came from."""
    other = portals()
    asked, also_asked = portal.ask(state="one"), other.ask(state="two")
    first, second = browser.open_at(asked.url, portal), browser.open_at(also_asked.url, other)
    answer = browser.answer(second, other)
    assert answer["state"] == "two"
    earlier = browser.answer(browser.open_at(first.url, portal), portal)
    assert earlier["state"] == "one"
    assert country.redeemed(portal, asked, earlier).claims["aud"] == portal.id
    assert country.redeemed(other, also_asked, answer).claims["aud"] == other.id


@pytest.mark.parametrize("ui_locales, language", [("en", "en"), ("fr en-GB", "en"), ("vi", "vi"), ("xx", "vi")])
def test_the_pages_speak_what_the_portal_says(browser: Browser, portal: Portal, ui_locales: str, language: str) -> None:
    """Section 3.1.2.1; Vietnamese where it says nothing that we know."""
    page = browser.open_at(portal.ask(ui_locales=ui_locales).url, portal)
    assert page.headers["Content-Language"] == language


def test_a_code_leaves_no_trace_on_the_way(country: World, browser: Browser, portal: Portal) -> None:
    """The page that sends the browser on sends no referrer, and nobody keeps it (RFC 9700 section 4.2.4)."""
    page = browser.open_at(portal.ask().url, portal)
    while page.onward is None:
        page = browser.step(page, portal)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    code = parameters_of(page.onward)["code"]
    assert all(code not in url for url in browser.trail)
