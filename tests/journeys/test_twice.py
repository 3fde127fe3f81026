"""Two clicks, a lost response, the back button: whoever does a thing twice arrives where they would have once."""

from __future__ import annotations

import time

import pytest
import time_machine

from connectors.sandbox.citizen import Citizen
from tests.journeys.reading import CarefulBrowser, events, is_choice, login_of, path_of, says, twin_of, ways_on, words
from tests.storage.places import at_once
from tests.world import Page, Portal, World, parameters_of

pytestmark = pytest.mark.both_engines


@pytest.mark.parametrize("source", ["bank", "population"])
def test_two_clicks_at_one_moment_on_the_way_back_from_a_source_both_end_signed_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, source), citizen)
    browsers = [twin_of(browser) for _ in range(3)]
    pages = at_once(3, lambda number: browsers[number].open(back))
    assert [path_of(page) for page in pages] == [f"/sign-in/{login_of(pages[0])}/information"] * 3
    assert len({one.session_cookie() for one in browsers}) == 1, "one session, whichever response the browser kept"
    assert len([event for event in events(country, "signed_in") if event["details"]["portal"] == portal.id]) == 1
    answers = [one.answer(page, portal) for one, page in zip(browsers, pages, strict=True)]
    assert len({answer["code"] for answer in answers}) == 1
    country.redeemed(portal, request, answers[0])


def test_whoever_lost_the_response_after_coming_back_clicks_again_and_is_signed_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, "bank"), citizen)
    twin_of(browser).get(back)  # whose Set-Cookie never arrived
    assert browser.session_cookie() is None
    page = browser.open(back)
    assert path_of(page).endswith("/information")
    country.redeemed(portal, request, browser.answer(page, portal))


def test_a_second_click_minutes_later_signs_nobody_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The next at a shared computer, with the address from the history and the browser closed in between."""
    back = browser.callback_url(browser.to_source(portal.ask(), portal, "bank"), citizen)
    browser.get(back)
    browser.cookies.clear(domain="idp.localhost", path="/", name="session")
    with time_machine.travel(time.time() + 180, tick=True):
        page = browser.open(back)
    assert is_choice(page) and browser.session_cookie() is None


def test_a_second_click_does_not_bring_an_old_session_back(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    back = browser.callback_url(browser.to_source(portal.ask(), portal, "bank"), citizen)
    browser.get(back)
    tokens = country.sign_in(browser, another_portal, citizen=citizen.personal_number, prompt="login")
    renewed = browser.session_cookie()
    browser.get(back)
    assert browser.session_cookie() == renewed
    browser.get(f"{country.issuer}/logout?id_token_hint={tokens.id_token}")
    browser.get(back)
    assert browser.session_cookie() is None


def test_two_clicks_on_go_on_give_one_and_the_same_answer(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    page = browser.to_information(request, portal, citizen)
    twins = [twin_of(browser) for _ in range(3)]

    def go_on(number: int) -> Page:
        sent = twins[number].submit(page, {"decision": "continue"}, follow=False)
        return twins[number].follow(sent, until=portal.redirect_uri)

    pages = at_once(3, go_on)
    assert len({page.onward for page in pages}) == 1
    country.redeemed(portal, request, parameters_of(str(pages[0].onward)))
    assert len(events(country, "granted", client_id=portal.id)) == 1


def test_two_clicks_on_a_source_lead_to_two_visits_of_which_either_leads_on(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    choice = browser.open_at(request.url, portal)
    visits = [browser.submit(choice, {"source": "population"}) for _ in range(2)]
    backs = [browser.callback_url(visit, citizen) for visit in visits]
    page = browser.open(backs[1])
    assert path_of(page).endswith("/information")
    page = browser.open(backs[0])
    assert path_of(page).endswith("/information")
    country.redeemed(portal, request, browser.answer(page, portal))


def test_two_first_sign_ins_of_one_person_at_one_moment_make_one_person(
    country: World, portal: Portal, citizen: Citizen
) -> None:
    browsers = [CarefulBrowser(country.issuer) for _ in range(2)]
    backs = [
        browser.callback_url(browser.to_source(portal.ask(), portal, source), citizen)
        for browser, source in zip(browsers, ("bank", "population"), strict=True)
    ]
    at_once(2, lambda number: browsers[number].open(backs[number]))
    subs = {country.sign_in(browser, portal).claims["sub"] for browser in browsers}
    assert len(subs) == 1


def answered(browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> tuple[str, str]:
    """The id of a sign-in that has been answered, and the answer's address."""
    page = browser.to_information(portal.ask(), portal, citizen)
    answer = browser.follow(browser.submit(page, {"decision": "continue"}, follow=False), until=portal.redirect_uri)
    return login_of(page), str(answer.onward)


PAGES_BEHIND = ("/sign-in/{login}", "/sign-in/{login}/information", "/authorize/continue/{login}")


@pytest.mark.parametrize("behind", PAGES_BEHIND)
def test_the_back_button_after_the_answer_leads_forward_again_while_the_code_lives(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, behind: str
) -> None:
    login, url = answered(browser, portal, citizen)
    page = browser.follow(browser.get(country.issuer + behind.format(login=login)), until=portal.redirect_uri)
    assert page.onward == url


@pytest.mark.parametrize("behind", PAGES_BEHIND)
def test_the_back_button_later_shows_that_it_is_finished_and_the_way_to_the_portal(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, behind: str
) -> None:
    login, _ = answered(browser, portal, citizen)
    with time_machine.travel(time.time() + 61, tick=True):
        page = browser.open(country.issuer + behind.format(login=login))
    assert page.status == 200 and says("finished.title") in words(page)
    assert ways_on(page) == [f"http://{portal.id}.localhost:9/"]


def test_a_button_on_a_page_from_the_past_does_nothing_new(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The page as the browser kept it, an hour after it was answered."""
    page = browser.to_information(portal.ask(), portal, citizen)
    browser.follow(browser.submit(page, {"decision": "continue"}, follow=False), until=portal.redirect_uri)
    told = len(events(country, "told", client_id=portal.id))
    with time_machine.travel(time.time() + 3600, tick=True):
        for decision in ("continue", "cancel"):
            assert says("finished.title") in words(browser.submit(page, {"decision": decision}))
    assert len(events(country, "told", client_id=portal.id)) == told
