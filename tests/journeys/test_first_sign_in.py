"""Sign in once, with an identity that one already has; every portal opens, and nothing is typed twice."""

from __future__ import annotations

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, events, lines, path_of, says, selectable, session_of, words
from tests.world import Portal, World

SOURCES = ("bank", "population")


@pytest.mark.parametrize("source", SOURCES)
def test_a_first_sign_in_brings_the_portal_who_it_is(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    tokens = country.sign_in(browser, portal, source=source, citizen=citizen.personal_number)
    assert tokens.userinfo["name"] == citizen.full_name
    assert tokens.userinfo["birthdate"] == citizen.birth_date
    assert tokens.userinfo["sub"] == tokens.claims["sub"]
    assert tokens.claims["source_kind"] == {"bank": "banking", "population": "population"}[source]
    assert citizen.personal_number not in str(tokens)


def test_every_source_that_suffices_can_be_chosen(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = browser.open_at(portal.ask().url, portal)
    assert selectable(page) == list(SOURCES)
    assert f"Cổng {portal.id}" in words(page)


def test_the_same_person_by_bank_and_by_register_is_one_person(
    country: World, portal: Portal, citizen: Citizen
) -> None:
    number = citizen.personal_number
    by_bank = country.sign_in(CarefulBrowser(country.issuer), portal, source="bank", citizen=number)
    by_register = country.sign_in(CarefulBrowser(country.issuer), portal, source="population", citizen=number)
    assert by_bank.claims["sub"] == by_register.claims["sub"]
    assert by_bank.claims["sid"] != by_register.claims["sid"]


def test_two_people_are_two(
    country: World, portal: Portal, citizen: Citizen, another_citizen: Citizen, browser: CarefulBrowser
) -> None:
    one = country.sign_in(browser, portal, citizen=citizen.personal_number)
    other = country.sign_in(CarefulBrowser(country.issuer), portal, citizen=another_citizen.personal_number)
    assert one.claims["sub"] != other.claims["sub"]


def test_a_second_portal_opens_without_signing_in_again(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    first = country.sign_in(browser, portal, citizen=citizen.personal_number)
    session = session_of(country, browser)
    browser.trail.clear()
    request = another_portal.ask()
    page = browser.open_at(request.url, another_portal)
    assert path_of(page).endswith("/information"), "told once what the second portal will learn, and nothing else"
    second = country.redeemed(another_portal, request, browser.answer(page, another_portal))
    assert not [url for url in browser.trail if not url.startswith(country.issuer)], "no source was visited"
    assert session_of(country, browser) == session
    assert second.claims["auth_time"] == first.claims["auth_time"]
    assert second.userinfo["name"] == citizen.full_name


def test_two_portals_know_one_person_by_different_numbers(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    number = citizen.personal_number
    subs = {country.sign_in(browser, each, citizen=number).claims["sub"] for each in (portal, another_portal)}
    assert len(subs) == 2


def test_whoever_was_told_once_goes_straight_through(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    answer = browser.get(portal.ask().url)
    assert answer.location.startswith(f"{portal.redirect_uri}?code=")


WORDED = {"birthdate": lambda value: "/".join(reversed(value.split("-"))), "gender": lambda value: says(f"sex.{value}")}


def test_a_person_sees_before_it_is_sent_all_that_the_portal_will_read(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(scopes=["openid", "profile", "email", "phone"])
    request = portal.ask(scope="openid profile email phone")
    page = browser.to_information(request, portal, citizen, source="bank")
    told = set(lines(page).values()) - {says("information.unknown")}
    tokens = country.redeemed(portal, request, browser.answer(page, portal))
    received = {
        WORDED.get(name, str)(value)
        for name, value in tokens.userinfo.items()
        if name not in ("sub", "updated_at") and not isinstance(value, bool)  # whether a source verified what is shown
    }
    assert received <= told, "nothing is sent that was not shown"
    assert told <= received, "nothing is shown that is not sent"


@pytest.mark.parametrize("language, born, sex", [("vi", "14/03/1990", "Nam"), ("en", "14 March 1990", "Male")])
def test_dates_and_words_are_shown_as_people_write_them(
    country: World, portal: Portal, language: str, born: str, sex: str
) -> None:
    browser = CarefulBrowser(country.issuer, language)
    page = browser.at_source(browser.to_source(portal.ask(), portal, "population"), portal)
    assert {born, sex} <= set(lines(page).values())


def test_the_personal_number_is_shown_by_its_last_four_digits_only(
    browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(scopes=["openid", "personal_number"])
    page = browser.to_information(portal.ask(scope="openid personal_number"), portal, citizen)
    assert citizen.personal_number not in page.html
    assert f" {citizen.personal_number[-4:]}" in words(page)


def test_a_portal_that_asks_for_nothing_learns_a_number_of_its_own_and_nothing_else(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal(scopes=["openid"])
    tokens = country.sign_in(browser, portal, citizen=citizen.personal_number, scope="openid")
    assert tokens.userinfo == {"sub": tokens.claims["sub"]}


def test_a_first_sign_in_is_in_the_audit_without_a_name_or_a_number(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    [signed_in] = events(country, "signed_in", session_id=session_of(country, browser))
    assert signed_in["details"] == {
        "level": 1, "outcome": "NEW", "rule": "number-unknown", "version": 1, "portal": portal.id,
    }  # fmt: skip
    [granted] = events(country, "granted", session_id=session_of(country, browser))
    assert granted["client_id"] == portal.id
    everything = str(list(country.house.audit.export()))
    assert citizen.personal_number not in everything and citizen.full_name not in everything


def test_the_session_has_a_new_cookie_at_every_sign_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """A value planted before the sign-in is worth nothing after it (session fixation)."""
    browser.cookies.set("session", "planted", domain="idp.localhost", path="/")
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    first = browser.session_cookie()
    assert first not in (None, "planted")
    country.sign_in(browser, portal, citizen=citizen.personal_number, prompt="login")
    assert browser.session_cookie() not in (None, first)
