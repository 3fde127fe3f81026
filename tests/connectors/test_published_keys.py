"""Which of the keys that a source publishes are used, and for what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.openid.metadata import RSA_ALGORITHMS, key_for, parse_keys


def rsa_jwk(bits: int) -> dict[str, Any]:
    """A public key of this size, of which nobody knows the private half."""
    return RSAAlgorithm.to_jwk(rsa.RSAPublicNumbers(65537, 2 ** (bits - 1) + 1).public_key(), as_dict=True)


def curve_jwk(curve: ec.EllipticCurve) -> dict[str, Any]:
    return ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)


def algorithms(jwk: dict[str, Any]) -> frozenset[str]:
    """What the key is used for, published beside another."""
    other = {**curve_jwk(ec.SECP256R1()), "kid": "other"}
    jwk.pop("key_ops", None)
    keys = [key for key in parse_keys(json.dumps({"keys": [other, jwk]}).encode()) if key.kid != "other"]
    return keys[0].algorithms if keys else frozenset()


@pytest.mark.parametrize(
    "jwk,used_for",
    [
        (rsa_jwk(2048), RSA_ALGORITHMS),
        (rsa_jwk(4096), RSA_ALGORITHMS),
        (rsa_jwk(1024), frozenset()),
        (rsa_jwk(2047), frozenset()),
        (rsa_jwk(16384), frozenset()),
        ({**rsa_jwk(2048), "alg": "RS256"}, {"RS256"}),
        ({**rsa_jwk(2048), "alg": "ES256"}, frozenset()),
        ({**rsa_jwk(2048), "alg": "RSA-OAEP"}, frozenset()),
        (curve_jwk(ec.SECP256R1()), {"ES256"}),
        (curve_jwk(ec.SECP384R1()), {"ES384"}),
        (curve_jwk(ec.SECP521R1()), {"ES512"}),
        (curve_jwk(ec.SECP256K1()), frozenset()),
        ({**curve_jwk(ec.SECP384R1()), "alg": "ES256"}, frozenset()),
        (OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True), {"EdDSA"}),
    ],
)
def test_a_key_is_used_for_what_its_type_and_its_own_words_allow(jwk: dict[str, Any], used_for: set[str]) -> None:
    assert algorithms(jwk) == used_for


def test_a_private_key_that_was_published_is_not_used() -> None:
    private = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    assert algorithms(private) == frozenset()


def test_a_key_is_chosen_only_where_there_is_no_doubt() -> None:
    one, two = ({**curve_jwk(ec.SECP256R1()), "kid": kid} for kid in ("one", "two"))
    of_another_type = {**rsa_jwk(2048), "kid": "one"}
    keys = parse_keys(json.dumps({"keys": [one, two, of_another_type]}).encode())
    assert key_for(keys, "one", "ES256") == keys[0]
    assert key_for(keys, "one", "RS256") == keys[2]
    assert key_for(keys, None, "RS256") == keys[2]
    for kid, algorithm in ((None, "ES256"), ("three", "ES256"), ("two", "RS256"), ("one", "ES384"), ("one", "HS256")):
        assert key_for(keys, kid, algorithm) is None


@pytest.mark.parametrize("document", [{"keys": {}}, {"keys": [{}] * 101}, {"keys": [rsa_jwk(1024)]}, {}])
def test_a_document_without_a_usable_key_is_broken(document: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        parse_keys(json.dumps(document).encode())
    assert refused.value.failure is Failure.BROKEN_ANSWER
