"""The list by which verifiers learn an issuer's keys and where its status lists are: a JWS, signed by a key of cards.

The first comes over TLS from the issuer itself. Whoever has one believes the next only from a key of that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from idp.digital_id import jws
from idp.digital_id.trust import BadKey, PublicKey, Signer, TrustedKey, key_id, trusted
from idp.digital_id.verification import LEEWAY_SECONDS

TYPE = "trust-list+jwt"
CHARACTERS = 1_000_000
KEYS = 100


class BadTrustList(Exception):
    """This is no trust list that we believe; the text says why."""


class Older(BadTrustList):
    """There is a newer one already: an answer that took long, or somebody who wants to hide what was withdrawn."""


@dataclass(frozen=True, kw_only=True)
class TrustList:
    """Instants are seconds since 1970; `status_lists` are addresses."""

    issuer: str
    issued_at: int
    expires_at: int
    keys: tuple[PublicKey, ...]
    status_lists: tuple[str, ...]

    def trusted(self) -> list[TrustedKey]:
        """The keys, for the cards of this issuer alone."""
        return [trusted(public, self.issuer, ids=frozenset({key_id(public).hex().encode()})) for public in self.keys]


def as_jws(of: TrustList, signer: Signer, kid: str) -> str:
    claims = {
        "iss": of.issuer, "iat": of.issued_at, "exp": of.expires_at, "keys": [_jwk(each) for each in of.keys],
        "status_lists": list(of.status_lists),
    }  # fmt: skip
    return jws.signed(claims, TYPE, signer, kid)


def read(token: str, issuer: str, now: int, known: TrustList | None = None) -> TrustList:
    """The list of this issuer; raises BadTrustList, of which Older is one.

    Verified: type, one of the two algorithms, the signature by a key of `known` (by a key of its own where there is
    none: then whoever calls knows by TLS where it came from), issuer, that it is in force, no older than `known`, and
    that its signer is in it.
    """
    if len(token) > CHARACTERS:
        raise BadTrustList("too large")
    try:
        header = jwt.get_unverified_header(token)
        unverified = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise BadTrustList("not a JWS") from None
    if header.get("typ") != TYPE:
        raise BadTrustList(f"typ is not {TYPE}")
    listed = _keys(unverified.get("keys"))
    kid = str(header.get("kid", ""))
    believed = listed if known is None else list(known.keys)
    if not any(key_id(each).hex() == kid and jws.verified(token, trusted(each, issuer)) for each in believed):
        raise BadTrustList("no key that we know signed it")
    found = _checked(unverified, listed, issuer, now)
    if known is not None and found.issued_at < known.issued_at:
        raise Older("older than the one that is known")
    if kid not in {key_id(each).hex() for each in listed}:
        raise BadTrustList("signed by a key that it has withdrawn")
    return found


def _checked(claims: Mapping[str, Any], keys: list[PublicKey], issuer: str, now: int) -> TrustList:
    issued, expires, lists = claims.get("iat"), claims.get("exp"), claims.get("status_lists")
    if claims.get("iss") != issuer:
        raise BadTrustList("another issuer's")
    if type(issued) is not int or type(expires) is not int:  # True is an int too
        raise BadTrustList("iat and exp are needed")
    if not isinstance(lists, list) or not all(isinstance(each, str) for each in lists):
        raise BadTrustList("status_lists is not as it should be")
    if now >= expires + LEEWAY_SECONDS:
        raise BadTrustList("expired")
    if issued > now + LEEWAY_SECONDS:
        raise BadTrustList("issued in the future")
    return TrustList(issuer=issuer, issued_at=issued, expires_at=expires, keys=tuple(keys), status_lists=tuple(lists))


def _keys(of_list: object) -> list[PublicKey]:
    if not isinstance(of_list, list) or not 0 < len(of_list) <= KEYS:
        raise BadTrustList("keys is not as it should be")
    try:
        return [trusted(jwt.PyJWK(jwk).key).public for jwk in of_list]
    except (jwt.PyJWTError, BadKey, ValueError, TypeError, AttributeError, KeyError):
        raise BadTrustList("a key is not as it should be") from None


def _jwk(public: PublicKey) -> dict[str, Any]:
    members: dict[str, Any]
    if isinstance(public, Ed25519PublicKey):
        members = OKPAlgorithm.to_jwk(public, as_dict=True)
    else:
        members = ECAlgorithm.to_jwk(public, as_dict=True)
    members.pop("key_ops", None)
    return members | {"kid": key_id(public).hex(), "use": "sig", "alg": trusted(public).alg}
