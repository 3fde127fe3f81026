"""`/.well-known/openid-configuration` and `/jwks`: what we can, in the words of OpenID Connect Discovery 1.0."""

from __future__ import annotations

import json

from idp.keys import ALGORITHMS, Keys
from idp.oidc.http import Request, Response
from idp.oidc.protocol import AUTHENTICATION_METHODS
from idp.people import assurance, claims

CACHED_SECONDS = 300  # also how soon portals may notice a new key, far less than it is published before use
ID_TOKEN_CLAIMS = (
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "source_kind",
)  # fmt: skip


class Discovery:
    def __init__(self, issuer: str, keys: Keys) -> None:
        self._keys = keys
        self._document = json.dumps(_document(issuer)).encode()

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
        "end_session_endpoint": f"{issuer}/logout",
        "service_documentation": f"{issuer}/claims",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(claims.SCOPES),
        "claims_supported": [*ID_TOKEN_CLAIMS, *claims.BY_NAME],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "acr_values_supported": list(assurance.ACR_VALUES),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["vi", "en"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _cached(body: bytes) -> Response:
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", f"public, max-age={CACHED_SECONDS}"),
        ("Access-Control-Allow-Origin", "*"),  # public documents, for portals that live in a browser
    )
    return Response(status=200, headers=headers, body=body)
