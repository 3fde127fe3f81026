"""Signing in on a computer with a phone on which one is signed in: what the person sees, and what the portal gets."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import select

from connectors.sandbox.citizen import Citizen
from idp import clock
from idp.sessions.models import SessionRow
from tests.journeys.by_phone import (
    agreed,
    begun,
    number_on,
    offers_phone,
    others,
    phone_of,
    seen,
    tokens_of,
)
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, code_on, events, is_choice, lines, says, session_of, twin_of, words
from tests.oidc.residents import move_in, seconds_later
from tests.storage.places import at_once
from tests.world import Portal, World, parameters_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
ON_A_PHONE = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36"


@pytest.mark.both_engines
def test_somebody_signs_in_on_a_computer_by_scanning_saying_yes_and_typing(country: World, portal: Portal) -> None:
    resident = move_in(country, portal, auth_time=clock.instant(clock.seconds() - 1200))
    phone, screen = phone_of(resident), begun(country, portal)
    question = phone.open(screen.code())
    assert says("phone.now_look") in words(screen.look())
    number = number_on(phone.submit(question, {"decision": "yes"}))
    assert says("phone.now_type") in words(screen.look())
    claims, userinfo = tokens_of(country, screen, screen.type(number))
    assert (claims["acr"], claims["amr"]) == ("LoA3", ["pwd", "otp", "mca"])
    assert claims["auth_time"] == clock.seconds() - 1200 or claims["auth_time"] == clock.seconds() - 1201
    assert (claims["source_kind"], userinfo["name"]) == ("population", "Nguyễn Thị Mai Anh")
    assert session_of(country, screen.browser) != resident.session == session_of(country, phone)
    (event,) = events(country, "signed_in_by_phone", session_id=session_of(country, screen.browser))
    assert (event["person_id"], event["source_id"]) == (resident.person_id.hex(), "population")
    assert event["details"] == {"level": 3, "by_session": resident.session, "portal": portal.id}
    assert says("phone.end_title_done") in words(phone.get(question.url))


def test_the_phone_says_which_portal_asks_and_from_where_and_no_address_says_who(
    country: World, portal: Portal
) -> None:
    resident = move_in(country, portal)
    browser, phone = CarefulBrowser(country.issuer), phone_of(resident)
    browser._session.headers["User-Agent"] = CHROME
    question = phone.open(begun(country, portal, browser).code())
    told = lines(question)
    assert told[says("phone.service")] == f"Cổng {portal.id} {urlsplit(portal.redirect_uri).netloc}"
    assert told[says("phone.browser")] == "Chrome, Windows"
    assert told[says("phone.network")] == says("phone.network_same")
    assert re.fullmatch(r"\d\d:\d\d:\d\d, \d\d/\d\d/\d{4}", told[says("phone.began")])
    assert says("phone.other_network_title") not in words(question)
    assert question.headers["Referrer-Policy"] == "no-referrer"
    addresses = " ".join((*phone.trail, *browser.trail))
    assert resident.session not in addresses and resident.person_id.hex() not in addresses


@pytest.mark.time_is_moved
def test_the_code_changes_every_five_seconds_and_a_page_without_script_follows(country: World, portal: Portal) -> None:
    with time_machine.travel(clock.seconds(), tick=False) as now:
        screen = begun(country, portal)
        assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in screen.page.html
        first = seen(screen.page.html)
        assert re.fullmatch(rf"{country.issuer}/phone/[\w-]{{24}}\.0\.[\w-]{{22}}", first)
        now.shift(4)
        assert screen.code() == first
        now.shift(1)
        assert screen.code() != first


def test_a_phone_on_which_nobody_is_signed_in_is_led_to_sign_in_and_scans_again(
    country: World, portal: Portal, citizen: Citizen
) -> None:
    phone, screen = CarefulBrowser(country.issuer), begun(country, portal)
    page = phone.open(screen.code())
    assert says("phone.lack_session") in words(page) and f"Cổng {portal.id}" not in words(page)
    choice = phone.open(f"{country.issuer}/account/sign-in")
    assert f'href="{urlsplit(phone.trail[1]).path}"' in page.html, "the page leads there"
    assert not offers_phone(choice), "the account wants a proof of its own"
    at_source = phone.submit(choice, {"source": "population"}, follow=True)
    account = phone.submit(at_source, {"citizen": citizen.personal_number}, form=1)
    assert urlsplit(account.url).path == "/account"
    _, userinfo = tokens_of(country, screen, screen.type(agreed(phone, screen.code())))
    assert userinfo["name"] == citizen.full_name


def test_the_very_browser_of_the_sign_in_goes_on_without_a_ceremony(country: World, portal: Portal) -> None:
    screen = begun(country, portal)
    page = twin_of(screen.browser).open(screen.code())
    assert is_choice(page) and page.url.endswith(screen.page.url.split("/")[4])
    resident = move_in(country, portal)
    assert agreed(phone_of(resident), screen.code()), "that was no scan"


def test_on_a_phone_the_way_by_a_phone_is_not_offered(country: World, portal: Portal) -> None:
    browser = CarefulBrowser(country.issuer)
    assert offers_phone(browser.open_at(portal.ask().url, portal))
    browser._session.headers["User-Agent"] = ON_A_PHONE
    assert not offers_phone(browser.open_at(portal.ask().url, portal))


def test_who_chose_to_choose_has_chosen_by_the_phone(country: World, portal: Portal) -> None:
    one, other = move_in(country, portal), move_in(country, portal)
    screen = begun(country, portal, phone_of(one), prompt="select_account")
    claims, _ = tokens_of(country, screen, screen.type(agreed(phone_of(other), screen.code())))
    assert country.house.people.by_sub(f"{portal.id}.localhost", str(claims["sub"])) == other.person_id


def test_the_portal_is_told_by_a_page_that_is_owed_and_who_is_not_meant_is_not_let_in(
    country: World, new_portal: NewPortal
) -> None:
    portal = new_portal()
    resident, stranger = move_in(country), move_in(country, portal)
    screen = begun(country, portal)
    page = screen.type(agreed(phone_of(resident), screen.code()))
    assert urlsplit(page.url).path.endswith("/information")
    claims, _ = tokens_of(country, screen, page)
    hint = country.redeemed(portal, (asked := portal.ask()), parameters_of(screen.browser.get(asked.url).location))
    another = begun(country, portal, id_token_hint=hint.id_token)
    answer = another.type(agreed(phone_of(stranger), another.code()))
    assert answer.onward is not None and parameters_of(answer.onward)["error"] == "login_required"
    assert claims["acr"] == "LoA3"


def test_the_computer_is_signed_in_no_longer_than_the_phone(country: World, portal: Portal) -> None:
    resident = move_in(country, portal)
    with seconds_later(3000):
        screen = begun(country, portal)
        tokens_of(country, screen, screen.type(agreed(phone_of(resident), screen.code())))
    statement = select(SessionRow.id, SessionRow.expires_at).where(SessionRow.person_id == resident.person_id)
    (one, other) = country.house.database.all(statement)
    assert one[0] != other[0] and one[1] == other[1]


@pytest.mark.both_engines
def test_of_many_answers_and_many_numbers_at_once_one_counts(country: World, portal: Portal) -> None:
    resident, screen = move_in(country, portal), begun(country, portal)
    phones = [phone_of(resident) for _ in range(4)]
    first = phones[0].open(screen.code())
    questions = [first, *(phone.get(first.url) for phone in phones[1:])]
    said = at_once(4, lambda each: phones[each].submit(questions[each], {"decision": "yes"}))
    number = {number_on(page) for page in said}
    assert len(number) == 1, "one number, whoever of them asked for it"
    form, twins = screen.look(), [twin_of(screen.browser) for _ in range(3)]
    typed = at_once(3, lambda each: twins[each].submit(form, {"number": next(iter(number))}, follow=False))
    assert all(page.status == 303 for page in typed)
    cookies = {twin.session_cookie() for twin in twins}
    assert len(cookies) == 1 and None not in cookies, "a second click arrives where the first one did"
    assert len(events(country, "signed_in_by_phone", person_id=resident.person_id.hex())) == 1


@pytest.mark.both_engines
def test_of_many_wrong_numbers_at_once_three_are_looked_at(country: World, portal: Portal) -> None:
    resident, screen = move_in(country, portal), begun(country, portal)
    number = agreed(phone_of(resident), screen.code())
    form, twins = screen.look(), [twin_of(screen.browser) for _ in range(5)]
    numbers = [*others(number), others(number)[0]]
    typed = at_once(5, lambda each: twins[each].submit(form, {"number": numbers[each]}, follow=False))
    assert sorted(page.status for page in typed) == [403, 403, 403, 422, 422]
    assert code_on(twins[0].submit(form, {"number": number})) == code_on(screen.look()) == "H03"
    assert events(country, "signed_in_by_phone", person_id=resident.person_id.hex()) == []
