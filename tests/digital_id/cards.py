"""Cards of invented people, keys made once, and a clock that stands still."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from idp.digital_id import Card, StatusReference, TrustedKey, key_id, trusted
from idp.digital_id.card import WEBP
from idp.digital_id.trust import PublicKey

NOW = 1_790_000_000
DAY = 86_400
ISSUER = "https://id.gov.example"
LIST = "https://id.gov.example/status/12"
VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))


@dataclass(frozen=True)
class Pen:
    """A private key as `idp.keys` would hold it."""

    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    issuer: str | None = ISSUER
    public: PublicKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "public", self.private.public_key())

    @property
    def alg(self) -> str:
        return "ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "EdDSA"

    @property
    def key_id(self) -> bytes:
        return key_id(self.public)

    def signature(self, message: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def trusted(self, **changes: Any) -> TrustedKey:
        return trusted(self.public, **{"issuer": self.issuer, **changes})


def pen(alg: str = "ES256", name: str = "ours", issuer: str | None = ISSUER) -> Pen:
    """The same key for the same words."""
    return _made(alg, name, issuer)


@cache
def _made(alg: str, name: str, issuer: str | None) -> Pen:
    made = ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()
    return Pen(made, issuer)


def card(**changes: Any) -> Card:
    usual: dict[str, Any] = {
        "issuer": ISSUER, "issued_at": NOW, "expires_at": NOW + 365 * DAY, "holder_key": bytes(range(32)),
        "status": StatusReference(index=731_205, uri=LIST), "number": "VN7K2Q9XW4MB", "version": "1.0",
        "language": "vie", "full_name": "Nguyễn Thị Bích Ngọc", "birth_date": "19900515", "gender": 2,
        "nationality": "VNM",
    }  # fmt: skip
    return Card(**(usual | changes))


def photo_card(**changes: Any) -> Card:
    """With a photograph's worth of bytes that do not compress."""
    photo = b"".join(hashlib.sha256(bytes([at])).digest() for at in range(13))
    return card(**({"photo": photo, "photo_format": WEBP} | changes))
