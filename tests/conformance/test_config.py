"""OpenID Connect Config: what discovery and the JWK Set say (OpenID Connect Discovery 1.0 sections 3, 4 and 7.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from tests.conformance.deployment import Deployment

REQUIRED = (
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint",
    "scopes_supported", "response_types_supported", "grant_types_supported", "subject_types_supported",
    "id_token_signing_alg_values_supported", "claims_supported",
)  # fmt: skip
STANDARD_SCOPES = {"openid", "profile", "email", "address", "phone", "offline_access"}
STANDARD_CLAIMS = {
    "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
    "phone_number_verified", "address", "updated_at",
}  # fmt: skip
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")  # RFC 5646 section 2.1.1, in its usual case
PUBLIC = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}


def test_oidcc_discovery_endpoint_verification(deployment: Deployment) -> None:
    answer = deployment.http.get(f"{deployment.issuer}/.well-known/openid-configuration", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    document: dict[str, Any] = answer.json()
    assert not [name for name in REQUIRED if name not in document]
    assert document["issuer"] == deployment.issuer, "where discovery was asked for (sections 4.3 and 7.2)"
    assert not urlsplit(document["issuer"]).query + urlsplit(document["issuer"]).fragment
    _says_what_every_provider_says(document)
    _says_what_it_says_well(document)
    _addresses_are_all_under_the_issuer(deployment, document)
    _keys_can_be_used(deployment)


def _says_what_every_provider_says(document: Mapping[str, Any]) -> None:
    """Section 3: RS256, code; what Basic and Config certification ask for beside."""
    assert "code" in document["response_types_supported"]
    assert {"query", "form_post"} <= set(document["response_modes_supported"])
    assert "authorization_code" in document["grant_types_supported"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "none" not in document["id_token_signing_alg_values_supported"]
    assert "RS256" in document["userinfo_signing_alg_values_supported"]
    assert "RS256" in document["request_object_signing_alg_values_supported"]
    assert document["request_parameter_supported"] is document["request_uri_parameter_supported"] is True
    assert document["claims_parameter_supported"] is True
    assert set(document["subject_types_supported"]) <= {"public", "pairwise"}
    assert document["subject_types_supported"]
    methods = {"client_secret_basic", "client_secret_post", "private_key_jwt"}
    assert methods <= set(document["token_endpoint_auth_methods_supported"])
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert set(document["scopes_supported"]) >= STANDARD_SCOPES
    assert set(document["claims_supported"]) >= STANDARD_CLAIMS


def _says_what_it_says_well(document: Mapping[str, Any]) -> None:
    """RFC 8414 section 2: of the right type, nothing null, nothing twice."""
    for name, value in document.items():
        assert value not in (None, "", [], {}), f"{name}: what is not there is left out (section 4.2)"
        if name.endswith(("_supported", "_required")) and not isinstance(value, bool):
            assert isinstance(value, list), name
            assert all(isinstance(one, str) and one for one in value), name
            assert len(set(value)) == len(value), name
    assert all(SCOPE.fullmatch(scope) for scope in document["scopes_supported"])
    assert all(LOCALE.fullmatch(locale) for locale in document["ui_locales_supported"])


def _addresses_are_all_under_the_issuer(deployment: Deployment, document: Mapping[str, Any]) -> None:
    """With the issuer's scheme: https, wherever the issuer is not on loopback (the settings refuse anything else)."""
    addresses = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri", "_iframe"))}
    assert len(addresses) >= 6
    for name, address in addresses.items():
        assert address.startswith(f"{deployment.issuer}/"), name
        assert not urlsplit(address).fragment, name
        assert deployment.http.get(address, timeout=30, allow_redirects=False).status_code != 404, name


def _keys_can_be_used(deployment: Deployment) -> None:
    """RFC 7517 section 4, RFC 7518 section 6: each has a name of its own, says what it is for, and is public."""
    keys = deployment.jwks()
    assert keys
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key.keys() == {"kty", "kid", "use", "alg"} | PUBLIC[key["kty"]]
        assert key["use"] == "sig"
        assert jwt.PyJWK(key).key is not None
        for name in PUBLIC[key["kty"]] - {"crv"}:
            assert re.fullmatch(r"[A-Za-z0-9_-]+", key[name]), "base64url without padding"
        if key["kty"] == "RSA":
            assert int.from_bytes(base64.urlsafe_b64decode(key["n"] + "==")).bit_length() >= 2048
    signing = set(deployment.discovery()["id_token_signing_alg_values_supported"])
    assert {key["alg"] for key in keys} == signing, "a key for each algorithm that is promised, and no other"
