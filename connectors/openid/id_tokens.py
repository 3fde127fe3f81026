"""Signed answers, checked: OpenID Connect Core sections 3.1.3.7 and 3.1.3.8, with the failure of each violation.

| what is wrong | failure |
|---|---|
| not a compact JWS of a JSON object, too large, another `typ` | BROKEN_ANSWER |
| `alg` not agreed, `crit`, a key of its own (`jwk`, `jku`, `x5u`, `x5c`), unknown `kid` | WRONG_SIGNATURE |
| the signature; `at_hash` | WRONG_SIGNATURE |
| `iss` is not exactly the source's | WRONG_ISSUER |
| `aud` without us; further audiences without `azp`; `azp` is another | WRONG_AUDIENCE |
| `exp`, `iat`, `nbf`; issued before this sign-in began; `auth_time` older than was asked for | WRONG_TIME |
| seen before | REPLAYED |
| `nonce` is missing or another | WRONG_NONCE |
| no `sub`; no `auth_time` where one is owed | INCOMPLETE |
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from connectors.answers import Refusal, document, json_object
from connectors.base import Context, Failure
from connectors.openid.metadata import Key, Metadata, key_for, parse_keys

TOKEN_LIMIT_CHARACTERS = 16384
SUBJECT_LIMIT_CHARACTERS = 255  # OpenID Connect Core section 2
LATEST_DATE = 32503680000  # the year 3000: a NumericDate beyond it is nonsense
SPENT_SECONDS_LIMIT = 86400  # an older token is refused by `iat` anyway

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")  # no signature at all: `alg` is told about it
_KEYS_OF_ITS_OWN = ("jwk", "jku", "x5u", "x5c")
_HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "256": hashlib.sha256,
    "384": hashlib.sha384,
    "512": hashlib.sha512,
    "DSA": hashlib.sha512,  # EdDSA with Ed25519
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an id_token must agree with. Instants are seconds since 1970."""

    client_id: str
    nonce: str | None
    now: float
    started_at: float
    oldest_auth_time: float | None  # None: any will do, even none
    leeway_seconds: int


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The claims of a token whose signature is right; nothing else about it has been checked."""

    claims: Mapping[str, Any]
    algorithm: str
    evidence: bytes  # SHA-256 of what was signed: an ECDSA signature itself can be rewritten and stay valid


def verified(
    context: Context, metadata: Metadata, token: object, algorithms: tuple[str, ...], what: str = "the id_token"
) -> Signed:
    """The claims of `token`, signed with one of `algorithms` by a key that the source publishes; raises Refusal."""
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT_CHARACTERS or not _COMPACT.fullmatch(token):
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not a compact JWS")
    header = _header(token, what)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise Refusal(Failure.WRONG_SIGNATURE, f"{what} has an algorithm that was not agreed")
    if "crit" in header or any(name in header for name in _KEYS_OF_ITS_OWN) or not isinstance(kid, str | None):
        raise Refusal(Failure.WRONG_SIGNATURE, f"{what} has crit, a key of its own, or a malformed kid")
    if str(header.get("typ", "JWT")).lower() not in ("jwt", "application/jwt"):
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is a token of another type")
    key = _published_key(context, metadata, kid, algorithm, what)
    try:
        payload = jwt.PyJWS().decode_complete(token, key.value, algorithms=[algorithm])["payload"]
    except jwt.PyJWTError:
        raise Refusal(Failure.WRONG_SIGNATURE, f"{what}: the signature is not valid") from None
    evidence = hashlib.sha256(token.rpartition(".")[0].encode()).digest()
    return Signed(claims=json_object(payload, what), algorithm=algorithm, evidence=evidence)


def _header(token: str, what: str) -> dict[str, Any]:
    encoded = token.partition(".")[0]
    try:
        header = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what}: the header is not base64url") from None
    return json_object(header, f"the header of {what}")


def _published_key(context: Context, metadata: Metadata, kid: str | None, algorithm: str, what: str) -> Key:
    """The key; an unknown one is looked for once in a fresh copy, since sources change their keys."""
    key = key_for(document(context.documents, metadata.jwks_uri, parse_keys), kid, algorithm)
    if key is None:
        fresh = document(context.documents, metadata.jwks_uri, parse_keys, newer_than_seconds=0)
        key = key_for(fresh, kid, algorithm)
    if key is None:
        raise Refusal(Failure.WRONG_SIGNATURE, f"{what}: the source publishes no such key for this algorithm")
    return key


def check_id_token(context: Context, metadata: Metadata, signed: Signed, expected: Expected) -> None:
    """Nothing happens when the id_token is this sign-in's; raises Refusal."""
    claims = signed.claims
    check_parties(claims, metadata.issuer, expected.client_id, "the id_token")
    expires_at = _check_lifetime(claims, expected)
    seconds = min(math.ceil(expires_at - expected.now) + expected.leeway_seconds + 1, SPENT_SECONDS_LIMIT)
    if not context.spend(f"id_token {signed.evidence.hex()}", max(seconds, 1)):
        raise Refusal(Failure.REPLAYED, "the id_token was used before")
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise Refusal(Failure.WRONG_NONCE, "the id_token has another nonce, or none")
    if _instant(claims, "iat") < expected.started_at - expected.leeway_seconds:
        raise Refusal(Failure.WRONG_TIME, "the id_token is older than this sign-in")
    check_subject(claims)
    _check_auth_time(claims, expected)


def check_parties(claims: Mapping[str, Any], issuer: str, client_id: str, what: str) -> None:
    """The answer is from this issuer, for this client, and for others only where it says that we asked for it."""
    if claims.get("iss") != issuer:
        raise Refusal(Failure.WRONG_ISSUER, f"{what} names another issuer")
    audiences = claims.get("aud")
    if isinstance(audiences, str):
        audiences = [audiences]
    if not isinstance(audiences, list) or client_id not in audiences:
        raise Refusal(Failure.WRONG_AUDIENCE, f"{what} was made for another client")
    if claims.get("azp", None if len(audiences) > 1 else client_id) != client_id:
        raise Refusal(Failure.WRONG_AUDIENCE, f"{what} was asked for by another client")


def _check_lifetime(claims: Mapping[str, Any], expected: Expected) -> float:
    expires_at = _instant(claims, "exp")
    if expires_at <= expected.now - expected.leeway_seconds:
        raise Refusal(Failure.WRONG_TIME, "the id_token has expired")
    latest = expected.now + expected.leeway_seconds
    if _instant(claims, "iat") > latest or ("nbf" in claims and _instant(claims, "nbf") > latest):
        raise Refusal(Failure.WRONG_TIME, "the id_token is from the future")
    return expires_at


def _check_auth_time(claims: Mapping[str, Any], expected: Expected) -> None:
    if "auth_time" in claims and _instant(claims, "auth_time") > expected.now + expected.leeway_seconds:
        raise Refusal(Failure.WRONG_TIME, "auth_time is in the future")
    if expected.oldest_auth_time is None:
        return
    if "auth_time" not in claims:
        raise Refusal(Failure.INCOMPLETE, "the id_token has no auth_time, although it was asked for")
    if _instant(claims, "auth_time") < expected.oldest_auth_time - expected.leeway_seconds:
        raise Refusal(Failure.WRONG_TIME, "the sign-in at the source is older than was asked for")


def check_subject(claims: Mapping[str, Any]) -> str:
    """The `sub`; raises Refusal for one that could not be kept as the name of a person."""
    subject = claims.get("sub")
    if subject is None or subject == "":
        raise Refusal(Failure.INCOMPLETE, "the id_token has no sub")
    if not isinstance(subject, str) or len(subject) > SUBJECT_LIMIT_CHARACTERS or not subject.strip():
        raise Refusal(Failure.BROKEN_ANSWER, "the sub is not a text of up to 255 characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in subject):
        raise Refusal(Failure.BROKEN_ANSWER, "the sub holds control characters")
    return subject


def check_access_token(signed: Signed, access_token: str) -> None:
    """The access token is the one that the id_token was issued with (section 3.1.3.8), where it says so at all."""
    if "at_hash" not in signed.claims:
        return
    digest = _HASHES[signed.algorithm[-3:]](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if signed.claims["at_hash"] != half:
        raise Refusal(Failure.WRONG_SIGNATURE, "at_hash does not fit: the access token is another's")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST_DATE:
        raise Refusal(Failure.WRONG_TIME, f"{name} is missing, or not a time")
    return float(value)
