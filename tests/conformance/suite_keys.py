"""What the suite's clients sign: assertions, request objects, DPoP proofs; whole, or with one thing changed."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt

from idp.cli import conformance_keys

Claims = Mapping[str, Any]


def changed(members: Claims, changes: Claims) -> dict[str, Any]:
    """The members with the changes; None takes one out."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


@dataclass(frozen=True)
class SigningKey:
    """A private JWK with `kid` and `alg`."""

    jwk: Mapping[str, Any] = field(repr=False)

    @classmethod
    def new(cls, alg: str = "PS256") -> SigningKey:
        return cls(conformance_keys.signing_key(alg))

    @property
    def alg(self) -> str:
        return str(self.jwk["alg"])

    @property
    def public(self) -> dict[str, Any]:
        return conformance_keys.public(dict(self.jwk))

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[self.jwk["kty"]]
        text = json.dumps({name: self.jwk[name] for name in names}, separators=(",", ":"))
        return _b64(hashlib.sha256(text.encode()).digest())

    def opened(self, alg: str | None = None) -> Any:
        """What signs, for its own algorithm or for another."""
        return _opened(json.dumps(dict(self.jwk)), alg or self.alg)

    def signed(self, claims: Claims, header: Claims | None = None, *, alg: str | None = None) -> str:
        """A compact JWS; `header` adds to kid and alg, or replaces them (None: not there)."""
        alg = alg or self.alg
        private = self.opened(alg)
        headers = changed({"kid": self.jwk["kid"]}, header or {})
        payload = json.dumps(dict(claims)).encode()
        return jwt.PyJWS().encode(payload, private, algorithm=alg, headers=headers)


@cache
def _opened(jwk: str, alg: str) -> Any:
    """The key for this algorithm: to read an RSA key takes fifty times as long as to sign with it."""
    return jwt.PyJWK({**json.loads(jwk), "alg": alg}).key


def unsigned(claims: Claims, header: Claims | None = None) -> str:
    """A JWT that nobody signed (RFC 7515 appendix A.5), its header otherwise as told."""
    parts = (dict(header or {}) | {"alg": "none"}, dict(claims))
    return ".".join((*(_b64(json.dumps(part).encode()) for part in parts), ""))


def assertion(key: SigningKey, client_id: str, audience: str, *, alg: str | None = None, **changes: Any) -> str:
    """A client assertion (RFC 7523 section 3)."""
    now = int(time.time())
    claims = {
        "iss": client_id, "sub": client_id, "aud": audience, "jti": secrets.token_urlsafe(16), "iat": now,
        "exp": now + 60,
    }  # fmt: skip
    return key.signed(changed(claims, changes), alg=alg)


def request_object(
    key: SigningKey, client_id: str, audience: str, parameters: Claims, *, header: Claims | None = None,
    alg: str | None = None, **changes: Any,
) -> str:  # fmt: skip
    """A signed request (RFC 9101 section 4); FAPI 2.0 Message Signing section 5.3.1 asks for nbf and exp."""
    now = int(time.time())
    claims = {
        **parameters, "iss": client_id, "client_id": client_id, "aud": audience, "nbf": now, "iat": now,
        "exp": now + 300, "jti": secrets.token_urlsafe(16),
    }  # fmt: skip
    return key.signed(changed(claims, changes), {"typ": "oauth-authz-req+jwt"} | dict(header or {}), alg=alg)


def proof(
    key: SigningKey, method: str, url: str, *, access_token: str | None = None, nonce: str | None = None,
    header: Claims | None = None, alg: str | None = None, **changes: Any,
) -> str:  # fmt: skip
    """A DPoP proof (RFC 9449 section 4.2)."""
    jwk = {name: value for name, value in key.public.items() if name not in ("kid", "use", "alg")}
    claims = {
        "jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time()), "nonce": nonce,
        "ath": None if access_token is None else _b64(hashlib.sha256(access_token.encode()).digest()),
    }  # fmt: skip
    return key.signed(
        changed(claims, changes), {"typ": "dpop+jwt", "jwk": jwk, "kid": None} | dict(header or {}), alg=alg
    )


def pkce() -> tuple[str, str]:
    """A code_verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    return verifier, _b64(hashlib.sha256(verifier.encode()).digest())


def half_hash(value: str, alg: str) -> str:
    """`at_hash` and `c_hash` (OpenID Connect Core section 3.1.3.6)."""
    name = "sha512" if alg in ("EdDSA", "ES512") else f"sha{alg[2:]}"
    digest = hashlib.new(name, value.encode()).digest()
    return _b64(digest[: len(digest) // 2])


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
