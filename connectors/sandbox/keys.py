"""The source's signing keys, made at start, replaced on demand; and the stranger's keys with which it can lie."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    kid: str
    algorithm: str
    private: PrivateKey

    def public_jwk(self) -> dict[str, Any]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            members = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            members = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        members.pop("key_ops", None)
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def make_key(algorithm: str) -> SigningKey:
    """A new key that nobody has seen."""
    private: PrivateKey
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(kid=f"{algorithm.lower()}-{secrets.token_hex(4)}", algorithm=algorithm, private=private)


class KeyRing:
    """One current key per algorithm, and those before it that are still published."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current = {algorithm: make_key(algorithm) for algorithm in ALGORITHMS}
        self._former: list[SigningKey] = []

    def current(self, algorithm: str) -> SigningKey:
        with self._lock:
            return self._current[algorithm]

    def published(self) -> list[SigningKey]:
        with self._lock:
            return [*self._current.values(), *self._former]

    def rotate(self, *, keep_old: bool) -> None:
        """New keys sign from now on; the old ones stay published or, without `keep_old`, vanish at once."""
        made = {algorithm: make_key(algorithm) for algorithm in ALGORITHMS}
        with self._lock:
            self._former = [*self._current.values(), *self._former] if keep_old else []
            self._current = made
