"""Our own cards: the strict form to the byte, and small enough for their profile."""

from __future__ import annotations

import cbor2
import pytest
import qrcode
from qrcode.constants import ERROR_CORRECT_M

from idp.digital_id import Card, Leniency, Reason, Unfit, issue, issue_age, packing, thumbprint, verify
from idp.digital_id.issuing import AGE_ONLY, STANDARD, WITH_PHOTO, Profile
from tests.digital_id.cards import ISSUER, LIST, NOW, card, pen, photo_card

LONG_NAME = "Nguyễn Hoàng Phương Thảo Linh Đan Quỳnh"


def qr_version(text: str) -> int:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return int(code.version)


def age_code(**changes: object) -> str:
    usual = {"issuer": ISSUER, "age": 18, "now": NOW, "code_id": b"chance!!", "signer": pen(), "key_id": pen().key_id}
    return issue_age(**(usual | changes))  # type: ignore[arg-type]


def test_the_strict_form_stands_as_documented() -> None:
    data, is_plain = packing.unpacked(issue(card(), pen(), pen().key_id))
    assert is_plain
    assert data[:6] == b"\xd2\x84\x4d\xa2\x01\x26"  # tag 18, four parts; a header of 13 bytes: alg ES256 …
    tagged = cbor2.loads(data)
    protected, unprotected, payload, signature = tagged.value
    assert (tagged.tag, dict(unprotected), len(signature)) == (18, {}, 64)
    assert cbor2.loads(protected) == {1: -7, 4: pen().key_id}
    assert len(pen().key_id) == 8 and thumbprint(pen().public).startswith(pen().key_id)
    claims = cbor2.loads(payload)
    assert list(claims) == [1, 4, 6, 8, 169, 65535]
    assert claims[8] == {5: bytes(range(32))}
    assert claims[65535] == {"status_list": {"idx": 731_205, "uri": LIST}}
    assert claims[169] == {
        1: "VN7K2Q9XW4MB", 2: "1.0", 3: "vie", 4: "Nguyễn Thị Bích Ngọc", 8: "19900515", 9: 2, 13: "VNM",
    }  # fmt: skip
    assert cbor2.dumps(claims, canonical=True) == payload


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@pytest.mark.parametrize(
    "made, profile",
    [(card(), STANDARD), (card(full_name=LONG_NAME), STANDARD), (photo_card(), WITH_PHOTO)],
    ids=["usual", "long name", "photo"],
)
def test_a_card_keeps_to_its_profile(alg: str, made: Card, profile: Profile) -> None:
    for _ in range(5):  # a signature may come with more or fewer zeros
        text = issue(made, pen(alg), pen(alg).key_id)
        assert len(text) <= profile.characters
        assert qr_version(text) <= profile.qr_version
        found = verify(text, [pen(alg).trusted()], NOW)
        assert found.genuine and found.card is not None and found.card.full_name == made.full_name


def test_the_longest_text_of_a_profile_fits_its_version() -> None:
    for profile in (STANDARD, WITH_PHOTO, AGE_ONLY):
        assert qr_version("A" * profile.characters) <= profile.qr_version


def test_a_long_name_takes_the_room_of_what_goes_without_saying() -> None:
    found = verify(issue(card(full_name=LONG_NAME), pen(), pen().key_id), [pen().trusted()], NOW)
    assert found.card is not None
    assert (found.card.version, found.card.full_name) == (None, LONG_NAME)
    with pytest.raises(Unfit, match="room for 450"):
        issue(card(full_name="".join(map(chr, range(0x1EA0, 0x1EE0)))), pen(), pen().key_id)


def test_a_code_for_an_age_tells_nothing_else() -> None:
    text = age_code()
    assert len(text) <= AGE_ONLY.characters and qr_version(text) <= AGE_ONLY.qr_version
    found = verify(text, [pen().trusted()], NOW)
    hour = NOW - NOW % 3_600
    assert (found.genuine, found.reason) == (True, None)
    assert found.card == Card(issuer=ISSUER, issued_at=hour, expires_at=hour + 86_400, code_id=b"chance!!", age_over=18)
    assert verify(text, [pen().trusted()], hour + 86_460).reason is Reason.EXPIRED


@pytest.mark.parametrize("changes", [{"code_id": b""}, {"age": 0}, {"age": 151}])
def test_a_code_for_an_age_needs_chance_and_an_age(changes: dict[str, object]) -> None:
    with pytest.raises(Unfit):
        age_code(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "001090012345"}, {"number": "012345678"}, {"number": None}, {"issuer": None}, {"issued_at": None},
        {"expires_at": None}, {"expires_at": NOW}, {"birth_date": "1990"}, {"birth_date": "15/05/1990"},
        {"holder_key": b"short"}, {"unknown": {"169/25": 1}}, {"age_over": 18}, {"photo": b"x"}, {"photo_format": 4},
    ],
    ids=str,
)  # fmt: skip
def test_what_has_no_place_on_a_card_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Unfit) as refused:
        issue(card(**changes), pen(), pen().key_id)
    assert "001090012345" not in str(refused.value)


def test_a_signature_is_always_the_lower_of_two() -> None:
    for _ in range(20):
        found = verify(issue(card(), pen(), pen().key_id), [pen().trusted()], NOW)
        assert Leniency.HIGH_S not in found.leniencies
