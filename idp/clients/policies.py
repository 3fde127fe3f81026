"""What a registration must hold to: the rules of all, and those of a profile that an operator chose for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from idp.clients import certificate_names
from idp.clients.urls import origin
from idp.people.claims import SCOPES

if TYPE_CHECKING:
    from idp.clients.registration import Registration

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
CERTIFICATE_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
FAPI_METHODS = ("private_key_jwt", *CERTIFICATE_METHODS)
# FAPI 2.0 Security Profile section 5.4: RSA with PKCS #1 v1.5 is not among them.
FAPI_ALGORITHMS = ("PS256", "ES256", "EdDSA")
SUBJECTS = (
    "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)  # fmt: skip
SIGNED_FOR_THEM = (
    "id_token_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
)
ENCRYPTED = ("id_token", "userinfo", "authorization")


def with_profile(given: dict[str, Any]) -> dict[str, Any]:
    """What was registered, completed by what its profile asks for wherever it says nothing itself."""
    profile = given.get("profile")
    if profile not in ("fapi2_security", "fapi2_message_signing"):
        return given
    implied: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt", "pkce_required": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": not given.get("tls_client_certificate_bound_access_tokens", False),
    } | dict.fromkeys(SIGNED_FOR_THEM, "PS256")  # fmt: skip
    if profile == "fapi2_message_signing":
        implied["require_signed_request_object"] = True
    return implied | given


def is_api_scope(word: str) -> bool:
    """Whether this can be a word of an API (RFC 6749 section 3.3), which no scope about people may be taken for."""
    return _WORD.fullmatch(word) is not None and word not in SCOPES


def faults(portal: Registration) -> Iterator[str]:
    """Every reason why this registration cannot stand, as a sentence."""
    yield from _faults_of_authentication(portal)
    yield from _faults_of_keys(portal)
    yield from _faults_of_flows(portal)
    yield from _faults_of_logout(portal)
    if portal.profile != "openid":
        yield from _faults_of_fapi(portal)


def _faults_of_authentication(portal: Registration) -> Iterator[str]:
    method = portal.token_endpoint_auth_method
    if method == "none" and not portal.pkce_required:
        yield "a client without a secret must use PKCE (RFC 9700 section 2.1.1)"
    if method == "none" and set(portal.grant_types) - {"authorization_code", "refresh_token", _DEVICE}:
        yield "a client that cannot prove who it is has no client_credentials and no token exchange"
    named = [name for name in SUBJECTS if getattr(portal, name) is not None]
    if (method == "tls_client_auth") != (len(named) == 1) or len(named) > 1:
        yield "tls_client_auth needs exactly one tls_client_auth_… that names the certificate (RFC 8705 section 2.1.2)"
    elif named and not certificate_names.can_be_met(named[0], getattr(portal, named[0])):
        yield f"{named[0]} is nothing that a certificate can hold (a subject is written as RFC 4514 has it)"
    alg = portal.token_endpoint_auth_signing_alg
    if method == "client_secret_jwt" and alg not in (None, "HS256"):
        yield "client_secret_jwt signs with HS256"
    if alg is not None and method not in ("private_key_jwt", "client_secret_jwt"):
        yield "token_endpoint_auth_signing_alg goes with private_key_jwt or client_secret_jwt"
    if alg == "HS256" and method != "client_secret_jwt":
        yield "HS256 goes with client_secret_jwt"


def _faults_of_keys(portal: Registration) -> Iterator[str]:
    if portal.jwks is not None and portal.jwks_uri is not None:
        yield "jwks and jwks_uri must not be used together (RFC 7591 section 2)"
    has_keys = portal.jwks is not None or portal.jwks_uri is not None
    if portal.token_endpoint_auth_method in ("private_key_jwt", "self_signed_tls_client_auth") and not has_keys:
        yield f"{portal.token_endpoint_auth_method} needs jwks or jwks_uri"
    if portal.require_signed_request_object and not has_keys:
        yield "signed requests need jwks or jwks_uri"
    for part in ENCRYPTED:
        alg = getattr(portal, f"{part}_encrypted_response_alg")
        if alg is None and getattr(portal, f"{part}_encrypted_response_enc") is not None:
            yield f"{part}_encrypted_response_enc goes with {part}_encrypted_response_alg"
        if alg is not None and not has_keys:
            yield f"{part}_encrypted_response_alg needs jwks or jwks_uri"


def _faults_of_flows(portal: Registration) -> Iterator[str]:
    if "authorization_code" in portal.grant_types and not portal.redirect_uris:
        yield "authorization_code needs redirect_uris"
    if "refresh_token" in portal.grant_types and not {"authorization_code", _DEVICE}.intersection(portal.grant_types):
        yield "refresh_token goes with authorization_code or the device grant"
    if (
        portal.token_endpoint_auth_method == "none" and portal.tls_client_certificate_bound_access_tokens
        and "refresh_token" in portal.grant_types and not portal.dpop_bound_access_tokens
    ):  # fmt: skip
        yield "a client without a secret binds its refresh tokens by DPoP (RFC 9449 section 5)"
    if portal.device_confirmation and _DEVICE not in portal.grant_types:
        yield "device_confirmation goes with the device grant"
    if "offline_access" in portal.scopes and "refresh_token" not in portal.grant_types:
        yield "offline_access needs the grant type refresh_token"
    if portal.api_scopes and not {"client_credentials", _EXCHANGE}.intersection(portal.grant_types):
        yield "api_scopes go with client_credentials or token exchange"
    if not all(map(is_api_scope, portal.api_scopes)):
        yield "api_scopes are words of the APIs (RFC 6749 section 3.3), and none of those about people"
    if set(portal.may_exchange) - set(portal.may_call):
        yield "may_exchange names an API that is not in may_call"


def _faults_of_logout(portal: Registration) -> Iterator[str]:
    """OpenID Connect Front-Channel Logout 1.0 section 2."""
    uri = portal.frontchannel_logout_uri
    if uri is not None and origin(uri) not in map(origin, portal.redirect_uris):
        yield "frontchannel_logout_uri must have scheme, host and port of a redirect_uri (Front-Channel Logout 2)"


def _faults_of_fapi(portal: Registration) -> Iterator[str]:
    """FAPI 2.0 Security Profile section 5.3, and Message Signing sections 5.3 and 5.4."""
    if portal.token_endpoint_auth_method not in FAPI_METHODS:
        yield "FAPI 2.0 clients authenticate by private_key_jwt or a certificate"
    if not portal.pkce_required or not portal.require_pushed_authorization_requests:
        yield "FAPI 2.0 needs pkce_required and require_pushed_authorization_requests"
    if not (portal.dpop_bound_access_tokens or portal.tls_client_certificate_bound_access_tokens):
        yield "FAPI 2.0 needs dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens"
    if _DEVICE in portal.grant_types:
        # Section 5.3.2 knows one way to a person's tokens, the code flow of 5.3.2.2: pushed, with PKCE, and answered in
        # the browser that asked. A device's code is typed wherever somebody was talked into typing it.
        yield "FAPI 2.0 asks people by authorization_code alone, not by the device grant"
    signs = ("token_endpoint_auth_signing_alg", "request_object_signing_alg", "userinfo_signed_response_alg")
    if any(getattr(portal, name) not in (None, *FAPI_ALGORITHMS) for name in (*signs, *SIGNED_FOR_THEM)):
        yield f"FAPI 2.0 signs with {', '.join(FAPI_ALGORITHMS)}"
    if portal.profile == "fapi2_message_signing" and not portal.require_signed_request_object:
        yield "FAPI 2.0 Message Signing needs require_signed_request_object"


_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_WORD = re.compile(r"[!#-\[\]-~]{1,100}", re.ASCII)
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
