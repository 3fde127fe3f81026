"""A portal that wants to go on when the person has left says so, the person is told, and what they know is kept."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.oidc.holder import OFFLINE, bought, refreshed, told
from tests.oidc.residents import Resident
from tests.world import CITIZEN, Portal, World, parameters_of

Portals = Callable[..., Portal]
SCOPE = "openid profile offline_access"
WORDS = {"vi": "cả khi bạn đã rời đi", "en": "after you have left"}


def test_the_person_is_told_what_it_means_once(country: World, portals: Portals) -> None:
    portal, browser = portals(**OFFLINE), country.browser("en")
    country.sign_in(browser, portal, scope="openid profile")
    page = browser.open_at(portal.ask(scope=SCOPE).url, portal)
    assert page.url.endswith("/information")
    assert WORDS["en"] in page.html
    days = re.search(r"for (\d+) days at most", page.html)
    assert days is not None and int(days[1]) == country.settings.lifetimes.refresh_token_days
    browser.answer(page, portal)
    assert browser.open_at(portal.ask(scope=SCOPE).url, portal).onward is not None, "and not again"
    assert country.browser("vi").get(page.url).status in (200, 400), "whatever another browser sees"


def test_whoever_is_told_of_less_is_not_told_of_that(country: World, portals: Portals) -> None:
    portal, browser = portals(**OFFLINE), country.browser()
    request = portal.ask(scope="openid profile")
    page = browser.open_at(request.url, portal)
    while not page.url.endswith("/information"):
        page = browser.step(page, portal, citizen=CITIZEN)
    assert WORDS["vi"] not in page.html


def test_a_portal_that_may_ask_nobody_is_told_that_it_must(
    portals: Portals, residents: Callable[..., Resident]
) -> None:
    """OpenID Connect Core section 11: never without the person's knowledge."""
    portal = portals(**OFFLINE)
    resident = residents()
    portal.world.sign_in(resident.browser, portal, scope="openid profile")
    assert resident.asked(portal, scope=SCOPE, prompt="none")["error"] == "consent_required"
    assert "code" in resident.asked(portal, scope="openid profile", prompt="none")


def test_a_portal_without_the_right_to_it_is_refused(portals: Portals, residents: Callable[..., Resident]) -> None:
    portal = portals()
    assert residents(portal).asked(portal, scope=SCOPE)["error"] == "invalid_scope"


def test_it_was_asked_for_with_every_code_or_it_is_not_granted(
    portals: Portals, residents: Callable[..., Resident]
) -> None:
    """That the person knows of it makes no later code last longer than its session."""
    portal = portals(**OFFLINE)
    resident = residents(portal)
    lasting = bought(resident, portal)["refresh_token"]
    short = bought(resident, portal, scope="openid profile")["refresh_token"]
    with portal.world.house.database.write() as tx:
        portal.world.house.sessions.end(tx, resident.session_id, "in a test")
    told(refreshed(portal, lasting))
    assert refreshed(portal, short).status_code == 400


def test_what_was_told_is_on_record(country: World, portals: Portals) -> None:
    portal = portals(**OFFLINE)
    browser = country.browser()
    page = browser.open_at(portal.ask(scope=SCOPE).url, portal)
    assert "code" in browser.answer(page, portal)
    events = [event for event in country.house.audit.export() if event["client_id"] == portal.id]
    assert next(event["details"]["offline"] for event in events if event["event"] == "told") is True
    assert parameters_of(browser.open_at(portal.ask(scope=SCOPE).url, portal).onward or "")["code"]
