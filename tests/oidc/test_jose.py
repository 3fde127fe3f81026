"""Tokens to portals: signed, encrypted, both or plain, as each registered; and whose signature is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import jwt
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.clients import Client
from idp.clients.keys import NoKey
from idp.clients.registration import ContentEncryption, KeyManagement
from idp.oidc.jose import BadToken, Jose, header_of
from idp.seal import to_text
from tests.oidc.asserting import private_key, public_jwk
from tests.world import Portal, World

Portals = Callable[..., Portal]
CLAIMS = {"sub": "s", "name": "Nguyễn Thị Mai Anh"}
TYPES = ("jwt", None)


@pytest.fixture
def jose(country: World) -> Jose:
    return Jose(keys=country.house.keys, client_keys=country.house.client_keys)


def client_of(portal: Portal) -> Client:
    client = portal.world.house.clients.find(portal.id)
    assert client is not None
    return client


@cache
def _key(kty: str) -> Key:
    return RSAKey.generate_key(2048) if kty == "RSA" else ECKey.generate_key("P-256")


def encrypting(portals: Portals, part: str, alg: str, enc: str | None = None, **also: Any) -> tuple[Client, Key]:
    """A portal that registered encryption for a part, and its key."""
    key = _key("RSA" if alg.startswith("RSA") else "EC")
    public = key.as_dict(private=False) | {"kid": "e1", "use": "enc"}
    registered = {f"{part}_encrypted_response_alg": alg, f"{part}_encrypted_response_enc": enc}
    signs = public_jwk("ES256", kid="k1", use="sig")
    return client_of(portals(jwks={"keys": [signs, public]}, **registered, **also)), key


def verified(portal: Portal | Client, world: World, token: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_json(world.http.get(f"{world.issuer}/jwks", timeout=30).text)
    header = jwt.get_unverified_header(token)
    said: dict[str, Any] = jwt.decode(token, keys[header["kid"]], algorithms=[header["alg"]])
    return said


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("part", ["id_token", "userinfo", "authorization", "introspection"])
def test_each_part_is_signed_by_the_algorithm_registered_for_it(
    country: World, portals: Portals, jose: Jose, part: Any, alg: str
) -> None:
    token = jose.protect(CLAIMS, client_of(portals(**{f"{part}_signed_response_alg": alg})), part)
    header = jwt.get_unverified_header(token)
    expected = "token-introspection+jwt" if part == "introspection" else "JWT"  # RFC 9701 section 5
    assert (header["alg"], header["typ"], "kid" in header) == (alg, expected, True)
    assert verified(client_of(portals()), country, token) == CLAIMS


def test_userinfo_is_plain_unless_something_was_registered(portals: Portals, jose: Jose) -> None:
    """OpenID Connect Core section 5.3.2."""
    assert json.loads(jose.protect(CLAIMS, client_of(portals()), "userinfo")) == CLAIMS


@pytest.mark.parametrize("alg", get_args(KeyManagement))
@pytest.mark.parametrize("enc", [*get_args(ContentEncryption), None])
def test_what_is_signed_and_encrypted_is_nested(
    country: World, portals: Portals, jose: Jose, alg: str, enc: str | None
) -> None:
    """OpenID Connect Core section 16.14: signed first. Dynamic Registration section 2: A128CBC-HS256 by default."""
    client, key = encrypting(portals, "id_token", alg, enc)
    token = jose.protect(CLAIMS, client, "id_token")
    opened = jwe.decrypt_compact(token, key, algorithms=[alg, enc or "A128CBC-HS256"])
    assert opened.protected == opened.protected | {"kid": "e1", "cty": "JWT", "alg": alg}
    assert opened.plaintext is not None
    assert verified(client, country, opened.plaintext.decode()) == CLAIMS


def test_what_is_only_encrypted_is_no_token_inside(portals: Portals, jose: Jose) -> None:
    client, key = encrypting(portals, "userinfo", "ECDH-ES")
    opened = jwe.decrypt_compact(jose.protect(CLAIMS, client, "userinfo"), key, algorithms=["ECDH-ES", "A128CBC-HS256"])
    assert (json.loads(opened.plaintext or b""), "cty" in opened.protected) == (CLAIMS, False)


def test_a_key_of_another_curve_does_as_well(portals: Portals, jose: Jose) -> None:
    key = OKPKey.generate_key("X25519")
    portal = portals(
        jwks={"keys": [key.as_dict(private=False) | {"kid": "x"}]}, id_token_encrypted_response_alg="ECDH-ES"
    )
    token = jose.protect(CLAIMS, client_of(portal), "id_token")
    assert jwe.decrypt_compact(token, key, algorithms=["ECDH-ES", "A128CBC-HS256"]).plaintext


def test_without_a_key_nothing_goes_out(portals: Portals, jose: Jose) -> None:
    """Never signed alone where encryption was agreed."""
    portal = portals(jwks={"keys": [public_jwk("ES256", use="sig")]}, userinfo_encrypted_response_alg="ECDH-ES")
    with pytest.raises(NoKey):
        jose.protect(CLAIMS, client_of(portal), "userinfo")


# ---- from portals: what the requests that hold a token test over HTTP, here for the header alone ----


def signed(claims: object, **header: Any) -> str:
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, private_key("ES256"), algorithm="ES256", headers={"kid": "k1", **header})


def test_a_registered_key_is_believed_and_says_nothing_of_the_claims(portals: Portals, jose: Jose) -> None:
    client = client_of(portals(jwks={"keys": [public_jwk("ES256", kid="k1")]}))
    expired = {"exp": 1, "aud": "elsewhere"}
    assert jose.verified(signed(expired), client, ("ES256",), types=TYPES) == expired
    with pytest.raises(BadToken):
        jose.verified(signed(expired), client, ("PS256",), types=TYPES)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {}}, {"jku": "https://a.example"}, {"x5c": []}, {"x5u": "https://a.example"}, {"crit": ["exp"]},
        {"kid": ""}, {"b64": True}, {"typ": "at+jwt"}, {"kid": "k" * 201},
    ],
)  # fmt: skip
def test_a_header_that_asks_for_more_than_a_check_is_refused(header: dict[str, Any]) -> None:
    token = signed({})
    assert header_of(token, ["ES256"], TYPES) == ("ES256", "k1")
    with pytest.raises(BadToken):
        header_of(_with_header(token, header), ["ES256"], TYPES)


def test_why_is_said_without_a_word_of_the_token(portals: Portals, jose: Jose) -> None:
    client = client_of(portals(jwks={"keys": [public_jwk("ES256", 2, kid="k1")]}))
    for token in (signed({"name": "secret"}), signed({"name": "secret"}, typ="secret"), "secret"):
        with pytest.raises(BadToken) as problem:
            jose.verified(token, client, ("ES256",), types=TYPES)
        assert "secret" not in str(problem.value)


def _with_header(token: str, header: dict[str, Any]) -> str:
    named = {"alg": "ES256", "kid": "k1"} | header
    return ".".join([to_text(json.dumps(named).encode()), *token.split(".")[1:]])
