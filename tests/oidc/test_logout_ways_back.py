"""Where somebody goes who has signed out or whose sign-in failed: an app, a portal's start of a sign-in, a language."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.peers.visitor import Page
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def leave(browser: Browser, portal: Portal, **asked: str) -> Page:
    return browser.get(f"{portal.world.issuer}/logout?{urlencode(asked)}")


def links(page: Page) -> list[str]:
    return [unescape(link) for link in re.findall(r'<a class="button[^"]*" href="([^"]*)"', page.html)]


# ---- apps on a person's own device (RFC 8252) ----

APP = {
    "application_type": "native", "token_endpoint_auth_method": "none", "redirect_uris": ["vn.example.app:/callback"],
}  # fmt: skip


@pytest.mark.parametrize(
    "registered, asked",
    [
        ("vn.example.app:/out", "vn.example.app:/out"),
        ("https://app.example/out", "https://app.example/out"),
        ("http://127.0.0.1/out", "http://127.0.0.1:51004/out"),  # section 7.3: the port is chosen when it asks
        ("http://[::1]/out", "http://[::1]:51004/out"),
    ],
)
@pytest.mark.parametrize("confirmed", [False, True])
def test_an_app_gets_its_person_back(
    country: World, residents: Residents, registered: str, asked: str, confirmed: bool
) -> None:
    app = country.portal(fresh_name(), post_logout_redirect_uris=[registered], **APP)
    resident, other = residents(app), residents(app)
    browser = other.browser if confirmed else resident.browser
    hint = country.sign_in(resident.browser, app).id_token
    page = leave(browser, app, id_token_hint=hint, post_logout_redirect_uri=asked, state="s t")
    if confirmed:
        page = browser.submit(page, {"decision": "sign_out"}, follow=False)
    assert page.onward == f"{asked}?state=s+t"


@pytest.mark.parametrize(
    "asked",
    [
        "vn.example.app:/elsewhere", "vn.example.other:/out", "vn.example.app://out", "http://127.0.0.1:51004/elsewhere",
        "http://localhost:51004/out", "http://127.0.0.1:51004@elsewhere.example/out", "http://127.0.0.1:51004/out?a=b",
    ],
)  # fmt: skip
def test_and_no_other_app_does(country: World, residents: Residents, portal: Portal, asked: str) -> None:
    registered = ["vn.example.app:/out", "http://127.0.0.1/out"]
    app = country.portal(fresh_name(), post_logout_redirect_uris=registered, **APP)
    resident = residents(app, portal)
    hint = country.sign_in(resident.browser, app).id_token
    page = leave(resident.browser, app, id_token_hint=hint, post_logout_redirect_uri=asked)
    assert (page.status, page.onward, "E02" in page.html) == (400, None, True)
    assert resident.is_signed_in(portal)


# ---- parameters that change little ----


@pytest.mark.parametrize(
    "locales, lang", [("en", "en"), ("fr en-GB vi", "en"), ("vi", "vi"), ("fr", "vi"), ("<>", "vi")]
)
def test_the_pages_speak_the_language_that_the_portal_names(
    country: World, residents: Residents, portal: Portal, locales: str, lang: str
) -> None:
    resident = residents(portal)
    hint = resident.tokens(portal).id_token
    assert leave(resident.browser, portal, ui_locales=locales).headers["Content-Language"] == lang
    done = leave(resident.browser, portal, id_token_hint=hint, ui_locales=locales, logout_hint="somebody@else.example")
    assert (done.status, done.headers["Content-Language"]) == (200, lang)
    assert not resident.is_signed_in(portal)


def test_an_id_token_of_ours_without_a_session_in_it_only_asks(
    country: World, resident: Resident, portal: Portal
) -> None:
    """It may be one that was renewed long after the person had left."""
    claims = jwt.decode(resident.tokens(portal).id_token, options={"verify_signature": False})
    claims.pop("sid")
    hint = country.house.keys.sign(claims, "RS256")
    page = leave(resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=portal.post_logout_redirect_uri)
    assert page.forms[0].action.startswith("/logout/confirm")
    assert resident.is_signed_in(portal)
    done = resident.browser.submit(page, {"decision": "sign_out"}, follow=False)
    assert done.onward == portal.post_logout_redirect_uri


# ---- the link to the portal: where a sign-in there begins (OpenID Connect Core section 4) ----


@pytest.fixture(params=["/begin", "/begin?a=b", None])
def starting(country: World, request: pytest.FixtureRequest) -> tuple[Portal, dict[str, Any]]:
    """A portal, and the parameters of the link that leads to it; where it registered no start, its home."""
    portal_id, base = fresh_name(), ""
    base = f"http://{portal_id}.localhost:9"
    registered = {} if request.param is None else {"initiate_login_uri": f"{base}{request.param}"}
    portal = country.portal(portal_id, **registered)
    before = {"a": ["b"]} if request.param == "/begin?a=b" else {}
    expected = {} if request.param is None else before | {"iss": [country.issuer]}
    return portal, {"path": f"{base}/begin" if request.param else f"{base}/", "query": expected}


def leads_to(link: str, expected: dict[str, Any]) -> bool:
    parts = urlsplit(link)
    return {"path": link.partition("?")[0], "query": parse_qs(parts.query)} == expected


def test_whoever_stays_on_the_page_after_signing_out_finds_the_way_back(
    residents: Residents, starting: tuple[Portal, dict[str, Any]]
) -> None:
    portal, expected = starting
    resident = residents(portal)
    page = leave(resident.browser, portal, id_token_hint=resident.tokens(portal).id_token)
    (link,) = links(page)
    assert leads_to(link, expected)


def test_whoever_comes_too_late_begins_again_at_the_portal(
    browser: Browser, starting: tuple[Portal, dict[str, Any]]
) -> None:
    """A finished sign-in whose answer is too old to be given once more."""
    portal, expected = starting
    page = browser.open_at(portal.ask().url, portal)
    login = urlsplit(page.url).path.rpartition("/")[2]
    browser.answer(page, portal)
    with seconds_later(120):
        page = browser.get(f"{portal.world.issuer}/authorize/continue/{login}")
    (link,) = links(page)
    assert leads_to(link, expected)


def test_whoever_may_not_come_in_is_led_there(
    country: World, browser: Browser, starting: tuple[Portal, dict[str, Any]]
) -> None:
    portal, expected = starting
    page = browser.open_at(portal.ask().url, portal)
    country.fault("population", fault="wrong_nonce", times=1)
    page = browser.step(browser.step(page, portal), portal)
    assert "S14" in page.html
    assert leads_to(links(page)[-1], expected)


def test_a_portal_that_is_switched_off_is_not_linked(country: World, residents: Residents, portals: Portals) -> None:
    portal = portals()
    resident = residents(portal)
    hint = resident.tokens(portal).id_token
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, portal.id, False)
    page = leave(resident.browser, portal, id_token_hint=hint)
    assert (page.status, links(page)) == (200, [])
