"""By keyboard alone, at 400 %, and to every eye and ear: each of our pages as the journey reaches it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from connectors.sandbox.citizen import Citizen
from tests.browser.barriers import NARROW, check_page, press_until
from tests.browser.conftest import NewPerson, watch
from tests.browser.person import Person, Place
from tests.journeys.reading import CarefulBrowser
from tests.world import Portal


def test_no_page_of_the_journey_has_a_barrier(place: Place, person: Person) -> None:
    person.to_choice(place.province)
    check_page(person.tab)
    person.choose("bank")
    person.tab.locator("#cancel button").click()
    person.is_at_choice()
    check_page(person.tab)
    place.country.fault("population", fault="wrong_audience", times=1)
    person.choose("population")
    person.prove()
    expect(person.heading).to_have_text(person.says("error.S13.title"))
    check_page(person.tab)
    person.tab.get_by_role("link", name=person.says("failure.retry")).click()
    person.choose("population")
    person.prove()
    person.is_at_information("consent")
    check_page(person.tab)
    person.press("information.continue")
    expect(person.tab.get_by_role("alert")).to_be_visible()
    check_page(person.tab)


def test_no_page_of_signing_out_has_a_barrier(place: Place, person: Person) -> None:
    person.sign_in(place.ministry)
    person.tab.goto(f"{place.country.issuer}/logout")
    expect(person.heading).to_have_text(person.says("sign_out.title"))
    check_page(person.tab)
    person.press("sign_out.yes")
    expect(person.heading).to_have_text(person.says("signed_out.title"))
    check_page(person.tab)


@pytest.mark.parametrize("level", ["LoA1", "LoA3"])
def test_the_choice_fits_on_a_narrow_screen_whatever_is_owed(
    place: Place, new_person: NewPerson, citizen: Citizen, level: str
) -> None:
    person = new_person(citizen, viewport={"width": NARROW, "height": 640})
    person.tab.goto(place.province.at("/services/land" if level == "LoA3" else "/services/birth"))
    person.is_at_choice()
    check_page(person.tab)


def test_from_the_portal_to_the_portal_by_keyboard_alone(place: Place, person: Person) -> None:
    tab = person.tab
    tab.goto(place.province.at("/"))
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("#sign-in", person.is_at_choice),
        ("button[name=source][value=population]", lambda: expect(tab).to_have_url(re.compile(r"/login\?"))),
    )
    for selector, arrived in steps:
        press_until(tab, selector)
        tab.keyboard.press("Enter")
        arrived()
    for selector, typed in (("#number", person.citizen.personal_number), ("#password", "thu-nghiem")):
        press_until(tab, selector)
        tab.keyboard.type(typed)
    tab.keyboard.press("Enter")
    person.is_at_information("consent")
    press_until(tab, "#consent")
    tab.keyboard.press("Space")
    press_until(tab, "button[value=continue]")
    tab.keyboard.press("Enter")
    person.is_in(place.province)


@pytest.mark.parametrize("decision", ["sign_out", "stay"])
def test_a_sign_out_that_nobody_vouched_for_is_asked_about_first(place: Place, person: Person, decision: str) -> None:
    """Any page on the web can send a browser there; the id_token here is of another browser's session."""
    ministry = place.ministry
    secret = (place.folder / "ministry.secret").read_text("utf-8")
    played = Portal(place.country, "ministry", secret, ministry.at("/callback"), ministry.at("/signed-out"))
    elsewhere = place.country.sign_in(
        CarefulBrowser(place.country.issuer), played, citizen=person.citizen.personal_number
    )
    person.to_choice(ministry)
    person.choose("bank")
    person.prove()
    person.press("information.continue")
    person.is_in(ministry)
    person.tab.goto(
        f"{place.country.issuer}/logout?id_token_hint={elsewhere.id_token}&post_logout_redirect_uri={ministry.at('/signed-out')}"
    )
    expect(person.heading).to_have_text(person.says("sign_out.title"))
    if decision == "sign_out":
        person.press("sign_out.yes")
        expect(person.tab).to_have_url(re.compile(re.escape(ministry.at("/signed-out"))))
    else:
        person.press("sign_out.no")
        person.tab.goto(ministry.at("/"))
        person.is_in(ministry)


@pytest.mark.parametrize(
    "against",
    [
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
        "document.body.setAttribute('style', 'color: red')",
        "document.body.append(Object.assign(new Image(), {src: 'http://elsewhere.localhost:9/'}))",
    ],
)
def test_what_breaks_a_policy_is_noticed(chromium: Browser, place: Place, against: str) -> None:
    """The watch over every journey here, itself watched."""
    context, complaints = chromium.new_context(), []  # type: ignore[var-annotated]
    watch(context, complaints)
    page = context.new_page()
    page.goto(place.country.issuer)
    assert complaints == []
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(against)
    assert len(complaints) == 1
    context.close()
