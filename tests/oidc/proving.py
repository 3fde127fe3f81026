"""Proofs of possession (RFC 9449) as a client makes them, and as a forger would; and the two places that ask for them.

Requests go out header by header: no client library would send what some of these do.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt

from idp import clock
from tests.oidc.asserting import private_key, public_jwk
from tests.oidc.residents import Resident
from tests.world import Portal

FORM = "application/x-www-form-urlencoded"
ABSENT = object()


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def ath(token: str) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


def jkt(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 section 3."""
    members = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return b64(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.text)
        return told


@dataclass(frozen=True, kw_only=True)
class Place:
    """An endpoint at which everything is right but, perhaps, the proofs that are sent along."""

    issuer: str
    path: str
    method: str
    headers: Mapping[str, str]
    body: str | None = None
    token: str | None = None

    @property
    def url(self) -> str:
        return self.issuer + self.path

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a right proof says here; changes replace, ABSENT leaves out."""
        said = {"jti": secrets.token_urlsafe(16), "htm": self.method, "htu": self.url, "iat": clock.seconds()}
        if self.token is not None:
            said["ath"] = ath(self.token)
        return {name: value for name, value in (said | changes).items() if value is not ABSENT}

    def proof(
        self, alg: str = "ES256", number: int = 1, *, header: Mapping[str, Any] | None = None, key: Any = None,
        **changes: Any,
    ) -> str:  # fmt: skip
        """A proof with the key of this number; `key` signs in its place, `header` replaces members of the header."""
        named = {"typ": "dpop+jwt", "alg": alg, "jwk": public_jwk(alg, number)} | dict(header or {})
        shown = {name: value for name, value in named.items() if value is not ABSENT}
        return signed(shown, self.claims(**changes), alg, key or private_key(alg, number))

    def send(self, *proofs: str, **headers: str) -> Reply:
        """The answer to this request with so many DPoP headers; `headers` replace others."""
        to = urlsplit(self.issuer)
        connection = http.client.HTTPConnection("127.0.0.1", to.port or 80, timeout=30)
        body = None if self.body is None else self.body.encode()
        connection.putrequest(self.method, self.path, skip_host=True, skip_accept_encoding=True)
        named = {"Host": to.netloc, **self.headers, "Content-Length": str(len(body or b""))} | headers
        for name, value in [*named.items(), *(("DPoP", proof) for proof in proofs)]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read().decode())
        connection.close()
        return reply


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, alg: str, key: Any) -> str:
    """A compact JWS whose header is exactly this, signed as `alg` says, whatever the header says."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    algorithm = jwt.get_algorithm_by_name(alg)
    return f"{signing_input}.{b64(algorithm.sign(signing_input.encode(), algorithm.prepare_key(key)))}"


def at_token(resident: Resident, portal: Portal, **form: str) -> Place:
    """The token endpoint, with a code that nobody has used."""
    code, request = resident.code(portal)
    given = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri,
        "code_verifier": request.verifier,
    } | form  # fmt: skip
    basic = base64.b64encode(f"{portal.id}:{portal.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": FORM}
    return Place(issuer=portal.world.issuer, path="/token", method="POST", headers=headers, body=urlencode(given))


def bound_token(resident: Resident, portal: Portal, alg: str = "ES256", number: int = 1) -> str:
    """An access token that is bound to the key of this number."""
    place = at_token(resident, portal)
    reply = place.send(place.proof(alg, number))
    if "use_dpop_nonce" in reply.text:
        reply = place.send(place.proof(alg, number, nonce=reply.headers["DPoP-Nonce"]))
    assert reply.status == 200, reply.text
    assert reply.told["token_type"] == "DPoP"
    return str(reply.told["access_token"])


def at_userinfo(portal: Portal, token: str, *, method: str = "GET", scheme: str = "DPoP") -> Place:
    headers = {"Authorization": f"{scheme} {token}"}
    return Place(issuer=portal.world.issuer, path="/userinfo", method=method, headers=headers, token=token)


__all__ = ["ABSENT", "Place", "Reply", "ath", "at_token", "at_userinfo", "b64", "bound_token", "jkt", "signed"]
