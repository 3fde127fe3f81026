"""The office's signing keys with their certificates, made at start, replaced on demand; and a stranger's."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

LIFETIME_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class Pair:
    private: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()[:16]

    @property
    def encoded(self) -> str:
        """The certificate as it stands in XML."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


def make_pair(common_name: str, days: int = LIFETIME_DAYS) -> Pair:
    """A new key that nobody has seen, under a certificate that it signed itself."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    return Pair(private=private, certificate=certificate)


class KeyRing:
    """The pair that signs, those before it that are still published, and a stranger's that never is."""

    def __init__(self, common_name: str) -> None:
        self._common_name = common_name
        self._lock = threading.Lock()
        self._published = [make_pair(common_name)]
        self.strangers = make_pair(common_name)

    @property
    def current(self) -> Pair:
        with self._lock:
            return self._published[0]

    def published(self) -> list[Pair]:
        with self._lock:
            return list(self._published)

    def rotate(self, *, keep_old: bool) -> None:
        """A new pair signs from now on; the old ones stay published or, without `keep_old`, vanish at once."""
        made = make_pair(self._common_name)
        with self._lock:
            self._published = [made, *self._published] if keep_old else [made]
