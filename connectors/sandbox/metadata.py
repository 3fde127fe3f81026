"""What the source publishes about itself: its discovery document and its keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from connectors.sandbox.answers import answer, page
from connectors.sandbox.cast import CAST, PASSWORD
from connectors.sandbox.clients import ASSERTION_ALGORITHMS
from connectors.sandbox.state import sandbox

blueprint = Blueprint("metadata", __name__)


@blueprint.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """OpenID Connect Discovery section 4."""
    return answer({**_endpoints(), **_abilities()}, "discovery")


def _endpoints() -> dict[str, str]:
    settings = sandbox().settings
    endpoints = {
        "issuer": settings.issuer,
        "authorization_endpoint": settings.url("/authorize"),
        "token_endpoint": settings.url("/token"),
        "userinfo_endpoint": settings.url("/userinfo"),
        "jwks_uri": settings.url("/jwks"),
        "end_session_endpoint": settings.url("/logout"),
    }
    if sandbox().source.requires_par:
        endpoints["pushed_authorization_request_endpoint"] = settings.url("/par")
    return endpoints


def _abilities() -> dict[str, Any]:
    source = sandbox().source
    abilities: dict[str, Any] = {
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [source.signing_algorithm],
        "token_endpoint_auth_methods_supported": [source.client_authentication],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "phone"],
        "claims_supported": list(source.claims_supported),
        "acr_values_supported": [level.acr for level in source.levels],
        "ui_locales_supported": ["vi", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": source.requires_par,
    }
    if source.client_authentication == "private_key_jwt":
        abilities["token_endpoint_auth_signing_alg_values_supported"] = list(ASSERTION_ALGORITHMS)
    return abilities


@blueprint.get("/jwks")
def jwks() -> Response:
    return answer({"keys": [key.public_jwk() for key in sandbox().keys.published()]}, "jwks")


@blueprint.get("/")
def index() -> Response:
    """For whoever opens the source by itself: what this is."""
    return page("index.html", cast=CAST, password=PASSWORD)
