"""Keys for SAML: PEM text in which each private key is followed by its certificate, signed by itself."""

from __future__ import annotations

import re
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from idp import clock

RSA_BITS = 3072  # NIST SP 800-57 part 1, table 2: good beyond 2030, and so is the certificate
LIFETIME_DAYS = 1095
_PAIR = re.compile(
    r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----\s+"
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----",
    re.DOTALL,
)


def key_with_certificate(name: str) -> str:
    """A new RSA key with a certificate for this common name, good for three years."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(hours=1))  # whose clock is behind may use it at once
        .not_valid_after(clock.now() + timedelta(days=LIFETIME_DAYS))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (pem + certificate.public_bytes(Encoding.PEM)).decode()


def has_key_with_certificate(secret: str) -> bool:
    return _PAIR.search(secret) is not None


def certificate_in(pem: str) -> str:
    """The first certificate, to be given to others."""
    return pem[pem.index("-----BEGIN CERTIFICATE-----") :].partition("-----END CERTIFICATE-----")[0] + (
        "-----END CERTIFICATE-----\n"
    )


def rolled_over(secret: str, name: str) -> str:
    """One step of a roll-over: the key announced last time signs now, the one before it stays, a new one is announced.

    The first time there is none announced yet, so the one in use stays in use. The connector signs with the first.
    """
    pairs = _PAIR.findall(secret)
    in_use = [pairs[-1], pairs[0]] if len(pairs) > 1 else pairs
    return "\n".join([*in_use, key_with_certificate(name)])
