"""The provider tells a portal that somebody signed out elsewhere (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import json
import time

import jwt
import pytest

from tests.peers.crooked_provider import LOGOUT_EVENT, SigningKey
from tests.peers.visitor import Visitor

LONG_AGO, FAR_AHEAD = 946684800, 4102444800  # 2000 and 2100: fixed, so that every worker collects the same tests


def tell(guest, token: str):
    return guest.post("/backchannel-logout", logout_token=token)


def test_signing_out_at_one_portal_signs_out_at_the_other(world, visitor):
    world.ministry.sign_in(visitor)
    assert visitor.open(world.province.at("/sign-in")).has("person")

    asked = visitor.submit(visitor.open(world.ministry.at("/")))
    visitor.submit(asked, {"logout": "yes"})

    deadline = time.monotonic() + 30  # the provider sends its messages beside the answer to the browser
    while visitor.open(world.province.at("/")).has("person"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_another_persons_session_is_left_alone(world, visitor, another_visitor):
    world.ministry.sign_in(visitor)
    world.ministry.sign_in(another_visitor, "minh")

    visitor.submit(visitor.submit(visitor.open(world.ministry.at("/"))), {"logout": "yes"})

    assert another_visitor.open(world.ministry.at("/")).has("person")


@pytest.mark.parametrize(
    "named",
    [
        {"sid": "session-1"},
        {"sid": None, "sub": "person-1"},
        {"sid": "session-1", "sub": "person-1"},
    ],
)
def test_a_good_logout_token_ends_the_sessions_it_names(guest, crooked, named):
    guest.come_back()

    answer = tell(guest, crooked.logout_token(**named))

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert not guest.signed_in


@pytest.mark.parametrize(
    "named", [{"sid": "another"}, {"sid": "session-1", "sub": "person-2"}, {"sid": None, "sub": "x"}]
)
def test_a_good_logout_token_about_others_ends_nothing_here(guest, crooked, named):
    guest.come_back()

    assert tell(guest, crooked.logout_token(**named)).status == 200
    assert guest.signed_in


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://elsewhere.localhost:1"},
        {"iss": None},
        {"aud": "another-portal"},
        {"aud": None},
        {"exp": LONG_AGO},
        {"exp": None},
        {"iat": FAR_AHEAD},
        {"iat": None},
        {"jti": None},
        {"jti": 7},
        {"nonce": "of-an-id-token"},
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/another": {}}},
        {"events": {LOGOUT_EVENT: {}, "http://schemas.openid.net/event/another": {}}},
        {"events": {LOGOUT_EVENT: True}},
        {"events": [LOGOUT_EVENT]},
        {"sid": None},
        {"sid": 5},
        {"sid": ""},
        {"sid": ["session-1"]},
        {"sub": 5},
    ],
    ids=json.dumps,
)
def test_a_logout_token_with_one_wrong_claim_is_refused_and_ends_nothing(guest, crooked, wrong):
    guest.come_back()

    answer = tell(guest, crooked.logout_token(**wrong))

    assert answer.status == 400
    assert json.loads(answer.html)["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"
    assert guest.signed_in


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "e30.e30.", "é.é.é", "." * 40000])
def test_something_that_is_no_token_is_refused(guest, token):
    assert tell(guest, token).status == 400


def test_a_request_without_a_token_is_refused(guest):
    assert guest.post("/backchannel-logout").status == 400
    assert guest.get("/backchannel-logout").status == 405


def test_a_logout_token_counts_once(guest, crooked):
    guest.come_back()
    token = crooked.logout_token()
    assert tell(guest, token).status == 200
    guest.come_back()

    again = tell(guest, token)

    assert again.status == 400
    assert guest.signed_in


def test_an_id_token_does_not_pass_for_a_logout_token(guest, crooked):
    tokens = []
    crooked.sign = lambda claims: tokens.append(crooked.key.sign(claims)) or tokens[0]
    guest.come_back()

    assert tell(guest, tokens[0]).status == 400
    assert guest.signed_in


def test_a_token_of_another_type_does_not_pass_for_a_logout_token(guest, crooked):
    guest.come_back()

    assert tell(guest, crooked.logout_token(header={"typ": "at+jwt"})).status == 400
    assert tell(guest, crooked.logout_token(header={"typ": 5})).status == 400
    assert tell(guest, crooked.logout_token(header={})).status == 200


def test_only_the_providers_keys_and_the_agreed_algorithms_count(guest, crooked):
    guest.come_back()
    stranger = SigningKey.new("ES256")
    claims = jwt.decode(crooked.logout_token(), options={"verify_signature": False})
    forged = [
        crooked.logout_token(key=stranger),
        crooked.logout_token(key=stranger, header={"kid": crooked.key.kid}),
        crooked.logout_token(key=stranger, header={"kid": crooked.key.kid, "jwk": stranger.jwk()}),
        crooked.logout_token(header={"crit": ["x"], "x": 1}),
        jwt.encode(claims, "s" * 32, algorithm="HS256", headers={"kid": crooked.key.kid}),
        jwt.encode(claims, "", algorithm="none", headers={"kid": crooked.key.kid}),
        jwt.encode(claims, crooked.key.private, algorithm="ES256"),
    ]

    assert [tell(guest, token).status for token in forged] == [400] * len(forged)
    assert guest.signed_in


def test_new_keys_are_fetched_for_a_logout_token_but_at_most_once_a_minute(guest, crooked):
    guest.come_back()
    crooked.key = SigningKey.new("RS256")
    crooked.published.append(crooked.key)
    assert tell(guest, crooked.logout_token()).status == 200
    asked = crooked.asked.count("/jwks")

    for _ in range(5):
        assert tell(guest, crooked.logout_token(key=SigningKey.new("ES256"))).status == 400

    assert crooked.asked.count("/jwks") == asked


def test_no_logout_token_ends_up_in_the_log(world, ministry):
    token = jwt.encode({"iss": "x"}, world.keys["RS256"].private, algorithm="RS256")
    Visitor().request("POST", ministry.at("/backchannel-logout"), data={"logout_token": token})

    log = (ministry.folder / "log").read_text()
    assert "logout token refused" in log
    assert token not in log
