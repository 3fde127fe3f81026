"""Assurance: a level that is owed is reached or refused, a level that is wished for never stands in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    code_on,
    is_choice,
    notes,
    path_of,
    refusals,
    says,
    selectable,
    session_of,
)
from tests.world import Portal, World, parameters_of


def owed(level: int) -> str:
    """The `claims` parameter of a portal that will not do with less (OpenID Connect Core section 5.5.1.1)."""
    values = [f"LoA{each}" for each in range(level, 5)]
    return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})


@contextmanager
def switched_off(country: World, source: str) -> Iterator[None]:
    with country.house.database.write() as tx:
        country.house.sources.set_enabled(tx, source, False)
    try:
        yield
    finally:
        with country.house.database.write() as tx:
            country.house.sources.set_enabled(tx, source, True)


def test_a_service_that_owes_more_gets_more_in_the_same_session(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    number = citizen.personal_number
    first = country.sign_in(browser, portal, source="bank", citizen=number, claims=owed(2))
    assert first.claims["acr"] == "LoA2"
    cookie, session = browser.session_cookie(), session_of(country, browser)
    second = country.sign_in(browser, another_portal, source="population", citizen=number, claims=owed(3))
    assert second.claims["acr"] == "LoA3"
    assert session_of(country, browser) == session, "the portals of before are still the portals of this session"
    assert second.claims["auth_time"] >= first.claims["auth_time"]
    assert browser.session_cookie() != cookie, "the cookie of the weaker sign-in opens nothing any more"
    again = country.sign_in(browser, portal, claims=owed(2))
    assert [again.claims[name] for name in ("sub", "sid")] == [first.claims[name] for name in ("sub", "sid")]


def test_only_sources_that_reach_the_level_can_be_chosen_and_the_page_says_why(
    browser: CarefulBrowser, portal: Portal
) -> None:
    page = browser.open_at(portal.ask(claims=owed(3)).url, portal)
    assert selectable(page) == ["population"]
    assert notes(page) == [says("reason.level")]


def test_a_source_that_is_too_weak_is_refused_though_the_form_was_changed(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    page = browser.open_at(portal.ask(claims=owed(3)).url, portal)
    refused = browser.submit(page, {"source": "bank"}, follow=False)
    assert (refused.status, code_on(refused)) == (400, "L08")
    assert is_choice(browser.get(page.url)), "the sign-in goes on with a source that suffices"


def test_a_level_that_no_source_reaches_is_refused_at_once(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    request = portal.ask(claims=owed(4))
    answer = parameters_of(browser.get(request.url).location)
    assert answer["error"] == "unmet_authentication_requirements"
    assert answer["state"] == request.parameters["state"]
    assert refusals(country, portal) == [("A16", None)]


def test_a_level_that_only_a_source_now_switched_off_would_reach_is_refused_at_once(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    with switched_off(country, "population"):
        answer = parameters_of(browser.get(portal.ask(claims=owed(3)).url).location)
    assert answer["error"] == "unmet_authentication_requirements"


def test_a_registered_minimum_is_owed_at_every_request(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(minimum_level=3)
    assert selectable(browser.open_at(portal.ask().url, portal)) == ["population"]
    assert country.sign_in(browser, portal, citizen=citizen.personal_number).claims["acr"] == "LoA3"


@pytest.mark.parametrize("source", ["bank", "population"])
def test_a_source_that_gives_less_than_was_owed_opens_nothing(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    country.fault(source, fault="lower_level")
    at_source = browser.to_source(portal.ask(claims=owed(2)), portal, source)
    page = browser.at_source(at_source, portal, citizen=citizen.personal_number)
    assert is_choice(page)
    assert banner(page) == says("banner.too_weak", source=f"Nguồn {source}")
    assert browser.session_cookie() is None
    assert refusals(country, portal) == [("S05", source)]


def test_an_account_that_was_never_proofed_in_person_stays_below_the_level(
    browser: CarefulBrowser, portal: Portal
) -> None:
    at_source = browser.to_source(portal.ask(claims=owed(3)), portal, "population")
    page = browser.at_source(at_source, portal, citizen=CAST[Part.LOW_LEVEL].personal_number)
    assert is_choice(page) and browser.session_cookie() is None


def test_a_wish_for_a_higher_level_is_passed_on_and_fulfilled(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """OpenID Connect Core section 3.1.2.1: acr_values, in order of preference."""
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number, acr_values="LoA2 LoA1")
    assert tokens.claims["acr"] == "LoA2"


def test_a_wish_that_cannot_be_fulfilled_stands_in_nobodys_way(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number, acr_values="LoA3")
    assert tokens.claims["acr"] == "LoA2", "the most that the bank may assert"
    country.fault("bank", fault="lower_level")
    weaker = CarefulBrowser(country.issuer)
    tokens = country.sign_in(weaker, portal, source="bank", citizen=citizen.personal_number, acr_values="LoA2")
    assert tokens.claims["acr"] == "LoA1"


def test_a_wish_beyond_every_source_is_no_obstacle_either(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    number = citizen.personal_number
    tokens = country.sign_in(browser, portal, citizen=number, acr_values="LoA4 urn:example:unknown")
    assert tokens.claims["acr"] == "LoA3"


def test_a_level_once_reached_is_not_asked_for_again(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number, claims=owed(3))
    page = browser.open_at(another_portal.ask(claims=owed(2)).url, another_portal)
    assert path_of(page).endswith("/information")
