"""The independent parties work with one another, so that a failure against ours is ours."""

from __future__ import annotations

import json

import pytest

from tests import peers
from tests.peers.crooked_provider import SigningKey
from tests.peers.visitor import Visitor

REDIRECT_URI = "http://portal.localhost:1/callback"
ACCOUNTS = {"lan": {"name": "Nguyễn Thị Lan", "source_kind": "banking"}, "minh": {"max_acr": "LoA1"}}


@pytest.fixture(scope="module")
def client_key():
    return SigningKey.new("ES256")


@pytest.fixture(scope="module")
def issuer(client_key):
    common = {"redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code", "refresh_token"]}
    clients = [
        {"client_id": "basic", "client_secret": "s1", "token_endpoint_auth_method": "client_secret_basic"},
        {"client_id": "post", "client_secret": "s2", "token_endpoint_auth_method": "client_secret_post"},
        {
            "client_id": "key",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [client_key.jwk()]},
            "id_token_signed_response_alg": "ES256",
        },
        {"client_id": "public", "token_endpoint_auth_method": "none"},
    ]
    with peers.provider(clients=[common | client for client in clients], accounts=ACCOUNTS, AUTO_LOGIN="lan") as issuer:
        yield issuer


def sign_in(issuer: str, client_id: str, **environment: str):
    with peers.openid_client(issuer=issuer, client_id=client_id, redirect_uri=REDIRECT_URI, **environment) as party:
        visitor = Visitor()
        end = visitor.follow(visitor.get(party.authorization_url), until=REDIRECT_URI)
        return party.finish(end.location)


@pytest.mark.parametrize("pushed", ["no", "yes"])
@pytest.mark.parametrize("client_id", ["basic", "post", "key", "public"])
def test_openid_client_signs_in_at_oidc_provider(issuer, client_key, client_id, pushed):
    credentials = {
        "basic": {"CLIENT_SECRET": "s1"},
        "post": {"CLIENT_SECRET": "s2", "TOKEN_AUTH": "client_secret_post"},
        "key": {"CLIENT_KEY": json.dumps(client_key.jwk(private=True)), "ID_TOKEN_ALG": "ES256"},
        "public": {},
    }[client_id]

    result = sign_in(issuer, client_id, USE_PAR=pushed, SCOPE="openid profile", **credentials)

    assert result["id_token_claims"]["iss"] == issuer
    assert result["id_token_claims"]["aud"] == client_id
    assert result["id_token_header"]["alg"] == credentials.get("ID_TOKEN_ALG", "RS256")
    assert result["userinfo"] == {"sub": "lan", "name": "Nguyễn Thị Lan", "source_kind": "banking"}


def test_a_level_owed_is_reached_or_refused(issuer):
    def asking(account):
        claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["LoA3"]}}})
        return json.dumps({"claims": claims, "login_hint": account})

    assert sign_in(issuer, "public", PARAMETERS=asking("lan"))["id_token_claims"]["acr"] == "LoA3"
    with pytest.raises(peers.PeerFailed, match="unmet_authentication_requirements"):
        sign_in(issuer, "public", PARAMETERS=asking("minh"))


def test_a_refresh_token_is_used_when_asked_for(issuer):
    parameters = json.dumps({"prompt": "consent"})

    result = sign_in(
        issuer, "basic", CLIENT_SECRET="s1", SCOPE="openid offline_access", PARAMETERS=parameters, REFRESH="yes"
    )

    assert result["refreshed"]["id_token_claims"]["sub"] == "lan"


def test_a_wrong_secret_is_refused(issuer):
    with pytest.raises(peers.PeerFailed, match="invalid_client"):
        sign_in(issuer, "basic", CLIENT_SECRET="wrong")


def test_a_provider_that_cannot_start_says_why():
    broken = peers.provider(clients=[{"client_id": "x", "client_secret": "y"}], accounts={})

    with pytest.raises(peers.PeerFailed, match="redirect_uris"), broken:
        pass
