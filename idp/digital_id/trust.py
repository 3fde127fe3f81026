"""Public keys of those whose cards we believe: which algorithm each has, and by which id a card names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.digital_id import cbor

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
KEY_ID_BYTES = 8
ALGORITHMS = {-7: "ES256", -8: "EdDSA"}  # RFC 9053 section 2: by their numbers in COSE
NUMBERS = {name: number for number, name in ALGORITHMS.items()}
_HALF_BYTES = 32
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SP 800-186 section 3.2.1.3)
_CURVES = {"P-256": "ES256", "Ed25519": "EdDSA"}
_PRIVATE_MEMBERS = frozenset({"d", "k", "p", "q"})


class BadKey(ValueError):
    """This is no public key that cards can be signed with; the text says why."""


class Signer(Protocol):
    """A private key: `idp.keys.SigningKey` is one."""

    @property
    def alg(self) -> str: ...

    def signature(self, message: bytes) -> bytes:
        """As RFC 7518 section 3 writes it."""


@dataclass(frozen=True, kw_only=True)
class TrustedKey:
    """`strict`: its owner writes the strict form and nothing else, so whatever departs from it is not theirs.

    `issuer` is the only `iss` for which the key counts; None leaves it open, and then the key's own issuer is not
    told from any other who is trusted.
    """

    public: PublicKey
    issuer: str | None = None
    ids: frozenset[bytes] = frozenset()
    strict: bool = True
    withdrawn: bool = False

    @property
    def alg(self) -> str:
        return "ES256" if isinstance(self.public, ec.EllipticCurvePublicKey) else "EdDSA"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature (r and s, or EdDSA's) is this key's, by its one algorithm."""
        if len(signature) != 2 * _HALF_BYTES:
            return False
        try:
            if isinstance(self.public, ed25519.Ed25519PublicKey):
                self.public.verify(signature, message)
            else:
                as_der = encode_dss_signature(*halves(signature))
                self.public.verify(as_der, message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


def halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:_HALF_BYTES], "big"), int.from_bytes(signature[_HALF_BYTES:], "big")


def is_low(signature: bytes) -> bool:
    """Whether s is the smaller of the two that hold: then nobody can make a second signature of this one."""
    return halves(signature)[1] <= ORDER // 2


def lowered(signature: bytes) -> bytes:
    r, s = halves(signature)
    return signature[:_HALF_BYTES] + min(s, ORDER - s).to_bytes(_HALF_BYTES, "big")


def thumbprint(public: PublicKey) -> bytes:
    """SHA-256 of the key as a COSE_Key with nothing optional in it (RFC 9679)."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        members: dict[int, int | bytes] = {1: 1, -1: 6, -2: public.public_bytes_raw()}
    else:
        point = public.public_numbers()
        members = {1: 2, -1: 1, -2: point.x.to_bytes(_HALF_BYTES, "big"), -3: point.y.to_bytes(_HALF_BYTES, "big")}
    return hashlib.sha256(cbor.encode(members)).digest()


def key_id(public: PublicKey) -> bytes:
    """What names the key in our cards: the first eight bytes of its thumbprint."""
    return thumbprint(public)[:KEY_ID_BYTES]


def trusted(
    public: object, issuer: str | None = None, *, ids: frozenset[bytes] = frozenset(), strict: bool = True,
    withdrawn: bool = False,
) -> TrustedKey:  # fmt: skip
    """The key by its own id and these; raises BadKey unless it is of P-256 or Ed25519."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        if not isinstance(public.curve, ec.SECP256R1):
            raise BadKey(f"a key on {public.curve.name}; P-256 and Ed25519 are used for cards")
    elif not isinstance(public, ed25519.Ed25519PublicKey):
        raise BadKey("neither a key on P-256 nor of Ed25519")
    return TrustedKey(public=public, issuer=issuer, ids=ids | {key_id(public)}, strict=strict, withdrawn=withdrawn)


def read_keys(data: bytes, issuer: str | None = None, *, strict: bool = True) -> list[TrustedKey]:
    """The public keys of a PEM file, a JWK or a JWK Set; keys of a set that cards are not signed with are passed over.

    Raises BadKey, for a private key too: it should not be where codes are verified.
    """
    text = data.strip()
    if text.startswith(b"-----"):
        return [trusted(_from_pem(text), issuer, strict=strict)]
    try:
        read = json.loads(text)
    except ValueError:
        raise BadKey("neither PEM nor JSON") from None
    if not isinstance(read, dict):
        raise BadKey("needs a JWK, or a JWK Set")
    of_set = read.get("keys")
    if of_set is None:
        return [_from_jwk(read, issuer, strict=strict)]
    if not isinstance(of_set, list) or not all(isinstance(one, dict) for one in of_set):
        raise BadKey("keys: needs a list of JWKs")
    found = [_from_jwk(one, issuer, strict=strict) for one in of_set if _may_sign_cards(one)]
    if not found:
        raise BadKey("none of its keys is on P-256 or of Ed25519")
    return found


def _from_pem(text: bytes) -> object:
    if b"PRIVATE KEY" in text:
        raise BadKey("a private key; the public one is needed")
    try:
        return serialization.load_pem_public_key(text)
    except (ValueError, TypeError):
        raise BadKey("no public key in PEM") from None


def _from_jwk(jwk: Mapping[str, Any], issuer: str | None, *, strict: bool) -> TrustedKey:
    if _PRIVATE_MEMBERS & jwk.keys():
        raise BadKey("a private or secret key; the public one is needed")
    if jwk.get("use", "sig") != "sig":
        raise BadKey("not a key for signatures")
    try:
        public = jwt.PyJWK(dict(jwk), algorithm=_algorithm_of(jwk)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise BadKey("no JWK of a public key on P-256 or of Ed25519") from None
    name = jwk.get("kid")
    ids = frozenset({name.encode()}) if isinstance(name, str) and name else frozenset()
    return trusted(public, issuer, ids=ids, strict=strict)


def _may_sign_cards(jwk: Mapping[str, Any]) -> bool:
    return jwk.get("crv") in _CURVES and jwk.get("use", "sig") == "sig"


def _algorithm_of(jwk: Mapping[str, Any]) -> str:
    return _CURVES[jwk["crv"]]
