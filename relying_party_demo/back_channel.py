"""The provider tells us that a person signed out elsewhere (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8).

No browser is involved: the request carries no cookie, and the signed token in it is all there is to trust.
"""

from __future__ import annotations

import logging
from typing import Any

import jwt
from flask import Blueprint, Response, jsonify, request

from . import visitor
from .failures import Failure
from .provider import ALGORITHMS, CLOCK_SKEW_SECONDS
from .store import AlreadySpent

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_TYPES = ("logout+jwt", "application/logout+jwt", "JWT", None)  # recommended only; but no access token, say

log = logging.getLogger(__name__)
pages = Blueprint("back_channel", __name__)


class InvalidLogoutToken(Exception):
    """Why the token was refused, in words for the provider's operators."""


@pages.post("/backchannel-logout")
def backchannel_logout() -> tuple[Response, int]:
    try:
        claims = _verified_claims(request.form.get("logout_token", ""))
        ended = visitor.store().end_sessions_of(
            jti=claims["jti"],
            token_expires_at=claims["exp"] + CLOCK_SKEW_SECONDS,
            sub=claims.get("sub"),
            sid=claims.get("sid"),
        )
    except AlreadySpent:
        return _answer({"error": "invalid_request", "error_description": "this logout token was used before"}, 400)
    except (InvalidLogoutToken, jwt.PyJWTError, Failure) as error:
        log.warning("logout token refused: %s", type(error).__name__)
        return _answer({"error": "invalid_request", "error_description": _reason(error)}, 400)
    log.info("signed out by the provider: %d session(s)", ended)
    return _answer({}, 200)


def _answer(body: dict[str, str], status: int) -> tuple[Response, int]:
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    return response, status


def _reason(error: Exception) -> str:
    return "the provider's keys cannot be had" if isinstance(error, Failure) else str(error)


def _verified_claims(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    if header.get("typ") not in TOKEN_TYPES:
        raise InvalidLogoutToken("typ is not logout+jwt")
    claims = jwt.decode(
        token,
        _key(header.get("kid")),
        algorithms=list(ALGORITHMS),
        issuer=visitor.settings().issuer,
        audience=visitor.settings().client_id,
        leeway=CLOCK_SKEW_SECONDS,
        options={"require": ["iss", "aud", "iat", "exp", "jti", "events"]},
    )
    _check_shape(claims)
    return claims


def _check_shape(claims: dict[str, Any]) -> None:
    events = claims["events"]
    if not isinstance(events, dict) or set(events) != {LOGOUT_EVENT} or not isinstance(events[LOGOUT_EVENT], dict):
        raise InvalidLogoutToken("events does not hold the logout event and nothing else")
    if "nonce" in claims:
        # An id_token, sent here by somebody who has one, must never pass for a logout token.
        raise InvalidLogoutToken("nonce is prohibited")
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or not all(isinstance(value, str) and value for value in named):
        raise InvalidLogoutToken("sub or sid is needed, as text")


def _key(key_id: str | None) -> jwt.PyJWK:
    """The provider's key of that id; after a change of keys they are fetched once more, at most once a minute."""
    for refetch in (False, True):
        for key in jwt.PyJWKSet.from_dict(visitor.provider().keys(refetch=refetch)).keys:
            if key.key_id == key_id and key.public_key_use in (None, "sig"):
                return key
    raise InvalidLogoutToken("the key is not one of the provider's")
