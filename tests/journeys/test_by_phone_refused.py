"""Signing in with a phone where it must not do: what was copied, came twice, too late, too weak, or from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import time_machine

from idp import clock, entropy
from idp.broker.steps import Need, may_come_by_phone
from tests.journeys.by_phone import (
    Screen,
    agreed,
    begun,
    error_of,
    offers_phone,
    others,
    phone_of,
    press_phone,
    tokens_of,
)
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, code_on, events, is_choice, path_of, refusals, says, twin_of, words
from tests.oidc.residents import Resident, carry, move_in, seconds_later
from tests.peers.visitor import LoopbackAdapter, Page
from tests.world import Portal, World, world

LOA3 = json.dumps({"id_token": {"acr": {"essential": True, "value": "LoA3"}}})


@pytest.fixture
def resident(country: World, portal: Portal) -> Resident:
    return move_in(country, portal)


@pytest.fixture
def phone(resident: Resident) -> CarefulBrowser:
    return phone_of(resident)


@pytest.fixture
def screen(country: World, portal: Portal) -> Screen:
    return begun(country, portal)


class Elsewhere(LoopbackAdapter):
    """Comes from another address than everybody else here."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=("127.0.0.2", 0), **options)


def elsewhere(phone: CarefulBrowser) -> CarefulBrowser:
    phone._session.mount("http://", Elsewhere())
    return phone


def assert_of_no_use(page: Page) -> None:
    assert (page.status, code_on(page)) == (400, "H01") and "Cổng" not in words(page)


@pytest.mark.time_is_moved
def test_a_picture_of_the_screen_that_is_passed_on_is_of_no_use_ten_seconds_later(
    country: World, portal: Portal, phone: CarefulBrowser
) -> None:
    with time_machine.travel(clock.seconds(), tick=False) as now:
        screen = begun(country, portal)
        code = screen.code()
        now.shift(10)
        assert_of_no_use(phone.open(code))
        later = screen.code()
        now.shift(9)
        assert path_of(phone.open(later)).endswith("/question")


def test_a_code_is_scanned_by_one_phone_and_what_it_showed_is_of_no_use_to_another(
    country: World, portal: Portal, phone: CarefulBrowser, screen: Screen
) -> None:
    code, stranger = screen.code(), phone_of(move_in(country, portal))
    question = phone.open(code)
    assert phone.open(code).url == question.url, "the same phone, twice"
    for address in (code, question.url):
        assert_of_no_use(stranger.open(address))
        assert_of_no_use(CarefulBrowser(country.issuer).open(question.url))
    stolen = stranger.submit(question, {"decision": "yes"})
    assert_of_no_use(stolen)
    assert says("phone.now_look") in words(screen.look()), "nobody has answered"


def test_a_code_that_we_never_showed_is_of_no_use(country: World, phone: CarefulBrowser, screen: Screen) -> None:
    handle, step, mac = screen.code().rpartition("/")[2].split(".")
    for code in (
        f"{handle}.{int(step) + 1}.{mac}", f"{handle}.{step}.{mac[:-1]}", f"{handle}.{step}.", f"{handle}.{step}",
        f"{handle}.-1.{mac}", f"{handle}.x.{mac}", f"{handle}.{'9' * 4000}.{mac}", f".{step}.{mac}", handle,
        f"{handle}.².{mac}", "x" * 3000,
    ):  # fmt: skip
        assert_of_no_use(phone.open(f"{country.issuer}/phone/{code}"))
    assert says("phone.now_look") not in words(screen.look())


def test_three_wrong_numbers_end_it(portal: Portal, country: World, phone: CarefulBrowser, screen: Screen) -> None:
    number = agreed(phone, screen.code())
    one, another, third, _ = others(number)
    for wrong in (one, another):
        page = screen.type(wrong)
        assert page.status == 422 and says("problem.phone_number") in words(page)
    assert code_on(screen.browser.submit(page, {"number": third})) == "H03"
    assert code_on(screen.browser.submit(page, {"number": number})) == "H03"
    assert screen.browser.session_cookie() is None
    assert ("H03", None) in refusals(country, portal)
    assert says("phone.end_title_gone") in words(phone.open(f"{country.issuer}/phone/{handle_of(screen)}/question"))


def handle_of(screen: Screen) -> str:
    return path_of(screen.page).rpartition("/")[2]


def test_two_wrong_numbers_and_a_right_one_let_in(country: World, phone: CarefulBrowser, screen: Screen) -> None:
    number = agreed(phone, screen.code())
    for wrong in others(number)[:2]:
        page = screen.type(wrong)
    page = screen.browser.follow(
        screen.browser.submit(page, {"number": f" {number} "}, follow=False), until=screen.portal.redirect_uri
    )
    tokens_of(country, screen, page)


def test_whoever_asked_at_the_same_moment_as_others_is_not_looked_at_a_fourth_time_nor_let_in_a_second(
    country: World, resident: Resident, phone: CarefulBrowser, screen: Screen
) -> None:
    number, form = agreed(phone, screen.code()), screen.look()
    first, second = twin_of(screen.browser), twin_of(screen.browser)
    first.submit(form, {"number": number}, follow=False)
    mark = entropy.fingerprint(handle_of(screen)).hex()
    assert country.house.short_lived.take(f"walked:{mark}"), "as it is for whoever looked a moment before"
    second.submit(form, {"number": number}, follow=False)
    assert second.session_cookie() == first.session_cookie() is not None
    assert len(events(country, "signed_in_by_phone", person_id=resident.person_id.hex())) == 1
    another = begun(country, screen.portal)
    number = agreed(phone, another.code())
    for _ in range(3):
        country.house.short_lived.count(f"phone-tries:{handle_of(another)}", 120)
    assert code_on(another.type(number)) == "H03"


def test_no_number_is_right_before_the_phone_has_answered(phone: CarefulBrowser, screen: Screen) -> None:
    form = screen.browser.get(screen.page.url)
    fields = {"form_token": screen.browser.get(screen.page.url.rpartition("/phone/")[0]).forms[0].fields["form_token"]}
    phone.open(screen.code())
    for number in ("", "00", "None"):
        page = screen.browser.request("POST", form.url, data=fields | {"number": number})
        assert page.status == 200 and says("phone.now_look") in words(page)
    assert screen.browser.session_cookie() is None


def test_a_no_on_the_phone_ends_the_wait_and_the_person_may_begin_again(
    country: World, portal: Portal, resident: Resident, phone: CarefulBrowser, screen: Screen
) -> None:
    question = phone.open(screen.code())
    end = phone.submit(question, {"decision": "no"})
    assert says("phone.end_title_declined") in words(end)
    assert says("phone.end_title_declined") in words(phone.submit(question, {"decision": "yes"})), "no stays no"
    page = screen.look()
    assert (page.status, code_on(page)) == (403, "H02")
    (event,) = events(country, "refused", client_id=portal.id)
    assert (event["person_id"], event["details"]["code"]) == (resident.person_id.hex(), "H02")
    choice = screen.browser.get(f"{page.url.rpartition('/phone/')[0]}")
    assert is_choice(choice) and offers_phone(choice)


def test_the_form_on_the_phone_is_that_sessions_own(country: World, phone: CarefulBrowser, screen: Screen) -> None:
    question = phone.open(screen.code())
    forged = phone.request("POST", question.url, data={"decision": "yes", "form_token": "guessed"})
    assert (forged.status, code_on(forged)) == (400, "L07")
    assert says("phone.now_look") in words(screen.look())


def test_a_level_above_that_of_the_phone_cannot_be_reached(country: World, portal: Portal) -> None:
    weak, screen = move_in(country, portal, level=2), begun(country, portal, claims=LOA3)
    page = phone_of(weak).open(screen.code())
    assert page.status == 200 and says("phone.lack_level", level="3") in words(page)
    assert handle_of(screen) in screen.code(), "it still waits for a phone that can"
    claims, _ = tokens_of(country, screen, screen.type(agreed(phone_of(move_in(country, portal)), screen.code())))
    assert claims["acr"] == "LoA3"


def test_the_highest_level_does_not_go_from_screen_to_screen(country: World, portal: Portal) -> None:
    """RFC 10027: what is shown can be passed on."""
    screen = begun(country, portal)
    number = agreed(phone_of(move_in(country, portal, level=4)), screen.code())
    claims, _ = tokens_of(country, screen, screen.type(number))
    assert claims["acr"] == "LoA3"
    need = Need(client_id=portal.id, claim_names=(), owed_level=3)
    assert may_come_by_phone(need) and not may_come_by_phone(replace(need, owed_level=4))


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}])
def test_who_must_prove_themselves_anew_does_so_at_a_source(
    country: World, portal: Portal, asked: dict[str, str]
) -> None:
    browser = CarefulBrowser(country.issuer)
    choice = browser.open_at(portal.ask(**asked).url, portal)
    assert is_choice(choice) and not offers_phone(choice)
    fields = {"form_token": choice.forms[0].fields["form_token"]}
    page = browser.request("POST", f"{choice.url}/phone", data=fields)
    assert (page.status, code_on(page)) == (403, "H05")


def test_a_proof_that_is_older_than_the_portal_allows_is_made_anew_on_the_phone(country: World, portal: Portal) -> None:
    stale = move_in(country, portal, auth_time=clock.instant(clock.seconds() - 600))
    screen = begun(country, portal, max_age="300")
    assert says("phone.lack_age") in words(phone_of(stale).open(screen.code()))
    fresh = move_in(country, portal, auth_time=clock.instant(clock.seconds() - 200))
    claims, _ = tokens_of(country, screen, screen.type(agreed(phone_of(fresh), screen.code())))
    assert 195 <= clock.seconds() - int(str(claims["auth_time"])) <= 260


def test_a_phone_that_was_signed_out_before_the_number_was_typed_vouches_for_nobody(
    country: World, resident: Resident, phone: CarefulBrowser, screen: Screen
) -> None:
    number = agreed(phone, screen.code())
    with country.house.database.write() as tx:
        country.house.sessions.end(tx, resident.session_id, "signed out")
    for _ in range(2):
        page = screen.type(number)
        assert (page.status, code_on(page)) == (403, "H05")
    assert screen.browser.session_cookie() is None


@pytest.mark.time_is_moved
def test_it_is_over_after_two_minutes(phone: CarefulBrowser, screen: Screen) -> None:
    number, form = agreed(phone, screen.code()), screen.look()
    with seconds_later(121):
        assert code_on(screen.browser.submit(form, {"number": number})) == "H04"
        assert code_on(screen.look()) == "H04"
    assert screen.browser.session_cookie() is None


@pytest.mark.time_is_moved
def test_it_is_over_with_the_sign_in_that_it_is_for(country: World, portal: Portal, phone: CarefulBrowser) -> None:
    began_at, browser, request = clock.seconds(), CarefulBrowser(country.issuer), portal.ask()
    choice = browser.open_at(request.url, portal)
    with time_machine.travel(began_at + 1795, tick=False) as now:
        screen = Screen(browser, portal, request, press_phone(browser, choice))
        code = screen.code()
        now.shift(8)
        assert_of_no_use(phone.open(code))
        assert error_of(screen.look()) == "access_denied"


def test_a_code_of_a_sign_in_that_was_given_up_is_of_no_use(phone: CarefulBrowser, screen: Screen) -> None:
    code, choice = screen.code(), screen.browser.get(screen.page.url.rpartition("/phone/")[0])
    cancel = next(i for i, form in enumerate(choice.forms) if form.action.endswith("/cancel"))
    screen.browser.submit(choice, form=cancel, follow=False)
    assert_of_no_use(phone.open(code))


def test_who_says_yes_all_the_time_is_stopped(country: World, new_portal: NewPortal, phone: CarefulBrowser) -> None:
    portal = new_portal()
    for _ in range(10):
        agreed(phone, begun(country, portal).code())
    question = phone.open(begun(country, portal).code())
    assert phone.submit(question, {"decision": "yes"}).status == 429
    assert says("phone.end_title_declined") in words(phone.submit(question, {"decision": "no"})), "no is always heard"


def test_another_network_is_said_loudly(phone: CarefulBrowser, screen: Screen) -> None:
    question = elsewhere(phone).open(screen.code())
    said = words(question)
    assert says("phone.other_network_title") in said and says("phone.network_other") in said
    assert phone.submit(question, {"decision": "yes"}).has("phone-number")


def test_another_network_is_refused_where_the_settings_say_so(tmp_path: Path) -> None:
    with world(tmp_path, phone={"other_network": "refuse"}) as country:
        portal = country.portal("ministry")
        resident, screen = move_in(country, portal), begun(country, portal)
        far, near = elsewhere(phone_of(resident)), phone_of(resident)
        page = far.open(screen.code())
        assert (page.status, code_on(page)) == (403, "H06")
        question = near.open(screen.code())
        assert code_on(far.submit(question, {"decision": "yes"})) == "H06"
        assert ("H06", None) in refusals(country, portal)
        tokens_of(country, screen, screen.type(agreed(near, question.url)))


def test_switched_off_it_is_neither_offered_nor_there(tmp_path: Path) -> None:
    with world(tmp_path, phone={"sign_in": False}) as country:
        portal = country.portal("ministry")
        browser = CarefulBrowser(country.issuer)
        choice = browser.open_at(portal.ask().url, portal)
        assert is_choice(choice) and not offers_phone(choice)
        carry(browser, move_in(country, portal).cookie)
        token = {"form_token": choice.forms[0].fields["form_token"]}
        for method, address in (
            ("POST", f"{choice.url}/phone"), ("GET", f"{choice.url}/phone/x"), ("POST", f"{choice.url}/phone/x"),
            ("GET", f"{country.issuer}/phone/x.0.y"), ("GET", f"{country.issuer}/phone/x/question"),
            ("POST", f"{country.issuer}/phone/x/question"),
        ):  # fmt: skip
            page = browser.request(method, address, data=token)
            assert (page.status, code_on(page)) == (404, "G01"), address
