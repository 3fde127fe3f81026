"""Whoever signs in is asked about at the population register: known, alive, and called so."""

from __future__ import annotations

import time
from typing import Any

import pytest

from connectors.base import Failure, Identifier, IdentifierType
from connectors.sandbox.citizen import Citizen
from idp.worker import Worker
from tests.journeys.checked import (
    assert_untold,
    check_of,
    checked_country,
    country,
    events,
    heal_register,
    register,
    sent_away,
    status_of,
)
from tests.journeys.reading import CarefulBrowser, code_on, refusals, ways_on
from tests.registers.party import Entry, Register, details
from tests.world import Portal, World

__all__ = ["checked_country", "country", "register"]


@pytest.mark.both_engines
def test_somebody_whom_the_register_knows_enters_and_it_is_kept_when_it_agreed(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    before = int(time.time())
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    assert [one.identifier.value for one in register.asked] == [citizen.personal_number]
    checked_at, owed = check_of(country, citizen)
    assert checked_at is not None and checked_at >= before and not owed


@pytest.mark.both_engines
def test_somebody_who_has_died_is_not_let_in_and_all_their_sessions_end(
    country: World, register: Register, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal,
    citizen: Citizen,
) -> None:  # fmt: skip
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    register.people[citizen.personal_number] = Entry(register.asked[-1].name.full, alive=False)
    assert_untold(sent_away(another_browser, portal, citizen))
    assert another_browser.session_cookie() is None
    assert status_of(country, citizen) == "deceased"
    assert country.house.sessions.by_cookie(browser.session_cookie()) is None
    assert refusals(country, portal)[-1] == ("P03", "bank")
    assert events(country, "register_refused")[-1] == {"code": "P03", "agreement": "agrees"}


@pytest.mark.both_engines
@pytest.mark.parametrize("known, code, agreement", [(True, "P04", "differs"), (False, "P05", "unknown")])
def test_somebody_of_whom_the_register_says_something_else_is_not_let_in(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen, known: bool,
    code: str, agreement: str,
) -> None:  # fmt: skip
    register.everybody = False
    register.people = {citizen.personal_number: Entry("Ai Đó Khác", alive=False)} if known else {}
    assert_untold(sent_away(browser, portal, citizen))
    assert browser.session_cookie() is None
    assert refusals(country, portal) == [(code, "bank")]
    assert events(country, "register_refused")[-1] == {"code": code, "agreement": agreement}
    register.everybody, register.people = True, {}
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)  # nothing sticks to the number


def test_somebody_whose_number_nobody_has_proven_is_not_asked_about(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal
) -> None:
    from connectors.sandbox.cast import CAST, Part

    low = CAST[Part.LOW_LEVEL]
    country.sign_in(browser, portal, source="population", citizen=low.personal_number)
    assert register.asked == []


OUTAGES = ({"gone": True}, {"failure": Failure.OVERLOADED}, {"failure": Failure.MISCONFIGURED})


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
def test_while_the_register_is_out_nobody_enters_unchecked_where_the_portal_needs_the_level(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen,
    outage: dict[str, Any],
) -> None:  # fmt: skip
    vars(register).update(outage)
    request = portal.ask(claims='{"id_token":{"acr":{"essential":true,"value":"LoA3"}}}')
    page = browser.to_source(request, portal, "population")
    page = browser.at_source(page, portal, citizen=citizen.personal_number)
    assert (page.status, code_on(page)) == (503, "P06")
    assert browser.session_cookie() is None
    vars(register).update(gone=False, failure=None)
    again = browser.get(ways_on(page)[0])
    tokens = country.redeemed(portal, request, browser.answer(again, portal, citizen=citizen.personal_number))
    assert tokens.claims["acr"] == "LoA3"


@pytest.mark.both_engines
@pytest.mark.parametrize("source, wish", [("bank", "LoA2"), ("population", "LoA3")])
def test_below_that_level_they_enter_with_a_mark_and_a_worker_asks_again(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str,
    wish: str,
) -> None:  # fmt: skip
    register.gone = True
    tokens = country.sign_in(browser, portal, source=source, citizen=citizen.personal_number, acr_values=wish)
    assert tokens.claims["acr"] == "LoA2", "the level from which a check is needed is nobody's unchecked"
    assert check_of(country, citizen) == (None, True)
    worker = Worker(country.house)
    worker.recheck()
    assert check_of(country, citizen) == (None, True)
    register.gone = False
    heal_register(country)
    worker.recheck()
    checked_at, owed = check_of(country, citizen)
    assert checked_at is not None and not owed
    assert browser.session_cookie() and country.house.sessions.by_cookie(browser.session_cookie())


@pytest.mark.both_engines
def test_whoever_was_let_in_with_a_mark_and_is_dead_or_unknown_after_all_is_signed_out(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    register.gone = True
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    register.gone, register.everybody = False, False
    heal_register(country)
    Worker(country.house).recheck()
    assert country.house.sessions.by_cookie(browser.session_cookie()) is None
    assert check_of(country, citizen) == (None, False)
    assert status_of(country, citizen) == "active"


def test_one_person_who_cannot_be_asked_about_holds_up_nobody(
    country: World, register: Register, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    register.gone = True
    for one in (citizen, another_citizen):
        country.sign_in(CarefulBrowser(country.issuer), portal, source="bank", citizen=one.personal_number)
    register.gone = False
    heal_register(country)
    worker = Worker(country.house)
    worker.recheck()
    assert not check_of(country, citizen)[1] and not check_of(country, another_citizen)[1]


# ---- what the register has rectified


def test_a_rectified_name_is_the_register_s_word_and_the_old_one_still_leads_to_the_person(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    old, new = register.asked[-1].name.full, "Nguyễn Thị Tên Mới"
    rectified = details(citizen.personal_number, new, year=1955)
    alias = Identifier(type=IdentifierType.FORMER_NUMBER, value="123456789", state="former")
    register.people[citizen.personal_number] = Entry(old, rectified=rectified, aliases=(alias,))
    for _ in range(2):
        someone = CarefulBrowser(country.issuer)
        tokens = country.sign_in(someone, portal, source="bank", citizen=citizen.personal_number)
        assert (tokens.userinfo["name"], tokens.userinfo["birthdate"]) == (new, "1955-08-05")
    with country.house.database.write() as tx:
        person = country.house.people.find_by_number(tx, citizen.personal_number)
    assert person is not None and person.names == (new, old)


def test_the_check_of_a_sign_in_is_in_the_commit_that_signs_in(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """Nobody is signed in with a check that was not kept, and nothing is kept of a sign-in that was refused."""
    register.slow_seconds = 0.05
    owed = '{"id_token":{"acr":{"essential":true,"value":"LoA3"}}}'
    page = browser.to_source(portal.ask(claims=owed), portal, "population")
    register.gone = True
    page = browser.at_source(page, portal, citizen=citizen.personal_number)
    assert code_on(page) == "P06"
    with country.house.database.write() as tx:
        assert country.house.people.find_by_number(tx, citizen.personal_number) is None
