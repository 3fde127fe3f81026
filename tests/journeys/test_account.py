"""The account: by which ways one comes in, which portals know one; and one more way, if both are proved."""

from __future__ import annotations

from itertools import islice

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.population import DEFAULT_SEED, Population
from tests.journeys.reading import CarefulBrowser, code_on, says, words
from tests.sessions.rooms import later
from tests.world import CITIZENS, Page, Portal, World


def account(browser: CarefulBrowser) -> Page:
    return browser.follow(browser.get(f"{browser.issuer}/account"))


def at(browser: CarefulBrowser, page: Page, portal: Portal, source: str, citizen: Citizen) -> Page:
    """From a choice page through this source, wherever that leads."""
    return browser.at_source(browser.step(page, portal, source=source), portal, citizen=citizen.personal_number)


def sign_in(browser: CarefulBrowser, portal: Portal, source: str, citizen: Citizen) -> Page:
    choice = browser.follow(browser.get(f"{browser.issuer}/account/sign-in"))
    return at(browser, choice, portal, source, citizen)


def add(browser: CarefulBrowser, portal: Portal, source: str, citizen: Citizen) -> Page:
    choice = browser.follow(browser.submit(account(browser), {}, follow=False))
    return at(browser, choice, portal, source, citizen)


def unproofed(number: int) -> Citizen:
    """Somebody whom nobody has seen when their accounts were made."""
    people = Population(DEFAULT_SEED, CITIZENS)
    well = (each for each in people if each.in_register and not (each.deceased or each.locked))
    return next(islice((each for each in well if each.account_level == 1 and each.index >= len(CAST)), number, None))


def sub_at(country: World, portal: Portal, source: str, citizen: Citizen) -> str:
    tokens = country.sign_in(CarefulBrowser(country.issuer), portal, source=source, citizen=citizen.personal_number)
    return str(tokens.claims["sub"])


def test_whoever_is_not_signed_in_is_shown_the_way(country: World, browser: CarefulBrowser) -> None:
    page = account(browser)
    assert page.status == 200
    assert says("account.stranger") in words(page)


def test_whoever_signs_in_sees_by_which_way_and_who_knows_them(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    page = account(browser)
    assert citizen.full_name in words(page)
    client = country.house.clients.find(portal.id)
    assert client is not None
    assert client.name_vi in words(page)
    assert citizen.personal_number not in page.html


def test_one_can_sign_in_at_the_account_itself(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    page = sign_in(browser, portal, "population", citizen)
    assert page.url.endswith("/account")
    assert citizen.full_name in words(page)
    assert says("account.no_portals") in words(page)


def test_a_way_that_is_added_leads_to_the_same_person(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    """By themselves the rules would have made somebody new of an account that nobody has proofed."""
    citizen = unproofed(1)
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    sub = str(tokens.claims["sub"])
    page = add(browser, portal, "population", citizen)
    assert page.url.endswith("/account")
    person = country.house.people.by_sub(country.house.clients.find(portal.id).sector, sub)  # type: ignore[union-attr]
    assert person is not None
    assert {(link.source_id, link.rule) for link in country.house.joining.links_of(person)} == {
        ("bank", "number-unknown"), ("population", "proved-both"),
    }  # fmt: skip
    assert sub_at(country, portal, "population", citizen) == sub


def test_the_session_stays_what_it_was(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The weaker way that was added takes nothing from the stronger one by which they are signed in."""
    acr = country.sign_in(browser, portal, citizen=citizen.personal_number).claims["acr"]
    cookie = browser.session_cookie()
    add(browser, portal, "bank", citizen)
    assert browser.session_cookie() == cookie
    assert country.sign_in(browser, portal).claims["acr"] == acr


def test_nobody_adds_what_is_somebody_elses(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    theirs = sub_at(country, portal, "bank", another_citizen)
    mine = sub_at(country, portal, "population", citizen)
    sign_in(browser, portal, "population", citizen)
    page = add(browser, portal, "bank", another_citizen)
    assert (page.status, code_on(page)) == (403, None)
    assert another_citizen.full_name not in words(page)
    assert [case.rule for case in country.house.cases.listed("open")][-1] == "subject-is-anothers"
    assert (sub_at(country, portal, "bank", another_citizen), sub_at(country, portal, "population", citizen)) == (
        theirs, mine,
    )  # fmt: skip


def test_a_number_of_somebody_else_is_not_added_either(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    sub_at(country, portal, "population", CAST[Part.ORDINARY_FOURTH])
    sign_in(browser, portal, "population", citizen)
    page = add(browser, portal, "bank", CAST[Part.ORDINARY_FOURTH])
    assert page.status == 403
    assert len(country.house.joining.links_of(country.house.cases.listed("open")[-1].alike[0])) >= 1


def test_whoever_proved_themselves_long_ago_does_so_again_first(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    citizen, name = unproofed(2), country.house.sources.find("population").name_vi  # type: ignore[union-attr]
    sign_in(browser, portal, "bank", citizen)
    page = account(browser)
    with later(700):
        again = browser.follow(browser.submit(page, {}, follow=False))
        assert says("banner.sign_in_again", portal=says("account.name")) in words(again)
        page = at(browser, again, portal, "bank", citizen)
        assert name not in words(page)
        choice = browser.follow(browser.submit(page, {}, follow=False))
        page = at(browser, choice, portal, "population", citizen)
        assert name in words(page)


def test_a_form_of_somebody_elses_page_adds_nothing(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen,
    another_citizen: Citizen,
) -> None:  # fmt: skip
    sign_in(browser, portal, "population", citizen)
    sign_in(another_browser, portal, "population", another_citizen)
    token = account(another_browser).forms[0].fields["form_token"]
    page = browser.request("POST", f"{browser.issuer}/account/sources", data={"form_token": token})
    assert code_on(page) == "L07"


def test_whoever_signed_out_meanwhile_adds_nothing(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    citizen = unproofed(3)
    sign_in(browser, portal, "population", citizen)
    choice = browser.follow(browser.submit(account(browser), {}, follow=False))
    at_bank = browser.step(choice, portal, source="bank")
    session = country.house.sessions.by_cookie(browser.session_cookie())
    assert session is not None
    with country.house.database.write() as tx:
        country.house.sessions.end(tx, session, "signed out elsewhere")
    page = browser.at_source(at_bank, portal, citizen=citizen.personal_number)
    assert code_on(page) == "L01"


def test_a_stronger_way_is_not_added_to_a_weaker_one(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    """Whoever holds only the weaker one would come to be whoever has the stronger."""
    citizen = unproofed(5)
    sign_in(browser, portal, "population", citizen)
    page = add(browser, portal, "bank", citizen)
    assert code_on(page) == "P07"
    assert says("error.P07.title") in words(page)


def test_what_was_given_up_is_not_added(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    citizen = unproofed(4)
    sign_in(browser, portal, "population", citizen)
    choice = browser.follow(browser.submit(account(browser), {}, follow=False))
    at_bank = browser.step(choice, portal, source="bank")
    browser.follow(browser.submit(choice, {"decision": "cancel"}, form=len(choice.forms) - 1, follow=False))
    page = browser.at_source(at_bank, portal, citizen=citizen.personal_number)
    assert country.house.sources.find("bank").name_vi not in words(account(browser))  # type: ignore[union-attr]
    assert page.url != choice.url


def test_a_sign_in_for_the_account_is_for_no_device(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    choice = browser.follow(browser.get(f"{browser.issuer}/account/sign-in"))
    login = choice.url.rsplit("/", 1)[1]
    assert code_on(browser.get(f"{browser.issuer}/device/{login}")) == "L01"
    assert browser.get(f"{browser.issuer}/device/{login}/end").status in (200, 303)
