"""The pages of the other ways in, and of acting for an organisation: by keyboard, narrow, without barriers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from connectors.sandbox.businesses import Business
from connectors.sandbox.cast import ONE_TIME_CODE, TO_TRY
from tests.browser.barriers import check_page, press_until
from tests.browser.conftest import NewPerson
from tests.browser.person import INFORMATION, Person, Place
from tests.journeys.firms import BRANCH, FIRM, REGISTER, business_register
from tests.journeys.offices import authority, insurance_gateway, tax_office
from tests.journeys.portals import demo_portals, worker
from tests.world import world

ACTING = re.compile(r"/sign-in/[0-9a-f]+/acting")
VISIT = re.compile(r"/sign-in/[0-9a-f]+/visit/")
DIRECTOR = TO_TRY[0]


@pytest.fixture(scope="module")
def wide_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("wide")
    with (
        world(folder) as country,
        business_register(country, folder),
        tax_office(country, folder, "tax", binding="post"),
        authority(country),
        insurance_gateway(country, folder),
        demo_portals(country, folder, consent_at="province") as portals,
        worker(country),
    ):
        yield Place(country, portals["ministry"], portals["province"], folder)


@pytest.fixture
def place(wide_place: Place) -> Iterator[Place]:
    yield wide_place
    wide_place.country.clear_faults()
    for operation in ("sign_in", "organisations"):
        for source in (*wide_place.country.sources, "insurance"):
            wide_place.country.house.sources.health.note(source, None, operation)


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    return new_person(DIRECTOR)


def to_question(person: Person) -> None:
    person.tab.goto(person.place.province.at("/sign-in?service=licence&again=1"))  # told again, whoever came before
    person.is_at_choice()
    person.choose("bank")
    person.prove()
    expect(person.tab).to_have_url(ACTING)
    expect(person.heading).to_have_text(person.says("acting.title"))


def act_for(person: Person, whom: Business | str) -> None:
    value = whom if isinstance(whom, str) else whom.tax_code
    person.tab.locator(f"button[name=act_for][value='{value}']").click()


def test_a_business_is_served_by_the_portal(person: Person) -> None:
    to_question(person)
    check_page(person.tab)
    act_for(person, FIRM)
    person.is_at_information("consent")
    expect(person.tab.locator(".acting b")).to_have_text(FIRM.name)
    check_page(person.tab)
    person.agree()
    person.press("information.continue")
    expect(person.tab.locator("#acting-for")).to_have_text(FIRM.name)
    expect(person.tab.locator("#org-tax-code")).to_have_text(FIRM.tax_code)
    check_page(person.tab)
    person.tab.locator("#act-for").click()
    expect(person.tab).to_have_url(ACTING)
    act_for(person, "myself")
    person.agree()
    person.press("information.continue")
    expect(person.tab.locator("#acting-for")).to_have_text("chính bạn")


def test_before_anything_is_sent_one_can_think_again(person: Person) -> None:
    to_question(person)
    act_for(person, BRANCH)
    person.is_at_information("consent")
    person.tab.get_by_role("link", name=person.says("information.acting_change")).click()
    expect(person.tab).to_have_url(ACTING)
    person.tab.go_back()
    person.is_at_information("consent")
    person.tab.go_back()
    expect(person.heading).to_have_text(person.says("acting.title"))


def test_one_says_for_whom_by_keyboard_alone(person: Person) -> None:
    to_question(person)
    press_until(person.tab, f"button[name=act_for][value='{FIRM.tax_code}']")
    person.tab.keyboard.press("Enter")
    expect(person.tab).to_have_url(INFORMATION)


def test_a_silent_register_leaves_a_page_that_anybody_can_use(person: Person) -> None:
    person.place.country.fault(REGISTER, fault="down")
    to_question(person)
    expect(person.tab.get_by_text(person.says("acting.incomplete"))).to_be_visible()
    check_page(person.tab)


def test_a_code_from_the_telephone_by_keyboard_alone(person: Person) -> None:
    tab = person.tab
    person.to_choice(person.place.ministry)
    press_until(tab, "button[name=source][value=insurance]")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(VISIT)
    check_page(tab)
    press_until(tab, "#field-number")
    tab.keyboard.type(DIRECTOR.personal_number)
    tab.keyboard.press("Enter")
    expect(tab.locator("#field-code")).to_be_visible()
    check_page(tab)
    for code in ("000000", ONE_TIME_CODE):
        press_until(tab, "#field-code")
        tab.keyboard.type(code)
        tab.keyboard.press("Enter")
        if code != ONE_TIME_CODE:
            expect(tab.get_by_role("alert")).to_be_visible()
            check_page(tab)
    expect(tab).to_have_url(INFORMATION)


def test_the_back_button_leads_on_to_where_the_visit_is(person: Person) -> None:
    tab = person.tab
    person.to_choice(person.place.ministry)
    tab.locator("button[name=source][value=insurance]").click()
    tab.locator("#field-number").fill(DIRECTOR.personal_number)
    person.press("ask.continue")
    expect(tab.locator("#field-code")).to_be_visible()
    tab.go_back()
    expect(tab.locator("#field-code")).to_be_visible()
    person.press("ask.cancel")
    person.is_at_choice()
    expect(tab.get_by_role("status")).to_contain_text("Bảo hiểm xã hội")


def test_a_form_carries_the_person_to_the_tax_office_and_back(person: Person) -> None:
    person.to_choice(person.place.ministry)
    person.tile("tax").click()
    expect(person.tab).to_have_url(re.compile(r"^http://tax\.localhost:"))
    person.tab.locator(f"button[name=citizen][value='{DIRECTOR.index}']").first.click()
    person.is_at_information()


def test_a_signature_carries_the_person_there_and_back(person: Person) -> None:
    person.to_choice(person.place.ministry)
    person.tile("signer").click()
    expect(person.tab).to_have_url(re.compile(r"^http://ca\.localhost:"))
    person.tab.locator(f"button[name=citizen][value='{DIRECTOR.index}']").first.click()
    person.is_at_information()


def test_signing_out_passes_by_the_source_and_ends_at_the_portal(person: Person) -> None:
    person.sign_in(person.place.ministry, source="bank")
    seen: list[str] = []
    person.tab.on("framenavigated", lambda frame: seen.append(frame.url))
    person.tab.on("request", lambda request: seen.append(request.url))
    person.sign_out(person.place.ministry)
    assert any(url.startswith(person.place.country.sources["bank"] + "/logout") for url in seen)
    assert person.tab.url.startswith(person.place.ministry.at("/signed-out"))
