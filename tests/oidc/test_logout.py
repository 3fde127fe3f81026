"""`/logout` (OpenID Connect RP-Initiated Logout 1.0): at once for who is plainly meant, with a question for others."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from tests.oidc.residents import Resident, carry, seconds_later
from tests.peers.visitor import Page
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def leave(browser: Browser, portal: Portal, **asked: str | None) -> Page:
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return browser.get(f"{portal.world.issuer}/logout?{query}")


def is_question(page: Page) -> bool:
    return page.status == 200 and bool(page.forms) and page.forms[0].action.startswith("/logout/confirm")


def is_over(page: Page) -> bool:
    """The page that says so: nothing to confirm, and the cookie is gone."""
    return page.status == 200 and not is_question(page) and "session=;" in page.headers.get("Set-Cookie", "")


# ---- with an id_token_hint of this session (section 2) ----


@pytest.mark.parametrize("state", [None, "s t&a=t%e", "x" * 128])
def test_a_portal_s_own_person_is_signed_out_at_once_and_comes_back(
    resident: Resident, portal: Portal, state: str | None
) -> None:
    tokens = resident.tokens(portal)
    back = portal.post_logout_redirect_uri
    page = leave(resident.browser, portal, id_token_hint=tokens.id_token, post_logout_redirect_uri=back, state=state)
    assert (page.status, page.location.split("?")[0]) == (303, back)
    assert parse_qs(urlsplit(page.location).query) == ({"state": [state]} if state else {})
    assert "session=;" in page.headers["Set-Cookie"]
    assert "session" not in resident.browser.cookies
    assert portal.userinfo(tokens.access_token).status_code == 401
    carry(resident.browser, resident.cookie)  # not the cookie alone is gone
    assert resident.asked(portal, prompt="none")["error"] == "login_required"


def test_without_a_return_address_the_page_says_so(resident: Resident, portal: Portal) -> None:
    page = leave(resident.browser, portal, id_token_hint=resident.tokens(portal).id_token, state="alone")
    assert is_over(page)
    assert not resident.is_signed_in(portal)


def test_an_expired_hint_will_do(resident: Resident, portal: Portal) -> None:
    """Section 2: the provider should accept it."""
    hint = resident.tokens(portal).id_token
    with seconds_later(3000):
        page = leave(
            resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=portal.post_logout_redirect_uri
        )
        assert page.status == 303
    assert not resident.is_signed_in(portal)


def test_the_client_id_beside_the_hint_must_be_the_same(resident: Resident, portal: Portal, portals: Portals) -> None:
    hint = resident.tokens(portal).id_token
    for wrong in (portals().id, "nobody"):
        page = leave(resident.browser, portal, id_token_hint=hint, client_id=wrong)
        assert (page.status, page.onward, "E01" in page.html) == (400, None, True)
    assert resident.is_signed_in(portal)
    assert is_over(leave(resident.browser, portal, id_token_hint=hint, client_id=portal.id))


NOT_REGISTERED = [
    "{uri}/", "{uri}?a=b", "{uri}#a", "{URI}", "http://elsewhere.example/", "//elsewhere.example", "/", "javascript:1",
    "{redirect}", "{uri}\r\nX: y",
]  # fmt: skip


@pytest.mark.parametrize("uri", NOT_REGISTERED)
def test_nobody_is_sent_to_an_address_that_is_not_registered(resident: Resident, portal: Portal, uri: str) -> None:
    """Section 3: exact comparison; and the session goes on, since the request was not a portal's."""
    registered = portal.post_logout_redirect_uri
    back = uri.format(uri=registered, URI=registered.upper(), redirect=portal.redirect_uri)
    hint = resident.tokens(portal).id_token
    page = leave(resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=back, state="s")
    assert (page.status, page.onward, "E02" in page.html) == (400, None, True)
    assert resident.is_signed_in(portal)


@pytest.mark.parametrize("with_client_id", [False, True])
def test_without_a_hint_nobody_is_sent_anywhere(resident: Resident, portal: Portal, with_client_id: bool) -> None:
    page = leave(
        resident.browser, portal, post_logout_redirect_uri=portal.post_logout_redirect_uri,
        client_id=portal.id if with_client_id else None,
    )  # fmt: skip
    assert (page.status, page.onward) == (400, None)
    assert resident.is_signed_in(portal)


def test_another_portal_s_address_is_not_registered(resident: Resident, portal: Portal, portals: Portals) -> None:
    hint, other = resident.tokens(portal).id_token, portals()
    page = leave(resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=other.post_logout_redirect_uri)
    assert (page.status, page.onward) == (400, None)


def _wrong_hints(token: str) -> dict[str, str]:
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    head, body, signature = token.split(".")
    return {
        "alg none": jwt.encode(claims, None, algorithm="none", headers={"kid": kid}),
        "another's signature": jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": kid}),
        "tampered": f"{head}.{body[:30]}{'A' if body[30] != 'A' else 'B'}{body[31:]}.{signature}",
        "no signature": f"{head}.{body}.",
        "a word": "hint",
        "deeper than any parser": "W1tb" * 5000 + ".e30.AA",
    }


@pytest.mark.parametrize("kind", _wrong_hints(jwt.encode({"sub": "x" * 40}, "k" * 32, headers={"kid": "x"})))
def test_a_hint_that_is_not_ours_ends_nothing(resident: Resident, portal: Portal, kind: str) -> None:
    hint = _wrong_hints(resident.tokens(portal).id_token)[kind]
    back = portal.post_logout_redirect_uri
    page = leave(resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=back)
    assert (page.status, page.onward, "E01" in page.html) == (400, None, True)
    assert resident.is_signed_in(portal)


@pytest.mark.parametrize("name", ["id_token_hint", "post_logout_redirect_uri", "state", "client_id"])
def test_a_repeated_parameter_is_refused(resident: Resident, portal: Portal, name: str) -> None:
    fields = {
        "id_token_hint": resident.tokens(portal).id_token, "state": "s", "client_id": portal.id,
        "post_logout_redirect_uri": portal.post_logout_redirect_uri,
    }  # fmt: skip
    page = resident.browser.get(f"{portal.world.issuer}/logout?{urlencode([*fields.items(), (name, fields[name])])}")
    assert (page.status, page.onward) == (400, None)
    assert resident.is_signed_in(portal)


# ---- whoever else comes is asked first: any page on the web can send a browser here ----


@pytest.mark.parametrize(
    "asked", [{}, {"state": "s"}, {"client_id": "nobody"}, {"ui_locales": "en"}, {"logout_hint": "x"}]
)
def test_without_a_hint_the_person_is_asked(resident: Resident, portal: Portal, asked: dict[str, str]) -> None:
    page = leave(resident.browser, portal, **asked)
    assert is_question(page)
    assert resident.is_signed_in(portal)
    done = resident.browser.submit(page, {"decision": "sign_out"}, follow=False)
    assert is_over(done)
    assert not resident.is_signed_in(portal)


def test_who_stays_stays(resident: Resident, portal: Portal) -> None:
    page = leave(resident.browser, portal)
    answer = resident.browser.submit(page, {"decision": "stay"}, follow=False)
    assert (answer.status, urlsplit(answer.location).path) == (303, "/")
    assert resident.is_signed_in(portal)


def test_a_hint_of_another_session_asks_and_then_leads_back(residents: Residents, portal: Portal) -> None:
    anh, chi = residents(portal), residents(portal)
    hint, back = anh.tokens(portal).id_token, portal.post_logout_redirect_uri
    home = f"{portal.world.issuer}/"  # not to the portal's "signed out", which would not be true
    for decision, stays, onward in (("stay", True, home), ("sign_out", False, f"{back}?state=s")):
        page = leave(chi.browser, portal, id_token_hint=hint, post_logout_redirect_uri=back, state="s")
        assert is_question(page)
        answer = chi.browser.submit(page, {"decision": decision}, follow=False)
        assert answer.onward == onward
        assert chi.is_signed_in(portal) is stays
    assert anh.is_signed_in(portal)


@pytest.mark.parametrize("token", ["", "wrong", "cổng"])
def test_a_form_that_is_not_this_browser_s_ends_nothing(resident: Resident, portal: Portal, token: str) -> None:
    page = leave(resident.browser, portal)
    answer = resident.browser.submit(page, {"decision": "sign_out", "form_token": token}, follow=False)
    assert (answer.status, "L07" in answer.html) == (400, True)
    assert resident.is_signed_in(portal)


def test_a_form_of_another_browser_ends_nothing(residents: Residents, portal: Portal) -> None:
    anh, chi = residents(portal), residents(portal)
    token = leave(chi.browser, portal).forms[0].fields["form_token"]
    page = leave(anh.browser, portal)
    assert anh.browser.submit(page, {"decision": "sign_out", "form_token": token}, follow=False).status == 400
    assert anh.is_signed_in(portal)


@pytest.mark.parametrize("onward", ["https://elsewhere.example/", "//elsewhere.example", "AAAA", "%00"])
def test_the_way_on_cannot_be_written_by_others(resident: Resident, portal: Portal, onward: str) -> None:
    page = leave(resident.browser, portal)
    form = page.forms[0].fields | {"decision": "stay"}
    url = f"{portal.world.issuer}/logout/confirm?{urlencode({'next': onward})}"
    answer = resident.browser.request("POST", url, data=form)
    assert (answer.status, answer.onward) == (400, None)


def test_the_question_cannot_be_framed_and_its_form_leads_home(resident: Resident, portal: Portal) -> None:
    policy = leave(resident.browser, portal).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


# ---- without a session; by POST; once more ----


@pytest.mark.parametrize("asked", [{}, {"state": "s"}])
def test_who_is_not_signed_in_is_told_so(
    country: World, browser: Browser, portal: Portal, asked: dict[str, str]
) -> None:
    page = leave(browser, portal, **asked)
    assert (page.status, is_question(page)) == (200, False)


def test_who_is_signed_out_already_still_comes_back(resident: Resident, portal: Portal) -> None:
    hint, back = resident.tokens(portal).id_token, portal.post_logout_redirect_uri
    for _ in range(2):
        page = leave(resident.browser, portal, id_token_hint=hint, post_logout_redirect_uri=back, state="s")
        assert (page.status, page.location) == (303, f"{back}?state=s")


@pytest.mark.parametrize("with_hint", [True, False])
def test_a_post_is_answered_like_a_get(resident: Resident, portal: Portal, with_hint: bool) -> None:
    """Section 2. It comes cross-site, without our Lax cookie, so it comes back by GET."""
    back = portal.post_logout_redirect_uri
    form = {"id_token_hint": resident.tokens(portal).id_token, "post_logout_redirect_uri": back, "state": "p"}
    stranger = portal.world.browser()
    kept = stranger.request("POST", f"{portal.world.issuer}/logout", data=form if with_hint else {"state": "p"})
    assert (kept.status, urlsplit(kept.location).path) == (303, "/logout")
    page = resident.browser.get(kept.location)
    if with_hint:
        assert page.location == f"{back}?state=p"
        assert not resident.is_signed_in(portal)
    else:
        assert is_question(page)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_post_must_be_a_form(country: World, browser: Browser, content_type: str) -> None:
    page = browser.request("POST", f"{country.issuer}/logout", data="{}", headers={"Content-Type": content_type})
    assert (page.status, page.onward) == (415, None)


def test_signing_out_in_one_tab_leaves_a_sign_in_in_another_alone(
    country: World, browser: Browser, portal: Portal, portals: Portals
) -> None:
    first = country.sign_in(browser, portal)
    other = portals()
    request = other.ask()
    waiting = browser.open_at(request.url, other)
    assert leave(browser, portal, id_token_hint=first.id_token).status == 200
    answer = browser.answer(waiting, other)
    assert country.redeemed(other, request, answer).claims["sid"] != first.claims["sid"]
