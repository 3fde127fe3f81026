"""A source that is down, slow or talks nonsense costs a word on the choice page, never the sign-in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from connectors.sandbox.citizen import Citizen
from idp.sources import SourceDraft
from tests.journeys.conftest import heal
from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    code_on,
    is_choice,
    notes,
    refusals,
    says,
    selectable,
    ways_on,
    words,
)
from tests.world import Page, Portal, World, world

# What goes wrong, and what the operator reads in the audit.
TROUBLES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"fault": "down"}, "S08"),
    ({"fault": "down", "close": True}, "S06"),
    ({"fault": "truncated_json"}, "S09"),
    ({"fault": "garbage"}, "S09"),
    ({"fault": "huge_body"}, "S09"),
)
# Where a source is asked first: a bank before the person goes there, the register after they have come back.
FIRST_ASKED = {"bank": "par", "population": "token"}
OTHER = {"bank": "population", "population": "bank"}


@pytest.fixture(scope="module")
def hasty_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One that waits for sources no longer than a test likes to, and whose clocks all go with ours."""
    waits = {"allow_loopback": True, "connect_seconds": 0.4, "total_seconds": 0.4}
    with world(tmp_path_factory.mktemp("hasty"), outbound=waits) as country:
        yield country


def try_source(browser: CarefulBrowser, page: Page, portal: Portal, source: str, citizen: Citizen) -> Page:
    """Choose the source, and sign in there if it lets one in."""
    after = browser.step(page, portal, source=source)
    return after if is_choice(after) else browser.at_source(after, portal, citizen=citizen.personal_number)


@pytest.mark.parametrize("source", FIRST_ASKED)
@pytest.mark.parametrize("fault, code", TROUBLES, ids=str)
def test_trouble_at_a_source_is_told_on_the_choice_page_and_another_source_works(
    country: World,
    browser: CarefulBrowser,
    portal: Portal,
    citizen: Citizen,
    source: str,
    fault: dict[str, Any],
    code: str,
) -> None:
    country.fault(source, endpoint=FIRST_ASKED[source], **fault)
    request = portal.ask()
    page = try_source(browser, browser.open_at(request.url, portal), portal, source, citizen)
    assert is_choice(page)
    assert banner(page) == says("banner.source_down", source=f"Nguồn {source}")
    assert refusals(country, portal) == [(code, source)]
    answer = browser.answer(page, portal, source=OTHER[source], citizen=citizen.personal_number)
    country.redeemed(portal, request, answer)


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
@pytest.mark.parametrize("source", FIRST_ASKED)
def test_trouble_after_the_person_has_signed_in_there_is_told_as_well(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str, endpoint: str
) -> None:
    country.fault(source, fault="garbage", endpoint=endpoint)
    page = try_source(browser, browser.open_at(portal.ask().url, portal), portal, source, citizen)
    assert is_choice(page) and browser.session_cookie() is None
    assert banner(page) == says("banner.source_down", source=f"Nguồn {source}")


@pytest.mark.parametrize("source", FIRST_ASKED)
def test_a_source_that_fails_again_and_again_is_not_offered_until_it_recovers(
    hasty_country: World, citizen: Citizen, source: str
) -> None:
    country, portal = hasty_country, hasty_country.portal(f"patient-{source}")
    heal(country)
    country.fault(source, fault="down", endpoint=FIRST_ASKED[source])
    browser, request = CarefulBrowser(country.issuer), portal.ask()
    page = try_source(browser, browser.open_at(request.url, portal), portal, source, citizen)
    assert notes(page) == [says("health.slow")] and source in selectable(page)
    for _ in range(2):
        page = try_source(browser, page, portal, source, citizen)
    assert notes(page) == [says("reason.down")] and selectable(page) == [OTHER[source]]
    country.clear_faults()
    with time_machine.travel(time.time() + 61, tick=True):
        page = browser.open_at(page.url, portal)
        assert notes(page) == [] and source in selectable(page)
        answer = browser.answer(page, portal, source=source, citizen=citizen.personal_number)
        country.redeemed(portal, request, answer)


def test_one_good_sign_in_is_enough_for_a_source_to_be_well_again(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.fault("population", fault="down", endpoint="token", times=1)
    request = portal.ask()
    page = try_source(browser, browser.open_at(request.url, portal), portal, "population", citizen)
    assert notes(page) == [says("health.slow")]
    browser.answer(page, portal, source="population", citizen=citizen.personal_number)
    assert notes(CarefulBrowser(country.issuer).open_at(portal.ask().url, portal)) == []


@pytest.mark.parametrize(
    "brought",
    [
        "",  # neither a code nor an error
        "&error=temporarily_unavailable",
        "&error=invalid_request",
        "&code=" + "x" * 5000,
    ],
)
def test_nobody_can_close_a_source_for_everybody_by_what_their_own_browser_brings(
    country: World, browser: CarefulBrowser, portal: Portal, brought: str
) -> None:
    """The redirect from a source is written by whoever holds the browser: it is no evidence of the source's health."""
    issuer = country.sources["population"]
    page = browser.open_at(portal.ask().url, portal)
    for _ in range(4):
        sent = browser.follow(browser.submit(page, {"source": "population"}, follow=False), until=issuer)
        handle = str(sent.onward).partition("state=")[2].partition("&")[0]
        forged = f"{country.issuer}/callback/population?state={handle}&iss={issuer}{brought}"
        page = browser.open_at(forged, portal)
        assert is_choice(page)
    stranger = CarefulBrowser(country.issuer).open_at(portal.ask().url, portal)
    assert notes(stranger) == [] and "population" in selectable(stranger)


@pytest.mark.parametrize("refusal", ["locked", "deceased"])
def test_a_person_who_may_not_sign_in_says_nothing_about_the_sources_health(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, refusal: str
) -> None:
    country.fault("population", fault=refusal)
    page = browser.open_at(portal.ask().url, portal)
    for _ in range(4):
        try_source(browser, page, portal, "population", citizen)
    assert notes(browser.open_at(page.url, portal)) == []


@pytest.mark.parametrize("source", FIRST_ASKED)
def test_a_source_that_says_no_in_an_answer_of_its_own_leaves_a_way_on(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    """HTTP says 200, the body says error: some say no like that."""
    country.fault(source, fault="error_in_200", endpoint=FIRST_ASKED[source])
    request = portal.ask()
    page = browser.step(browser.open_at(request.url, portal), portal, source=source)
    if page.url.startswith(country.sources[source]):
        page = browser.at_source(page, portal, citizen=citizen.personal_number)
    assert (page.status, code_on(page)) == (403, "S04")
    assert refusals(country, portal) == [("S04", source)]
    assert ways_on(page)[1] == f"http://{portal.id}.localhost:9/"
    country.clear_faults()
    again = browser.get(ways_on(page)[0])
    country.redeemed(portal, request, browser.answer(again, portal, citizen=citizen.personal_number))


@pytest.mark.parametrize("source, endpoint", [("bank", "par"), ("bank", "token"), ("population", "userinfo")])
def test_a_source_that_answers_too_late_is_not_waited_for(
    hasty_country: World, citizen: Citizen, source: str, endpoint: str
) -> None:
    country, portal = hasty_country, hasty_country.portal(f"{source}-{endpoint}")
    heal(country)
    browser, request = CarefulBrowser(country.issuer), portal.ask()
    page = browser.open_at(request.url, portal)
    country.fault(source, fault="slow", seconds=1.2, endpoint=endpoint, times=1)
    page = try_source(browser, page, portal, source, citizen)
    assert is_choice(page)
    assert banner(page) == says("banner.source_down", source=f"Nguồn {source}")
    assert refusals(country, portal) == [("S07", source)]
    country.redeemed(portal, request, browser.answer(page, portal, citizen=citizen.personal_number))


def test_a_source_whose_metadata_was_never_to_be_had_stops_only_itself(hasty_country: World, citizen: Citizen) -> None:
    country = hasty_country
    heal(country)
    draft = SourceDraft(
        id="nobody", kind="population", name_vi="Nguồn không có", name_en="Nobody", ceiling=3,
        configuration={"issuer": "http://nobody.localhost:9", "client_id": "motcua"}, secrets={"client_secret": "x"},
    )  # fmt: skip
    with country.house.database.write() as tx:
        country.house.sources.save(tx, draft)
        country.house.sources.set_enabled(tx, "nobody", True)
    browser, portal = CarefulBrowser(country.issuer), country.portal("metadata")
    request = portal.ask()
    page = browser.step(browser.open_at(request.url, portal), portal, source="nobody")
    assert is_choice(page) and banner(page) == says("banner.source_down", source="Nguồn không có")
    assert refusals(country, portal) == [("S06", "nobody")]
    country.redeemed(portal, request, browser.answer(page, portal, citizen=citizen.personal_number))


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
def test_a_source_that_hides_its_metadata_for_an_hour_still_signs_people_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, endpoint: str
) -> None:
    """The last good copy is kept."""
    country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    country.fault("bank", fault="down", endpoint=endpoint)
    with time_machine.travel(time.time() + 3600, tick=True):
        later = CarefulBrowser(country.issuer)
        country.sign_in(later, portal, source="bank", citizen=citizen.personal_number)


def test_when_no_source_is_well_the_page_says_so_and_leads_back(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    for source in country.sources:
        for _ in range(3):
            country.house.sources.health.note(source, _unreachable())
    page = browser.open_at(portal.ask().url, portal)
    assert selectable(page) == []
    assert says("choose.none", portal=f"Cổng {portal.id}") in words(page)
    assert any(form.action.endswith("/cancel") for form in page.forms)


def _unreachable() -> Any:
    from connectors.base import Failure

    return Failure.UNREACHABLE
