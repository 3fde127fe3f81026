"""Single sign-on asks the population register again when its last word is old; nobody sees a page for that."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from connectors.sandbox.citizen import Citizen
from idp.storage import trips
from tests.journeys.by_phone import agreed, begun, tokens_of
from tests.journeys.checked import (
    assert_untold,
    check_of,
    checked_country,
    country,
    later,
    register,
    status_of,
)
from tests.journeys.reading import CarefulBrowser, code_on, refusals, twin_of
from tests.registers.party import Entry, Register
from tests.storage.places import at_once
from tests.world import Portal, World

__all__ = ["checked_country", "country", "register"]


def checked_a_while_ago(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str = "bank", **asked: str
) -> None:
    """They were asked about when they signed in, and soon it is too long ago; in between the session was used."""
    country.sign_in(browser, portal, source=source, citizen=citizen.personal_number, **asked)
    with later(1800):  # a session that nobody uses would end
        country.sign_in(browser, portal)


@pytest.mark.both_engines
def test_single_sign_on_asks_again_when_the_last_check_is_old_and_shows_no_page_for_it(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    checked_a_while_ago(country, browser, portal, citizen)
    assert len(register.asked) == 1
    with later():
        request = portal.ask()
        page = browser.open_at(request.url, portal)
        country.redeemed(portal, request, browser.answer(page, portal))
        assert len(register.asked) == 2
        country.sign_in(browser, portal)
        assert len(register.asked) == 2, "now it is fresh"


def test_a_portal_that_wants_no_page_is_told_that_one_is_needed(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """Nobody is asked over the network while a portal waits for prompt=none."""
    checked_a_while_ago(country, browser, portal, citizen)
    with later():
        page = browser.open_at(portal.ask(prompt="none").url, portal)
        answer = browser.answer(page, portal)
        assert answer["error"] == "interaction_required"
        assert len(register.asked) == 1
        country.sign_in(browser, portal)
        assert "code" in browser.answer(browser.open_at(portal.ask(prompt="none").url, portal), portal)


@pytest.mark.parametrize("entry, code", [(None, "P05"), ("dead", "P03"), ("Ai Đó Khác", "P04")])
def test_single_sign_on_ends_for_whoever_the_register_does_not_vouch_for_any_more(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen,
    entry: str | None, code: str,
) -> None:  # fmt: skip
    checked_a_while_ago(country, browser, portal, citizen)
    register.everybody = False
    if entry is not None:
        name = register.asked[-1].name.full if entry == "dead" else entry
        register.people[citizen.personal_number] = Entry(name, alive=entry != "dead")
    with later():
        assert_untold(browser.open_at(portal.ask().url, portal))
        assert refusals(country, portal) == [(code, None)]
        assert country.house.sessions.by_cookie(browser.session_cookie()) is None
        assert status_of(country, citizen) == ("deceased" if entry == "dead" else "active")


def test_while_the_register_is_out_single_sign_on_goes_on_with_a_mark_below_the_level(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    checked_a_while_ago(country, browser, portal, citizen)
    register.gone = True
    with later():
        country.sign_in(browser, portal)
        assert check_of(country, citizen)[1]
        asked = len(register.asked)
        country.sign_in(browser, portal)
        assert len(register.asked) <= asked + 1


def test_and_stops_from_the_level_on_without_ending_the_session(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    checked_a_while_ago(country, browser, portal, citizen, source="population", acr_values="LoA3")
    register.gone = True
    with later():
        page = browser.open_at(portal.ask().url, portal)
        assert code_on(page) == "P06"
        register.gone = False
        request = portal.ask()
        country.redeemed(portal, request, browser.answer(browser.open_at(request.url, portal), portal))


def test_a_computer_that_is_signed_in_by_a_phone_is_asked_about_as_at_single_sign_on(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """That the phone was signed in is no new proof: what is owed for a session that stands is owed here."""
    checked_a_while_ago(country, browser, portal, citizen)
    with later():
        screen = begun(country, portal)
        number = agreed(browser, screen.code())
        assert len(register.asked) == 1
        tokens_of(country, screen, screen.type(number))
        assert len(register.asked) == 2


def test_a_phone_lets_nobody_in_whom_the_register_does_not_know_any_more(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    checked_a_while_ago(country, browser, portal, citizen)
    register.everybody = False
    with later():
        screen = begun(country, portal)
        assert_untold(screen.type(agreed(browser, screen.code())))
        for each in (screen.browser, browser):
            assert country.house.sessions.by_cookie(each.session_cookie()) is None


@pytest.mark.both_engines
def test_two_tabs_and_a_double_click_at_the_check_all_arrive(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    checked_a_while_ago(country, browser, portal, citizen)
    with later():
        requests = [portal.ask(), portal.ask()]
        register.slow_seconds = 0.3
        twins = [twin_of(browser) for _ in range(2)]
        answers = at_once(2, lambda n: twins[n].answer(twins[n].open_at(requests[n].url, portal), portal))
        for request, answer in zip(requests, answers, strict=True):
            country.redeemed(portal, request, answer)
        page = browser.get(portal.ask().url)
        assert page.location.startswith(portal.redirect_uri), "checked, so at once"


def test_a_check_that_is_fresh_costs_single_sign_on_nothing(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The read of the session brings it along."""
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    client = country.app.test_client()
    client.set_cookie("session", browser.session_cookie() or "", domain="localhost")
    cheapest = []
    for _ in range(5):  # once a second somebody also looks whether portals have changed
        with trips.counted() as counted:
            answer = client.get(f"/authorize?{urlsplit(portal.ask().url).query}")
        assert answer.status_code == 303 and "code=" in answer.headers["Location"]
        cheapest.append(dict(counted))
    assert {"read": 1} in cheapest
