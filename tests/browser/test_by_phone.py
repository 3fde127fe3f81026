"""Somebody signs in on computers with the phone on which they are signed in, all of them real browsers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.barriers import check_page
from tests.browser.conftest import NewPerson
from tests.browser.person import Person, Place
from tests.journeys.by_phone import seen
from tests.oidc.residents import move_in, seconds_later

AT_A_COMPUTER = {"viewport": {"width": 1280, "height": 900}}


def at_the_code(computer: Person, place: Place) -> str:
    """The address on the screen of a computer at which the phone was chosen."""
    computer.to_choice(place.ministry)
    computer.tab.get_by_role("button", name=computer.says("choose.phone")).click()
    expect(computer.heading).to_have_text(computer.says("phone.title"))
    return seen(computer.tab.content())


def test_the_code_turns_in_its_place_and_pages_go_on_by_themselves_with_script_and_without(
    new_person: NewPerson, place: Place, citizen: object
) -> None:
    phone, computer = new_person(citizen), new_person(citizen, **AT_A_COMPUTER)
    plain = new_person(citizen, java_script_enabled=False, **AT_A_COMPUTER)
    cookie = {"name": "session", "value": move_in(place.country).cookie, "url": place.country.issuer}
    phone.context.add_cookies([cookie])  # type: ignore[list-item]
    phone.tab.goto(at_the_code(plain, place))
    phone.press("phone.no")
    first = at_the_code(computer, place)
    loads: list[str] = []
    computer.tab.on("load", lambda tab: loads.append(tab.url))
    drawing = computer.tab.locator(".phone-code path").last
    with seconds_later(5):
        expect(drawing).not_to_have_attribute("d", drawing.get_attribute("d") or "")
        second = seen(computer.tab.content())
        assert first != second and first.partition(".0.")[0] == second.partition(".1.")[0]
        phone.tab.goto(second)
        expect(phone.heading).to_have_text(phone.says("phone.question_title"))
        expect(computer.tab.get_by_role("status")).to_have_text(computer.says("phone.now_look"))
        phone.press("phone.yes")
        field = computer.tab.get_by_label(computer.says("phone.number"), exact=True)
        expect(field).to_be_focused()
        check_page(computer.tab)
        assert loads == [], "nothing was loaded anew"
        field.fill(phone.tab.locator("#phone-number").inner_text())
        computer.tab.keyboard.press("Enter")
        computer.is_at_information()
    expect(plain.heading).to_have_text(plain.says("error.H02.title"))
