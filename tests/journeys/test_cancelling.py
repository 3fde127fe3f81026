"""Whoever changes their mind is never lost: back to the choice with a word, or back to the portal with the reason."""

from __future__ import annotations

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    is_choice,
    login_of,
    press_back,
    refusals,
    says,
    selectable,
)
from tests.world import Asked, Page, Portal, World, parameters_of

NAMES = {"bank": "Nguồn bank", "population": "Nguồn population"}


def test_cancelling_at_a_source_leads_back_to_the_choice_and_another_source_works(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    at_bank = browser.to_source(request, portal, "bank")
    page = browser.cancel_at_source(at_bank, portal)
    assert is_choice(page)
    assert banner(page) == says("banner.cancelled", source="Nguồn bank")
    answer = browser.answer(page, portal, source="population", citizen=citizen.personal_number)
    assert country.redeemed(portal, request, answer).claims["source_kind"] == "population"


@pytest.mark.parametrize("source", NAMES)
def test_the_same_source_can_be_tried_again_as_often_as_one_likes(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    request = portal.ask()
    page = browser.open_at(request.url, portal)
    for _ in range(4):
        page = browser.cancel_at_source(browser.step(page, portal, source=source), portal)
        assert banner(page) == says("banner.cancelled", source=NAMES[source])
    assert selectable(page) == ["bank", "population"], "a person who cancels says nothing about a source's health"
    country.redeemed(portal, request, browser.answer(page, portal, source=source, citizen=citizen.personal_number))


def assert_denied(page: Page, request: Asked, portal: Portal, country: World) -> None:
    assert page.onward is not None and page.onward.startswith(portal.redirect_uri)
    answer = parameters_of(page.onward)
    assert answer["error"] == "access_denied"
    assert answer["state"] == request.parameters["state"]
    assert answer["iss"] == country.issuer, "RFC 9207 section 2: errors carry it as well"
    assert "code" not in answer


def test_cancelling_on_the_choice_page_tells_the_portal(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    request = portal.ask()
    page = press_back(browser, browser.open_at(request.url, portal), portal)
    assert_denied(page, request, portal, country)
    assert refusals(country, portal) == [("A17", None)]


def test_cancelling_on_the_information_page_tells_the_portal_and_sends_nothing(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    page = browser.to_information(request, portal, citizen)
    page = browser.follow(browser.submit(page, {"decision": "cancel"}, follow=False), until=portal.redirect_uri)
    assert_denied(page, request, portal, country)


def test_cancelling_does_not_sign_out_and_is_no_answer_for_the_next_time(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    browser.follow(browser.submit(page, {"decision": "cancel"}, follow=False), until=portal.redirect_uri)
    again = browser.open_at(portal.ask().url, portal)
    assert again.url.endswith("/information"), "still signed in, and still never told"


def test_going_on_after_cancelling_stays_cancelled(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The back button brings the page back with its button; the portal was told, and hears the same again."""
    request = portal.ask()
    page = browser.to_information(request, portal, citizen)
    first = browser.follow(browser.submit(page, {"decision": "cancel"}, follow=False), until=portal.redirect_uri)
    second = browser.follow(browser.submit(page, {"decision": "continue"}, follow=False), until=portal.redirect_uri)
    assert second.onward == first.onward
    assert_denied(second, request, portal, country)


def test_this_is_not_me_ends_the_session_and_asks_anew(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    """A shared computer: the one before stayed signed in."""
    other = country.portal("shared-computer")
    before = country.sign_in(browser, other, citizen=citizen.personal_number)
    request = portal.ask()
    page = browser.open_at(request.url, portal)
    cookie = browser.session_cookie()
    page = browser.submit(page, {"decision": "switch"})
    assert is_choice(page) and browser.session_cookie() is None
    assert banner(page) == says("banner.switched")
    assert other.userinfo(before.access_token).status_code == 401, "what the one before bought is void at once"
    answer = browser.answer(page, portal, citizen=another_citizen.personal_number)
    assert country.redeemed(portal, request, answer).userinfo["name"] == another_citizen.full_name
    assert browser.session_cookie() != cookie


def test_this_is_not_me_is_kept_apart_from_other_sign_ins(
    browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    elsewhere = browser.open_at(another_portal.ask().url, another_portal)
    browser.submit(page, {"decision": "switch"})
    again = browser.open_at(elsewhere.url, another_portal)
    assert is_choice(again) and login_of(again) == login_of(elsewhere)
