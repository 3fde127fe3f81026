"""What both kinds of source do alike: a whole sign-in, their own single sign-on, refusals, and signing out."""

from __future__ import annotations

import time

import jwt
import pytest

from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD, Part
from tests.sandbox.peer import REDIRECT_URI, SIGNED_OUT_URI, Attempt, Peer


def test_a_citizen_signs_in_and_the_client_learns_who_it_is(peer: Peer) -> None:
    attempt = Attempt()
    returned = peer.come_back(attempt)
    assert (returned["state"], returned["iss"]) == (attempt.state, peer.issuer)
    answer = peer.redeem(attempt, returned["code"])
    claims = peer.verified(answer.json()["id_token"])
    assert claims["nonce"] == attempt.nonce
    assert abs(claims["auth_time"] - time.time()) < 60
    userinfo = peer.userinfo(answer.json()["access_token"]).json()
    assert userinfo["sub"] == claims["sub"]
    assert CAST[0].personal_number in userinfo.values()
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("citizen", range(3))
def test_the_same_person_has_the_same_subject_each_time(peer: Peer, citizen: int) -> None:
    first = peer.verified(peer.tokens(Attempt(), citizen)["id_token"])
    second = peer.verified(peer.tokens(Attempt(), citizen)["id_token"])
    assert first["sub"] == second["sub"] != ""
    assert CAST[citizen].personal_number not in first["sub"]


def test_a_citizen_signs_in_with_number_and_password(peer: Peer) -> None:
    attempt = Attempt()
    form = {"number": CAST[1].personal_number, "password": PASSWORD, "otp": ONE_TIME_CODE}
    returned = peer.returned(peer.press(peer.login_page(attempt), **form))
    assert peer.redeem(attempt, returned["code"]).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"number": "001090000101", "password": "guessed"},
        {"number": "000000000000", "password": PASSWORD},
        {"number": "", "password": PASSWORD},
        {"number": "001090000101", "password": PASSWORD, "otp": "000000"},
        {"citizen": "999999"},
    ],
)
def test_wrong_credentials_show_the_page_again(peer: Peer, form: dict[str, str]) -> None:
    attempt = Attempt()
    page = peer.login_page(attempt)
    again = peer.press(page, **form)
    assert again.status_code == 422
    assert 'role="alert"' in again.text
    assert "sandbox_session" not in peer.browser.cookies
    assert peer.returned(peer.press(again, citizen="0"))["code"]


def test_a_person_who_cancels_comes_back_with_state_and_issuer(peer: Peer) -> None:
    attempt = Attempt()
    returned = peer.returned(peer.press(peer.login_page(attempt), cancel="1"))
    assert (returned["error"], returned["error_description"]) == ("access_denied", "cancelled_by_user")
    assert (returned["state"], returned["iss"], returned["code"]) == (attempt.state, peer.issuer, None)


def test_a_sign_in_page_serves_once(peer: Peer) -> None:
    page = peer.login_page(Attempt())
    peer.press(page, citizen="0")
    again = peer.press(page, citizen="0")
    assert again.status_code == 400
    assert "hết hạn" in again.text


def test_a_locked_account_is_told_to_the_client(peer: Peer) -> None:
    returned = peer.come_back(Attempt(), Part.LOCKED)
    assert (returned["error"], returned["error_description"]) == ("access_denied", "account_locked")
    assert "sandbox_session" not in peer.browser.cookies


# ---- the source's own single sign-on ------------------------------------------------------------------------------


def test_whoever_is_signed_in_is_not_asked_again(peer: Peer) -> None:
    first = peer.verified(peer.tokens(Attempt())["id_token"])
    attempt = Attempt()
    answer = peer.redeem(attempt, peer.returned(peer.start(attempt))["code"])
    second = peer.verified(answer.json()["id_token"])
    assert (second["sub"], second["auth_time"], second["sid"]) == (first["sub"], first["auth_time"], first["sid"])


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}])
def test_a_client_can_have_the_person_asked_again(peer: Peer, changes: dict[str, str]) -> None:
    peer.tokens(Attempt())
    started = peer.start(Attempt(), **changes)
    assert started.headers["Location"].startswith("/login?")


def test_a_recent_sign_in_satisfies_max_age(peer: Peer) -> None:
    peer.tokens(Attempt())
    assert peer.returned(peer.start(Attempt(), max_age="300"))["code"]


def test_prompt_none_without_a_session_is_login_required(peer: Peer) -> None:
    assert peer.returned(peer.start(Attempt(), prompt="none"))["error"] == "login_required"


def test_prompt_none_with_a_session_answers_at_once(peer: Peer) -> None:
    peer.tokens(Attempt())
    assert peer.returned(peer.start(Attempt(), prompt="none"))["code"]


def test_the_session_cookie_is_not_told_to_clients(peer: Peer) -> None:
    claims = peer.verified(peer.tokens(Attempt())["id_token"])
    assert claims["sid"] != peer.browser.cookies["sandbox_session"]


# ---- codes and tokens ---------------------------------------------------------------------------------------------


def test_a_code_serves_once_and_a_second_use_takes_back_the_first(peer: Peer) -> None:
    attempt = Attempt()
    code = peer.come_back(attempt)["code"]
    bought = peer.redeem(attempt, code).json()["access_token"]
    assert peer.userinfo(bought).status_code == 200
    again = peer.redeem(attempt, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refused = peer.userinfo(bought)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"redirect_uri": "http://elsewhere.example/"}, "invalid_grant"),  # RFC 6749 section 4.1.3
        ({"code_verifier": "x" * 43}, "invalid_grant"),  # RFC 7636 section 4.6
        ({"code_verifier": None}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
def test_a_bad_token_request_is_refused(peer: Peer, changes: dict[str, str | None], error: str) -> None:
    attempt = Attempt()
    answer = peer.redeem(attempt, peer.come_back(attempt)["code"], **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_token_endpoint_takes_no_json(peer: Peer) -> None:
    answer = peer.server.post(f"{peer.issuer}/token", json={"grant_type": "authorization_code"}, timeout=20)
    assert answer.status_code == 415


def test_a_repeated_parameter_is_refused(peer: Peer) -> None:
    form = [("code", "a"), ("code", "b"), ("grant_type", "authorization_code")]
    answer = peer.server.post(f"{peer.issuer}/token", data=form, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# ---- documents and signing out ------------------------------------------------------------------------------------


def test_the_documents_agree_with_each_other(peer: Peer) -> None:
    metadata = peer.document("/.well-known/openid-configuration")
    assert metadata["issuer"] == peer.issuer
    assert metadata["id_token_signing_alg_values_supported"] == [peer.algorithm]
    keys = peer.document("/jwks")["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}
    assert not [name for key in keys for name in ("d", "p", "q") if name in key]


def test_rotation_brings_new_keys_and_keeps_the_old_ones(peer: Peer) -> None:
    before = peer.tokens(Attempt())["id_token"]
    peer.server.post(f"{peer.issuer}/_sandbox/rotate-keys", timeout=20)
    after = peer.tokens(Attempt())["id_token"]
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    assert peer.verified(before)["sub"] == peer.verified(after)["sub"]


def test_rotation_can_withdraw_the_old_keys_at_once(peer: Peer) -> None:
    before = peer.tokens(Attempt())["id_token"]
    peer.server.post(f"{peer.issuer}/_sandbox/rotate-keys", json={"keep_old": False}, timeout=20)
    with pytest.raises(jwt.InvalidKeyError):
        peer.verified(before)


def test_signing_out_with_an_id_token_ends_the_session_and_returns(peer: Peer) -> None:
    id_token = peer.tokens(Attempt())["id_token"]
    gone = peer.get("/logout", id_token_hint=id_token, post_logout_redirect_uri=SIGNED_OUT_URI, state="a b")
    assert gone.headers["Location"] == f"{SIGNED_OUT_URI}?state=a%20b"
    assert peer.start(Attempt()).headers["Location"].startswith("/login?")


def test_signing_out_without_an_id_token_is_asked_first(peer: Peer) -> None:
    peer.tokens(Attempt())
    asked = peer.get("/logout")
    assert 'id="sign-out"' in asked.text
    assert peer.returned(peer.start(Attempt()))["code"]
    peer.browser.post(f"{peer.issuer}/logout", data={"confirm": "1"}, timeout=20)
    assert peer.start(Attempt()).headers["Location"].startswith("/login?")


def test_signing_out_goes_to_no_address_that_is_not_registered(peer: Peer) -> None:
    id_token = peer.tokens(Attempt())["id_token"]
    gone = peer.get("/logout", id_token_hint=id_token, post_logout_redirect_uri=REDIRECT_URI)
    assert gone.status_code == 200


# ---- pages --------------------------------------------------------------------------------------------------------


def test_the_sign_in_page_says_that_everybody_is_invented_and_needs_no_script(peer: Peer) -> None:
    page = peer.login_page(Attempt())
    assert "không có ai là thật" in page.text
    assert "<script" not in page.text and "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ('name="number"', 'name="password"', 'name="citizen" value="0"', 'name="cancel"'):
        assert name in page.text


def test_the_page_and_its_style_sheets_are_there(peer: Peer) -> None:
    page = peer.get("/")
    for sheet in ("site.css", "sen.css" if peer.algorithm == "ES256" else "lua.css"):
        assert f"/static/{sheet}" in page.text
        assert peer.get(f"/static/{sheet}").headers["Content-Type"].startswith("text/css")


def test_what_was_asked_is_noted_without_values(peer: Peer) -> None:
    tokens = peer.tokens(Attempt())
    peer.userinfo(tokens["access_token"])
    (token,) = peer.asked("/token")
    assert token["method"] == "POST" and "code" in token["form"]
    (userinfo,) = peer.asked("/userinfo")
    assert userinfo["authorization"] == "Bearer"
    told = peer.server.get(f"{peer.issuer}/_sandbox/requests", timeout=20).text
    assert tokens["access_token"] not in told
