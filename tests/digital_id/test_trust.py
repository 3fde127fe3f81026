"""Public keys from files: which are believed, by which ids, and which are refused."""

from __future__ import annotations

import dataclasses
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from idp.digital_id import BadKey, Unfit, issue, key_id, read_keys, thumbprint, trusted, verify
from idp.keys import SigningKey
from tests.digital_id.cards import ISSUER, NOW, card, pen


def jwk(alg: str, **changes: object) -> dict[str, object]:
    algorithm = ECAlgorithm if alg == "ES256" else OKPAlgorithm
    return algorithm.to_jwk(pen(alg).public, as_dict=True) | changes  # type: ignore[arg-type]


def test_the_thumbprint_of_rfc_9679_section_6() -> None:
    x = 0x65EDA5A12577C2BAE829437FE338701A10AAA375E1BB5B5DE108DE439C08551D
    y = 0x1E52ED75701163F7F9E40DDF9F341B3DC9BA860AF7E0CA7CA7E9EECD0084D19C
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    assert thumbprint(public).hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"
    assert key_id(public).hex() == "496bd8afadf307e5"


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_key_is_read_from_each_form(alg: str) -> None:
    pem = pen(alg).public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    encryption = jwk(alg, use="enc")
    files = (pem, json.dumps(jwk(alg)).encode(), json.dumps({"keys": [{"kty": "RSA"}, encryption, jwk(alg)]}).encode())
    for file in files:
        (key,) = read_keys(file, ISSUER)
        assert (key.alg, key.ids, key.issuer, key.strict) == (alg, {pen(alg).key_id}, ISSUER, True)
        assert verify(issue(card(status=None), pen(alg), pen(alg).key_id), [key], NOW).genuine
    (named,) = read_keys(json.dumps(jwk(alg, kid="one")).encode())
    assert named.ids == {pen(alg).key_id, b"one"}


@pytest.mark.parametrize(
    "file, why",
    [
        (b"", "neither PEM nor JSON"),
        (b"\xff\xfe", "neither PEM nor JSON"),
        (b"[]", "needs a JWK"),
        (b'{"keys": 1}', "a list of JWKs"),
        (b'{"keys": [{"kty": "RSA"}]}', "none of its keys"),
        (b'{"kty": "EC", "crv": "P-384"}', "no JWK"),
        (b'{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}', "no JWK"),
        (b'{"kty": "EC", "crv": "P-256", "use": "enc"}', "not a key for signatures"),
        (b'{"kty": "oct", "k": "AAAA"}', "private or secret"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key in PEM"),
    ],
)
def test_what_is_no_key_for_cards_is_refused(file: bytes, why: str) -> None:
    with pytest.raises(BadKey, match=why):
        read_keys(file)


def test_keys_of_other_sorts_are_refused() -> None:
    private = pen().private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadKey, match="a private key"):
        read_keys(private)
    with pytest.raises(BadKey, match="secp384r1"):
        trusted(ec.generate_private_key(ec.SECP384R1()).public_key())
    with pytest.raises(BadKey, match="neither a key on P-256"):
        trusted(rsa.generate_private_key(65537, 2048).public_key())


def test_the_provider_s_own_keys_sign_cards() -> None:
    """`idp.keys` hands them out; a key for another algorithm is refused."""

    def held(alg: str) -> SigningKey:
        private = pen(alg).private
        return SigningKey(kid="1", purpose=alg, private=private, held_by=None, active_from=0, published_until=None)

    for alg in ("ES256", "EdDSA"):
        text = issue(card(status=None), held(alg), pen(alg).key_id)
        assert verify(text, [pen(alg).trusted()], NOW).genuine
        (published,) = read_keys(json.dumps(held(alg).public_jwk()).encode(), ISSUER)
        assert verify(text, [published], NOW).genuine
    with pytest.raises(Unfit, match="RS256"):
        issue(card(), dataclasses.replace(held("ES256"), purpose="RS256"), pen().key_id)
