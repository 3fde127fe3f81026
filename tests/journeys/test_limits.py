"""However many sign-ins one browser or one network begins: old ones make room, floods are slowed, nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from idp.broker.journey import customer_of
from tests.journeys.reading import CarefulBrowser, code_on, is_choice, says, words
from tests.world import Portal, World, world

LOGINS_PER_BROWSER = 20  # config/default.toml


def login_cookies(browser: CarefulBrowser) -> list[str]:
    return sorted(cookie.name for cookie in browser.cookies if cookie.name.startswith("login-"))


def test_the_oldest_of_too_many_sign_ins_makes_room(browser: CarefulBrowser, portal: Portal) -> None:
    pages = [browser.open_at(portal.ask().url, portal) for _ in range(LOGINS_PER_BROWSER + 2)]
    assert len(login_cookies(browser)) == LOGINS_PER_BROWSER
    gone = [page for page in pages if not is_choice(browser.get(page.url))]
    assert gone == pages[:2], "the oldest, and no other"
    assert code_on(browser.get(pages[0].url)) == "L02"


def test_all_cookies_of_a_busy_browser_fit_into_one_header(browser: CarefulBrowser, portal: Portal) -> None:
    """Servers and proxies take 8 KiB of headers; browsers keep 4096 bytes a cookie."""
    for _ in range(LOGINS_PER_BROWSER):
        browser.open_at(portal.ask().url, portal)
    sent = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    assert len(sent) < 4096


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(browser: CarefulBrowser, portal: Portal) -> None:
    begun = browser.get(portal.ask().url)
    [cookie] = [value for name, value in begun.headers.items() if name == "Set-Cookie"]
    for attribute in ("Path=/", "HttpOnly", "SameSite=Lax"):
        assert attribute in cookie


@pytest.fixture(scope="module")
def guarded_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {"logins_per_network_per_minute": 10}
    with world(tmp_path_factory.mktemp("guarded"), limits=limits) as country:
        yield country


def test_a_flood_of_sign_ins_from_one_network_is_slowed_and_others_go_on(guarded_country: World) -> None:
    country = guarded_country
    portal = country.portal("ministry")
    signed_in = CarefulBrowser(country.issuer)
    country.sign_in(signed_in, portal)
    answers = [CarefulBrowser(country.issuer).get(portal.ask().url) for _ in range(12)]
    assert [answer.status for answer in answers] == [303] * 9 + [429] * 3
    refused = answers[-1]
    assert code_on(refused) == "G06" and says("error.G06.title") in words(refused)
    assert not refused.headers.get("Set-Cookie")
    assert "code=" in signed_in.get(portal.ask().url).location, "whoever has a session begins no sign-in"


@pytest.mark.parametrize(
    "network, customer",
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("::ffff:cb00:7108", "203.0.113.8"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", ""), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_customers_are_told_apart_however_their_addresses_are_written(network: str, customer: str) -> None:
    """A socket for both families writes all of IPv4 under one /64: one flood would close the door to everybody."""
    assert customer_of(network) == customer
