"""What an operator changes, and time that passes, while somebody is signing in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import time_machine

from connectors.sandbox.citizen import Citizen
from idp.sources import SourceDraft
from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    code_on,
    events,
    is_choice,
    login_of,
    refusals,
    says,
    selectable,
    words,
)
from tests.world import Asked, Page, Portal, World, parameters_of, world


@contextmanager
def in_seconds(seconds: float) -> Iterator[None]:
    """The whole country, so much later."""
    with time_machine.travel(time.time() + seconds, tick=True):
        yield


def switch_source(country: World, source: str, enabled: bool) -> None:
    with country.house.database.write() as tx:
        country.house.sources.set_enabled(tx, source, enabled)


@pytest.fixture
def switched_on_again(country: World) -> Iterator[None]:
    yield
    for source in country.sources:
        switch_source(country, source, True)


@pytest.mark.usefixtures("switched_on_again")
def test_a_source_switched_off_while_the_person_is_there_signs_nobody_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    at_source = browser.to_source(request, portal, "population")
    switch_source(country, "population", False)
    page = browser.at_source(at_source, portal, citizen=citizen.personal_number)
    assert is_choice(page) and browser.session_cookie() is None
    assert banner(page) == says("banner.source_down", source=says("choose.that_place"))
    assert selectable(page) == ["bank"]
    assert refusals(country, portal) == [("L06", "population")]
    country.redeemed(portal, request, browser.answer(page, portal, source="bank", citizen=citizen.personal_number))


@pytest.mark.usefixtures("switched_on_again")
def test_a_source_switched_off_before_it_is_chosen_is_refused(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    choice = browser.open_at(portal.ask().url, portal)
    switch_source(country, "population", False)
    page = browser.step(choice, portal, source="population")
    assert is_choice(page) and selectable(page) == ["bank"]


@pytest.mark.parametrize("source", ["unknown", "", "x" * 200, "../bank"])
def test_a_source_that_never_was_is_refused(browser: CarefulBrowser, portal: Portal, source: str) -> None:
    page = browser.step(browser.open_at(portal.ask().url, portal), portal, source=source)
    assert is_choice(page) and selectable(page) == ["bank", "population"]


def test_a_new_version_of_a_source_lets_a_visit_finish_with_the_old_one(citizen: Citizen, tmp_path: Path) -> None:
    """Even where the new version could not have understood the answer."""
    with world(tmp_path) as country:
        browser, portal = CarefulBrowser(country.issuer), country.portal("ministry")
        request = portal.ask()
        at_source = browser.to_source(request, portal, "population")
        draft = SourceDraft(
            id="population", kind="population", name_vi="Mới", name_en="New", ceiling=3,
            configuration={"issuer": "http://nobody.localhost:9", "client_id": "new"}, secrets={"client_secret": "new"},
        )  # fmt: skip
        with country.house.database.write() as tx:
            assert country.house.sources.save(tx, draft) == 2
        page = browser.at_source(at_source, portal, citizen=citizen.personal_number)
        country.redeemed(portal, request, browser.answer(page, portal))
        [signed_in] = events(country, "signed_in")
        assert signed_in["details"]["version"] == 1
        assert "Mới" in words(CarefulBrowser(country.issuer).open_at(portal.ask().url, portal))


def test_a_portal_switched_off_gets_no_answer(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, portal.id, False)
    for refused in (
        browser.submit(page, {"decision": "continue"}),
        browser.get(page.url),
        browser.get(f"{country.issuer}/authorize/continue/{login_of(page)}"),
        browser.get(portal.ask().url),
    ):
        assert (refused.status, code_on(refused)) == (403, "A18")
    assert events(country, "told", client_id=portal.id) == []


def assert_expired(page: Page, request: Asked, portal: Portal) -> None:
    assert page.onward is not None and page.onward.startswith(portal.redirect_uri), page.url
    answer = parameters_of(page.onward)
    assert answer["error"] == "access_denied" and answer["error_description"].startswith("A21")
    assert answer["state"] == request.parameters["state"]


def test_a_sign_in_left_too_long_is_told_to_the_portal_from_every_page(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    page = browser.open_at(request.url, portal)
    with in_seconds(1801):
        assert_expired(browser.open_at(page.url, portal), request, portal)
    choosing, reading = portal.ask(), portal.ask()
    choice = browser.open_at(choosing.url, portal)
    information = browser.to_information(reading, portal, citizen)
    for page, asked, fields in (
        (choice, choosing, {"source": "bank"}),
        (information, reading, {"decision": "continue"}),
    ):
        with in_seconds(1801):
            sent = browser.follow(browser.submit(page, fields, follow=False), until=portal.redirect_uri)
            assert_expired(sent, asked, portal)


@pytest.mark.parametrize("minutes", [31, 90])
def test_whoever_comes_back_from_a_source_too_late_is_led_to_the_portal(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, minutes: int
) -> None:
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, "population"), citizen)
    with in_seconds(minutes * 60):
        assert_expired(browser.open_at(back, portal), request, portal)
        assert browser.session_cookie() is None
        assert_expired(browser.open_at(back, portal), request, portal)
    assert refusals(country, portal) == [("A21", None)]


def test_whoever_comes_back_the_next_day_is_told_kindly(tmp_path: Path) -> None:
    with world(tmp_path) as country:
        browser, portal = CarefulBrowser(country.issuer), country.portal("ministry")
        page = browser.open_at(portal.ask().url, portal)
        with in_seconds(86_400):
            gone = browser.get(page.url)
        assert (gone.status, code_on(gone)) == (400, "L01")


def test_a_source_whose_clock_is_slow_does_not_hold_up_who_must_prove_themselves_now(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """max_age=0 wants a proof from now on; within the leeway that a source's clock is given, it is one."""
    request = portal.ask(max_age="0")
    choice = browser.open_at(request.url, portal)
    with in_seconds(-20):
        page = browser.step(choice, portal, source="population")
        page = browser.at_source(page, portal, citizen=citizen.personal_number)
        assert not is_choice(page), "the same choice again, for ever"


def test_a_session_ends_when_nobody_uses_it(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    with in_seconds(3500):
        assert "code=" in browser.get(portal.ask().url).location
    with in_seconds(3700):
        assert is_choice(browser.open_at(portal.ask().url, portal))
