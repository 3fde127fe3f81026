"""Before anything goes to a portal the person sees it; where the law asks for consent, the person is asked."""

from __future__ import annotations

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, banner, events, is_choice, lines, path_of, says, session_of, words
from tests.world import Page, Portal, World, parameters_of


@pytest.fixture
def asking(new_portal: NewPortal) -> Portal:
    """A portal that may read nothing without consent."""
    return new_portal(consent_required=True)


def is_information(page: Page) -> bool:
    return path_of(page).endswith("/information")


def go_on(browser: CarefulBrowser, page: Page, portal: Portal, **fields: str) -> Page:
    return browser.follow(
        browser.submit(page, {"decision": "continue", **fields}, follow=False), until=portal.redirect_uri
    )


def test_without_the_tick_nothing_is_sent_whatever_the_browser_thinks_of_it(
    country: World, browser: CarefulBrowser, asking: Portal, citizen: Citizen
) -> None:
    page = browser.to_information(asking.ask(), asking, citizen)
    assert says("information.title_consent") in words(page)
    for fields in ({}, {"consent": ""}, {"consent": "no"}, {"consent": "true"}):
        refused = go_on(browser, page, asking, **fields)
        assert refused.status == 422
        assert says("information.consent_missing") in words(refused)
    assert events(country, "told", client_id=asking.id) == []


def test_with_the_tick_the_sign_in_goes_on_and_is_remembered(
    country: World, browser: CarefulBrowser, asking: Portal, citizen: Citizen
) -> None:
    request = asking.ask()
    page = browser.to_information(request, asking, citizen)
    answer = parameters_of(str(go_on(browser, page, asking, consent="yes").onward))
    country.redeemed(asking, request, answer)
    [told] = events(country, "told", client_id=asking.id)
    assert told["details"]["consent"] is True
    assert "code=" in browser.get(asking.ask().url).location, "not asked again"


def test_the_page_with_the_missing_tick_can_be_finished(
    country: World, browser: CarefulBrowser, asking: Portal, citizen: Citizen
) -> None:
    request = asking.ask()
    refused = go_on(browser, browser.to_information(request, asking, citizen), asking)
    country.redeemed(asking, request, browser.answer(refused, asking))


def test_consent_holds_in_another_browser_and_by_another_source(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, asking: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, asking, source="bank", citizen=citizen.personal_number)
    at_source = another_browser.to_source(asking.ask(), asking, "population")
    page = another_browser.at_source(at_source, asking, citizen=citizen.personal_number)
    assert "code=" in str(page.onward)


def test_nobody_consents_by_a_form_that_did_not_ask(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    go_on(browser, page, portal, consent="yes")
    [told] = events(country, "told", client_id=portal.id)
    assert told["details"]["consent"] is False, "told, not asked"


def test_a_portal_that_asks_for_more_is_told_of_again(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(scopes=["openid", "profile", "email"])
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    page = browser.open_at(portal.ask(scope="openid profile email").url, portal)
    assert is_information(page)
    assert citizen.email in lines(page).values()
    go_on(browser, page, portal)
    for scope in ("openid profile email", "openid email", "openid"):
        assert "code=" in browser.get(portal.ask(scope=scope).url).location


def test_consent_to_little_is_no_consent_to_more(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(scopes=["openid", "profile", "email"], consent_required=True)
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    page = browser.open_at(portal.ask(scope="openid profile email").url, portal)
    assert go_on(browser, page, portal).status == 422


def test_a_portal_may_ask_to_tell_again(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """prompt=consent, OpenID Connect Core section 3.1.2.1."""
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    request = portal.ask(prompt="consent")
    page = browser.open_at(request.url, portal)
    assert is_information(page)
    country.redeemed(portal, request, browser.answer(page, portal))
    assert is_information(browser.open_at(portal.ask(prompt="consent").url, portal)), "each time"


def test_a_portal_may_ask_who_it_shall_be(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    """prompt=select_account: the session of before is left when another person signs in, and its portals are told."""
    before = country.sign_in(browser, portal, citizen=citizen.personal_number)
    session = session_of(country, browser)
    request = portal.ask(prompt="select_account")
    page = browser.open_at(request.url, portal)
    assert is_choice(page) and banner(page) == says("banner.sign_in_again", portal=f"Cổng {portal.id}")
    answer = browser.answer(page, portal, citizen=another_citizen.personal_number)
    after = country.redeemed(portal, request, answer)
    assert after.claims["sub"] != before.claims["sub"] and after.claims["sid"] != before.claims["sid"]
    assert portal.userinfo(before.access_token).status_code == 401
    [ended] = events(country, "session_ended", session_id=session)
    assert ended["details"]["reason"] == "another person signed in"


def test_a_portal_may_ask_for_a_fresh_proof(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """prompt=login and max_age: proved once within this sign-in, and not a second time."""
    before = country.sign_in(browser, portal, citizen=citizen.personal_number)
    for asked in ({"prompt": "login"}, {"max_age": "0"}):
        assert is_choice(browser.open_at(portal.ask(**asked).url, portal))
        after = country.sign_in(browser, portal, citizen=citizen.personal_number, **asked)
        assert after.claims["sid"] == before.claims["sid"]
        assert after.claims["auth_time"] >= before.claims["auth_time"]


def test_a_portal_that_expects_somebody_else_is_told_so_after_the_sign_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    """id_token_hint, OpenID Connect Core section 3.1.2.1."""
    hint = country.sign_in(CarefulBrowser(country.issuer), portal, citizen=citizen.personal_number).id_token
    request = portal.ask(id_token_hint=hint)
    answer = browser.answer(browser.open_at(request.url, portal), portal, citizen=another_citizen.personal_number)
    assert (answer["error"], answer["state"]) == ("login_required", request.parameters["state"])
