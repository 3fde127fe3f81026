"""Signing in by social insurance: a number, a code from the telephone, and no more than the lowest level."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import create_app
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, TO_TRY, Part
from connectors.sandbox.settings import from_environment
from idp.sources import SourceDraft
from tests.connectors.insured import NOBODYS_NUMBERS, SECRET, Sandbox
from tests.journeys.reading import CarefulBrowser, is_choice, path_of, refusals, says, words
from tests.world import Page, Portal, World, listening, world

ORDINARY = TO_TRY[0].personal_number
WRONG_CODE = "135791"


@contextlib.contextmanager
def _gateway(country: World, directory: Path) -> Iterator[Sandbox]:
    clients = directory / "clients-of-insurance.json"
    clients.write_text(json.dumps([{"client_id": "motcua", "redirect_uris": [], "client_secret": SECRET}]), "utf-8")
    with listening("insurance.localhost") as (address, server):
        environment = {
            "MOTCUA_MODE": "test", "SANDBOX_KIND": "insurance", "SANDBOX_ISSUER": address,
            "SANDBOX_CLIENTS_FILE": str(clients),
        }  # fmt: skip
        server.app = create_app(from_environment(environment))
        generous = {"codes_per_network_per_hour": 10_000, "tries_per_network_per_hour": 10_000}
        draft = SourceDraft(
            id="insurance", kind="insurance", name_vi="Bảo hiểm xã hội", name_en="Social insurance", ceiling=1,
            configuration={"address": address, "username": "motcua", "limits": generous},
            secrets={"password": SECRET},
        )  # fmt: skip
        with country.house.database.write() as tx:
            country.house.sources.save(tx, draft)
            country.house.sources.set_enabled(tx, "insurance", True)
        yield Sandbox(server.server_port)


@pytest.fixture(scope="module")
def insured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Sandbox]]:
    """A country of its own: the provider, its usual sources, and the insurance gateway."""
    directory = tmp_path_factory.mktemp("insured")
    with world(directory) as country, _gateway(country, directory) as gateway:
        yield country, gateway


@pytest.fixture
def land(insured: tuple[World, Sandbox]) -> World:
    insured[1].as_new()
    insured[0].house.sources.health.note("insurance", None)
    return insured[0]


@pytest.fixture
def gateway(insured: tuple[World, Sandbox]) -> Sandbox:
    return insured[1]


@pytest.fixture
def visitor(land: World) -> CarefulBrowser:
    return CarefulBrowser(land.issuer)


def portal_of(country: World, name: str) -> Portal:
    return country.portal(f"insured-{name}")


def typed(browser: CarefulBrowser, page: Page, portal: Portal, decision: str = "continue", **fields: str) -> Page:
    form = next(number for number, form in enumerate(page.forms) if "form_token" in form.fields)
    sent = browser.submit(page, {"decision": decision, **fields}, form=form, follow=False)
    return browser.follow(sent, until=portal.redirect_uri)


def at_number(browser: CarefulBrowser, portal: Portal, **asked: str) -> Page:
    """The page that asks for the number."""
    return browser.step(browser.open_at(portal.ask(**asked).url, portal), portal, source="insurance")


def note(number_ending: str) -> str:
    return says("note.code_sent", phone=number_ending)


def test_a_number_and_a_code_lead_to_the_portal_at_the_lowest_level(land: World, visitor: CarefulBrowser) -> None:
    portal = portal_of(land, "whole")
    request = portal.ask()
    page = visitor.step(visitor.open_at(request.url, portal), portal, source="insurance")
    assert says("field.insurance_or_personal_number") in words(page)
    page = typed(visitor, page, portal, number=ORDINARY)
    assert note(TO_TRY[0].phone[-3:]) in words(page)
    page = typed(visitor, page, portal, code=ONE_TIME_CODE)
    tokens = land.redeemed(portal, request, visitor.answer(page, portal, source="insurance"))
    assert (tokens.claims["acr"], tokens.claims["amr"]) == ("LoA1", ["otp", "sms"])
    assert tokens.userinfo["name"] == TO_TRY[0].full_name


def test_mistakes_are_put_right_on_the_page(land: World, visitor: CarefulBrowser, gateway: Sandbox) -> None:
    portal = portal_of(land, "mistakes")
    page = at_number(visitor, portal)
    for number, problem in (("", "problem.empty"), ("12", "problem.not_a_number")):
        page = typed(visitor, page, portal, number=number)
        assert page.status == 422 and says(problem) in words(page)
    page = typed(visitor, page, portal, number=ORDINARY)
    page = typed(visitor, page, portal, code=WRONG_CODE)
    assert page.status == 422 and says("problem.wrong_code") in words(page)
    assert ("decision", "resend") in [button for form in page.forms for button in form.buttons]
    page = typed(visitor, page, portal, decision="resend")
    assert page.status == 200 and len(gateway.messages()) == 2
    assert path_of(typed(visitor, page, portal, code=ONE_TIME_CODE)).endswith("/information")


def test_a_number_that_nobody_has_meets_the_same_pages(land: World, visitor: CarefulBrowser, gateway: Sandbox) -> None:
    portal, number = portal_of(land, "nobody"), NOBODYS_NUMBERS[0]
    page = typed(visitor, at_number(visitor, portal), portal, number=number)
    assert any(note(f"{ending:03}") in words(page) for ending in range(1000))
    page = typed(visitor, page, portal, code=ONE_TIME_CODE)
    assert says("problem.wrong_code") in words(page)
    assert gateway.messages() == []


def test_who_goes_back_is_offered_the_choice_again(land: World, visitor: CarefulBrowser) -> None:
    portal = portal_of(land, "back")
    page = typed(visitor, at_number(visitor, portal), portal, number=ORDINARY)
    page = typed(visitor, page, portal, decision="cancel")
    assert is_choice(page) and says("banner.cancelled", source="Bảo hiểm xã hội") in words(page)


def test_the_source_is_not_offered_where_more_is_owed(land: World, visitor: CarefulBrowser) -> None:
    portal = land.portal("insured-owes", minimum_level=2)
    page = visitor.open_at(portal.ask().url, portal)
    offered = {value for form in page.forms for name, value in form.buttons if name == "source"}
    assert offered == {"bank", "population"}


@pytest.mark.parametrize("part,code", [(Part.LOCKED, "S02"), (Part.DECEASED, "S03")])
def test_what_the_gateway_has_against_somebody_ends_the_visit(
    land: World, visitor: CarefulBrowser, part: Part, code: str
) -> None:
    portal = portal_of(land, f"against-{code.lower()}")
    page = typed(visitor, at_number(visitor, portal), portal, number=CAST[part].personal_number)
    typed(visitor, page, portal, code=ONE_TIME_CODE)
    assert refusals(land, portal) == [(code, "insurance")]


def test_too_many_codes_are_refused_by_name(land: World, visitor: CarefulBrowser) -> None:
    portal = portal_of(land, "often")
    page = typed(visitor, at_number(visitor, portal), portal, number="9999999977")
    for _ in range(5):
        page = typed(visitor, page, portal, decision="resend")
    assert refusals(land, portal) == [("S18", "insurance")]


def test_a_number_that_changed_hands_meets_nobodys_account(
    land: World, visitor: CarefulBrowser, gateway: Sandbox
) -> None:
    """The insurance number is this source's name for somebody: who has it now is not who had it."""
    portal, number = portal_of(land, "changed"), gateway.insured(Part.ORDINARY_THIRD)["insurance_number"]
    page = typed(visitor, at_number(visitor, portal), portal, number=number)
    assert path_of(typed(visitor, page, portal, code=ONE_TIME_CODE)).endswith("/information")
    gateway.told(fault="changed_identifiers", endpoint="redeem")
    later = CarefulBrowser(land.issuer)
    page = typed(later, at_number(later, portal), portal, number=number)
    typed(later, page, portal, code=ONE_TIME_CODE)
    assert refusals(land, portal) == [("P01", "insurance")]


def test_a_gateway_that_is_gone_is_told_on_the_choice_page(
    land: World, visitor: CarefulBrowser, gateway: Sandbox
) -> None:
    portal = portal_of(land, "gone")
    page = at_number(visitor, portal)
    gateway.told(fault="down")
    page = typed(visitor, page, portal, number=ORDINARY)
    assert is_choice(page) and says("banner.source_down", source="Bảo hiểm xã hội") in words(page)
    assert refusals(land, portal) == [("S08", "insurance")]
