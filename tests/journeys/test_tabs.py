"""Two tabs, two portals, a sign-out in between: no tab undoes what another does."""

from __future__ import annotations

from connectors.sandbox.citizen import Citizen
from tests.journeys.reading import CarefulBrowser, events, is_choice, login_of, path_of, session_of, twin_of, words
from tests.storage.places import at_once
from tests.world import Page, Portal, World, parameters_of


def test_two_tabs_with_two_portals_each_come_home(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    requests = (portal.ask(), another_portal.ask())
    portals = (portal, another_portal)
    tabs = [browser.to_source(request, one, "bank") for request, one in zip(requests, portals, strict=True)]
    for tab, request, one in zip(reversed(tabs), reversed(requests), reversed(portals), strict=True):
        page = browser.at_source(tab, one, citizen=citizen.personal_number)
        country.redeemed(one, request, browser.answer(page, one))


def test_a_tab_left_at_the_choice_goes_on_by_itself_once_the_other_has_signed_in(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    waiting = browser.open_at(request.url, portal)
    country.sign_in(browser, another_portal, citizen=citizen.personal_number)
    page = browser.open_at(waiting.url, portal)
    assert path_of(page).endswith("/information")
    country.redeemed(portal, request, browser.answer(page, portal))


def test_a_choice_made_in_a_tab_that_is_signed_in_meanwhile_needs_no_second_proof(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    waiting = browser.open_at(request.url, portal)
    country.sign_in(browser, another_portal, citizen=citizen.personal_number)
    page = browser.step(waiting, portal, source="bank")
    assert path_of(page).endswith("/information")


def test_two_tabs_that_come_back_at_one_moment_share_one_session(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    requests = (portal.ask(prompt="login"), another_portal.ask(prompt="login"))
    portals = (portal, another_portal)
    backs = [
        browser.callback_url(browser.to_source(request, one, "population"), citizen)
        for request, one in zip(requests, portals, strict=True)
    ]
    for back in backs:
        assert browser.get(back).status == 303
    session = session_of(country, browser)
    for one, request, back in zip(portals, requests, backs, strict=True):
        country.redeemed(one, request, browser.answer(browser.open_at(back, one), one))
    assert session_of(country, browser) == session


def sign_out(country: World, browser: CarefulBrowser, id_token: str) -> Page:
    return browser.get(f"{country.issuer}/logout?id_token_hint={id_token}")


def test_a_sign_out_in_another_tab_leaves_a_sign_in_under_way_alone(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    before = country.sign_in(browser, another_portal, citizen=citizen.personal_number)
    request = portal.ask(prompt="login")
    at_source = browser.to_source(request, portal, "bank")
    assert sign_out(country, browser, before.id_token).status == 200
    page = browser.at_source(at_source, portal, citizen=citizen.personal_number)
    after = country.redeemed(portal, request, browser.answer(page, portal))
    assert after.claims["sid"] != before.claims["sid"]


def test_a_sign_out_while_the_person_reads_what_will_be_sent_asks_to_sign_in_again(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    before = country.sign_in(browser, another_portal, citizen=citizen.personal_number)
    request = portal.ask()
    reading = browser.open_at(request.url, portal)
    sign_out(country, browser, before.id_token)
    page = browser.submit(reading, {"decision": "continue"})
    assert is_choice(page) and login_of(page) == login_of(reading)
    answer = browser.answer(page, portal, citizen=citizen.personal_number)
    country.redeemed(portal, request, answer)


def test_a_sign_out_between_the_answer_and_its_redemption_makes_the_code_worthless(
    country: World, browser: CarefulBrowser, portal: Portal, another_portal: Portal, citizen: Citizen
) -> None:
    before = country.sign_in(browser, another_portal, citizen=citizen.personal_number)
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    request = portal.ask()
    answer = parameters_of(browser.get(request.url).location)
    sign_out(country, browser, before.id_token)
    refused = portal.redeem(answer["code"], request.verifier)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.json()["error_description"].startswith("T08")


def test_ten_sign_ins_of_one_browser_at_one_moment_are_ten(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    twins = [twin_of(browser) for _ in range(10)]
    pages = at_once(10, lambda number: twins[number].open_at(portal.ask(prompt="login").url, portal))
    assert len({login_of(page) for page in pages}) == 10


def test_what_one_person_was_shown_is_not_let_go_by_the_next(
    country: World,
    browser: CarefulBrowser,
    portal: Portal,
    another_portal: Portal,
    citizen: Citizen,
    another_citizen: Citizen,
) -> None:
    """A page left open on a shared computer, and another person signed in beside it."""
    reading = browser.to_information(portal.ask(), portal, citizen)
    country.sign_in(browser, another_portal, citizen=another_citizen.personal_number, prompt="login")
    page = browser.submit(reading, {"decision": "continue"})
    assert another_citizen.full_name in words(page) and citizen.full_name not in words(page)
    assert events(country, "told", client_id=portal.id) == []
