"""A portal's keys as it publishes them (JWK Set, RFC 7517): public ones only, few of them, and each strong enough."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.seal import from_text

JWKS_BYTES = 65_536
KEYS_LIMIT = 20
MEMBER_CHARACTERS = 8192  # of one member; a certificate is the longest
RSA_BITS = range(2048, 4097)  # NIST SP 800-57 part 1, table 2; above, checking a signature takes too long
RSA_EXPONENT = 65537  # the one that anybody uses; with a large one of a stranger's choice we would calculate for long
SIGNS: Mapping[str, tuple[str, tuple[str | None, ...]]] = {
    "RS256": ("RSA", (None,)), "PS256": ("RSA", (None,)), "ES256": ("EC", ("P-256",)), "EdDSA": ("OKP", ("Ed25519",)),
}  # fmt: skip
SIGNING_ALGORITHMS = tuple(SIGNS)
ENCRYPTS: Mapping[str, tuple[str, ...]] = {
    "RSA-OAEP-256": ("RSA",), "ECDH-ES": ("EC", "OKP"), "ECDH-ES+A128KW": ("EC", "OKP"), "ECDH-ES+A256KW": ("EC", "OKP")
}  # fmt: skip
# RFC 7518 sections 6.2 and 6.3, RFC 8037 section 2: what makes up a public key of each kind.
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES = {"EC": {"P-256": 32, "P-384": 48, "P-521": 66}, "OKP": {"Ed25519": 32, "X25519": 32}}
_AGREES = ("P-256", "P-384", "P-521", "X25519")
# A point of small order agrees with nobody (RFC 7748 section 6.1): whichever private key tries it, it fails.
_ANY_PRIVATE_KEY = x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_JOSERFC: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


@dataclass(frozen=True, kw_only=True, eq=False)
class PublicKey:
    """One key: what it is, what its owner says it is for, and the certificate that was published with it."""

    kty: str
    members: Mapping[str, str]  # the public key and nothing else
    kid: str | None
    alg: str | None
    use: str | None
    operations: tuple[str, ...] | None
    certificate: bytes | None  # DER
    readable: Key
    _for_verifying: dict[str, jwt.PyJWK] = field(default_factory=dict)  # by algorithm, made once

    @property
    def curve(self) -> str | None:
        return self.members.get("crv")

    def verifies(self, alg: str) -> bool:
        """Whether a signature by this algorithm can be this key's (RFC 7517 sections 4.2 to 4.4)."""
        kty, curves = SIGNS.get(alg, ("", ()))
        meant = self.use in (None, "sig") and (self.operations is None or "verify" in self.operations)
        return meant and self.alg in (None, alg) and self.kty == kty and self.curve in curves

    def encrypts(self, alg: str) -> bool:
        """Whether what is encrypted for its owner by this algorithm can be for this key."""
        wanted = {"encrypt", "wrapKey", "deriveKey", "deriveBits"}
        meant = self.use in (None, "enc") and (self.operations is None or bool(wanted.intersection(self.operations)))
        fits = self.kty in ENCRYPTS.get(alg, ()) and (self.kty == "RSA" or self.curve in _AGREES)
        return meant and self.alg in (None, alg) and fits

    def for_verifying(self, alg: str) -> jwt.PyJWK:
        key = self._for_verifying.get(alg)
        if key is None:
            key = self._for_verifying[alg] = jwt.PyJWK({"kty": self.kty, **self.members}, algorithm=alg)
        return key

    def for_encrypting(self) -> Key:
        return self.readable


def parsed(body: bytes) -> tuple[PublicKey, ...]:
    """The keys of a fetched JWK Set; raises ValueError, whose text quotes nothing of it."""
    if len(body) > JWKS_BYTES:
        raise ValueError(f"the JWK Set has more than {JWKS_BYTES} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the JWK Set is not JSON") from None
    return checked(document)


def checked(document: object) -> tuple[PublicKey, ...]:
    """The keys of a JWK Set that we can use; raises ValueError for one that holds anything secret, weak or malformed.

    Kinds of keys that nobody here knows are passed over (RFC 7517 section 5), secret ones are not: whoever published
    one must hear of it.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("a JWK Set is an object with a list of keys")
    if not 0 < len(keys) <= KEYS_LIMIT:
        raise ValueError(f"a JWK Set holds 1 to {KEYS_LIMIT} keys")
    for key in keys:
        if key.get("kty") == "oct" or PRIVATE_MEMBERS.intersection(key):
            raise ValueError("the JWK Set holds a private or a symmetric key: it is not secret any more")
    return tuple(_key(key) for key in keys if _is_known(key))


def _is_known(key: dict[str, Any]) -> bool:
    kty, crv = key.get("kty"), key.get("crv")
    if not isinstance(kty, str) or not isinstance(crv, str | None):
        raise ValueError("kty and crv of a key are words")
    return kty in _PUBLIC and (kty == "RSA" or crv in _CURVES[kty])


def _key(key: dict[str, Any]) -> PublicKey:
    kty = key["kty"]
    members = {name: _text(key, name) for name in _PUBLIC[kty]}
    _check_strength(kty, members)
    operations = key.get("key_ops")
    if operations is not None and not (
        isinstance(operations, list) and len(operations) <= 10 and all(isinstance(one, str) for one in operations)
    ):
        raise ValueError("key_ops is a list of words")
    named = {name: _text(key, name) if name in key else None for name in ("kid", "alg", "use")}
    try:
        readable = _JOSERFC[kty].import_key({"kty": kty, **members})
        public = readable.public_key
        if isinstance(public, x25519.X25519PublicKey):
            _ANY_PRIVATE_KEY.exchange(public)
    except (JoseError, ValueError):
        raise ValueError(f"a key of the kind {kty} cannot be read") from None
    return PublicKey(
        kty=kty, members=members, kid=named["kid"], alg=named["alg"], use=named["use"],
        operations=None if operations is None else tuple(operations), readable=readable,
        certificate=_certificate(key["x5c"], public) if "x5c" in key else None,
    )  # fmt: skip


def _text(key: dict[str, Any], name: str) -> str:
    value = key.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MEMBER_CHARACTERS:
        raise ValueError(f"{name} of a key is missing, empty or too long")
    return value


def _check_strength(kty: str, members: Mapping[str, str]) -> None:
    try:
        sizes = {name: from_text(value) for name, value in members.items() if name != "crv"}
    except ValueError:
        raise ValueError(f"a key of the kind {kty} is not written in base64url") from None
    if kty != "RSA":
        if any(len(value) != _CURVES[kty][members["crv"]] for value in sizes.values()):
            raise ValueError(
                f"a key on {members['crv']} has a coordinate of another length"
            )  # RFC 7518 section 6.2.1.2
        return
    exponent = int.from_bytes(sizes["e"], "big")
    if int.from_bytes(sizes["n"], "big").bit_length() not in RSA_BITS:
        raise ValueError(f"an RSA key has {RSA_BITS.start} to {RSA_BITS.stop - 1} bits")
    if exponent != RSA_EXPONENT:
        raise ValueError(f"an RSA key has the exponent {RSA_EXPONENT}")


def _certificate(chain: object, public: Any) -> bytes:
    """The first certificate, which must be of the same key (RFC 7517 section 4.7)."""
    first = chain[0] if isinstance(chain, list) and chain else None
    if not isinstance(first, str) or len(first) > MEMBER_CHARACTERS:
        raise ValueError("x5c is a list of certificates")
    try:
        der = b64decode(first, validate=True)
        certified = x509.load_der_x509_certificate(der).public_key()
    except ValueError:
        raise ValueError("a certificate in x5c cannot be read") from None
    kinds = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
    if not isinstance(certified, kinds) or certified != public:
        raise ValueError("a certificate in x5c is of another key")
    return der
