"""The published vectors of Claim 169 and the example of its specification: what decodes, and what is genuine."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from idp.digital_id import Leniency, Reason, TrustedKey, Verdict, packing, read, trusted, verify
from tests.digital_id.cards import NOW, VECTORS

THEN = 1_750_000_000  # between the issue and the expiry that the vectors have
ISSUER = "https://mosip.example.org"
BY_NAME: dict[str, dict[str, Any]] = VECTORS["vectors"]
SIGNED = ("valid/ed25519-signed", "valid/ecdsa-p256-signed", "valid/encrypted-signed")
# Nobody signed these: the vectors are there to be read.
UNSIGNED = (
    "valid/minimal", "valid/with-face", "valid/demographics-full", "valid/encrypted-aes256",
    "edge/expired", "edge/not-yet-valid", "edge/unknown-fields",
)  # fmt: skip
INVALID = {
    "invalid/missing-169": Reason.NO_IDENTITY,
    "invalid/not-cose": Reason.NOT_COSE,
    "invalid/bad-zlib": Reason.BAD_COMPRESSION,
    "invalid/bad-base45": Reason.BAD_TEXT,
}
OUR_NAMES = {
    "id": "number", "version": "version", "language": "language", "fullName": "full_name", "firstName": "first_name",
    "middleName": "middle_name", "lastName": "last_name", "dateOfBirth": "birth_date", "gender": "gender",
    "address": "address", "email": "email", "phone": "phone", "nationality": "nationality",
    "maritalStatus": "marital_status", "guardian": "guardian", "photoFormat": "photo_format",
    "bestQualityFingers": "best_fingers", "secondaryFullName": "secondary_full_name",
    "secondaryLanguage": "secondary_language", "locationCode": "location_code", "legalStatus": "legal_status",
    "countryOfIssuance": "country_of_issuance", "issuer": "issuer", "subject": "subject", "expiresAt": "expires_at",
    "notBefore": "not_before", "issuedAt": "issued_at",
}  # fmt: skip


def key_of(vector: dict[str, Any], **changes: Any) -> list[TrustedKey]:
    if "signing_key" not in vector:
        return []
    raw = bytes.fromhex(vector["signing_key"]["public_key_hex"])
    public: object
    if vector["signing_key"]["algorithm"] == "EdDSA":
        public = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    else:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    return [trusted(public, ISSUER, **({"strict": False} | changes))]


def verified(name: str, now: int = THEN, **changes: Any) -> Verdict:
    vector = BY_NAME[name]
    secrets = [bytes.fromhex(vector["encryption_key"]["symmetric_key_hex"])] if "encryption_key" in vector else []
    return verify(vector["text"], key_of(vector, **changes), now, decryption_keys=secrets)


def test_all_vectors_are_here() -> None:
    assert {*SIGNED, *UNSIGNED, *INVALID} == BY_NAME.keys()
    assert len(BY_NAME) == 14


@pytest.mark.parametrize("name", [*SIGNED, *UNSIGNED])
def test_a_readable_vector_says_what_it_should(name: str) -> None:
    verdict, vector = verified(name), BY_NAME[name]
    assert verdict.decodes and verdict.card is not None
    for said, value in (vector["expected_claim169"] | vector["expected_cwt_meta"]).items():
        if said == "face":
            (face,) = verdict.card.biometrics[62]
            # "expected" has fffdfee00010; in the code itself, for us and for `claim169`, stands how a JPEG begins
            assert (face.data.hex(), face.format, face.subformat) == ("ffd8ffe00010", 0, 1)
        else:
            expected = tuple(value) if isinstance(value, list) else value
            assert getattr(verdict.card, OUR_NAMES[said]) == expected, said


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_vector_is_genuine_while_it_is_in_force(name: str) -> None:
    assert (verified(name).genuine, verified(name).reason) == (True, None)
    expired = verified(name, now=1_800_000_061)
    assert (expired.decodes, expired.genuine, expired.reason) == (True, False, Reason.EXPIRED)
    early = verified(name, now=1_699_999_900)
    assert (early.decodes, early.genuine, early.reason) == (True, False, Reason.ISSUED_AHEAD)


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_vector_is_not_genuine_for_a_strict_issuer(name: str) -> None:
    verdict = verified(name, strict=True)
    assert (verdict.genuine, verdict.reason) == (False, Reason.NOT_STRICT)
    assert Leniency.NO_KEY_ID in verdict.leniencies


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_vector_is_not_genuine_by_another_key(name: str) -> None:
    vector = BY_NAME["valid/encrypted-signed" if name == "valid/ed25519-signed" else "valid/ed25519-signed"]
    secret = bytes.fromhex(BY_NAME["valid/encrypted-signed"]["encryption_key"]["symmetric_key_hex"])
    verdict = verify(BY_NAME[name]["text"], key_of(vector), THEN, decryption_keys=[secret])
    assert verdict.decodes and not verdict.genuine
    assert verdict.reason is (Reason.UNKNOWN_KEY if "p256" in name else Reason.BAD_SIGNATURE)


@pytest.mark.parametrize("name", UNSIGNED)
def test_an_unsigned_vector_decodes_and_is_never_genuine(name: str) -> None:
    everybody = [key for signed in SIGNED for key in key_of(BY_NAME[signed])]
    verdict = verify(BY_NAME[name]["text"], everybody, THEN, decryption_keys=[bytes(range(32))])
    assert (verdict.decodes, verdict.genuine, verdict.reason) == (True, False, Reason.NOT_SIGNED)


@pytest.mark.parametrize("name, reason", INVALID.items())
def test_an_invalid_vector_has_its_reason(name: str, reason: Reason) -> None:
    verdict = verified(name)
    assert (verdict.decodes, verdict.genuine, verdict.reason) == (False, False, reason)


def test_what_is_unknown_is_kept_apart_and_named() -> None:
    verdict = verified("edge/unknown-fields")
    assert verdict.card is not None
    assert verdict.card.unknown == {
        "169/30": "reserved field 30", "169/45": 12345, "169/70": b"\x01\x02\x03", "169/99": True,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["valid/encrypted-signed", "valid/encrypted-aes256"])
def test_what_is_encrypted_needs_its_key(name: str) -> None:
    text = BY_NAME[name]["text"]
    assert verify(text, [], THEN).reason is Reason.ENCRYPTED
    assert verify(text, [], THEN, decryption_keys=[bytes(32), b"short"]).reason is Reason.CANNOT_DECRYPT


def test_the_example_of_the_specification_decodes_with_its_leniencies() -> None:
    text = packing.packed(bytes.fromhex(VECTORS["specification_example_hex"]))
    found = read(text)
    assert found.leniencies == {
        Leniency.CWT_TAG, Leniency.WRAPPED_CLAIM, Leniency.NUMBER_AS_TEXT, Leniency.SINGLE_BIOMETRIC,
        Leniency.KEY_ID_UNPROTECTED, Leniency.KEY_ID_LENGTH,
    }  # fmt: skip
    assert (found.card.full_name, found.card.gender, found.card.nationality) == ("Janardhan BS", 1, "IN")
    assert (found.card.issuer, found.card.expires_at) == ("www.mosip.io", 1_787_912_445)
    (face,) = found.card.biometrics[62]
    assert (len(face.data), face.format, face.subformat) == (484, 0, 4)
    assert verify(text, [], NOW).reason is Reason.UNKNOWN_KEY
