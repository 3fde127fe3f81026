"""Portals that sign who they are (private_key_jwt, client_secret_jwt): what they send, and what a forger would."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from idp import clock
from tests.world import Portal

Portals = Callable[..., Portal]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASYMMETRIC = ("RS256", "PS256", "ES256", "EdDSA")
FAPI = {"profile": "fapi2_security", "token_endpoint_auth_method": "private_key_jwt", "pkce_required": True,
        "require_pushed_authorization_requests": True, "dpop_bound_access_tokens": True,
        "id_token_signed_response_alg": "PS256"}  # fmt: skip


def private_key(alg: str, number: int = 1) -> Any:
    """A key for this algorithm; another number, another key. RS256 and PS256 share theirs, as portals do."""
    return _made("RSA" if alg in ("RS256", "PS256") else alg, number)


@cache
def _made(kind: str, _number: int) -> Any:
    if kind == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


def public_jwk(alg: str, number: int = 1, **named: str) -> dict[str, Any]:
    kinds: dict[str, Any] = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
    key: dict[str, Any] = kinds.get(alg, RSAAlgorithm).to_jwk(private_key(alg, number).public_key(), as_dict=True)
    key.pop("key_ops", None)
    return key | named


def jwks(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(keys)}


@dataclass
class Asserting:
    """A portal with its key. `ask` sends a code that is none: whoever is let in hears of that, in place of tokens."""

    portal: Portal
    alg: str
    key: Any
    kid: str | None = "k1"

    @property
    def issuer(self) -> str:
        return self.portal.world.issuer

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What it says of itself; changes replace, None leaves out."""
        now = clock.seconds()
        said = {
            "iss": self.portal.id, "sub": self.portal.id, "aud": self.issuer, "jti": secrets.token_urlsafe(16),
            "iat": now, "exp": now + 60,
        } | changes  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def signed(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        payload = json.dumps(self.claims(**changes)).encode()
        return self.signed_bytes(payload, header)

    def signed_bytes(self, payload: bytes, header: dict[str, Any] | None = None) -> str:
        named = {} if self.kid is None else {"kid": self.kid}
        return jwt.PyJWS().encode(payload, self.key, algorithm=self.alg, headers=named | (header or {}))

    def ask(self, assertion: str | None, **fields: str | None) -> requests.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": "none", "redirect_uri": self.portal.redirect_uri,
            "code_verifier": "v" * 43, "client_assertion_type": TYPE, "client_assertion": assertion,
        } | fields  # fmt: skip
        sent = {name: value for name, value in form.items() if value is not None}
        return self.portal.world.http.post(f"{self.issuer}/token", data=sent, timeout=30)


def asserting(portals: Portals, alg: str = "ES256", **registration: Any) -> Asserting:
    """A portal that signs with this algorithm, and registered its key as `k1`."""
    if alg == "HS256":
        portal = portals(token_endpoint_auth_method="client_secret_jwt", **registration)
        return Asserting(portal, alg, portal.secret, None)
    given = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(public_jwk(alg, kid="k1"))} | registration
    return Asserting(portals(**given), alg, private_key(alg))


def let_in(answer: requests.Response) -> None:
    """The client proved itself: what is refused is what it asked for."""
    assert answer.json()["error"] != "invalid_client", answer.text
    assert answer.status_code in (200, 400), answer.text


def turned_away(answer: requests.Response, code: str = "T01") -> None:
    """RFC 6749 section 5.2, and RFC 7521 section 4.2.1."""
    told = answer.json()
    assert (answer.status_code, told["error"]) == (401, "invalid_client"), answer.text
    assert told["error_description"].startswith(code), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in answer.headers  # it did not try HTTP authentication
