"""Signing in by social insurance: a number, a code from the telephone, and no more than the lowest level."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.cast import CAST, ONE_TIME_CODE, TO_TRY, Part
from tests.connectors.insured import NOBODYS_NUMBERS, Sandbox
from tests.journeys.conftest import NewPortal
from tests.journeys.offices import insurance_gateway
from tests.journeys.reading import CarefulBrowser, is_choice, path_of, refusals, says, words
from tests.journeys.visits import typed
from tests.world import Page, Portal, World, world

ORDINARY = TO_TRY[0].personal_number
WRONG_CODE = "135791"


@pytest.fixture(scope="module")
def insured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Sandbox]]:
    """A country of its own: the provider, its usual sources, and the insurance gateway."""
    folder = tmp_path_factory.mktemp("insured")
    with world(folder) as country, insurance_gateway(country, folder) as gateway:
        yield country, gateway


@pytest.fixture
def country(insured: tuple[World, Sandbox]) -> World:
    insured[1].as_new()
    insured[0].house.sources.health.note("insurance", None)
    return insured[0]


@pytest.fixture
def gateway(insured: tuple[World, Sandbox]) -> Sandbox:
    return insured[1]


def at_number(browser: CarefulBrowser, portal: Portal) -> Page:
    """The page that asks for the number."""
    return browser.to_source(portal.ask(), portal, "insurance")


def note(number_ending: str) -> str:
    return says("note.code_sent", phone=number_ending)


def test_a_number_and_a_code_lead_to_the_portal_at_the_lowest_level(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    request = portal.ask()
    page = browser.to_source(request, portal, "insurance")
    assert says("field.insurance_or_personal_number") in words(page)
    page = typed(browser, page, portal, number=ORDINARY)
    assert note(TO_TRY[0].phone[-3:]) in words(page)
    page = typed(browser, page, portal, code=ONE_TIME_CODE)
    tokens = country.redeemed(portal, request, browser.answer(page, portal, source="insurance"))
    assert (tokens.claims["acr"], tokens.claims["amr"]) == ("LoA1", ["otp", "sms"])
    assert tokens.userinfo["name"] == TO_TRY[0].full_name


def test_mistakes_are_put_right_on_the_page(browser: CarefulBrowser, portal: Portal, gateway: Sandbox) -> None:
    page = at_number(browser, portal)
    for number, problem in (("", "problem.empty"), ("12", "problem.not_a_number")):
        page = typed(browser, page, portal, number=number)
        assert page.status == 422 and says(problem) in words(page)
    page = typed(browser, page, portal, number=ORDINARY)
    page = typed(browser, page, portal, code=WRONG_CODE)
    assert page.status == 422 and says("problem.wrong_code") in words(page)
    assert ("decision", "resend") in [button for form in page.forms for button in form.buttons]
    page = typed(browser, page, portal, decision="resend")
    assert page.status == 200 and len(gateway.messages()) == 2
    assert path_of(typed(browser, page, portal, code=ONE_TIME_CODE)).endswith("/information")


def test_a_number_that_nobody_has_meets_the_same_pages(
    browser: CarefulBrowser, portal: Portal, gateway: Sandbox
) -> None:
    number = NOBODYS_NUMBERS[0]
    page = typed(browser, at_number(browser, portal), portal, number=number)
    assert any(note(f"{ending:03}") in words(page) for ending in range(1000))
    page = typed(browser, page, portal, code=ONE_TIME_CODE)
    assert says("problem.wrong_code") in words(page)
    assert gateway.messages() == []


def test_who_goes_back_is_offered_the_choice_again(browser: CarefulBrowser, portal: Portal) -> None:
    page = typed(browser, at_number(browser, portal), portal, number=ORDINARY)
    page = typed(browser, page, portal, decision="cancel")
    assert is_choice(page) and says("banner.cancelled", source="Bảo hiểm xã hội") in words(page)


def test_the_source_is_not_offered_where_more_is_owed(browser: CarefulBrowser, new_portal: NewPortal) -> None:
    portal = new_portal(minimum_level=2)
    page = browser.open_at(portal.ask().url, portal)
    offered = {value for form in page.forms for name, value in form.buttons if name == "source"}
    assert offered == {"bank", "population"}


@pytest.mark.parametrize("part,code", [(Part.LOCKED, "S02"), (Part.DECEASED, "S03")])
def test_what_the_gateway_has_against_somebody_ends_the_visit(
    country: World, browser: CarefulBrowser, portal: Portal, part: Part, code: str
) -> None:
    page = typed(browser, at_number(browser, portal), portal, number=CAST[part].personal_number)
    typed(browser, page, portal, code=ONE_TIME_CODE)
    assert refusals(country, portal) == [(code, "insurance")]


def test_too_many_codes_are_refused_by_name(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = typed(browser, at_number(browser, portal), portal, number="9999999977")
    for _ in range(5):
        page = typed(browser, page, portal, decision="resend")
    assert refusals(country, portal) == [("S18", "insurance")]


def test_a_number_that_changed_hands_meets_nobodys_account(
    country: World, browser: CarefulBrowser, portal: Portal, gateway: Sandbox
) -> None:
    """The insurance number is this source's name for somebody: who has it now is not who had it."""
    number = gateway.insured(Part.ORDINARY_THIRD)["insurance_number"]
    page = typed(browser, at_number(browser, portal), portal, number=number)
    assert path_of(typed(browser, page, portal, code=ONE_TIME_CODE)).endswith("/information")
    gateway.told(fault="changed_identifiers", endpoint="redeem")
    later = CarefulBrowser(country.issuer)
    page = typed(later, at_number(later, portal), portal, number=number)
    typed(later, page, portal, code=ONE_TIME_CODE)
    assert refusals(country, portal) == [("P01", "insurance")]


def test_a_gateway_that_is_gone_is_told_on_the_choice_page(
    country: World, browser: CarefulBrowser, portal: Portal, gateway: Sandbox
) -> None:
    page = at_number(browser, portal)
    gateway.told(fault="down")
    page = typed(browser, page, portal, number=ORDINARY)
    assert is_choice(page) and says("banner.source_down", source="Bảo hiểm xã hội") in words(page)
    assert refusals(country, portal) == [("S08", "insurance")]
