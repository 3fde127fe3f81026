"""OpenID Connect Session Management 1.0 over HTTP; what the page's script does is in `test_session_management_page`."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from tests.oidc.residents import Resident, fresh_name
from tests.world import Browser, Portal, World, parameters_of

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def state_of(client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """Section 4.2, written down once more."""
    return f"{sha256(f'{client_id} {origin} {browser_state} {salt}'.encode()).hexdigest()}.{salt}"


def test_discovery_names_the_page(country: World) -> None:
    document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert document["check_session_iframe"] == f"{country.issuer}/session-check"


def test_an_answer_has_the_session_s_state_which_changes_with_every_answer(
    country: World, browser: Browser, portal: Portal
) -> None:
    tokens = country.sign_in(browser, portal)
    browser_state = browser.cookies["browser-state"]
    again = parameters_of(browser.get(portal.ask().url).onward or "")
    states = [tokens.answer["session_state"], again["session_state"]]
    assert len(set(states)) == 2
    for state in states:
        assert " " not in state  # section 3
        assert state == state_of(portal.id, f"http://{portal.id}.localhost:9", browser_state, state.rpartition(".")[2])


def test_the_browser_s_state_is_another_one_after_every_sign_in_and_none_after_signing_out(
    country: World, browser: Browser, portal: Portal
) -> None:
    first = country.sign_in(browser, portal)
    seen = [browser.cookies["browser-state"]]
    country.sign_in(browser, portal, prompt="login")
    seen.append(browser.cookies["browser-state"])
    assert len(set(seen)) == 2
    assert all(browser.cookies["session"] not in state for state in seen)
    browser.get(f"{country.issuer}/logout?{urlencode({'id_token_hint': first.id_token})}")
    assert "browser-state" not in browser.cookies


def test_who_says_this_is_not_me_has_another_state(country: World, browser: Browser, portal: Portal) -> None:
    request = portal.ask()
    page = browser.step(browser.step(browser.open_at(request.url, portal), portal), portal)
    assert page.url.endswith("/information")
    assert "browser-state" in browser.cookies
    browser.submit(page, {"decision": "switch"})
    assert "browser-state" not in browser.cookies


@pytest.mark.parametrize(
    "uri, native, origin",
    [
        ("http://{id}.localhost:80/callback", False, "http://{id}.localhost"),
        ("https://{ID}.example:443/callback", False, "https://{id}.example"),
        ("http://127.0.0.1/callback", True, "http://127.0.0.1"),
        ("vn.example.app:/callback", True, None),
    ],
)
def test_the_origin_is_written_as_browsers_write_it_and_an_app_has_none(
    country: World, residents: Residents, uri: str, native: bool, origin: str | None
) -> None:
    name = fresh_name()
    address = uri.format(id=name, ID=name.upper())
    portal = country.portal(name, redirect_uris=[address], application_type="native" if native else "web")
    resident = residents(portal)
    answer = parameters_of(resident.browser.get(portal.ask().url).location)
    if origin is None:
        assert "session_state" not in answer
        return
    assert resident.cookie is not None
    salt = answer["session_state"].rpartition(".")[2]
    known = sha256(b"browser state\n" + resident.cookie.encode()).hexdigest()[:32]
    assert answer["session_state"] == state_of(portal.id, origin.format(id=name), known, salt)


def test_an_error_has_none(browser: Browser, portal: Portal) -> None:
    answer = parameters_of(browser.get(portal.ask(prompt="none").url).location)
    assert answer["error"] == "login_required"
    assert "session_state" not in answer


def test_the_page_alone_may_be_framed_and_holds_nothing(country: World) -> None:
    page = country.http.get(f"{country.issuer}/session-check", timeout=30)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors *"
    )
    assert "X-Frame-Options" not in page.headers
    assert "Set-Cookie" not in page.headers
    assert "<form" not in page.text and "<a " not in page.text
    home = country.http.get(country.issuer, timeout=30)
    assert "frame-ancestors 'none'" in home.headers["Content-Security-Policy"]
