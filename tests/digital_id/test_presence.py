"""Presence codes for verifiers without network: whose phone, for which card, just now, and once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest

from idp.digital_id import (
    Reason,
    Remembered,
    Seen,
    Statuses,
    Verdict,
    base45,
    card_binding,
    issue,
    packing,
    read,
    verify,
)
from idp.digital_id.presence import REMEMBERED_SECONDS
from idp.digital_id.verification import Status, Told
from tests.digital_id.cards import DAY, NOW, card, pen, photo_card
from tests.digital_id.phones import card_of, claims, cose_key, phone, presence, shown, together
from tests.digital_id.raw import other_half
from tests.digital_id.test_issuing import LONG_NAME, qr_version

CARD = card_of()


class Lists:
    """Lists that say the same of every card."""

    def __init__(self, status: Status) -> None:
        self.status = status

    def told(self, reference: object, issuer: str | None, now: int) -> Told:
        return Told(status=self.status, as_of=now)


VALID = Lists(Status.VALID)


def verdict(text: str, now: int = NOW, seen: Seen | None = None, lists: Statuses = VALID, **changes: Any) -> Verdict:
    return verify(text, [pen().trusted(**changes)], now, lists, seen=seen or Remembered())


def refused(text: str, reason: Reason, now: int = NOW, **changes: Any) -> None:
    found = verdict(text, now, **changes)
    assert (found.genuine, found.reason, found.shown_at) == (False, reason, None)


def test_a_code_that_the_holders_phone_just_made_is_genuine_and_says_when() -> None:
    found = verdict(presence(CARD), NOW + 3)
    assert (found.genuine, found.reason, found.shown_at) == (True, None, NOW)
    assert found.card is not None and found.card == read(CARD).card
    assert found.fingerprint == verdict(CARD).fingerprint  # it is that card
    assert verdict(CARD).shown_at is None  # and a card alone is no presence


def test_the_layout_stands_as_documented() -> None:
    data = packing.decoded(presence(CARD))
    compressed, part = cbor2.loads(data)
    assert data[0] == 0x82 and base45.encode(compressed) == CARD
    assert part[:6] == b"\xd2\x84\x43\xa1\x01\x26" and len(part) == 165
    protected, unprotected, payload, signature = cbor2.loads(part).value
    assert (dict(unprotected), len(signature)) == ({}, 64)
    said = cbor2.loads(payload)
    assert list(said) == [4, 6, 7, 8, -65_537]
    assert (said[4], said[6], len(said[7]), len(said[-65_537])) == (NOW + 30, NOW, 8, 16)
    assert list(said[8]) == [1] and list(said[8][1]) == [1, -1, -2, -3]
    written = (
        f"a5041a{NOW + 30:08x}061a{NOW:08x}0748{said[7].hex()}08a101a401022001215820{said[8][1][-2].hex()}"
        f"22{'f5' if said[8][1][-3] else 'f4'}3a0001000050{said[-65_537].hex()}"
    )
    assert payload.hex() == written
    assert part.hex() == f"d28443a10126a0585a{written}5840{signature.hex()}"


@pytest.mark.parametrize(
    "made, characters, version",
    [(card(), 700, 17), (card(full_name=LONG_NAME), 712, 17), (photo_card(), 1_362, 25)],
    ids=["usual", "long name", "photo"],
)  # fmt: skip
def test_a_code_keeps_to_its_size(made: Any, characters: int, version: int) -> None:
    number = {name: value for name, value in vars(made).items() if name != "holder_key"}
    text = presence(card_of(**number))
    assert len(text) <= characters and qr_version(text) <= version


@pytest.mark.parametrize(
    "later, reason",
    [
        (-61, Reason.ISSUED_AHEAD), (-3_600, Reason.ISSUED_AHEAD), (-60, None), (0, None), (44, None),
        (45, Reason.PRESENCE_OLD), (60, Reason.PRESENCE_OLD), (DAY, Reason.PRESENCE_OLD),
    ],
)  # fmt: skip
def test_a_code_is_good_for_45_seconds(later: int, reason: Reason | None) -> None:
    text = presence(card_of(issued_at=NOW - DAY))
    found = verdict(text, NOW + later)
    assert (found.genuine, found.reason) == (reason is None, reason)


def test_a_code_counts_once_where_it_is_remembered() -> None:
    seen, text = Remembered(), presence(CARD)
    assert verdict(text, NOW + 1, seen).genuine
    refused(text, Reason.PRESENCE_SEEN, NOW + 2, seen=seen)
    assert verdict(presence(CARD, c7=b"another!"), NOW + 2, seen).genuine
    assert verdict(text, NOW + 2, Remembered()).genuine  # what cannot be stopped: another verifier, within the time


def test_the_same_code_written_otherwise_is_the_same_code() -> None:
    """Its card can be compressed anew, and the phone can sign the same words again; it counts once all the same."""
    seen, holder = Remembered(), phone()
    said = claims(holder, CARD)
    assert verdict(together(CARD, shown(said, holder)), NOW, seen).genuine
    refused(together(CARD, shown(said, holder)), Reason.PRESENCE_SEEN, seen=seen)


def test_a_code_that_is_refused_is_not_spent() -> None:
    seen, text = Remembered(), presence(CARD)
    refused(text, Reason.SUSPENDED, seen=seen, lists=Lists(Status.SUSPENDED))
    assert verdict(text, NOW, seen).genuine


def test_what_was_seen_is_remembered_for_as_long_as_any_clock_accepts_it() -> None:
    seen = Remembered()
    assert seen.is_first(b"a", now=NOW, until=NOW + REMEMBERED_SECONDS)
    assert not seen.is_first(b"a", now=NOW + 104, until=NOW + REMEMBERED_SECONDS)
    assert seen.is_first(b"a", now=NOW + 105, until=NOW + REMEMBERED_SECONDS)  # by then it is long too old


def test_without_a_memory_no_code_is_accepted() -> None:
    found = verify(presence(CARD), [pen().trusted()], NOW, VALID)
    assert (found.genuine, found.reason, found.decodes) == (False, Reason.PRESENCE_NOT_REMEMBERED, True)


@pytest.mark.parametrize(
    "status, reason",
    [(Status.SUSPENDED, Reason.SUSPENDED), (Status.INVALID, Reason.REVOKED), (Status.RESERVED, Reason.UNKNOWN_STATUS)],
)
def test_a_code_is_no_better_than_its_card(status: Status, reason: Reason) -> None:
    refused(presence(CARD), reason, lists=Lists(status))


def test_the_card_is_verified_as_any_card() -> None:
    refused(presence(card_of(issued_at=NOW - 9, expires_at=NOW - 8)), Reason.EXPIRED, NOW + 60)
    refused(presence(CARD), Reason.WRONG_ISSUER, issuer="https://other.example")
    refused(presence(CARD), Reason.WITHDRAWN_KEY, withdrawn=True)
    assert verify(presence(CARD), [], NOW, seen=Remembered()).reason is Reason.UNKNOWN_KEY
    old = verify(presence(CARD), [pen().trusted()], NOW, seen=Remembered())
    assert (old.genuine, old.reason, old.shown_at) == (True, Reason.STATUS_NOT_KNOWN, NOW)


def test_only_the_key_that_the_card_names_counts() -> None:
    thief = phone("thief")
    refused(presence(CARD, thief), Reason.PRESENCE_NOT_HOLDER)
    borrowed = {1: cose_key(phone().public)}  # of which they do not have the other half
    refused(presence(CARD, thief, c8=borrowed), Reason.PRESENCE_NOT_HOLDER)
    unbound = issue(replace(card(), holder_key=None), pen(), pen().key_id)
    refused(presence(unbound), Reason.PRESENCE_NOT_HOLDER)
    other = cose_key(phone().public)
    refused(presence(CARD, c8={1: other | {-3: not other[-3]}}), Reason.PRESENCE_NOT_HOLDER)  # the key's reflection


def test_a_code_of_one_card_is_none_of_another_even_of_the_same_holder() -> None:
    newer = card_of(number="VN7K2Q9XW4MC")
    refused(presence(newer, binding=card_binding(CARD)), Reason.PRESENCE_NOT_THIS_CARD)
    spliced = together(newer, cbor2.loads(packing.decoded(presence(CARD)))[1])
    refused(spliced, Reason.PRESENCE_NOT_THIS_CARD)


def test_nothing_of_what_was_signed_can_be_changed() -> None:
    data = bytearray(packing.decoded(presence(CARD)))
    start = len(data) - 165
    for at in range(start, len(data)):
        data[at] ^= 1
        found = verdict(base45.encode(bytes(data)))
        assert not found.genuine, at
        data[at] ^= 1
    assert verdict(base45.encode(bytes(data))).genuine


HOLDER = phone()
SAID = claims(HOLDER, CARD)
PART = shown(SAID, HOLDER)
KEY = cose_key(HOLDER.public)
NOT_OURS = [
    ("a header more", shown(SAID, HOLDER, {1: -7, 4: b"key id"}), Reason.NOT_STRICT),
    ("another header", shown(SAID, HOLDER, {1: -7, 16: "kind"}), Reason.NOT_STRICT),
    ("an unprotected header", shown(SAID, HOLDER, unprotected={9: 1}), Reason.NOT_STRICT),
    ("tag 61", shown(SAID, HOLDER, prefix=b"\xd8\x3d\xd2"), Reason.NOT_STRICT),
    ("claims in another order", shown(cbor2.dumps(dict(reversed(SAID.items()))), HOLDER), Reason.NOT_STRICT),
    ("another algorithm's number", shown(SAID, HOLDER, {1: -8}), Reason.PRESENCE_NOT_HOLDER),
    ("a shared secret", shown(SAID, HOLDER, {1: 5}), Reason.UNKNOWN_ALGORITHM),
    ("crit", shown(SAID, HOLDER, {1: -7, 2: [4]}), Reason.CRITICAL_HEADER),
    ("no tag", PART[1:], Reason.NOT_COSE),
    ("half of it", PART[:-1], Reason.BAD_CBOR),
    ("bytes after it", PART + b"\x00", Reason.TRAILING_BYTES),
    ("nothing", b"", Reason.BAD_CBOR),
    ("claims that are a list", shown([1], HOLDER), Reason.BAD_CLAIM),
    ("a claim more", shown(SAID | {1: "me"}, HOLDER), Reason.BAD_CLAIM),
    ("a life of its own", shown(SAID | {4: NOW + 3_600}, HOLDER), Reason.BAD_CLAIM),
    ("an instant that is true", shown(SAID | {6: True, 4: 31}, HOLDER), Reason.BAD_CLAIM),
    ("an instant below zero", shown(SAID | {6: -30, 4: 0}, HOLDER), Reason.BAD_CLAIM),
    ("a short cti", shown(SAID | {7: b"short"}, HOLDER), Reason.BAD_CLAIM),
    ("a long binding", shown(SAID | {-65_537: bytes(32)}, HOLDER), Reason.BAD_CLAIM),
    ("a thumbprint for a key", shown(SAID | {8: {5: bytes(32)}}, HOLDER), Reason.BAD_CLAIM),
    ("a key and a thumbprint", shown(SAID | {8: {1: KEY, 5: bytes(32)}}, HOLDER), Reason.BAD_CLAIM),
    ("a whole y", shown(SAID | {8: {1: KEY | {-3: bytes(32)}}}, HOLDER), Reason.BAD_CLAIM),
    ("another curve", shown(SAID | {8: {1: KEY | {-1: 2}}}, HOLDER), Reason.BAD_CLAIM),
    ("a curve that is true", shown(SAID | {8: {1: KEY | {-1: True}}}, HOLDER), Reason.BAD_CLAIM),
    ("no point of the curve", shown(SAID | {8: {1: KEY | {-2: b"\xff" * 32}}}, HOLDER), Reason.BAD_CLAIM),
]  # fmt: skip


@pytest.mark.parametrize("part, reason", [row[1:] for row in NOT_OURS], ids=[row[0] for row in NOT_OURS])
def test_what_no_phone_of_ours_writes_is_refused(part: bytes, reason: Reason) -> None:
    refused(together(CARD, part), reason)


def test_the_other_signature_that_everybody_can_make_is_refused() -> None:
    protected, unprotected, payload, signature = cbor2.loads(PART).value
    refused(together(CARD, b"\xd2" + cbor2.dumps([protected, {}, payload, other_half(signature)])), Reason.NOT_STRICT)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"\x82", Reason.BAD_CBOR), (cbor2.dumps([b"", b""]), Reason.BAD_CBOR),
        (cbor2.dumps(["", PART]), Reason.NOT_COSE), (cbor2.dumps([b"", PART]), Reason.BAD_COMPRESSION),
        (cbor2.dumps([packing.decoded(CARD), PART]) + b"\x00", Reason.TRAILING_BYTES),
        (b"\x82\x5a" + len(packing.decoded(CARD)).to_bytes(4, "big") + packing.decoded(CARD) + cbor2.dumps(PART),
         Reason.NOT_STRICT),
        (cbor2.dumps([packing.decoded(presence(CARD)), PART]), Reason.BAD_COMPRESSION),  # one inside another
    ],
)  # fmt: skip
def test_an_array_that_is_none_of_ours_is_refused(data: bytes, reason: Reason) -> None:
    refused(base45.encode(data), reason)
