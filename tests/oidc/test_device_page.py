"""`/device` (RFC 8628 section 3.3): who types a code is told what it is for, and nobody signs in for it unasked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import time_machine

from idp import clock
from tests.oidc.devices import TELEVISION, Device, agreed, begin, begun, declined, heading, is_end, signed_in, typed
from tests.oidc.holder import refused
from tests.oidc.residents import Resident, carry, fresh_name
from tests.peers.visitor import Page
from tests.world import Browser, Portal, World, world

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
APPROVED, DECLINED = "Bạn có thể quay lại thiết bị của mình", "Thiết bị đã bị từ chối"
GONE, QUESTION = "Thiết bị này không còn chờ nữa", "Đây có phải thiết bị của bạn không?"


@pytest.fixture
def television(portals: Portals) -> Portal:
    return portals(**TELEVISION)


@pytest.fixture
def device(television: Portal) -> Device:
    return begun(television)


def test_somebody_signs_in_for_their_device(browser: Browser, device: Device) -> None:
    page = typed(browser, device)
    assert heading(page) == QUESTION
    page = agreed(browser, page)
    assert heading(page) == "Chọn cách đăng nhập"
    end = signed_in(browser, page, device.portal)
    assert heading(end) == APPROVED
    assert (end.status, end.headers["Cache-Control"]) == (200, "no-store")
    told = device.ask().json()
    assert device.portal.userinfo(told["access_token"]).json()["name"] == "Trần Minh Quân"


def test_the_question_says_who_asks_and_shows_what_the_device_shows(browser: Browser, device: Device) -> None:
    page = typed(browser, device)
    words = re.sub(r"<[^>]+>", "", page.html)
    assert f"Cổng {device.portal.id}" in words and device.code in words
    assert "Cùng mạng với bạn." in words and "127.0.0.1" in words
    assert re.search(r"Bắt đầu lúc\s*\d\d:\d\d:\d\d, \d\d/\d\d/\d{4}", words)
    assert "Chỉ tiếp tục nếu chính bạn đã bắt đầu việc này, trên thiết bị ở trước mặt bạn" in words


def test_a_device_on_another_network_is_named_as_such(browser: Browser, device: Device) -> None:
    house = device.portal.world.house
    kept = house.devices.by_user_code(device.code)
    assert kept is not None
    elsewhere = house.devices.begin(kept.client_id, kept.request, "203.0.113.7", seconds=600, wait_seconds=5)
    page = typed(browser, device, elsewhere.user_code)
    assert "Khác mạng với bạn." in page.html and "203.0.113.7" in page.html


def test_it_speaks_english_too(country: World, device: Device) -> None:
    page = typed(country.browser("en"), device)
    assert heading(page) == "Is this your device?"
    assert "Go on only if you started this yourself, on a device in front of you" in page.html


@pytest.mark.parametrize("written", ["{}", "  {}  ", "lower", "apart", "together", "dashes"])
def test_a_code_may_be_typed_in_any_way(browser: Browser, device: Device, written: str) -> None:
    """Section 6.1: case and punctuation do not count."""
    code = device.code
    ways = {"lower": code.lower(), "apart": " ".join(code), "together": code.replace("-", ""),
            "dashes": code.replace("-", " – ")}  # fmt: skip
    assert heading(typed(browser, device, ways.get(written, written.format(code)))) == QUESTION


def test_a_link_with_the_code_fills_it_in_and_does_nothing_more(browser: Browser, device: Device) -> None:
    """Section 3.3.1: the person still compares the code, and says that the device is theirs."""
    page = browser.get(device.told["verification_uri_complete"])
    assert f'value="{device.code}"' in page.html and "chỉ tiếp tục nếu trên đó hiện đúng mã này" in page.html
    assert "Set-Cookie" not in page.headers
    assert heading(browser.submit(page)) == QUESTION


def test_a_wrong_code_tells_nothing(browser: Browser, television: Portal, residents: Residents) -> None:
    """Unknown, decided and expired are one page, whoever asks (section 5.1)."""
    decided, late = begun(television), begun(television)
    resident = residents(television)
    agreed(resident.browser, typed(resident.browser, decided))
    pages = [typed(browser, decided, code) for code in ("BBBB-BBBB", decided.code, "", "tiếng Việt", "A" * 5000)]
    with time_machine.travel(clock.seconds() + 601):
        pages.append(typed(browser, late))
    assert {page.status for page in pages} == {422}
    assert len({re.sub(r'name="user_code" value="[^"]*"', "", page.html) for page in pages}) == 1
    assert "Mã này không đúng, hoặc không còn dùng được." in pages[0].html


def test_nothing_goes_on_before_the_person_has_said_that_it_is_theirs(device: Device, residents: Residents) -> None:
    """Whoever walks round the question, knowingly or not, comes back to it."""
    resident = residents(device.portal)
    question = typed(resident.browser, device)
    for way in ("/sign-in/{}", "/authorize/continue/{}", "/device/{}/end"):
        login_id = question.url.rpartition("/")[2]
        page = resident.browser.open(device.portal.world.issuer + way.format(login_id))
        assert heading(page) == QUESTION
        refused_still(device)
    assert heading(agreed(resident.browser, question)) == APPROVED


def refused_still(device: Device) -> None:
    assert device.ask().json()["error"] in ("authorization_pending", "slow_down")


@pytest.mark.parametrize("confirmed_by", ["somebody signed in", "nobody signed in"])
def test_what_one_person_confirmed_lets_the_next_one_s_session_in_nowhere(
    country: World, portals: Portals, residents: Residents, confirmed_by: str
) -> None:
    """Section 5.4: on a shared computer the next one is asked anew, wherever a link from elsewhere leads them."""
    device = begun(portals(**TELEVISION | {"minimum_level": 3}))
    first, second = residents(device.portal, level=2, source="bank"), residents(device.portal)
    shared = first.browser if confirmed_by == "somebody signed in" else country.browser()
    question = typed(shared, device)
    assert heading(agreed(shared, question)) == "Chọn cách đăng nhập"
    carry(shared, second.cookie)
    for way in ("/device/{}/end", "/authorize/continue/{}", "/sign-in/{}", "/device/{}"):
        page = shared.open(country.issuer + way.format(question.url.rpartition("/")[2]))
        assert heading(page) == QUESTION
        refused_still(device)
    assert heading(agreed(shared, page)) == APPROVED
    assert heading(shared.open(question.url)) == APPROVED


def test_another_browser_neither_sees_nor_answers_the_question(
    browser: Browser, country: World, device: Device
) -> None:
    question = typed(browser, device)
    stranger = country.browser()
    for page in (stranger.get(question.url), stranger.get(f"{question.url}/end"),
                 stranger.submit(question, {"decision": "continue"})):  # fmt: skip
        assert page.status == 400 and "L02" in page.html
    refused_still(device)


def test_a_form_that_is_not_of_this_browser_counts_for_nothing(browser: Browser, device: Device) -> None:
    question = typed(browser, device)
    for token in ("", "guessed"):
        page = browser.submit(question, {"decision": "continue", "form_token": token})
        assert page.status == 400 and "L07" in page.html
    assert heading(browser.submit(question, {"decision": "?"})) == QUESTION


def test_back_and_twice_lead_to_the_same_end(device: Device, residents: Residents) -> None:
    resident = residents(device.portal)
    question = typed(resident.browser, device)
    assert heading(agreed(resident.browser, question)) == APPROVED
    assert heading(resident.browser.open(question.url)) == APPROVED
    assert heading(agreed(resident.browser, question)) == APPROVED
    assert heading(declined(resident.browser, question)) == APPROVED
    assert device.ask().status_code == 200
    assert heading(resident.browser.open(question.url)) == APPROVED


def test_of_two_who_sign_in_for_one_device_the_first_decides(device: Device, residents: Residents) -> None:
    one, other = residents(device.portal), residents(device.portal)
    questions = [(resident.browser, typed(resident.browser, device)) for resident in (one, other)]
    assert heading(agreed(*questions[0])) == APPROVED
    assert heading(agreed(*questions[1])) == GONE
    assert device.portal.claims(device.ask().json()["id_token"])["sid"] == one.sid_at(device.portal)


def test_who_took_too_long_is_told_so(browser: Browser, device: Device) -> None:
    question = typed(browser, device)
    with time_machine.travel(clock.seconds() + 601):
        assert heading(agreed(browser, question)) == GONE


def test_whoever_says_no_on_the_way_declines(browser: Browser, device: Device) -> None:
    choice = agreed(browser, typed(browser, device))
    page = browser.submit(choice, form=len(choice.forms) - 1)
    assert heading(page) == DECLINED
    refused(device.ask(), "access_denied", "V04")


def test_what_the_portal_owes_counts_as_ever(portals: Portals, residents: Residents) -> None:
    """Its minimum level, `acr_values`, `claims` and the consent that it needs."""
    high = portals(**TELEVISION | {"minimum_level": 3})
    resident = residents(high, level=2, source="bank", proofing=2, authentication=2)
    assert heading(agreed(resident.browser, typed(resident.browser, begun(high)))) == "Chọn cách đăng nhập"
    wish = portals(**TELEVISION)
    resident = residents(wish, level=2, source="bank", proofing=2, authentication=2)
    asked = begun(wish, acr_values="LoA3")
    assert heading(agreed(resident.browser, typed(resident.browser, asked))) == "Chọn cách đăng nhập"
    consent = portals(**TELEVISION | {"consent_required": True})
    resident = residents(consent)
    page = agreed(resident.browser, typed(resident.browser, begun(consent)))
    assert page.url.endswith("/information") and 'name="consent"' in page.html


def test_claims_that_were_asked_for_are_in_the_id_token(portals: Portals, residents: Residents) -> None:
    television = portals(**TELEVISION)
    device, resident = begun(television, claims='{"id_token": {"name": null}}'), residents(television)
    agreed(resident.browser, typed(resident.browser, device))
    assert television.claims(device.ask().json()["id_token"])["name"] == "Nguyễn Thị Mai Anh"


def test_a_client_that_was_switched_off_gets_nobody_in(country: World, device: Device, residents: Residents) -> None:
    resident = residents(device.portal)
    question = typed(resident.browser, device)
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, device.portal.id, False)
    assert agreed(resident.browser, question).status == 403
    assert typed(resident.browser, device).status == 422


def test_a_sign_in_for_no_device_has_no_such_pages(browser: Browser, portal: Portal) -> None:
    login = browser.open_at(portal.ask().url, portal).url.rpartition("/")[2]
    assert browser.get(f"{portal.world.issuer}/device/{login}").status == 400
    assert heading(browser.open(f"{portal.world.issuer}/device/{login}/end")) == "Chọn cách đăng nhập"


@pytest.mark.parametrize("path", ["/device", "/device?user_code=%3Cscript%3E"])
def test_the_page_is_hardened(country: World, path: str) -> None:
    page = country.browser().get(country.issuer + path)
    assert "script>" not in page.html.replace("</script>", "").replace("<script src", "")
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"


# ---- against guessing (section 5.1) ----


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {
        "device_codes_per_network_per_minute": 15, "wrong_device_codes_per_minute": 10,
        "logins_per_network_per_minute": 12,
    }  # fmt: skip
    with world(tmp_path_factory.mktemp("guarded"), limits=limits) as guarded:
        yield guarded


def forget(guarded: World) -> None:
    as_if_from_another_network(guarded)
    for key in ("wrong-device-codes", "begun:127.0.0.1"):
        guarded.house.short_lived.take(key)


def guess(browser: Browser, device: Device, times: int, code: str = "BBBB-BBBB") -> list[int]:
    return [typed(browser, device, code).status for _ in range(times)]


def too_many(page: Page) -> bool:
    return page.status == 429 and "V06" in page.html and "Bạn hãy đợi một phút" in page.html


def test_after_too_many_codes_from_one_network_not_even_the_right_one_counts(guarded: World) -> None:
    forget(guarded)
    device = begun(guarded.portal(fresh_name(), **TELEVISION))
    assert (
        guess(guarded.browser(), device, 5, device.code) + guess(guarded.browser(), device, 9) == [200] * 5 + [422] * 9
    )
    assert typed(guarded.browser(), device).status == 200
    assert too_many(typed(guarded.browser(), device))
    with time_machine.travel(clock.seconds() + 61):
        assert heading(typed(guarded.browser(), device)) == QUESTION


def as_if_from_another_network(guarded: World) -> None:
    for key in ("device-codes:127.0.0.1", "wrong-device-codes:127.0.0.1"):
        guarded.house.short_lived.take(key)


def test_when_many_guess_whoever_did_not_still_gets_in(guarded: World) -> None:
    """Not so many networks as limit one another may close the page for everybody."""
    forget(guarded)
    device = begun(guarded.portal(fresh_name(), **TELEVISION))
    assert guess(guarded.browser(), device, 10) == [422] * 10
    assert too_many(typed(guarded.browser(), device))
    as_if_from_another_network(guarded)
    assert heading(typed(guarded.browser(), device)) == QUESTION
    assert guess(guarded.browser(), device, 1) == [422]
    assert too_many(typed(guarded.browser(), device)), "one wrong try, and the right one waits as well"
    with time_machine.travel(clock.seconds() + 61):
        assert heading(typed(guarded.browser(), device)) == QUESTION


def test_ten_times_as_many_wrong_codes_from_everywhere_close_the_page(guarded: World) -> None:
    forget(guarded)
    device = begun(guarded.portal(fresh_name(), **TELEVISION))
    for _ in range(100):
        as_if_from_another_network(guarded)
        assert not too_many(typed(guarded.browser(), device, "BBBB-BBBB"))
    as_if_from_another_network(guarded)
    assert too_many(typed(guarded.browser(), device))
    with time_machine.travel(clock.seconds() + 61):
        assert heading(typed(guarded.browser(), device)) == QUESTION


def test_codes_that_are_right_are_not_counted_as_wrong(guarded: World) -> None:
    forget(guarded)
    device = begun(guarded.portal(fresh_name(), **TELEVISION))
    assert guess(guarded.browser(), device, 9) == [422] * 9
    assert guess(guarded.browser(), device, 3, device.code) == [200] * 3
    assert guess(guarded.browser(), device, 1) == [422]


def test_nobody_without_a_secret_fills_the_table(guarded: World) -> None:
    secret = guarded.portal(fresh_name(), **TELEVISION | {"token_endpoint_auth_method": "client_secret_basic"})
    public = guarded.portal(fresh_name(), **TELEVISION)
    guarded.house.short_lived.take("begun:127.0.0.1")
    assert [begin(public).status_code for _ in range(12)] == [200] * 12
    answer = begin(public)
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert begin(secret).status_code == 200
    guarded.house.short_lived.take("begun:127.0.0.1")


def test_it_ends_where_it_should(browser: Browser, device: Device) -> None:
    """No step of a sign-in for a device leads the browser to any other place than ours and the source."""
    signed_in(browser, agreed(browser, typed(browser, device)), device.portal)
    hosts = {url.split("/")[2] for url in browser.trail}
    country = device.portal.world
    assert hosts == {address.split("/")[2] for address in (country.issuer, country.sources["population"])}
    assert is_end(Page(browser.trail[-1], 200, {}, ""))
