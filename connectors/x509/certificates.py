"""Certificates as anybody may send them: read within limits, and what their keys and uses allow (RFC 5280)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from connectors.answers import Refusal
from connectors.base import Failure

CERTIFICATE_LIMIT_BYTES = 16_384
AUTHORITIES_LIMIT = 50
RSA_BITS = range(2048, 8193)  # beyond it, verifying is a way to keep us busy
WEAK_DIGESTS = frozenset({"md5", "sha1"})

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
# What reading somebody's ASN.1 can raise: structure, characters, numbers, nesting, algorithms that nobody knows; and
# the warning is of what the next release will not read either, for those who have warnings raised.
UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, UnsupportedAlgorithm,
    x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion, CryptographyDeprecationWarning,
)  # fmt: skip

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def read_der(body: bytes) -> x509.Certificate:
    """The certificate; raises Refusal for what is none, or is too large."""
    if len(body) > CERTIFICATE_LIMIT_BYTES:
        raise Refusal(Failure.BROKEN_ANSWER, "the certificate is too large")
    try:
        certificate = x509.load_der_x509_certificate(body)
        _ = certificate.subject, certificate.extensions, certificate.issuer  # read when first asked for
    except UNREADABLE:
        raise Refusal(Failure.BROKEN_ANSWER, "the certificate cannot be read") from None
    if certificate.serial_number <= 0:  # RFC 5280 section 4.1.2.2
        raise Refusal(Failure.BROKEN_ANSWER, "the certificate has no proper serial number")
    return certificate


def read_pem(text: str) -> x509.Certificate:
    """The one certificate in `text`; raises Refusal for none, several, or anything around it."""
    if len(text) > 2 * CERTIFICATE_LIMIT_BYTES or not _PEM.fullmatch(text.strip()):
        raise Refusal(Failure.BROKEN_ANSWER, "the certificate is not in PEM, or too large")
    try:
        body = x509.load_pem_x509_certificate(text.strip().encode("ascii")).public_bytes(Encoding.DER)
    except UNREADABLE:
        raise Refusal(Failure.BROKEN_ANSWER, "the certificate cannot be read") from None
    return read_der(body)


def read_authorities(texts: Iterable[str]) -> tuple[x509.Certificate, ...]:
    """The certificates in the texts, each of which may hold several; raises ValueError for one without, or too many."""
    found = []
    for text in texts:
        blocks = _PEM.findall(text)
        if not blocks:
            raise ValueError("must hold certificates in PEM")
        found += [read_pem(block) for block in blocks]
    if len(found) > AUTHORITIES_LIMIT:
        raise ValueError(f"must be {AUTHORITIES_LIMIT} certificates at most")
    return tuple(found)


def usable_key(certificate: x509.Certificate) -> PublicKey:
    """The public key; raises Refusal unless it is RSA of 2048 to 8192 bits, or on the curve P-256 or P-384."""
    try:
        key = certificate.public_key()
    except UNREADABLE:
        key = None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    raise Refusal(Failure.CERTIFICATE_UNTRUSTED, "the key is of a kind that we do not take, or too weak")


def check_purpose(certificate: x509.Certificate, purposes: Collection[str]) -> None:
    """The certificate is for signing, and for one of these purposes (extended key usages); raises Refusal.

    A certificate without these extensions may be used for anything, and so for nothing that we rely on.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        raise Refusal(Failure.CERTIFICATE_UNTRUSTED, "the certificate does not say what it is for") from None
    if not usage.digital_signature:
        raise Refusal(Failure.CERTIFICATE_UNTRUSTED, "the certificate is not for signing")
    if not {purpose.dotted_string for purpose in extended} & set(purposes):
        raise Refusal(Failure.CERTIFICATE_UNTRUSTED, "the certificate is not for signing in")
