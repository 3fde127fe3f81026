"""Somebody signs in for the television in front of them, on their telephone, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.barriers import check_page
from tests.browser.conftest import NewPerson
from tests.browser.person import Person, Place
from tests.oidc.devices import TELEVISION, Device, begun
from tests.oidc.holder import refused
from tests.oidc.residents import fresh_name


@pytest.fixture
def device(place: Place) -> Device:
    return begun(place.country.portal(fresh_name("tivi"), **TELEVISION))


def through(person: Person) -> None:
    """From the question to the end, by way of a bank."""
    person.press("device.mine")
    person.is_at_choice()
    person.choose("bank")
    person.prove()
    person.is_at_information()
    person.press("information.continue")
    expect(person.heading).to_have_text(person.says("device.end_title_approved"))


def test_the_code_is_typed_and_the_device_gets_in(person: Person, device: Device) -> None:
    person.tab.goto(device.page)
    person.tab.get_by_label(person.says("device.code")).fill(device.code.lower())
    person.tab.keyboard.press("Enter")
    expect(person.heading).to_have_text(person.says("device.question_title"))
    through(person)
    told = device.ask().json()
    assert device.portal.userinfo(told["access_token"]).json()["name"] == person.citizen.full_name


def test_it_goes_without_script_and_with_a_link(new_person: NewPerson, citizen: object, device: Device) -> None:
    person = new_person(citizen, java_script_enabled=False)
    person.tab.goto(device.told["verification_uri_complete"])
    person.press("device.continue")
    through(person)
    assert device.ask().status_code == 200


def test_back_and_again_lead_to_the_end(person: Person, device: Device) -> None:
    person.tab.goto(device.told["verification_uri_complete"])
    person.press("device.continue")
    question = person.tab.url
    through(person)
    person.tab.goto(question)
    expect(person.heading).to_have_text(person.says("device.end_title_approved"))
    person.tab.go_back()
    expect(person.heading).to_have_text(person.says("device.end_title_approved"))


def test_a_double_click_says_no_once_and_for_all(person: Person, device: Device) -> None:
    person.tab.goto(device.told["verification_uri_complete"])
    person.press("device.continue")
    person.tab.get_by_role("button", name=person.says("device.not_mine")).dblclick(no_wait_after=True)
    expect(person.heading).to_have_text(person.says("device.end_title_declined"))
    refused(device.ask(), "access_denied", "V04")


def test_no_step_has_a_barrier(person: Person, device: Device) -> None:
    person.tab.goto(device.page)
    check_page(person.tab)
    person.tab.get_by_label(person.says("device.code")).fill("BBBB")
    person.press("device.continue")
    expect(person.tab.get_by_role("alert")).to_contain_text(person.says("problem.device_code"))
    check_page(person.tab)
    person.tab.get_by_label(person.says("device.code")).fill(device.code)
    person.press("device.continue")
    check_page(person.tab)
