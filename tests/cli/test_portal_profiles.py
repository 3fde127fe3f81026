"""`idp portals` with everything that a portal can register: keys, certificates, profiles, secrets that sign."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp.clients import Client
from idp.clients.registration import DEVICE_CODE
from tests.cli.conftest import PORTAL, Terminal
from tests.clients.key_sets import jwk, key_set

KEYS = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(jwk("P-256", kid="one"))}
FULL: dict[str, Any] = PORTAL | KEYS | {
    "application_type": "native", "redirect_uris": ["https://tax.example/cb", "com.example.tax:/cb"],
    "contacts": ["ops@tax.example"], "logo_uri": "https://tax.example/logo.svg",
    "policy_uri": "https://tax.example/policy", "tos_uri": "https://tax.example/terms",
    "initiate_login_uri": "https://tax.example/begin", "request_uris": ["https://tax.example/request"],
    "grant_types": ["authorization_code", "refresh_token", "client_credentials",
                    "urn:ietf:params:oauth:grant-type:token-exchange"],
    "scopes": ["openid", "profile", "offline_access"], "api_scopes": ["tax.read"], "default_max_age": 300,
    "token_endpoint_auth_signing_alg": "ES256", "require_pushed_authorization_requests": True,
    "require_signed_request_object": True, "request_object_signing_alg": "ES256",
    "authorization_signed_response_alg": "PS256", "userinfo_signed_response_alg": "ES256",
    "id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM",
    "tls_client_certificate_bound_access_tokens": True, "access_token_format": "jwt",
    "may_call": ["https://api.example/"], "may_exchange": ["https://api.example/"],
    "frontchannel_logout_uri": "https://tax.example/front", "backchannel_logout_uri": "https://tax.example/back",
}  # fmt: skip


def find(terminal: Terminal) -> Client:
    with terminal.house() as house:
        found = house.clients.find("tax")
    assert found is not None
    return found


def added(terminal: Terminal, **changes: Any) -> str:
    return terminal.does("portals", "add", terminal.file("portal.json", PORTAL | changes))


def test_everything_can_be_registered_and_shown_and_registered_again(terminal: Terminal) -> None:
    assert added(terminal, **FULL) == "tax: registered\n", "it has a key and no secret"
    shown = json.loads(terminal.does("portals", "show", "tax", "--json"))
    assert {name: shown[name] for name in FULL} == FULL
    assert terminal.does("portals", "update", "tax", terminal.file("s.json", shown)) == "tax: nothing to change\n"
    lines = terminal.does("portals", "show", "tax").splitlines()
    assert "registered_by                               an operator" in lines
    assert "secret                                      none" in lines


@pytest.mark.parametrize("profile", ["fapi2_security", "fapi2_message_signing"])
def test_a_profile_switches_on_what_it_needs(terminal: Terminal, profile: str) -> None:
    added(terminal, profile=profile, jwks=KEYS["jwks"])
    portal = find(terminal)
    assert portal.is_fapi and portal.answers_are_signed is (profile == "fapi2_message_signing")
    assert portal.token_endpoint_auth_method == "private_key_jwt"
    assert portal.require_pushed_authorization_requests and portal.dpop_bound_access_tokens and portal.pkce_required
    assert portal.assertion_algorithms == ("PS256", "ES256", "EdDSA")


def test_a_profile_by_certificates_binds_tokens_to_them(terminal: Terminal) -> None:
    certificate = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "tax.example"}
    added(terminal, profile="fapi2_security", tls_client_certificate_bound_access_tokens=True, **certificate)
    assert not find(terminal).dpop_bound_access_tokens


@pytest.mark.parametrize(
    "changes, fault",
    [
        (KEYS | {"jwks": None}, "private_key_jwt needs jwks or jwks_uri"),
        (KEYS | {"jwks_uri": "https://tax.example/jwks"}, "must not be used together"),
        (KEYS | {"jwks": key_set(jwk("P-256", private=True))}, "private or a symmetric key"),
        (KEYS | {"profile": "fapi2_security", "pkce_required": False}, "FAPI 2.0 needs pkce_required"),
        (KEYS | {"profile": "fapi2_security", "introspection_signed_response_alg": "RS256"}, "FAPI 2.0 signs with"),
        ({"profile": "fapi2_security", "token_endpoint_auth_method": "none"}, "authenticate by private_key_jwt"),
        (KEYS | {"profile": "fapi2_security", "grant_types": ["authorization_code", DEVICE_CODE]}, "not by the device"),
        (KEYS | {"profile": "fapi2_message_signing", "grant_types": [DEVICE_CODE]}, "not by the device grant"),
        ({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "ES256"}, "HS256"),
        ({"token_endpoint_auth_signing_alg": "HS256"}, "goes with private_key_jwt or client_secret_jwt"),
        (KEYS | {"token_endpoint_auth_signing_alg": "HS256"}, "HS256 goes with client_secret_jwt"),
        ({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, "has no client_credentials"),
        ({"api_scopes": ["tax.read"]}, "api_scopes go with client_credentials"),
        ({"may_exchange": ["https://api.example/"]}, "not in may_call"),
        ({"redirect_uris": []}, "authorization_code needs redirect_uris"),
        ({"grant_types": ["refresh_token"], "redirect_uris": []}, "refresh_token goes with"),
        ({"scopes": ["openid", "offline_access"]}, "offline_access needs the grant type refresh_token"),
        (
            {
                "token_endpoint_auth_method": "none", "tls_client_certificate_bound_access_tokens": True,
                "grant_types": ["authorization_code", "refresh_token"],
            },
            "a client without a secret binds its refresh tokens by DPoP",
        ),
        ({"id_token_encrypted_response_enc": "A128GCM"}, "goes with id_token_encrypted_response_alg"),
        ({"require_signed_request_object": True}, "signed requests need jwks"),
        ({"redirect_uris": ["http://127.0.0.1/cb"]}, "must begin with https://"),
    ],
)  # fmt: skip
def test_what_cannot_stand_together_is_refused_in_a_sentence(
    terminal: Terminal, changes: dict[str, Any], fault: str
) -> None:
    assert fault in terminal.refuses("portals", "add", terminal.file("p.json", PORTAL | changes))


def test_a_secret_that_signs_is_kept_so_that_we_can_check_it(terminal: Terminal) -> None:
    secret = added(terminal, token_endpoint_auth_method="client_secret_jwt").split()[-1]
    portal = find(terminal)
    assert portal.secret_fingerprint is None and not portal.knows_secret(secret)
    assert secret.encode() not in (portal.sealed_secret or b"")
    with terminal.house() as house:
        assert house.clients.secret_of(portal) == secret
    renewed = terminal.does("portals", "new-secret", "tax").split()[-1]
    with terminal.house() as house:
        assert house.clients.secret_of(find(terminal)) == renewed != secret


def test_a_secret_is_replaced_when_it_shall_sign_or_sign_no_more(terminal: Terminal) -> None:
    """Its fingerprint is not enough to check signatures; and what signed was known to us."""
    compared = added(terminal).split()[-1]
    jwt_file = terminal.file("jwt.json", PORTAL | {"token_endpoint_auth_method": "client_secret_jwt"})
    signing = terminal.does("portals", "update", "tax", jwt_file).split()[-1]
    with terminal.house() as house:
        assert house.clients.secret_of(find(terminal)) == signing != compared
    posted = terminal.file("post.json", PORTAL | {"token_endpoint_auth_method": "client_secret_post"})
    again = terminal.does("portals", "update", "tax", posted).split()[-1]
    assert find(terminal).knows_secret(again) and find(terminal).sealed_secret is None
    basic = terminal.does("portals", "update", "tax", terminal.file("basic.json", PORTAL))
    assert basic == "tax: changed token_endpoint_auth_method\n", "the same secret, sent in another way"
    assert find(terminal).knows_secret(again)


def test_a_sealed_secret_is_of_no_use_to_another_portal(terminal: Terminal) -> None:
    added(terminal, token_endpoint_auth_method="client_secret_jwt")
    stolen = find(terminal).model_copy(update={"id": "land"})
    from idp.seal import BadSeal

    with terminal.house() as house, pytest.raises(BadSeal):
        house.clients.secret_of(stolen)


def test_a_portal_with_keys_has_no_secret(terminal: Terminal) -> None:
    old = added(terminal).split()[-1]
    told = terminal.does("portals", "update", "tax", terminal.file("keys.json", PORTAL | KEYS))
    assert told == "tax: changed token_endpoint_auth_method, jwks\n"
    assert not find(terminal).knows_secret(old)
    assert "is private_key_jwt" in terminal.refuses("portals", "new-secret", "tax")
