"""Keys of invented portals, as they publish them."""

from __future__ import annotations

import base64
import datetime
import json
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


def private_key(kind: str, number: int = 0) -> Any:
    """A key of the kind, the same one for the same number."""
    return _made(kind, number)


@lru_cache
def _made(kind: str, number: int) -> Any:
    made = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048), "weak": lambda: rsa.generate_private_key(65537, 1024),
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate, "X25519": x25519.X25519PrivateKey.generate,
    }  # fmt: skip
    return made[kind]()


def jwk(kind: str, number: int = 0, *, private: bool = False, **members: Any) -> dict[str, Any]:
    key = private_key(kind, number) if private else private_key(kind, number).public_key()
    reader: Any = RSAAlgorithm
    if kind.startswith("P-"):
        reader = ECAlgorithm
    elif kind.endswith("25519"):
        return _of_25519(kind, number, private) | members
    made: dict[str, Any] = reader.to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    return made | members


def _of_25519(kind: str, number: int, private: bool) -> dict[str, Any]:
    if kind == "Ed25519":
        key = private_key(kind, number) if private else private_key(kind, number).public_key()
        made: dict[str, Any] = OKPAlgorithm.to_jwk(key, as_dict=True)
        made.pop("key_ops", None)
        return made
    raw = (
        private_key(kind, number).public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )
    return {"kty": "OKP", "crv": "X25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def certificate(kind: str, number: int = 0) -> bytes:
    """A self-signed certificate of the key, as DER."""
    key = private_key(kind, number)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def x5c(der: bytes) -> list[str]:
    return [base64.b64encode(der).decode()]


def key_set(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(keys)}


def served(document: Any, *, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """The document as a server's answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), headers) + body
