"""Keys and certificates of the suite's clients: the suite is them, so it gets the private half."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from idp import clock, entropy
from idp.keys import RSA_BITS

CERTIFICATE_DAYS = 365
_PUBLIC = ("kty", "n", "e", "crv", "x", "y", "kid", "use", "alg")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A self-signed certificate to show in the TLS handshake, and what registers it (RFC 8705 section 2.2)."""

    certificate_pem: str
    key_pem: str = field(repr=False)
    public_jwk: dict[str, Any]


def signing_key(alg: str) -> dict[str, Any]:
    """A new private key as JWK, for this algorithm alone."""
    if alg == "ES256":
        members = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    elif alg == "EdDSA":
        members = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
    else:
        members = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, RSA_BITS), as_dict=True)
    members.pop("key_ops", None)
    return members | {"kid": entropy.short_handle(), "use": "sig", "alg": alg}


def public(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name in _PUBLIC}


def certificate(name: str) -> Shown:
    """A new key with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(entropy.chance(16)) or 1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    plain = serialization.NoEncryption()
    return Shown(
        certificate_pem=made.public_bytes(serialization.Encoding.PEM).decode(),
        key_pem=key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode(),
        public_jwk=jwk | {"kid": entropy.short_handle(), "x5c": [base64.b64encode(der).decode()]},
    )
