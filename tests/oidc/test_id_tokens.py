"""What an id_token says (OpenID Connect Core section 2), as PyJWT reads it by the published keys."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idp.people import claims
from tests.oidc.holder import OFFLINE, bought, refreshed, refused, told
from tests.oidc.residents import EVERY_CLAIM, Resident, seconds_later
from tests.world import CITIZEN, Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
# section 2, plus sid (Back-Channel Logout section 2.1) and the kind of source, which is ours
FACTS = {
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "source_kind", "at_hash",
}  # fmt: skip


def keys_of(world: World) -> dict[str, dict[str, Any]]:
    return {key["kid"]: key for key in world.http.get(f"{world.issuer}/jwks", timeout=30).json()["keys"]}


GRANT_TYPES = ["authorization_code", "refresh_token"]  # the second goes with offline_access
TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


@pytest.mark.parametrize("alg, hashed", [(alg, "sha512" if alg == "EdDSA" else "sha256") for alg in TYPES])
def test_an_id_token_holds_the_facts_of_the_sign_in_and_no_more(
    portals: Portals, residents: Residents, alg: str, hashed: str
) -> None:
    portal = portals(id_token_signed_response_alg=alg, scopes=list(claims.SCOPES), grant_types=GRANT_TYPES)
    resident = residents(portal, level=2, source="bank")
    tokens = resident.tokens(portal, scope=" ".join(claims.SCOPES), nonce="n-0S6_WzA2Mj")
    header, said = jwt.get_unverified_header(tokens.id_token), dict(tokens.claims)
    key = keys_of(portal.world)[header["kid"]]
    assert header == {"alg": alg, "kid": key["kid"], "typ": "JWT"}
    assert (key["alg"], key["use"], key["kty"]) == (alg, "sig", TYPES[alg])
    assert said.keys() == FACTS  # no claim of a scope: that is what userinfo is for (section 5.4)
    assert (said["iss"], said["aud"], said["nonce"]) == (portal.world.issuer, portal.id, "n-0S6_WzA2Mj")
    assert (said["acr"], said["amr"], said["source_kind"]) == ("LoA2", ["pwd", "otp"], "banking")
    assert said["sid"] == resident.sid_at(portal)
    assert abs(said["iat"] - time.time()) < 60
    assert said["exp"] - said["iat"] == portal.world.settings.lifetimes.id_token_seconds
    assert said["auth_time"] <= said["iat"]
    digest = hashlib.new(hashed, tokens.access_token.encode()).digest()
    half = digest[: len(digest) // 2]
    assert said["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()  # section 3.1.3.6


def test_auth_time_is_when_the_person_proved_themselves(resident: Resident, portal: Portal) -> None:
    first = resident.tokens(portal).claims
    with seconds_later(120):
        later = resident.tokens(portal).claims
    assert later["auth_time"] == first["auth_time"]
    assert later["iat"] >= first["iat"] + 120


def test_what_was_not_sent_is_not_made_up(portals: Portals, residents: Residents) -> None:
    portal = portals()
    assert "nonce" not in residents(portal).tokens(portal, nonce=None).claims
    assert "amr" not in residents(portal, means=()).tokens(portal).claims


@pytest.mark.parametrize("alg", TYPES)
def test_no_other_key_and_no_change_passes(portals: Portals, residents: Residents, alg: str) -> None:
    portal = portals(id_token_signed_response_alg=alg)
    token = residents(portal).tokens(portal).id_token
    head, body, signature = token.split(".")
    changed = body[:40] + ("A" if body[40] != "A" else "B") + body[41:]
    for wrong in (f"{head}.{changed}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}."):
        with pytest.raises(jwt.PyJWTError):
            portal.claims(wrong)


# ---- for the portal's eyes only (section 10.2) ----


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
def test_an_id_token_is_signed_and_then_encrypted_to_whoever_registered_that(
    portals: Portals, residents: Residents, alg: str
) -> None:
    key = RSAKey.generate_key(2048) if alg.startswith("RSA") else ECKey.generate_key("P-256")
    public = key.as_dict(private=False) | {"kid": "e1", "use": "enc", "alg": alg}
    portal = portals(**OFFLINE, id_token_encrypted_response_alg=alg, jwks={"keys": [public]})
    tokens = bought(residents(portal), portal)
    for token in (tokens["id_token"], told(refreshed(portal, tokens["refresh_token"]))["id_token"]):
        opened = jwe.decrypt_compact(token, key, algorithms=[alg, "A128CBC-HS256"])
        assert (opened.headers()["cty"], opened.headers()["kid"]) == ("JWT", "e1")
        assert opened.plaintext is not None
        assert portal.claims(opened.plaintext.decode())["sub"]


def test_without_a_key_to_encrypt_with_nothing_is_given_and_nothing_is_spent(
    portals: Portals, residents: Residents
) -> None:
    signing_only = ECKey.generate_key("P-256").as_dict(private=False) | {"use": "sig"}
    portal = portals(**OFFLINE, id_token_encrypted_response_alg="ECDH-ES", jwks={"keys": [signing_only]})
    resident = residents(portal)
    code, request = resident.code(portal)
    for _ in range(2):
        refused(portal.redeem(code, request.verifier), "invalid_request", "T28")
    assert not [event for event in portal.world.house.audit.export() if _is_grant_to(portal, event)]


def _is_grant_to(portal: Portal, event: dict[str, Any]) -> bool:
    return bool(event["event"] == "granted" and event["client_id"] == portal.id)


# ---- the claims parameter (section 5.5) ----


def test_claims_asked_for_in_the_id_token_are_there_and_no_others(portals: Portals, residents: Residents) -> None:
    portal = portals(scopes=["openid", "profile", "email"])
    asked = {"id_token": {"name": {"essential": True}, "email": None, "unheard_of": None, "iss": {"value": "x"}}}
    tokens = residents(portal).tokens(portal, scope="openid", claims=json.dumps(asked))
    assert tokens.claims.keys() - FACTS == {"name", "email"}
    assert (tokens.claims["name"], tokens.claims["iss"]) == ("Nguyễn Thị Mai Anh", portal.world.issuer)
    assert tokens.userinfo.keys() == {"sub"}


def test_claims_asked_for_in_userinfo_are_there_and_not_in_the_id_token(portals: Portals, residents: Residents) -> None:
    portal = portals(scopes=["openid", "profile", "email"])
    asked = {"userinfo": {"birthdate": {"essential": True}, "email": {"value": "other@example.vn"}}}
    tokens = residents(portal).tokens(portal, scope="openid", claims=json.dumps(asked))
    assert tokens.userinfo.keys() == {"sub", "birthdate", "email"}
    assert tokens.claims.keys() == FACTS


def test_nobody_asks_their_way_to_what_was_not_granted(portals: Portals, residents: Residents) -> None:
    portal = portals(scopes=["openid", "birthdate"])
    everything = dict.fromkeys(EVERY_CLAIM, {"essential": True})
    asked = json.dumps({"id_token": everything, "userinfo": everything})
    tokens = residents(portal).tokens(portal, scope="openid", claims=asked)
    assert tokens.claims.keys() - FACTS == {"birthdate"}
    assert tokens.userinfo.keys() == {"sub", "birthdate"}


def test_a_claim_without_a_value_is_left_out(portals: Portals, residents: Residents) -> None:
    """Section 5.3.2: never null."""
    portal = portals(scopes=["openid", "profile", "email", "phone"])
    resident = residents(portal, proofing=1, email=None, phone=None, birth_date=None, sex=None, profile=None)
    asked = json.dumps({"id_token": {"email": None, "gender": None, "name": None}})
    tokens = resident.tokens(portal, scope="openid profile email phone", claims=asked)
    assert tokens.claims.keys() - FACTS == {"name"}
    assert tokens.userinfo.keys() == {"sub", "name", "family_name", "middle_name", "given_name", "updated_at"}


# ---- the same from the source to the portal ----


@pytest.mark.parametrize(
    "source, acr_values, acr, kind", [("bank", "LoA2", "LoA2", "banking"), ("population", "LoA3", "LoA3", "population")]
)
def test_the_level_and_the_means_are_the_source_s(
    country: World, browser: Browser, portal: Portal, source: str, acr_values: str, acr: str, kind: str
) -> None:
    owed = json.dumps({"id_token": {"acr": {"essential": True, "value": acr_values}}})
    tokens = country.sign_in(browser, portal, source=source, citizen=CITIZEN, claims=owed)
    assert (tokens.claims["acr"], tokens.claims["source_kind"]) == (acr, kind)
    assert tokens.claims["sub"] == tokens.userinfo["sub"]


def test_both_sources_mean_the_same_person(country: World, portal: Portal) -> None:
    subs = {
        country.sign_in(country.browser(), portal, source=source).claims["sub"] for source in ("bank", "population")
    }
    assert len(subs) == 1


def test_the_token_response_is_the_only_place_of_tokens(resident: Resident, portal: Portal) -> None:
    """Nothing bearer in a URL but the code, which is of use to its portal alone."""
    request = portal.ask()
    answer: requests.Response = portal.redeem(resident.asked(portal)["code"], request.verifier)
    assert answer.status_code == 400  # the verifier of another request
    tokens = resident.tokens(portal)
    for secret in (tokens.access_token, tokens.id_token):
        assert all(secret not in url for url in resident.browser.trail)
