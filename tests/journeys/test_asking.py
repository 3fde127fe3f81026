"""A form of ours in the middle of a visit: whatever somebody does with it, it ends somewhere that makes sense."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.cast import ONE_TIME_CODE, TO_TRY
from tests.journeys.offices import insurance_gateway
from tests.journeys.reading import CarefulBrowser, banner, code_on, is_choice, path_of, refusals, says, twin_of, words
from tests.journeys.visits import chosen, typed
from tests.oidc.residents import seconds_later
from tests.world import Page, Portal, World, world

ORDINARY = TO_TRY[0]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("asking")
    with world(folder) as country, insurance_gateway(country, folder):
        yield country


def asked(browser: CarefulBrowser, portal: Portal) -> Page:
    """The first form of a visit."""
    page = browser.follow(chosen(browser, portal, "insurance"))
    assert "/visit/" in page.url and says("ask.title") in words(page)
    return page


def test_a_second_click_or_a_lost_response_shows_the_same_next_form(browser: CarefulBrowser, portal: Portal) -> None:
    page, twin = asked(browser, portal), twin_of(browser)
    first = typed(browser, page, portal, number=ORDINARY.personal_number)
    second = typed(twin, page, portal, number=ORDINARY.personal_number)
    assert first.url == second.url and says("field.one_time_code") in words(first)
    done = typed(browser, first, portal, code=ONE_TIME_CODE)
    again = typed(twin, second, portal, code=ONE_TIME_CODE)
    assert path_of(done) == path_of(again) and path_of(done).endswith("/information")


def test_an_old_form_leads_to_where_the_visit_is_now(browser: CarefulBrowser, portal: Portal) -> None:
    page = asked(browser, portal)
    now = typed(browser, page, portal, number=ORDINARY.personal_number)
    assert browser.follow(browser.get(page.url)).url == now.url
    typed(browser, now, portal, decision="cancel")
    for old in (page, now):
        back = browser.follow(browser.get(old.url))
        assert is_choice(back) and banner(back) == says("banner.cancelled", source="Bảo hiểm xã hội")


def test_two_tabs_are_two_visits(browser: CarefulBrowser, portal: Portal) -> None:
    choice = browser.open_at(portal.ask().url, portal)
    first, second = (browser.follow(browser.submit(choice, {"source": "insurance"}, follow=False)) for _ in range(2))
    assert first.url != second.url
    typed(browser, second, portal, decision="cancel")
    page = typed(browser, first, portal, number=ORDINARY.personal_number)
    page = typed(browser, page, portal, code=ONE_TIME_CODE)
    assert path_of(page).endswith("/information")
    assert path_of(browser.follow(browser.get(second.url))).endswith("/information"), "signed in meanwhile"


def test_after_the_time_for_signing_in_the_portal_is_told(browser: CarefulBrowser, portal: Portal) -> None:
    page = asked(browser, portal)
    with seconds_later(1900):
        late = typed(browser, page, portal, number=ORDINARY.personal_number)
    assert late.onward is not None and "error=access_denied" in late.onward


def test_an_answer_from_outside_does_not_pass_for_what_somebody_types(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    page = asked(browser, portal)
    handle = path_of(page).rpartition("/")[2]
    query = f"state={handle}&number={ORDINARY.personal_number}"
    assert browser.follow(browser.get(f"{country.issuer}/callback/insurance?{query}")).url == page.url
    assert code_on(browser.get(f"{country.issuer}/callback/bank?{query}")) == "L05"


def test_a_form_that_is_not_this_browsers_own_is_not_taken(browser: CarefulBrowser, portal: Portal) -> None:
    page = asked(browser, portal)
    assert code_on(typed(browser, page, portal, number=ORDINARY.personal_number, form_token="wrong")) == "L07"
    assert says("problem.empty") in words(typed(browser, page, portal)), "it still waits"


def test_nobody_goes_on_typing_for_ever(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = asked(browser, portal)
    for _ in range(40):
        page = typed(browser, page, portal, number="")
        if page.status != 422:
            break
    assert (page.status, code_on(page)) == (429, "G06")
    assert ("G06", "insurance") in refusals(country, portal)
