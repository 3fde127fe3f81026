"""What a client sends to `/token` and beside it, and the key that it proves to hold (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from idp import clock
from tests.oidc.asserting import TYPE, Asserting
from tests.oidc.residents import Resident
from tests.world import Portal

OFFLINE: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"], "scopes": ["openid", "profile", "email", "offline_access"],
}  # fmt: skip
PUBLIC: dict[str, Any] = {**OFFLINE, "token_endpoint_auth_method": "none"}
Tokens = dict[str, Any]


@dataclass
class Holder:
    """A key of a client, and the proofs that it makes."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, str]:
        members = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {name: members[name] for name in ("crv", "kty", "x", "y")}

    @property
    def jkt(self) -> str:
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()

    def proof(
        self, url: str, method: str = "POST", *, access_token: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The header of a request to this address."""
        said = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": clock.seconds()}
        if nonce is not None:
            said["nonce"] = nonce
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode()).digest()
            said["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "jwk": self.jwk}
        return {"DPoP": jwt.encode(said, self.key, algorithm="ES256", headers=header)}


def posted(
    portal: Portal, path: str, form: dict[str, str | None], *, headers: dict[str, str] | None = None,
    holder: Holder | None = None, signer: Asserting | None = None,
) -> requests.Response:  # fmt: skip
    """A form of this portal's to an endpoint for clients, with its secret, its id or its signature."""
    url, sent = f"{portal.world.issuer}{path}", {name: value for name, value in form.items() if value is not None}
    auth = (portal.id, portal.secret) if portal.secret and signer is None else None
    if signer is not None:
        sent |= {"client_assertion_type": TYPE, "client_assertion": signer.signed()}
    elif auth is None:
        sent["client_id"] = portal.id
    shown = {} if holder is None else holder.proof(url)
    answer = portal.world.http.post(url, data=sent, auth=auth, headers=shown | (headers or {}), timeout=30)
    if holder is None or "use_dpop_nonce" not in answer.text:
        return answer
    shown = holder.proof(url, nonce=answer.headers["DPoP-Nonce"])  # RFC 9449 section 8
    if signer is not None:
        sent["client_assertion"] = signer.signed()
    return portal.world.http.post(url, data=sent, auth=auth, headers=shown | (headers or {}), timeout=30)


def asked(portal: Portal, grant_type: str, *, holder: Holder | None = None, signer: Asserting | None = None,
          **form: str | None) -> requests.Response:  # fmt: skip
    return posted(portal, "/token", {"grant_type": grant_type, **form}, holder=holder, signer=signer)


def refreshed(portal: Portal, token: str, **also: Any) -> requests.Response:
    return asked(portal, "refresh_token", refresh_token=token, **also)


def bought(
    resident: Resident, portal: Portal, *, holder: Holder | None = None, resource: str | None = None,
    scope: str = "openid profile offline_access", **ask: str | None,
) -> Tokens:  # fmt: skip
    """The token response for a fresh code of this person."""
    code, request = resident.code(portal, scope=scope, **ask)
    answer = asked(
        portal, "authorization_code", code=code, redirect_uri=portal.redirect_uri, code_verifier=request.verifier,
        resource=resource, holder=holder,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    told: Tokens = answer.json()
    return told


def told(answer: requests.Response) -> Tokens:
    assert answer.status_code == 200, answer.text
    response: Tokens = answer.json()
    return response


def refused(answer: requests.Response, error: str, code: str) -> None:
    """RFC 6749 section 5.2."""
    said = answer.json()
    assert (answer.status_code, said["error"]) == (401 if error == "invalid_client" else 400, error), answer.text
    assert said["error_description"].startswith(code), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
