"""Cards between us and an implementation that is not ours (`claim169`, in Rust)."""

from __future__ import annotations

import time

import claim169
import pytest

from idp.digital_id import Reason, issue, issue_age, trusted, verify
from idp.digital_id.card import Card
from tests.digital_id.cards import DAY, ISSUER, card, pen, photo_card

NOW = int(time.time())  # theirs goes by the machine's clock
OTHERS_ISSUER = "https://other.example"


def read_by_them(text: str, alg: str) -> claim169.DecodeResult:
    if alg == "EdDSA":
        return claim169.decode_with_ed25519(text, pen(alg).public.public_bytes_raw())
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = pen(alg).public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return claim169.decode_with_ecdsa_p256(text, point)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@pytest.mark.parametrize("made", [card, photo_card])
def test_they_verify_our_cards(alg: str, made: object) -> None:
    ours: Card = made(issued_at=NOW, expires_at=NOW + 365 * DAY)  # type: ignore[operator]
    theirs = read_by_them(issue(ours, pen(alg), pen(alg).key_id), alg)
    assert theirs.verification_status == "verified"
    assert (theirs.claim169.id, theirs.claim169.full_name) == (ours.number, ours.full_name)
    assert (theirs.claim169.date_of_birth, theirs.claim169.gender) == (ours.birth_date, ours.gender)
    assert (theirs.claim169.photo, theirs.claim169.photo_format) == (ours.photo, ours.photo_format)
    meta = theirs.cwt_meta
    assert (meta.issuer, meta.issued_at, meta.expires_at) == (ISSUER, ours.issued_at, ours.expires_at)


def test_they_verify_our_codes_for_an_age() -> None:
    signer = pen()
    text = issue_age(issuer=ISSUER, age=18, now=NOW, code_id=b"\x01" * 8, signer=signer, key_id=signer.key_id)
    theirs = read_by_them(text, "ES256")
    assert theirs.verification_status == "verified"
    assert (theirs.claim169.id, theirs.claim169.full_name) == (None, None)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_we_verify_their_cards(alg: str) -> None:
    private = pen(alg, "theirs", OTHERS_ISSUER).private
    said = claim169.Claim169Input(
        id="OTHER-1", full_name="Trần Văn Đức", date_of_birth="19840230", gender=1, email="duc@example.org",
        address="12 Lê Lợi\nHuế",
    )  # fmt: skip
    meta = claim169.CwtMetaInput(issuer=OTHERS_ISSUER, expires_at=NOW + DAY)
    if alg == "EdDSA":
        text = claim169.encode_with_ed25519(said, meta, private.private_bytes_raw())
    else:
        text = claim169.encode_with_ecdsa_p256(said, meta, private.private_numbers().private_value.to_bytes(32, "big"))
    keys = [trusted(private.public_key(), OTHERS_ISSUER, strict=False)]
    verdict = verify(text, keys, NOW)
    assert (verdict.genuine, verdict.reason) == (True, None)
    assert verdict.card is not None
    assert (verdict.card.number, verdict.card.full_name, verdict.card.gender) == ("OTHER-1", "Trần Văn Đức", 1)
    assert verdict.card.address == "12 Lê Lợi\nHuế"
    assert verify(text, [pen().trusted(issuer=None, strict=False)], NOW).reason in (
        Reason.BAD_SIGNATURE,
        Reason.UNKNOWN_KEY,
    )
