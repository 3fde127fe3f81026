"""The population register behind X-Road, over its own wire: asked at each sign-in, and heard when it reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import requests

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from idp.people import Person
from idp.sources import Operation
from idp.worker import Worker
from tests.journeys.offices import REGISTER, REGISTER_WAITS, population_register
from tests.journeys.reading import CarefulBrowser, code_on, is_choice, refusals, selectable
from tests.world import Portal, World, world


@pytest.fixture(scope="module")
def registered_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("registered")
    with (
        world(folder, verification={"source": REGISTER}, outbound=REGISTER_WAITS) as country,
        population_register(country, folder),
    ):
        yield country


@pytest.fixture
def country(registered_country: World) -> Iterator[World]:
    _honest(registered_country)
    yield registered_country
    _honest(registered_country)


def _honest(country: World) -> None:
    country.clear_faults()
    for operation in get_args(Operation):
        country.house.sources.health.note(REGISTER, None, operation)


def happens(country: World, kind: str, citizen: Citizen, **more: Any) -> None:
    order = {"type": kind, "citizen": citizen.personal_number, **more}
    answer = requests.post(_local(f"{country.sources[REGISTER]}/_sandbox/changes"), json=order, timeout=10)
    assert answer.status_code == 201, answer.text


def _local(url: str) -> str:
    return url.replace("dan-cu.localhost", "127.0.0.1")


def _person(country: World, citizen: Citizen) -> Person:
    with country.house.database.write() as tx:
        person = country.house.people.find_by_number(tx, citizen.personal_number)
    assert person is not None
    return person


def status_of(country: World, citizen: Citizen) -> str:
    return _person(country, citizen).status


def test_a_register_is_no_place_to_sign_in(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = browser.open_at(portal.ask().url, portal)
    assert is_choice(page) and selectable(page) == ["bank", "population"]
    assert country.house.sources.highest_level() == 3, "it asserts nothing"
    form = next(form for form in page.forms if not form.action.endswith("/cancel"))
    forged = browser.request("POST", f"{country.issuer}{form.action}", data=form.fields | {"source": REGISTER})
    assert refusals(country, portal) == [("L06", None)], forged.url


def test_an_ordinary_citizen_is_asked_about_and_enters(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    assert status_of(country, citizen) == "active" and country.house.people.owing(b"", 10) == []


@pytest.mark.parametrize(
    "part, code", [(Part.DECEASED, "P03"), (Part.NOT_IN_REGISTER, "P05"), (Part.WRONG_NUMBER, "P04")]
)
def test_a_bank_that_knows_less_than_the_register_is_not_enough(
    country: World, browser: CarefulBrowser, portal: Portal, part: Part, code: str
) -> None:
    page = browser.to_source(portal.ask(), portal, "bank")
    page = browser.at_source(page, portal, citizen=CAST[part].personal_number)
    assert page.status == 403 and code_on(page) is None
    assert refusals(country, portal) == [(code, "bank")]
    assert browser.session_cookie() is None


@pytest.mark.parametrize("fault", [{"fault": "down"}, {"fault": "slow", "seconds": 5}], ids=str)
def test_a_register_that_is_out_lets_a_bank_s_customer_in_and_asks_later(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, fault: dict[str, Any]
) -> None:
    country.fault(REGISTER, **fault)
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    assert len(country.house.people.owing(b"", 10)) == 1
    _honest(country)
    Worker(country.house).recheck()
    assert country.house.people.owing(b"", 10) == []


def test_a_death_in_the_feed_ends_the_session_and_no_source_brings_the_person_back(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    access_token = _token_of(country, browser, portal)
    happens(country, "death", citizen)
    Worker(country.house).read_feeds()
    assert tokens.claims["sub"] and status_of(country, citizen) == "deceased"
    assert portal.userinfo(access_token).status_code == 401
    assert country.house.sessions.by_cookie(browser.session_cookie()) is None
    page = another_browser.to_source(portal.ask(), portal, "bank")
    another_browser.at_source(page, portal, citizen=citizen.personal_number)
    assert refusals(country, portal) == [("P03", "bank")]


def _token_of(country: World, browser: CarefulBrowser, portal: Portal) -> str:
    request = portal.ask()
    answer = browser.answer(browser.open_at(request.url, portal), portal)
    token: str = portal.redeem(answer["code"], request.verifier).json()["access_token"]
    return token


def test_a_new_number_in_the_feed_leaves_the_person_who_they_were(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    first = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    happens(country, "renumbering", citizen, new_number="001999000077")
    Worker(country.house).read_feeds()
    assert country.house.sessions.by_cookie(browser.session_cookie()) is None
    person = _person(country, citizen)
    assert person.personal_number == "001999000077"
    assert person.earlier_numbers == (citizen.personal_number,)
    Worker(country.house).recheck()
    again = country.sign_in(another_browser, portal, source="bank", citizen=citizen.personal_number)
    assert again.claims["sub"] == first.claims["sub"]


def test_a_correction_in_the_feed_ends_the_session_and_the_register_is_asked_again(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    first = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    happens(country, "correction", citizen, name="Đoàn|Thị|Tên Mới")
    Worker(country.house).read_feeds()
    assert country.house.sessions.by_cookie(browser.session_cookie()) is None
    assert len(country.house.people.owing(b"", 10)) == 1
    Worker(country.house).recheck()
    assert country.house.people.owing(b"", 10) == []
    page = another_browser.to_source(portal.ask(), portal, "bank")
    page = another_browser.at_source(page, portal, citizen=citizen.personal_number)
    assert page.status == 403 and refusals(country, portal) == [("P04", "bank")], "the bank has the old name"
    happens(country, "correction", citizen, name=f"{citizen.family}|{citizen.middle}|{citizen.given}")
    Worker(country.house).read_feeds()
    again = country.sign_in(another_browser, portal, source="bank", citizen=citizen.personal_number)
    assert again.claims["sub"] == first.claims["sub"]


def test_a_name_that_a_bank_has_without_its_marks_is_told_as_the_register_spells_it(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    citizen = CAST[Part.LOST_MARKS]
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    assert tokens.userinfo["name"] == citizen.full_name
    assert _person(country, citizen).names == (citizen.full_name,)


def test_a_feed_that_repeats_itself_changes_nothing_twice(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    happens(country, "death", citizen)
    Worker(country.house).read_feeds()
    country.fault(REGISTER, fault="feed_repeats")
    for _ in range(3):
        Worker(country.house).read_feeds()
    person = _person(country, citizen)
    told = [event for event in country.house.audit.export() if event["event"] == "register_changed"]
    assert [event["details"]["change"] for event in told if event["person_id"] == person.id.hex()] == ["death"]


LIES = ("feed_goes_back", "feed_never_ends")


@pytest.mark.parametrize("lie", LIES)
def test_a_feed_that_lies_ends_nobody_s_session(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen, lie: str
) -> None:
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    happens(country, "death", another_citizen)
    Worker(country.house).read_feeds()
    country.fault(REGISTER, fault=lie)
    happens(country, "death", citizen)
    Worker(country.house).read_feeds()
    assert status_of(country, citizen) == "active"
    country.clear_faults()
    country.house.sources.health.note(REGISTER, None, "changes")
    Worker(country.house).read_feeds()
    assert status_of(country, citizen) == "deceased", "and once it is honest again, nothing was missed"
