"""`/.well-known/openid-configuration` and `/jwks`: what we can, in the words of OpenID Connect Discovery 1.0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from idp.clients.jwks import ENCRYPTS, SIGNING_ALGORITHMS
from idp.clients.registration import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    ContentEncryption,
)
from idp.keys import ALGORITHMS, Keys
from idp.oidc.answering import RESPONSE_MODES
from idp.oidc.client_assertions import ASSERTION_ALGORITHMS
from idp.oidc.client_authentication import METHODS
from idp.oidc.client_certificates import ClientCertificates
from idp.oidc.device import PATH as DEVICE_AUTHORIZATION
from idp.oidc.dpop import PROOF_ALGORITHMS
from idp.oidc.http import Request, Response
from idp.oidc.par import PATH as PAR
from idp.oidc.registration import PATH as REGISTER
from idp.oidc.session_management import PATH as SESSION_CHECK
from idp.oidc.verification import Verification
from idp.people import claims
from idp.people.assurance import AcrWords

CACHED_SECONDS = 300  # also how soon portals may notice a new key, far less than it is published before use
ID_TOKEN_CLAIMS = (
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "source_kind",
)  # fmt: skip

# Where a client may have to show its certificate: to prove itself, or to have or use a token that is bound to it.
ALIASED = (
    "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint",
    "pushed_authorization_request_endpoint", "device_authorization_endpoint",
)  # fmt: skip


class Discovery:
    def __init__(
        self, issuer: str, keys: Keys, certificates: ClientCertificates, *, registration: bool, words: AcrWords,
        verification: Verification,
    ) -> None:  # fmt: skip
        self._keys = keys
        document = _document(issuer) | {"acr_values_supported": list(words.values)} | verification.metadata()
        if registration:
            document["registration_endpoint"] = f"{issuer}{REGISTER}"
        self._document = json.dumps(document | _of_clients(document, certificates)).encode()

    def configuration(self, _: Request) -> Response:
        return _cached(self._document)

    def jwks(self, _: Request) -> Response:
        return _cached(self._keys.jwks())


def _document(issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint": f"{issuer}/revoke",
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "device_authorization_endpoint": f"{issuer}{DEVICE_AUTHORIZATION}",
        "end_session_endpoint": f"{issuer}/logout",
        "service_documentation": f"{issuer}/claims",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": [AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, TOKEN_EXCHANGE, DEVICE_CODE],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "id_token_encryption_alg_values_supported": list(ENCRYPTS),
        "id_token_encryption_enc_values_supported": list(get_args(ContentEncryption)),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(ENCRYPTS),
        "userinfo_encryption_enc_values_supported": list(get_args(ContentEncryption)),
        "token_endpoint_auth_methods_supported": list(METHODS),
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(claims.SCOPES),
        "claims_supported": [*ID_TOKEN_CLAIMS, *claims.RELEASABLE],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "require_signed_request_object": False,  # of all; a client's registration or profile may
        "request_object_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "authorization_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_encryption_alg_values_supported": list(ENCRYPTS),
        "authorization_encryption_enc_values_supported": list(get_args(ContentEncryption)),
        "pushed_authorization_request_endpoint": f"{issuer}{PAR}",
        "require_pushed_authorization_requests": False,  # of all, as above
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["vi", "en"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "check_session_iframe": f"{issuer}{SESSION_CHECK}",
    }


def _of_clients(document: Mapping[str, Any], certificates: ClientCertificates) -> dict[str, object]:
    """How clients prove themselves at each endpoint, by certificates as well where these can reach us (RFC 8705)."""
    said: dict[str, object] = {"tls_client_certificate_bound_access_tokens": certificates.arrive}
    for name, methods in document.items():
        if name.endswith("_auth_methods_supported"):
            said[name] = [*methods, *certificates.methods]
            said[name.replace("auth_methods", "auth_signing_alg_values")] = list(ASSERTION_ALGORITHMS)
    if certificates.origin:
        said["mtls_endpoint_aliases"] = {
            name: certificates.origin + str(document[name]).removeprefix(str(document["issuer"]))
            for name in ALIASED
            if name in document
        }
    return said


def _cached(body: bytes) -> Response:
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", f"public, max-age={CACHED_SECONDS}"),
        ("Access-Control-Allow-Origin", "*"),  # public documents, for portals that live in a browser
    )
    return Response(status=200, headers=headers, body=body)
