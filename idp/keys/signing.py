"""A signing key: what it is for, how it is made, what it signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
# What a portal gets that registered nothing else (OpenID Connect Dynamic Client Registration 1.0 section 2).
DEFAULT_ALGORITHM = "RS256"
RSA_BITS = 2048  # NIST SP 800-57 part 1, table 2: 112 bits of strength until 2030
CARDS = "cards"  # what the key of digital IDs is called where the others have the name of their algorithm
STANDBY = "standby"  # the next key of digital IDs: in the trust list long before it signs anything
PURPOSES = (*ALGORITHMS, CARDS, STANDBY)
CARD_ALGORITHM = "ES256"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, kw_only=True)
class HeldKey:
    """A private key in a token: all that can be done with it is to sign. `sign` gives the signature as it stands in a
    JWS, and raises CannotSign.
    """

    public: PublicKey
    sign: Callable[[bytes], bytes]

    def public_key(self) -> PublicKey:
        return self.public


_SIGNERS = {alg: jwt.get_algorithm_by_name(alg) for alg in ALGORITHMS}


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    kid: str
    purpose: str  # of PURPOSES
    private: PrivateKey | HeldKey
    held_by: str | None  # the label of a token; None: the private key is sealed in the database
    active_from: int
    published_until: int | None

    @property
    def alg(self) -> str:
        return algorithm_of(self.purpose)

    def signature(self, message: bytes) -> bytes:
        """As RFC 7518 section 3 writes it; raises CannotSign."""
        if isinstance(self.private, HeldKey):
            return self.private.sign(message)
        signature: bytes = _SIGNERS[self.alg].sign(message, self.private)
        return signature

    @property
    def public(self) -> PublicKey:
        return self.private.public_key()

    def public_jwk(self) -> dict[str, Any]:
        public = self.public
        if isinstance(public, rsa.RSAPublicKey):
            members = RSAAlgorithm.to_jwk(public, as_dict=True)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            members = ECAlgorithm.to_jwk(public, as_dict=True)
        else:
            members = OKPAlgorithm.to_jwk(public, as_dict=True)  # RFC 8037 section 2
        members.pop("key_ops", None)
        return members | {"kid": self.kid, "use": "sig", "alg": self.alg}


def algorithm_of(purpose: str) -> str:
    return CARD_ALGORITHM if purpose in (CARDS, STANDBY) else purpose


def made_for(alg: str) -> PrivateKey:
    """A key of its own for each algorithm, PS256 and RS256 too (RFC 8725 section 3.1)."""
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, RSA_BITS)
