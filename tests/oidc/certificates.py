"""Certificates for portals: an invented authority, one between, what they issue, and what forgers issue themselves."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from jwt.algorithms import ECAlgorithm

DAY = timedelta(days=1)
FOR_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SUBJECT = ((NameOID.COUNTRY_NAME, "VN"), (NameOID.ORGANIZATION_NAME, "Sở Tư pháp, tỉnh"), (NameOID.COMMON_NAME, "cổng"))


@dataclass(frozen=True)
class Held:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def thumbprint(self) -> bytes:
        return self.certificate.fingerprint(hashes.SHA256())

    def jwk(self, **named: str) -> dict[str, Any]:
        """The public key with the certificate, as RFC 8705 section 2.2.2 has it in a JWK Set."""
        key: dict[str, Any] = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        key.pop("key_ops", None)
        return key | {"x5c": [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()]} | named

    def files(self, folder: Path) -> tuple[str, str]:
        """Certificate and key where an HTTP client finds them."""
        name = self.thumbprint.hex()
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(certificate), str(key)


def name_of(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def issued(
    issuer: Held | None = None, *, subject: x509.Name | None = None, names: Sequence[x509.GeneralName] = (),
    purposes: Sequence[ObjectIdentifier] = FOR_CLIENTS, ends_in: timedelta = DAY, is_authority: bool = False,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Held:  # fmt: skip
    """A new certificate by this issuer, or by its own key."""
    key, now = key or ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = name_of(*SUBJECT) if subject is None else subject
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject, subject, key.public_key(), x509.random_serial_number(),
        now - 3 * DAY, now + ends_in,
    )  # fmt: skip
    signer = issuer.key if issuer else key
    known_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(known_by, False).add_extension(x509.BasicConstraints(is_authority, None), True)
    if is_authority:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        known = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(usage, True).add_extension(known, False)
    elif purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), not list(subject))
    return Held(builder.sign(signer, hashes.SHA256()), key)


def authority(name: str, issuer: Held | None = None) -> Held:
    return issued(issuer, subject=name_of((NameOID.COMMON_NAME, name)), is_authority=True, ends_in=30 * DAY)
