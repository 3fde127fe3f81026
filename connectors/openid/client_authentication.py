"""How we prove to an OpenID Provider that we are its client (OpenID Connect Core section 9, RFC 7523)."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote_plus

import jwt

from connectors.answers import Refusal, context_secret, json_object
from connectors.base import Context, Failure

Method = Literal["private_key_jwt", "client_secret_post", "client_secret_basic"]
AssertionAlgorithm = Literal["ES256", "ES384", "RS256", "PS256", "EdDSA"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
ASSERTION_LIFETIME_SECONDS = 60
KEY = "client_key"  # a private JWK, as JSON
SECRET = "client_secret"

_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid")


def credentials(
    context: Context, method: Method, *, client_id: str, audience: str, algorithm: AssertionAlgorithm
) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the form fields that authenticate one request; an assertion serves one request only."""
    if method == "private_key_jwt":
        assertion = _assertion(context, client_id, audience, algorithm)
        return {}, {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    secret = context_secret(context, SECRET)
    if method == "client_secret_post":
        return {}, {"client_id": client_id, "client_secret": secret}
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"  # RFC 6749 section 2.3.1
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}


def _assertion(context: Context, client_id: str, audience: str, algorithm: AssertionAlgorithm) -> str:
    key, kid = private_key(context_secret(context, KEY), algorithm)
    issued_at = int(context.now().timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": issued_at,
        "exp": issued_at + ASSERTION_LIFETIME_SECONDS,
        "jti": context.fresh_value(),
    }
    try:
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)
    except (jwt.PyJWTError, TypeError, ValueError):
        raise Refusal(Failure.MISCONFIGURED, f"{KEY} does not sign with {algorithm}") from None


@lru_cache(maxsize=64)
def private_key(secret: str, algorithm: AssertionAlgorithm) -> tuple[Any, str | None]:
    """The key and its id; raises Refusal for a secret that is not a private JWK for this algorithm."""
    try:
        jwk = json_object(secret.encode(), KEY)
        if "d" not in jwk:
            raise ValueError("not private")
        key = jwt.PyJWK(jwk, algorithm=algorithm).key
    except (Refusal, jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise Refusal(Failure.MISCONFIGURED, f"{KEY} is not a private JWK for {algorithm}") from None
    kid = jwk.get("kid")
    return key, kid if isinstance(kid, str) else None


def public_keys(context: Context, method: Method, algorithm: AssertionAlgorithm) -> bytes:
    """Our JWKS for the source: the public half of the key, or no key where none is used."""
    if method != "private_key_jwt":
        return b'{"keys":[]}'
    secret = context_secret(context, KEY)
    private_key(secret, algorithm)
    jwk = json_object(secret.encode(), KEY)
    public = {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}
    return json.dumps({"keys": [{**public, "alg": algorithm, "use": "sig"}]}).encode()
