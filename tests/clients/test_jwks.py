"""What a portal may publish as its keys (RFC 7517, RFC 7518 section 6, RFC 8037), and for what each is good."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from joserfc import jwe
from pydantic import ValidationError

from idp.clients import jwks
from tests.clients.key_sets import certificate, jwk, key_set, private_key, x5c
from tests.clients.test_registration import registration

GOOD = jwk("P-256", kid="one")

REFUSED: dict[str, tuple[Any, str]] = {
    "a text": ("keys", "a list of keys"),
    "a list": ([GOOD], "a list of keys"),
    "no list": ({"keys": GOOD}, "a list of keys"),
    "keys that are none": ({"keys": ["one"]}, "a list of keys"),
    "no keys": (key_set(), "holds 1 to 20 keys"),
    "too many keys": (key_set(*[GOOD] * 21), "holds 1 to 20 keys"),
    "a private key on a curve": (key_set(jwk("P-256", private=True)), "private or a symmetric key"),
    "a private RSA key": (key_set(GOOD, jwk("RSA", private=True)), "private or a symmetric key"),
    "a private Ed25519 key": (key_set(jwk("Ed25519", private=True)), "private or a symmetric key"),
    "one prime of an RSA key": (key_set(jwk("RSA") | {"p": "AQAB"}), "private or a symmetric key"),
    "a symmetric key": (key_set(GOOD, {"kty": "oct", "k": "c2VjcmV0"}), "private or a symmetric key"),
    "a symmetric key without its value": (key_set({"kty": "oct"}), "private or a symmetric key"),
    "a private key of a kind nobody knows": (key_set(GOOD, {"kty": "AKP", "d": "x"}), "private or a symmetric key"),
    "a weak RSA key": (key_set(jwk("weak")), "2048 to 4096 bits"),
    "an RSA key with a bit too many": (key_set(jwk("RSA") | {"n": "AQ" + "_" * 682}), "2048 to 4096 bits"),
    "an even exponent": (key_set(jwk("RSA") | {"e": "AQAC"}), "the exponent 65537"),
    "an exponent of one": (key_set(jwk("RSA") | {"e": "AQ"}), "the exponent 65537"),
    "an exponent of three": (key_set(jwk("RSA") | {"e": "Aw"}), "the exponent 65537"),
    "a large exponent, which takes long": (key_set(jwk("RSA") | {"e": "_____w"}), "the exponent 65537"),
    "no modulus": (key_set({"kty": "RSA", "e": "AQAB"}), "n of a key is missing"),
    "a number as a modulus": (key_set({"kty": "RSA", "e": "AQAB", "n": 3}), "n of a key is missing"),
    "a value beyond all measure": (key_set(jwk("RSA") | {"n": "A" * 9000}), "n of a key is missing, empty or too long"),
    "padding": (key_set(jwk("P-256") | {"x": jwk("P-256")["x"] + "="}), "not written in base64url"),
    "a short coordinate": (key_set(jwk("P-256") | {"x": "AQAB"}), "a coordinate of another length"),
    "a point beside its curve": (key_set(jwk("P-256") | {"x": jwk("P-256")["y"]}), "cannot be read"),
    "a curve that the point is not on": (key_set(jwk("P-384") | {"crv": "P-256"}), "a coordinate of another length"),
    "a point that agrees with nobody": (key_set(jwk("X25519") | {"x": "A" * 43}), "cannot be read"),
    "another point that agrees with nobody": (key_set(jwk("X25519") | {"x": "AQ" + "A" * 41}), "cannot be read"),
    "an empty key id": (key_set(jwk("P-256", kid="")), "kid of a key"),
    "a number as key id": (key_set(jwk("P-256", kid=7)), "kid of a key"),
    "a list as kind": (key_set({"kty": ["RSA"]}), "are words"),
    "a list as curve": (key_set({"kty": "EC", "crv": ["P-256"]}), "are words"),
    "operations that are none": (key_set(jwk("P-256", key_ops="verify")), "key_ops"),
    "a certificate that is none": (key_set(jwk("P-256", x5c=["AQAB"])), "x5c cannot be read"),
    "a certificate that is no base64": (key_set(jwk("P-256", x5c=["%%%"])), "x5c cannot be read"),
    "no certificate": (key_set(jwk("P-256", x5c=[])), "a list of certificates"),
    "another key's certificate": (key_set(jwk("P-256", x5c=x5c(certificate("P-256", 1)))), "of another key"),
}  # fmt: skip


@pytest.mark.parametrize("document, said", REFUSED.values(), ids=REFUSED.keys())
def test_a_key_set_with_a_fault_is_refused_by_name(document: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        jwks.checked(document)
    with pytest.raises(ValueError, match=said):
        jwks.parsed(json.dumps(document).encode())


@pytest.mark.parametrize(
    "body, said",
    [(b"", "not JSON"), (b"\xff", "not JSON"), (b"<html>", "not JSON"), (b"[" * 60_000, "not JSON"),
     (b" " * 65_537, "65536 bytes")],
)  # fmt: skip
def test_what_is_no_json_or_too_long_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        jwks.parsed(body)


def test_a_registration_with_a_fault_in_its_keys_is_refused() -> None:
    with pytest.raises(ValidationError, match="private or a symmetric key"):
        registration(jwks=key_set(jwk("P-256", private=True)))
    assert registration(jwks=key_set(GOOD)).jwks == key_set(GOOD)


def test_keys_of_kinds_that_nobody_here_knows_are_passed_over() -> None:
    strange = [{"kty": "AKP", "pub": "x"}, {"kty": "EC", "crv": "secp256k1"}, {"kty": "OKP", "crv": "Ed448", "x": "x"}]
    assert [key.kid for key in jwks.checked(key_set(*strange, GOOD))] == ["one"]


def fit(alg: str, **members: Any) -> list[str]:
    """Which of one key of each kind will do."""
    kinds = ("RSA", "P-256", "P-384", "Ed25519", "X25519")
    keys = jwks.checked(key_set(*(jwk(kind, kid=kind, **members) for kind in kinds)))
    return [str(key.kid) for key in keys if key.verifies(alg)] + [f"to {key.kid}" for key in keys if key.encrypts(alg)]


@pytest.mark.parametrize(
    "alg, those",
    [
        ("RS256", ["RSA"]), ("PS256", ["RSA"]), ("ES256", ["P-256"]), ("EdDSA", ["Ed25519"]), ("HS256", []),
        ("none", []), ("ES384", []), ("", []), ("RSA-OAEP-256", ["to RSA"]), ("RSA1_5", []), ("dir", []),
        ("ECDH-ES", ["to P-256", "to P-384", "to X25519"]), ("ECDH-ES+A256KW", ["to P-256", "to P-384", "to X25519"]),
    ],
)  # fmt: skip
def test_a_key_is_good_for_the_algorithms_of_its_kind_and_curve(alg: str, those: list[str]) -> None:
    assert fit(alg) == those


@pytest.mark.parametrize(
    "members, es256, ecdh",
    [
        ({"use": "sig"}, True, False), ({"use": "enc"}, False, True), ({"use": "both"}, False, False),
        ({"alg": "ES256"}, True, False), ({"alg": "ECDH-ES"}, False, True), ({"alg": "ES512"}, False, False),
        ({"key_ops": ["verify"]}, True, False), ({"key_ops": ["deriveKey"]}, False, True),
        ({"key_ops": []}, False, False), ({}, True, True),
    ],
)  # fmt: skip
def test_a_key_is_good_for_what_its_owner_says_alone(members: dict[str, Any], es256: bool, ecdh: bool) -> None:
    (key,) = jwks.checked(key_set(jwk("P-256", **members)))
    assert (key.verifies("ES256"), key.encrypts("ECDH-ES")) == (es256, ecdh)


@pytest.mark.parametrize("alg, kind", [("RS256", "RSA"), ("PS256", "RSA"), ("ES256", "P-256"), ("EdDSA", "Ed25519")])
def test_a_signature_of_the_portal_is_verified_by_its_key(alg: str, kind: str) -> None:
    (key,) = jwks.checked(key_set(jwk(kind)))
    token = jwt.encode({"sub": "portal"}, private_key(kind), algorithm=alg)
    assert jwt.decode(token, key.for_verifying(alg), algorithms=[alg]) == {"sub": "portal"}
    forged = jwt.encode({"sub": "portal"}, private_key(kind, 1), algorithm=alg)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, key.for_verifying(alg), algorithms=[alg])


@pytest.mark.parametrize("alg, kind", [("RSA-OAEP-256", "RSA"), ("ECDH-ES", "P-256"), ("ECDH-ES+A128KW", "X25519")])
def test_what_is_encrypted_for_the_portal_it_reads(alg: str, kind: str) -> None:
    (key,) = jwks.checked(key_set(jwk(kind)))
    token = jwe.encrypt_compact(
        {"alg": alg, "enc": "A256GCM"}, b"told", key.for_encrypting(), algorithms=[alg, "A256GCM"]
    )
    opened = jwe.decrypt_compact(token, _private(kind), algorithms=[alg, "A256GCM"])
    assert opened.plaintext == b"told"


def _private(kind: str) -> Any:
    from cryptography.hazmat.primitives import serialization
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    pem = private_key(kind).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    reader: Any = {"RSA": RSAKey, "P-256": ECKey, "X25519": OKPKey}[kind]
    return reader.import_key(pem)


def test_a_certificate_is_kept_with_the_key_that_it_certifies() -> None:
    der = certificate("P-256")
    (key,) = jwks.checked(key_set(jwk("P-256", x5c=x5c(der))))
    assert key.certificate == der
