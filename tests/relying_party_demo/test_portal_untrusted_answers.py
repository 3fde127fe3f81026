"""A portal believes an answer only after checking all of it (OpenID Connect Core 3.1.3.7, 5.3.2; Discovery 4.3)."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from werkzeug.wrappers import Response

from tests.peers.crooked_provider import SigningKey

LONG_AGO, FAR_AHEAD = 946684800, 4102444800  # 2000 and 2100: fixed, so that every worker collects the same tests


def test_an_honest_answer_signs_in(guest):
    assert guest.come_back().status == 303
    assert guest.signed_in


@pytest.mark.parametrize(
    "claim, lie",
    [
        ("iss", "http://elsewhere.localhost:1"),
        ("iss", None),
        ("aud", "another-portal"),
        ("aud", ["another-portal"]),
        ("aud", ["ministry-portal", "another-portal"]),  # several audiences and no azp
        ("aud", None),
        ("azp", "another-portal"),
        ("nonce", "of-another-sign-in"),
        ("nonce", None),
        ("exp", LONG_AGO),
        ("exp", None),
        ("iat", FAR_AHEAD),
        ("iat", None),
        ("sub", None),
        ("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_an_id_token_with_one_wrong_claim_starts_no_session(guest, crooked, claim, lie):
    crooked.id_token = {claim: lie}

    page = guest.come_back()

    assert page.status == 502
    assert page.text("error") == "untrusted_answer"
    assert not guest.signed_in


@pytest.mark.parametrize("level", ["LoA1", "LoA", "", "LoA9", None])
def test_a_level_lower_than_owed_or_unknown_starts_no_session(guest, crooked, level):
    crooked.id_token = {"acr": level}

    page = guest.come_back()

    assert page.text("error") == "level_not_reached"
    assert not guest.signed_in


def test_a_level_higher_than_owed_is_good_enough(guest, crooked):
    crooked.id_token = {"acr": "LoA4"}

    guest.come_back()

    assert guest.get("/me").text("acr") == "LoA4"


def unsigned(claims):
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_an_id_token_without_signature_starts_no_session(guest, crooked):
    crooked.sign = unsigned

    assert guest.come_back().text("error") == "untrusted_answer"
    assert not guest.signed_in


def test_an_id_token_signed_with_the_client_secret_starts_no_session(guest, crooked):
    crooked.metadata = {"id_token_signing_alg_values_supported": ["HS256", "none"]}
    secret = "secret-of-the-ministry".ljust(32, "x")
    crooked.sign = lambda claims: jwt.encode(claims, secret, algorithm="HS256", headers={"kid": crooked.key.kid})

    assert guest.come_back().text("error") == "untrusted_answer"


def test_an_id_token_signed_by_a_stranger_under_our_key_id_starts_no_session(guest, crooked):
    stranger = SigningKey.new("ES256")
    crooked.sign = lambda claims: stranger.sign(claims, kid=crooked.key.kid)

    assert guest.come_back().text("error") == "untrusted_answer"


def test_a_key_sent_inside_the_token_is_not_used(guest, crooked):
    stranger = SigningKey.new("ES256")
    crooked.sign = lambda claims: stranger.sign(claims, jwk=stranger.jwk())

    assert guest.come_back().text("error") == "untrusted_answer"


def test_new_keys_of_the_provider_are_fetched_when_a_token_needs_them(guest, crooked):
    guest.come_back()
    crooked.key = SigningKey.new("RS256")
    crooked.published.append(crooked.key)

    assert guest.come_back().status == 303
    assert crooked.asked.count("/jwks") == 2


@pytest.mark.parametrize("lie", [{"sub": "person-2"}, {"sub": None}])
def test_userinfo_about_somebody_else_starts_no_session(guest, crooked, lie):
    crooked.userinfo = lie

    assert guest.come_back().text("error") == "untrusted_answer"
    assert not guest.signed_in


def test_a_token_answer_without_id_token_starts_no_session(guest, crooked):
    crooked.token_answer = {"id_token": None}

    assert guest.come_back().text("error") == "untrusted_answer"


def test_metadata_that_names_another_issuer_is_not_used(guest, crooked):
    crooked.metadata = {"issuer": "http://elsewhere.localhost:1"}

    assert guest.get("/sign-in").text("error") == "untrusted_answer"


@pytest.mark.parametrize(
    "path, answer, told",
    [
        ("/token", Response(status=503), "provider_busy"),
        ("/token", Response("half an ans", mimetype="application/json"), "untrusted_answer"),
        (
            "/token",
            Response(status=307, headers={"Location": "http://elsewhere.localhost:1/token"}),
            "untrusted_answer",
        ),
        ("/token", Response('{"error":"invalid_grant"}', 400, mimetype="application/json"), "sign_in_expired"),
        ("/token", Response('{"error":"invalid_client"}', 401, mimetype="application/json"), "portal_not_ready"),
        ("/token", Response('{"error":"<i>"}', 400, mimetype="application/json"), "request_refused"),
        ("/userinfo", Response(status=401), "untrusted_answer"),
        ("/userinfo", Response(status=500), "provider_busy"),
        ("/userinfo", Response("<html>", mimetype="text/html"), "untrusted_answer"),
        ("/jwks", Response("[]", mimetype="application/json"), "untrusted_answer"),
        ("/jwks", Response(status=502), "provider_busy"),
    ],
)
def test_a_broken_answer_is_told_kindly_and_starts_no_session(guest, crooked, path, answer, told):
    crooked.broken[path] = answer

    page = guest.come_back()

    assert page.text("error") == told
    assert "Traceback" not in page.html
    assert page.has("try-again")
    assert not guest.signed_in


def test_after_a_broken_answer_the_next_sign_in_works(guest, crooked):
    crooked.broken["/jwks"] = Response(status=502)
    guest.come_back()
    crooked.broken.clear()

    guest.come_back()

    assert guest.signed_in


def test_metadata_cannot_switch_off_our_checks_of_certificates(guest, crooked):
    """Authlib passes metadata on as options of its HTTP session; `verify` and `proxies` are such options."""
    crooked.metadata = {"verify": False, "proxies": {"http": "http://elsewhere.localhost:1"}}

    guest.come_back()

    assert guest.signed_in
