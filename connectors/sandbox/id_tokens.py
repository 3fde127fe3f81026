"""Id_tokens: the honest one, and every dishonest one that a fault asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

import jwt

from connectors.sandbox.fault_book import Fault
from connectors.sandbox.faults import FaultName
from connectors.sandbox.keys import KeyRing, SigningKey, make_key
from connectors.sandbox.shelf import now
from connectors.sandbox.source import Grant, Source

LIFETIME_SECONDS = 300
HOUR_SECONDS, DAY_SECONDS = 3600, 86400

Claims = dict[str, Any]


def _shifted(claims: Claims, seconds: int) -> None:
    claims |= {name: claims[name] + seconds for name in ("iat", "exp")}


def _issued_in_future(claims: Claims) -> None:
    _shifted(claims, HOUR_SECONDS)
    claims["nbf"] = claims["iat"]


CLAIM_LIES: dict[FaultName, Callable[[Claims], object]] = {
    FaultName.WRONG_ISSUER: lambda claims: claims.update(iss="https://another-source.example"),
    FaultName.WRONG_AUDIENCE: lambda claims: claims.update(aud="another-client"),
    FaultName.WRONG_NONCE: lambda claims: claims.update(nonce=secrets.token_urlsafe(24)),
    FaultName.MISSING_NONCE: lambda claims: claims.pop("nonce", None),
    FaultName.EXPIRED: lambda claims: _shifted(claims, -HOUR_SECONDS),
    FaultName.ISSUED_IN_FUTURE: _issued_in_future,
    FaultName.OLD_AUTH_TIME: lambda claims: claims.update(auth_time=now() - DAY_SECONDS),
}


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _by_hand(header: Claims, claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    body = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{_encoded(sign(body.encode()))}"


def _signed(claims: Claims, key: SigningKey) -> str:
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})


def _tampered(claims: Claims, key: SigningKey, _: KeyRing) -> str:
    header, _payload, signature = _signed(claims, key).split(".")
    changed = {**claims, "sub": f"{claims['sub']}0"}
    return f"{header}.{_encoded(json.dumps(changed).encode())}.{signature}"


def _strangers(claims: Claims, key: SigningKey, _: KeyRing) -> str:
    return jwt.encode(claims, make_key(key.algorithm).private, algorithm=key.algorithm, headers={"kid": key.kid})


def _unknown_kid(claims: Claims, key: SigningKey, _: KeyRing) -> str:
    return _signed(claims, make_key(key.algorithm))


def _alg_none(claims: Claims, key: SigningKey, _: KeyRing) -> str:
    return _by_hand({"alg": "none", "typ": "JWT", "kid": key.kid}, claims, lambda _: b"")


def _hs256_with_public_key(claims: Claims, _: SigningKey, keys: KeyRing) -> str:
    rsa = keys.current("RS256")
    header = {"alg": "HS256", "typ": "JWT", "kid": rsa.kid}
    return _by_hand(header, claims, lambda body: hmac.new(rsa.public_pem(), body, hashlib.sha256).digest())


SIGNATURE_LIES: dict[FaultName, Callable[[Claims, SigningKey, KeyRing], str]] = {
    FaultName.TAMPERED_ID_TOKEN: _tampered,
    FaultName.WRONG_KEY: _strangers,
    FaultName.ALG_NONE: _alg_none,
    FaultName.HS256_WITH_PUBLIC_KEY: _hs256_with_public_key,
    FaultName.UNKNOWN_KID: _unknown_kid,
}


def bend_claims(claims: Claims, fault: Fault | None, source: Source) -> None:
    """The claims, of an id_token or of userinfo, say what the fault wants said."""
    if fault is None:
        return
    if fault.fault == FaultName.MISSING_CLAIM:
        claims.pop(fault.claim, None)
    elif fault.fault == FaultName.OTHER_CLAIMS:
        told = fault.changed(claims)
        claims.clear()
        claims |= told
    elif fault.fault == FaultName.EMPTY_SUBJECT:
        claims["sub"] = ""
    elif fault.fault == FaultName.LOWER_LEVEL:
        source.lower(claims)


class IdTokens:
    def __init__(self, source: Source, keys: KeyRing) -> None:
        self._source = source
        self._keys = keys
        self._lock = threading.Lock()
        self._last: dict[str, str] = {}  # per client, to be replayed

    def issue(self, grant: Grant, access_token: str, lie: Fault | None, claims_lie: Fault | None) -> str:
        """The id_token for this grant (OpenID Connect Core section 2), as true as the two lies leave it."""
        claims = self._honest_claims(grant, access_token)
        bend_claims(claims, claims_lie, self._source)
        key = self._keys.current(self._source.signing_algorithm)
        name = FaultName(lie.fault) if lie else None
        if name == FaultName.REPLAYED_ID_TOKEN:
            return self._replayed(grant.request.client_id, claims, key)
        if name in CLAIM_LIES:
            CLAIM_LIES[name](claims)
        if name in SIGNATURE_LIES:
            return SIGNATURE_LIES[name](claims, key, self._keys)
        token = _signed(claims, key)
        if lie is None and claims_lie is None:
            with self._lock:
                self._last[grant.request.client_id] = token
        return token

    def _honest_claims(self, grant: Grant, access_token: str) -> Claims:
        issued_at = now()
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: Claims = {
            "iss": self._source.settings.issuer,
            "sub": self._source.subject(grant.sign_in.citizen),
            "aud": grant.request.client_id,
            "iat": issued_at,
            "exp": issued_at + LIFETIME_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "at_hash": _encoded(half),
            **self._source.id_token_claims(grant.sign_in),
        }
        if grant.request.nonce is not None:
            claims["nonce"] = grant.request.nonce
        return claims

    def _replayed(self, client_id: str, claims: Claims, key: SigningKey) -> str:
        with self._lock:
            earlier = self._last.get(client_id)
        # A client that has had none yet gets one as it would have had a minute ago.
        _shifted(claims, -60)
        return earlier or _signed(claims | {"nonce": secrets.token_urlsafe(24)}, key)
