"""A portal that asks at a counter (`device_confirmation`): nobody's yes is worth anything without the number that their
phone shows, at the screen that asked (RFC 10027, BCP 247: request-initiation verification).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from idp.clients import Registration
from tests.oidc.devices import TELEVISION, Device, agreed, begin, begun, declined, typed
from tests.oidc.holder import refused
from tests.oidc.residents import Resident, seconds_later
from tests.peers.visitor import Page
from tests.storage.places import at_once
from tests.world import Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
COUNTER = {**TELEVISION, "device_confirmation": True, "token_endpoint_auth_method": "client_secret_basic"}
WHY = "Quầy 3: nhận lại giấy tờ"


@pytest.fixture
def counter(portals: Portals) -> Portal:
    return portals(**COUNTER)


def said_yes(resident: Resident, device: Device) -> str:
    """The number on the phone of somebody who has scanned what the counter shows, and agreed."""
    page = resident.browser.submit(resident.browser.get(device.told["verification_uri_complete"]))
    told = agreed(resident.browser, page)
    assert urlsplit(told.url).path.endswith("/information"), "what goes there is told each time"
    number = resident.browser.submit(told, {"decision": "continue"}).text("device-number")
    assert re.fullmatch(r"\d\d", number)
    return number


def others(number: str) -> list[str]:
    return [f"{(int(number) + step) % 100:02}" for step in range(1, 4)]


def words(page: Page) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.html).split())


def test_the_counter_gets_what_the_person_allowed_once_it_brings_their_number(
    counter: Portal, residents: Residents
) -> None:
    device, resident = begun(counter), residents(counter)
    assert device.told["expires_in"] == 120
    refused(device.ask(confirmation="00"), "authorization_pending", "V02")
    number = said_yes(resident, device)
    refused(device.ask(), "confirmation_required", "V07")
    answer = device.ask(confirmation=number)
    assert answer.status_code == 200, answer.text
    assert counter.userinfo(answer.json()["access_token"]).json()["name"] == "Nguyễn Thị Mai Anh"
    refused(device.ask(confirmation=number), "invalid_grant", "T03")


def test_the_person_sees_who_asks_and_where_and_why_in_the_portals_own_words(
    counter: Portal, residents: Residents
) -> None:
    resident, device = residents(counter), begun(counter, binding_message=WHY)
    said = words(typed(resident.browser, device))
    assert f"Cổng {counter.id}" in said and f"“{WHY}”" in said and "Cùng mạng với bạn." in said
    assert "Bạn có đồng ý tại đây không?" in said
    client = counter.world.house.clients.find(counter.id)
    assert client is not None and urlsplit(client.home_url).netloc in said
    assert "“" not in words(typed(resident.browser, begun(counter)))


@pytest.mark.parametrize("message", ["x" * 101, "một\u202edòng", "hai\ndòng", "a\u0301\u0301\u0301", " trước"])
def test_words_that_are_too_long_or_would_hide_ours_are_refused(counter: Portal, message: str) -> None:
    refused(begin(counter, binding_message=message), "invalid_request", "A04")


def test_three_wrong_numbers_end_it_for_good(counter: Portal, residents: Residents) -> None:
    device = begun(counter)
    number = said_yes(residents(counter), device)
    one, another, third = others(number)
    for wrong in (one, another):
        refused(device.ask(confirmation=wrong), "confirmation_required", "V08")
    refused(device.ask(confirmation=third), "access_denied", "V09")
    for late in (number, None):
        refused(device.ask(confirmation=late), "access_denied", "V04")


def test_of_many_numbers_at_once_three_are_looked_at(counter: Portal, residents: Residents) -> None:
    device = begun(counter)
    number = said_yes(residents(counter), device)
    numbers = [f"{(int(number) + step) % 100:02}" for step in range(1, 9)]
    answers = at_once(8, lambda each: device.ask(confirmation=numbers[each]).json()["error"])
    assert answers.count("confirmation_required") == 2 and answers.count("access_denied") == 6
    refused(device.ask(confirmation=number), "access_denied", "V04")


def test_each_request_has_a_number_of_its_own_that_stays_while_it_is_looked_at(
    counter: Portal, residents: Residents
) -> None:
    resident, devices = residents(counter), [begun(counter) for _ in range(6)]
    numbers = [said_yes(resident, device) for device in devices]
    assert len(set(numbers)) > 1
    end = next(url for url in reversed(resident.browser.trail) if url.endswith("/end"))
    assert resident.browser.get(end).text("device-number") == numbers[-1]


def test_a_no_shows_no_number_and_two_minutes_are_all_there_are(counter: Portal, residents: Residents) -> None:
    resident, device, late = residents(counter), begun(counter), begun(counter)
    assert not declined(resident.browser, typed(resident.browser, device)).has("device-number")
    refused(device.ask(confirmation="00"), "access_denied", "V04")
    number = said_yes(resident, late)
    with seconds_later(121):
        refused(late.ask(confirmation=number), "expired_token", "V05")


def test_a_device_that_is_not_at_a_counter_needs_no_number_and_shows_none(
    portals: Portals, residents: Residents
) -> None:
    television = portals(**TELEVISION)
    resident, device = residents(television), begun(television)
    assert device.told["expires_in"] == 600
    assert not agreed(resident.browser, typed(resident.browser, device)).has("device-number")
    assert device.ask(confirmation="is not asked for").status_code == 200


def test_it_goes_with_the_device_grant_alone() -> None:
    with pytest.raises(ValueError, match="device_confirmation goes with the device grant"):
        Registration(
            name_vi="Quầy", name_en="Counter", home_url="https://quay.example/", sector="quay.example",
            redirect_uris=("https://quay.example/callback",), device_confirmation=True,
        )  # fmt: skip
