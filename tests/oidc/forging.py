"""What forgers make of a JWT that would be believed (RFC 8725): the rows of the algorithm matrix."""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from tests.clients.key_sets import certificate, jwk, private_key
from tests.oidc.proving import ABSENT, b64, signed

FORGER = 9  # the number of the forger's key


@dataclass(frozen=True, kw_only=True)
class Genuine:
    """A token that is good at some place, and a forger's server, which would show the forger's key to whoever asked."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: Any
    elsewhere: str = "http://forger.localhost:9/jwks"

    @property
    def token(self) -> str:
        return self.under()

    def under(self, key: Any = None, **header: Any) -> str:
        """The same claims with other members in the header, signed by the right key or by another."""
        named = {name: value for name, value in (self.header | header).items() if value is not ABSENT}
        return signed(named, self.claims, "ES256", self.key if key is None else key)

    def unsigned(self, signature: bytes = b"", **header: Any) -> str:
        return f"{self._head(**header)}.{b64(signature)}"

    def by_hmac(self, secret: bytes) -> str:
        head = self._head(alg="HS256")
        return f"{head}.{b64(hmac.digest(secret, head.encode(), 'sha256'))}"

    def public(self, encoding: Encoding, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
        return bytes(self.key.public_key().public_bytes(encoding, form))

    def _head(self, **header: Any) -> str:
        named = {name: value for name, value in (self.header | header).items() if value is not ABSENT}
        return f"{b64(json.dumps(named).encode())}.{b64(json.dumps(self.claims).encode())}"


Forge = Callable[[Genuine], str]


def by_forger(**header: Any) -> Forge:
    """Signed by the forger's key, which the header brings along or points to."""
    return lambda genuine: genuine.under(private_key("P-256", FORGER), **header)


def raw(header: bytes, payload: bytes = b"{}") -> Forge:
    return lambda _: f"{b64(header)}.{b64(payload)}.{b64(bytes(64))}"


def beside(header: Callable[[Genuine], dict[str, Any]]) -> Forge:
    return lambda genuine: genuine.under(private_key("P-256", FORGER), **header(genuine))


def jwk_as_secret(genuine: Genuine) -> str:
    return genuine.by_hmac(ECAlgorithm.to_jwk(genuine.key.public_key()).encode())


def changed(genuine: Genuine) -> str:
    head, _, signature = genuine.token.split(".")
    return f"{head}.{b64(json.dumps({**genuine.claims, 'iat': genuine.claims['iat'] - 1}).encode())}.{signature}"


def encrypted(**header: Any) -> Forge:
    """Five parts: whoever takes them for a JWE computes, or inflates, for as long as the header asks for."""
    named = {"alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2s": b64(b"s" * 16), "p2c": 2**31 - 1} | header
    return lambda _: ".".join(map(b64, (json.dumps(named).encode(), bytes(40), bytes(16), bytes(2000), bytes(16))))


def bomb(_: Genuine) -> str:
    header = {"alg": "dir", "enc": "A128GCM", "zip": "DEF"}
    inflating = zlib.compress(bytes(3_000_000))[2:-4]
    return ".".join(map(b64, (json.dumps(header).encode(), b"", bytes(12), inflating[:2000], bytes(16))))


def large_rsa(n_bytes: int, e_bytes: int) -> Forge:
    """An RSA key that is in the header, and takes long to calculate with: (n_bytes * 8)-bit, with a large exponent."""
    jwk = {"kty": "RSA", "n": b64(b"\xff" * n_bytes), "e": b64(b"\xff" * e_bytes)}
    return lambda genuine: genuine.unsigned(b"\x7f" * n_bytes, alg="PS256", jwk=jwk)


CERTIFICATE = base64.b64encode(certificate("P-256", FORGER)).decode()
FORGED: dict[str, Forge] = {
    "alg none": lambda genuine: genuine.unsigned(alg="none"),
    "alg None": lambda genuine: genuine.unsigned(alg="None"),
    "alg none, signed": lambda genuine: genuine.unsigned(bytes(64), alg="none"),
    "no alg": lambda genuine: genuine.under(alg=ABSENT),
    "alg a list": lambda genuine: genuine.under(alg=["ES256"]),
    "no signature": lambda genuine: genuine.unsigned(),
    "a signature of zeros": lambda genuine: genuine.unsigned(bytes(64)),
    "HS256 with the public key as PEM": lambda genuine: genuine.by_hmac(genuine.public(Encoding.PEM)),
    "HS256 with the public key as DER": lambda genuine: genuine.by_hmac(genuine.public(Encoding.DER)),
    "HS256 with the public key as JWK": jwk_as_secret,
    "HS256 with the point": lambda genuine: genuine.by_hmac(
        genuine.public(Encoding.X962, PublicFormat.UncompressedPoint)
    ),
    "HS256 with nothing": lambda genuine: genuine.by_hmac(b""),
    "jwk": by_forger(jwk=jwk("P-256", FORGER)),
    "jwk without kid": by_forger(jwk=jwk("P-256", FORGER), kid=ABSENT),
    "x5c": by_forger(x5c=[CERTIFICATE]),
    "x5c without kid": by_forger(x5c=[CERTIFICATE], kid=ABSENT),
    "jku": beside(lambda genuine: {"jku": genuine.elsewhere}),
    "jku and its kid": beside(lambda genuine: {"jku": genuine.elsewhere, "kid": "forger"}),
    "x5u": beside(lambda genuine: {"x5u": genuine.elsewhere}),
    "jku beside the right key": lambda genuine: genuine.under(jku=genuine.elsewhere),
    "x5c beside the right key": lambda genuine: genuine.under(x5c=[CERTIFICATE]),
    "kid unknown": lambda genuine: genuine.under(kid="unknown"),
    "kid empty": lambda genuine: genuine.under(kid=""),
    "kid a list": lambda genuine: genuine.under(kid=["k1"]),
    "kid a path": by_forger(kid="../../../../dev/null"),
    "wrong key": by_forger(),
    "wrong key without kid": by_forger(kid=ABSENT),
    "changed": changed,
    # As large as is read anywhere: these reach the parsers.
    "header too deep": raw(b'{"alg":"ES256","typ":"JWT","x":' + b"[" * 1400),
    "payload too deep": raw(b'{"alg":"ES256"}', b'{"iss":' + b"[" * 1400),
    "a number of 2 000 digits": lambda genuine: genuine.unsigned(bytes(64), x=10**2000 - 1),
    "RSA of 4 800 bits with a large exponent": large_rsa(600, 599),
    "as if encrypted, p2c": encrypted(),
    "as if encrypted, inflating": bomb,
}  # fmt: skip

# Larger than anything that is read: the server before us may refuse them, or we.
HUGE: dict[str, Forge] = {
    "header of 1 MB": lambda genuine: genuine.under(x="x" * 1_000_000),
    "kid of 1 MB": lambda genuine: genuine.under(kid="k" * 1_000_000),
    "header of 100 000 levels": raw(b'{"alg":"ES256","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "payload of 100 000 levels": raw(b'{"alg":"ES256"}', b'{"iss":' + b"[" * 100_000),
    "30 000 levels": raw(b'{"alg":"ES256","x":' + b"[" * 30_000),
    "RSA of 16 384 bits": large_rsa(2048, 3),
    "RSA of 16 384 bits with a large exponent": large_rsa(2048, 2047),
    "a million dots": lambda _: "." * 1_000_000,
}  # fmt: skip
