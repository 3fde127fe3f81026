"""The back button, the double click and the second tab, as browsers really do them."""

from __future__ import annotations

import re
import time

import pytest
import time_machine
from playwright.sync_api import Page, expect

from connectors.sandbox.citizen import Citizen
from tests.browser.conftest import NewPerson
from tests.browser.person import Person, Place


def test_back_from_the_source_shows_the_choice_and_another_can_be_made(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    person.choose("bank")
    person.tab.go_back()
    person.is_at_choice()
    person.choose("population")
    person.prove()
    person.press("information.continue")
    person.is_in(place.ministry)


def test_back_from_the_choice_shows_the_portal(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    person.tab.go_back()
    expect(person.tab.locator("#sign-in")).to_be_visible()
    person.tab.go_forward()
    person.is_at_choice()


def test_back_from_the_information_page_never_asks_to_sign_in_twice(place: Place, person: Person) -> None:
    person.to_information(place.ministry)
    person.tab.go_back()  # to the source's page, whose form was used
    person.tab.go_back()  # to our choice: signed in by now, so it leads on
    person.is_at_information()
    person.press("information.continue")
    person.is_in(place.ministry)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_back_from_the_portal_ends_at_the_portal(place: Place, person: Person, steps: int) -> None:
    person.sign_in(place.ministry)
    for _ in range(steps):
        person.tab.go_back()
        person.tab.wait_for_url(lambda url: not url.startswith(place.country.issuer))
    person.tab.goto(place.ministry.at("/"))
    person.is_in(place.ministry)


def test_back_long_after_the_answer_shows_that_it_is_finished(place: Place, person: Person) -> None:
    person.to_information(place.ministry)
    address = person.tab.url
    person.press("information.continue")
    person.is_in(place.ministry)
    with time_machine.travel(time.time() + 61, tick=True):
        person.tab.goto(address)
        expect(person.heading).to_have_text(person.says("finished.title"))
        person.tab.get_by_role("link", name=re.compile(re.escape(place.ministry.name))).click()
        person.is_in(place.ministry)


def posts_of(tab: Page) -> list[str]:
    posts: list[str] = []
    tab.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return posts


def test_a_double_click_sends_a_form_once(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    posts = posts_of(person.tab)
    person.tile("population").dblclick()
    expect(person.tab).to_have_url(re.compile(r"/login\?"))
    assert len(posts) == 1
    person.prove()
    person.is_at_information()
    posts.clear()
    person.tab.get_by_role("button", name=person.says("information.continue"), exact=True).dblclick()
    person.is_in(place.ministry)
    assert len(posts) == 1


def test_a_double_click_without_script_arrives_as_well(place: Place, new_person: NewPerson, citizen: Citizen) -> None:
    person = new_person(citizen, java_script_enabled=False)
    person.to_choice(place.ministry)
    person.tile("population").dblclick()
    expect(person.tab).to_have_url(re.compile(r"/login\?"))
    person.prove()
    person.is_at_information()
    person.tab.get_by_role("button", name=person.says("information.continue"), exact=True).dblclick()
    person.is_in(place.ministry)


def test_two_tabs_at_once_each_come_home(place: Place, person: Person) -> None:
    other = person.in_new_tab()
    person.to_choice(place.ministry)
    other.to_choice(place.province)
    other.choose("population")
    person.choose("bank")
    person.prove()
    person.press("information.continue")
    person.is_in(place.ministry)
    other.prove()
    other.is_at_information("consent")
    other.agree()
    other.press("information.continue")
    other.is_in(place.province)
    person.tab.reload()
    person.is_in(place.ministry)


def test_a_sign_out_in_another_tab_leaves_the_sign_in_of_this_one_alone(place: Place, person: Person) -> None:
    person.sign_in(place.ministry)
    other = person.in_new_tab()
    other.tab.goto(place.province.at("/"))
    other.tab.locator("#sign-in").click()
    other.is_at_information("consent")
    person.sign_out(place.ministry)
    other.agree()
    other.press("information.continue")
    other.is_at_choice()
    other.choose("bank")
    other.prove()
    other.agree()
    other.press("information.continue")
    other.is_in(place.province)


def test_a_sign_in_left_too_long_comes_home_with_the_reason(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    with time_machine.travel(time.time() + 1801, tick=True):
        person.tile("bank").click()
        person.tab.wait_for_url(f"{place.ministry.base}/callback?error=access_denied&error_description=A21*")
        person.tab.locator("#try-again").click()
        person.is_at_choice()


def way_back(person: Person) -> str:
    """The address at which the source sends the person back to us; not yet gone to."""
    person.tab.route("**/callback/*", lambda route: route.abort())
    with person.tab.expect_request("**/callback/*") as sent:
        person.prove()
    person.tab.unroute("**/callback/*")
    return sent.value.url


def test_coming_back_from_a_source_too_late_comes_home_as_well(place: Place, person: Person) -> None:
    person.to_choice(place.ministry)
    person.choose("population")
    address = way_back(person)
    with time_machine.travel(time.time() + 1801, tick=True):
        person.tab.goto(address)
        person.tab.wait_for_url(f"{place.ministry.base}/callback?error=access_denied&error_description=A21*")
        expect(person.tab.locator("#try-again")).to_be_visible()


def test_the_way_back_from_a_source_opens_nothing_in_another_browser(
    place: Place, person: Person, new_person: NewPerson, another_citizen: Citizen
) -> None:
    """Login CSRF: whoever is sent another's address is not signed in as the other."""
    person.to_choice(place.ministry)
    person.choose("population")
    address = way_back(person)
    stranger = new_person(another_citizen)
    stranger.tab.goto(address)
    expect(stranger.heading).to_have_text(stranger.says("error.L02.title"))
    stranger.tab.goto(place.ministry.at("/"))
    expect(stranger.tab.locator("#sign-in")).to_be_visible()
    person.tab.goto(address)
    person.is_at_information()
