"""Presence codes that only their maker can check: small, whole, and of one moment."""

from __future__ import annotations

import pytest

from idp.digital_id import Reason, Remembered, Unreadable, base45, online_presence, packing, verify
from idp.digital_id.online_presence import CHARACTERS, OnlineCode
from tests.digital_id.cards import NOW, card, pen
from tests.digital_id.phones import card_of, presence
from tests.digital_id.test_issuing import qr_version

HANDLE, SECRET = b"handle of a card", b"secret of 32 bytes beside it ..."
MOMENT = NOW - NOW % 15


def code(text: str) -> OnlineCode:
    return online_presence.decode(text)


def test_the_layout_stands_as_documented() -> None:
    text = online_presence.encode(HANDLE, NOW, SECRET)
    data = packing.decoded(text)
    assert (data[0], int.from_bytes(data[1:5], "big"), data[5:21], len(data)) == (2, NOW // 15, HANDLE, 37)
    assert len(text) == CHARACTERS == 56 and qr_version(text) == 3


def test_what_a_scanner_types_never_begins_with_a_space() -> None:
    """A page has no field yet where the first letter arrives, and a space there only scrolls."""
    until_2100 = range(NOW, 4_102_444_800, 40_000_003)
    assert {online_presence.encode(HANDLE, at, SECRET)[0] for at in until_2100} == set("OPQRSTUVWX")


def test_what_was_made_is_read_and_is_by_its_maker() -> None:
    found = code(online_presence.encode(HANDLE, NOW, SECRET))
    assert (found.handle, found.made_at) == (HANDLE, MOMENT)
    assert found.is_by(SECRET) and not found.is_by(b"another secret")


def test_a_code_is_the_same_for_a_quarter_of_a_minute() -> None:
    made = [online_presence.encode(HANDLE, MOMENT + second, SECRET) for second in range(30)]
    assert len(set(made[:15])) == 1 and len(set(made)) == 2


@pytest.mark.parametrize(
    "later, reason",
    [(-16, Reason.ISSUED_AHEAD), (-15, None), (0, None), (44, None), (45, Reason.PRESENCE_OLD)],
)
def test_a_code_is_good_for_45_seconds(later: int, reason: Reason | None) -> None:
    assert code(online_presence.encode(HANDLE, MOMENT, SECRET)).fault(MOMENT + later) is reason


def test_no_bit_of_it_can_be_changed() -> None:
    data = bytearray(packing.decoded(online_presence.encode(HANDLE, NOW, SECRET)))
    for bit in range(8, 8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        assert not code(base45.encode(bytes(data))).is_by(SECRET)
        data[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize(
    "text", ["", "0", "no base45", base45.encode(b"\x02" + bytes(35)), base45.encode(b"\x02" + bytes(37)),
             base45.encode(b"\x01" + bytes(36)), card_of(), presence(card_of())],
)  # fmt: skip
def test_nothing_else_is_one(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        code(text)
    assert refused.value.reason is Reason.BAD_TEXT


def test_a_verifier_without_network_says_that_it_has_to_ask() -> None:
    text = online_presence.encode(HANDLE, NOW, SECRET)
    found = verify(text, [pen().trusted()], NOW, seen=Remembered())
    assert (found.decodes, found.genuine, found.reason) == (False, False, Reason.PRESENCE_ONLINE)
    assert card().number not in text
