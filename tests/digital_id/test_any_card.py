"""Whatever claims, whatever text: what is signed comes back whole, what is changed is never genuine, nothing hangs."""

from __future__ import annotations

import string
import time
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.digital_id import Biometric, Card, StatusReference, Unfit, Verdict, base45, issue, packing, verify
from idp.digital_id.card import BIOMETRICS, claims_of
from tests.digital_id.cards import ISSUER, NOW, card, pen, photo_card
from tests.digital_id.raw import sign1, text_of

steady = settings(max_examples=150, deadline=None, derandomize=True, database=None)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = (
    "version", "language", "full_name", "first_name", "middle_name", "last_name", "address", "email", "phone",
    "nationality", "guardian", "secondary_full_name", "secondary_language", "location_code", "legal_status",
    "country_of_issuance", "subject",
)  # fmt: skip
biometrics = st.builds(
    Biometric, data=st.binary(max_size=20), format=st.none() | st.integers(0, 3),
    subformat=st.none() | st.integers(0, 200), issuer=st.none() | words,
)  # fmt: skip
cards = st.builds(
    Card,
    issuer=st.just(ISSUER), issued_at=st.integers(NOW - 9_999, NOW), expires_at=st.integers(NOW + 1, NOW + 9**10),
    not_before=st.none() | st.integers(0, NOW), code_id=st.none() | st.binary(max_size=16),
    holder_key=st.none() | st.binary(min_size=32, max_size=32), number=st.none() | words,
    status=st.none() | st.builds(StatusReference, index=st.integers(0, 2**32), uri=words),
    birth_date=st.none() | st.text(string.digits, min_size=8, max_size=8), gender=st.none() | st.integers(1, 3),
    marital_status=st.none() | st.integers(1, 3), photo=st.none() | st.binary(max_size=200),
    photo_format=st.none() | st.integers(1, 4), age_over=st.none() | st.integers(1, 150),
    best_fingers=st.none() | st.lists(st.integers(0, 10), max_size=10).map(tuple),
    biometrics=st.dictionaries(st.sampled_from(BIOMETRICS), st.lists(biometrics, max_size=2).map(tuple), max_size=2),
    **{name: st.none() | words for name in names},
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.binary(max_size=8) | words
cbor_items = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-9, 70_000) | words, inner)
)
KEYS = [pen().trusted(), pen("EdDSA").trusted(), pen("EdDSA", "lenient").trusted(issuer=None, strict=False)]
STANDARD, PHOTO = issue(card(status=None), pen(), pen().key_id), issue(photo_card(), pen(), pen().key_id)
EDDSA = issue(card(), pen("EdDSA"), pen("EdDSA").key_id)


def judged(text: str) -> Verdict:
    """The verdict, which took less than a second."""
    began = time.perf_counter()
    verdict = verify(text, KEYS, NOW, decryption_keys=[bytes(32)])
    assert time.perf_counter() - began < 1
    assert verdict.genuine <= verdict.decodes
    assert (verdict.reason is None) <= verdict.genuine
    return verdict


@steady
@given(cards)
def test_any_claims_come_back_as_they_were_signed(made: Card) -> None:
    text = text_of(sign1(claims_of(made)))
    if len(text) <= packing.TEXT_CHARACTERS:
        verdict = judged(text)
        assert (verdict.genuine, verdict.card, verdict.leniencies) == (True, made, frozenset())


@steady
@given(words, words)
def test_any_name_is_issued_whole_or_not_at_all(name: str, number: str) -> None:
    made = card(full_name=name, number=number)
    try:
        text = issue(made, pen(), pen().key_id)
    except Unfit:
        assert not number or (number.isdecimal() and len(number) in (9, 12))
        return
    verdict = judged(text)
    assert verdict.genuine and verdict.card is not None
    assert (verdict.card.full_name, verdict.card.number) == (name, number)


@pytest.mark.parametrize("text", [STANDARD, PHOTO, EDDSA], ids=["standard", "photo", "EdDSA"])
def test_no_card_is_genuine_with_one_bit_turned(text: str) -> None:
    data = base45.decode(text)
    assert judged(text).genuine
    for place in range(8 * len(data)):
        turned = bytearray(data)
        turned[place // 8] ^= 1 << place % 8
        assert not verify(base45.encode(turned), KEYS, NOW).genuine, place


@pytest.mark.parametrize("text", [STANDARD, EDDSA], ids=["ES256", "EdDSA"])
def test_no_card_is_genuine_with_one_bit_turned_inside(text: str) -> None:
    signed, _ = packing.unpacked(text)
    for place in range(8 * len(signed)):
        turned = bytearray(signed)
        turned[place // 8] ^= 1 << place % 8
        assert not verify(packing.packed(turned), KEYS, NOW).genuine, place


@steady
@given(st.integers(0), st.sampled_from(base45.ALPHABET), st.sampled_from([STANDARD, PHOTO, EDDSA]))
def test_no_card_is_genuine_with_one_character_changed(place: int, letter: str, text: str) -> None:
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    assert judged(changed).genuine == (changed == text)


@steady
@given(st.text() | st.text(base45.ALPHABET, max_size=3_100))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert not judged(text).genuine


@steady
@given(st.binary(max_size=3_000))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    assert not judged(base45.encode(data)).genuine
    assert not judged(packing.packed(data)).genuine
    assert not judged(text_of(b"\xd2" + data)).genuine
    assert not judged(text_of(sign1(data))).genuine


@steady
@given(cbor_items, cbor_items, cbor_items)
def test_any_item_at_any_place_gets_a_verdict(one: Any, other: Any, third: Any) -> None:
    for parts in (
        [one, other, third, one],
        [cbor2.dumps({1: -7, 4: one}), other, cbor2.dumps({169: third}), b"x" * 64],
    ):
        for tag in (b"\xd2", b"\xd0", b"\xd8\x3d\xd2", b""):
            assert not judged(text_of(tag + cbor2.dumps(parts))).genuine
    assert not judged(text_of(sign1({169: dict.fromkeys((1, 9, 16, 18, 50), one), 8: other, 65535: third}))).decodes
    judged(text_of(sign1({169: one, 4: other, 6: third})))
    judged(text_of(b"\xd0" + cbor2.dumps([cbor2.dumps({1: 3}), {5: one}, b"x" * 32])))


@pytest.mark.parametrize(
    "inside",
    [
        b"\x9f" * 60_000, b"\x81" * 60_000, b"\xa1\x00" * 30_000, b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x99\xff\xff" + b"\x00" * 65_000,
        b"\x98\xff" + (b"\xb8\xff" + b"".join(b"\x19%c%c\x00" % divmod(at, 256) for at in range(255))) * 60,
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_made_to_take_long_takes_no_second(inside: bytes) -> None:
    for data in (inside, b"\xd2" + inside, sign1(inside[:60_000])):
        assert not judged(text_of(data[:65_536])).genuine
