"""`/userinfo` as a JWT, as the portal registered it (OpenID Connect Core section 5.3.2); and what a level demands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from joserfc import jwe
from joserfc.jwk import ECKey, Key, RSAKey

from idp.clients import Registration
from idp.keys import ALGORITHMS
from tests.oidc.asserting import public_jwk
from tests.oidc.holder import OFFLINE, bought
from tests.oidc.residents import Resident
from tests.servers import eventually
from tests.world import Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
JWT = "application/jwt"


def told(residents: Residents, portal: Portal) -> tuple[requests.Response, dict[str, Any]]:
    """The answer of userinfo, and the id_token's claims."""
    tokens = bought(residents(portal), portal, scope="openid profile")
    answer = portal.userinfo(tokens["access_token"])
    return answer, portal.claims(tokens["id_token"])


def verified(portal: Portal, text: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_json(portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).text)
    header = jwt.get_unverified_header(text)
    said: dict[str, Any] = jwt.decode(
        text, keys[header["kid"]], algorithms=[header["alg"]], audience=portal.id, issuer=portal.world.issuer,
        options={"require": ["iss", "aud", "sub"]},
    )  # fmt: skip
    return said


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_signed_as_registered(portals: Portals, residents: Residents, alg: str) -> None:
    """With iss and aud; a nonce is the id_token's."""
    portal = portals(**OFFLINE, userinfo_signed_response_alg=alg)
    answer, claims = told(residents, portal)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, JWT)
    assert answer.headers["Cache-Control"] == "no-store"
    assert jwt.get_unverified_header(answer.text)["alg"] == alg
    said = verified(portal, answer.text)
    assert (said["sub"], said["aud"], said["name"]) == (claims["sub"], portal.id, "Nguyễn Thị Mai Anh")
    assert "nonce" not in said


def encrypting(portals: Portals, alg: str, **also: Any) -> tuple[Portal, Key]:
    key: Key = RSAKey.generate_key(2048) if alg.startswith("RSA") else ECKey.generate_key("P-256")
    public = key.as_dict(private=False) | {"kid": "e1", "use": "enc"}
    return portals(**OFFLINE, jwks={"keys": [public]}, userinfo_encrypted_response_alg=alg, **also), key


@pytest.mark.parametrize("alg, enc", [("RSA-OAEP-256", None), ("ECDH-ES", "A256GCM")])
@pytest.mark.parametrize("signing", [None, "ES256"])
def test_it_is_encrypted_as_registered(
    portals: Portals, residents: Residents, alg: str, enc: str | None, signing: str | None
) -> None:
    portal, key = encrypting(portals, alg, userinfo_encrypted_response_enc=enc, userinfo_signed_response_alg=signing)
    answer, claims = told(residents, portal)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, JWT)
    opened = jwe.decrypt_compact(answer.text, key, algorithms=[alg, enc or "A128CBC-HS256"])
    assert opened.headers()["kid"] == "e1"
    text = (opened.plaintext or b"").decode()
    said = json.loads(text) if signing is None else verified(portal, text)
    assert said["sub"] == claims["sub"]
    assert ("iss" in said) == (signing is not None)


def test_without_a_key_nothing_goes_out_less_protected(portals: Portals, residents: Residents) -> None:
    """The portal registered encryption, and published no key that it can be done with."""
    only_for_signing = {"keys": [public_jwk("ES256", kid="k1", use="sig")]}
    portal = portals(**OFFLINE, jwks=only_for_signing, userinfo_encrypted_response_alg="RSA-OAEP-256")
    answer, _ = told(residents, portal)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["error_description"].startswith("U06")


def test_who_raises_a_portal_s_level_sends_everybody_to_sign_in_again(portals: Portals, residents: Residents) -> None:
    """RFC 9470 section 3; the level is owed, whenever the token was granted."""
    portal = portals()
    resident = residents(portal, level=2)
    token = resident.tokens(portal).access_token
    assert portal.userinfo(token).status_code == 200
    house = portal.world.house
    client = house.clients.find(portal.id)
    assert client is not None
    with house.database.write() as tx:
        registered = client.model_dump(include=set(Registration.model_fields))
        house.clients.change(tx, portal.id, client, Registration(**registered | {"minimum_level": 3}))
    eventually(lambda: portal.userinfo(token).status_code == 401)
    answer = portal.userinfo(token)
    assert answer.json()["error"] == "insufficient_user_authentication"
    assert 'acr_values="LoA3"' in answer.headers["WWW-Authenticate"]
