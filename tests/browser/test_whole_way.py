"""The whole journey as people walk it: real cookies, real redirects across sites, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from connectors.sandbox.citizen import Citizen
from tests.browser.conftest import NewPerson
from tests.browser.person import Person, Place
from tests.servers import eventually

WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.mark.parametrize("source, script", [("bank", True), ("population", False)])
def test_two_portals_one_sign_in_and_one_sign_out(
    place: Place, new_person: NewPerson, citizen: Citizen, source: str, script: bool
) -> None:
    person = new_person(citizen, java_script_enabled=script)
    person.sign_in(place.ministry, source)
    asked: list[str] = []
    person.tab.on("request", lambda request: asked.append(request.url))
    person.tab.goto(place.province.at("/"))
    person.tab.locator("#sign-in").click()
    person.is_at_information("consent")
    person.agree()
    person.press("information.continue")
    person.is_in(place.province)
    assert not [url for url in asked if url.startswith(tuple(place.country.sources.values()))]
    person.sign_out(place.ministry)
    person.is_out_of(place.ministry)
    eventually(lambda: person.tab.goto(place.province.at("/")) and person.tab.locator("#sign-in").is_visible())


def test_a_service_that_owes_more_is_reached_by_a_stronger_source(place: Place, person: Person) -> None:
    person.sign_in(place.ministry, "bank")
    person.tab.goto(place.province.at("/services/land"))
    person.is_at_choice()
    expect(person.tile("bank")).to_have_count(0)
    expect(person.tab.get_by_text(person.says("reason.level"))).to_be_visible()
    person.choose("population")
    person.prove()
    person.agree()
    person.press("information.continue")
    expect(person.tab.locator("#service")).to_be_visible()
    expect(person.tab.locator("#acr")).to_have_text("LoA3")
    person.tab.goto(place.ministry.at("/"))
    person.is_in(place.ministry)


@WITH_AND_WITHOUT_SCRIPT
def test_cancelling_at_the_source_leads_back_to_the_choice(
    place: Place, new_person: NewPerson, citizen: Citizen, script: bool
) -> None:
    person = new_person(citizen, java_script_enabled=script)
    person.to_choice(place.ministry)
    person.choose("bank")
    person.tab.locator("#cancel button").click()
    person.is_at_choice()
    expect(person.tab.get_by_role("status")).to_have_text(person.says("banner.cancelled", source="Nguồn bank"))
    person.choose("population")
    person.prove()
    person.press("information.continue")
    person.is_in(place.ministry)


@pytest.mark.parametrize("where, script", [("choice", True), ("choice", False), ("information", True)])
def test_cancelling_with_us_leads_back_to_the_portal(
    place: Place, new_person: NewPerson, citizen: Citizen, where: str, script: bool
) -> None:
    person = new_person(citizen, java_script_enabled=script)
    if where == "choice":
        person.to_choice(place.ministry)
        person.press("choose.back", portal=place.ministry.name)
    else:
        person.to_information(place.ministry)
        person.press("information.cancel")
    expect(person.tab.locator("#error")).to_have_text("access_denied")
    assert person.tab.url.startswith(place.ministry.base)
    person.tab.locator("#try-again").click()
    expect(person.tab).to_have_url(re.compile(rf"^{re.escape(place.country.issuer)}/sign-in/"))


def test_a_source_that_does_not_answer_is_told_and_another_works(place: Place, person: Person) -> None:
    place.country.fault("bank", fault="down", endpoint="par")
    person.to_choice(place.ministry)
    person.tile("bank").click()
    expect(person.tab.get_by_role("status")).to_have_text(person.says("banner.source_down", source="Nguồn bank"))
    person.choose("population")
    person.prove()
    person.press("information.continue")
    person.is_in(place.ministry)


def test_what_a_source_says_wrongly_is_told_with_a_way_on(place: Place, person: Person) -> None:
    place.country.fault("population", fault="wrong_nonce", times=1)
    person.to_choice(place.ministry)
    person.choose("population")
    person.prove()
    expect(person.heading).to_have_text(person.says("error.S14.title"))
    person.tab.get_by_role("link", name=person.says("failure.retry")).click()
    person.is_at_choice()


def test_this_is_not_me_asks_who_it_is(place: Place, person: Person, another_citizen: Citizen) -> None:
    person.to_information(place.ministry)
    person.press("information.switch")
    person.is_at_choice()
    expect(person.tab.get_by_role("status")).to_have_text(person.says("banner.switched"))
    person.citizen = another_citizen
    person.choose("bank")
    person.prove()
    person.press("information.continue")
    person.is_in(place.ministry)


def test_the_missing_tick_is_told_where_it_is_missing(place: Place, person: Person) -> None:
    person.to_information(place.province)
    person.press("information.continue")
    expect(person.tab.get_by_role("alert")).to_contain_text(person.says("information.consent_missing"))
    person.agree()
    person.press("information.continue")
    person.is_in(place.province)


def test_the_language_is_switched_once_and_stays(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    person.tab.get_by_role("link", name="English").click()
    person.language = "en"
    person.is_at_choice()
    person.choose("population")
    person.prove()
    person.is_at_information()
    person.tab.get_by_role("link", name="Tiếng Việt").click()
    person.language = "vi"
    expect(person.heading).to_have_text(person.says("information.title_told"))
    person.press("information.continue")
    person.is_in(place.ministry)


def test_the_portals_language_is_spoken_to_whoever_chose_none(
    place: Place, new_person: NewPerson, citizen: Citizen
) -> None:
    person = new_person(citizen, locale="fr-FR")
    person.tab.goto(place.ministry.at("/?lang=en"))
    person.tab.locator("#sign-in").click()
    expect(person.heading).to_have_text("Choose how to sign in")
