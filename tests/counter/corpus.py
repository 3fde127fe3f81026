"""Codes of every sort for the counter's scripts: genuine, doubtful, and each way that we know to be no good."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import cbor2

from idp.digital_id import StatusReference, base45, issue, issue_age, packing
from idp.digital_id.forging import LIST_SIZE, Forger, Party
from idp.digital_id.status_lists import INVALID, SUSPENDED
from tests.digital_id.cards import DAY, ISSUER, LIST, NOW, VECTORS, card, pen, photo_card
from tests.digital_id.raw import claims, other_half, sign1, text_of
from tests.digital_id.test_refusals import LENIENT, OURS, UNREADABLE, nested

Code = tuple[str, int]  # the text, and when it is shown
WITHOUT_STATUS = card(status=None)
UNKNOWN: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"c99": 1}, {}),
    ({"a75": 18, "a76": "x"}, {}),
    ({"c8": {5: bytes(32), 3: b"k"}}, {}),
    ({"a62": [{0: b"face", 9: 1}]}, {}),
    ({}, {"header": {1: -7, 3: "text", 4: pen().key_id}}),
    ({}, {"header": {1: -7, 4: pen().key_id, 16: "application/statuslist+cwt"}}),
    ({}, {"unprotected": {"x": 1.5}}),
)
MORE_FAULTS: tuple[dict[str, Any], ...] = (
    {"a62": [{0: b"face", 1: 4}]}, {"a62": [{0: b"face", 2: 201}]}, {"a62": [{1: 0}]}, {"a62": [{0: b"f", 1: None}]},
    {"a18": [0, 11]}, {"a18": [1, 2]}, {"a55": "x"}, {"a17": 5}, {"a75": 151}, {"a75": 0}, {"a9": "1000"}, {"a9": 1.0},
    {"c4": 253_402_300_800}, {"c4": 1.5}, {"c6": -1}, {"c7": "x"}, {"c7": b"x"}, {"c8": 1}, {"c8": {}},
    {"c8": {5: "x"}},
    {"c2": 1}, {"c1": None}, {"c65535": {}}, {"c65535": {"other": 1}},
    {"c65535": {"status_list": {"idx": 2**63, "uri": LIST}}},
    {"c65535": {"status_list": {"idx": 2**63 + 1, "uri": LIST}}},
    {"c65535": {"status_list": {"idx": 1.0, "uri": LIST}}},
    {"c169": b""}, {"c169": b"\xa1\x01"}, {"c169": cbor2.dumps({4: "A"})}, {"c169": cbor2.dumps([])}, {"a16": "AAA"},
    {"a16": "AA=="}, {"a16": ""}, {"a4": "\ufeffA"}, {"c5": NOW + DAY}, {"c1": "https://id.other.example"},
)  # fmt: skip
RAW_PAYLOADS = (
    b"\xa1\x18\xa9\xa0", b"\xa1\x19\x00\xa9\xa0", b"\xa1\x18\xa9\xa1\x04\x63\xef\xbb\xbf", b"\xa1\x18\xa9\xbf\xff",
    b"\xa2\x18\xa9\xa0\x00\xfa\x47\xc3\x50\x00", b"\xa2\x18\xa9\xa0\x00\xf8\x20", b"\xa2\x18\xa9\xa0\x00\xe0",
    b"\xa2\x18\xa9\xa0\x00\xc1\x00", b"\xa1\x18\xa9\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xa1\x18\xa9\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\xa2\x18\xa9\xa0\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
    b"\xa3\x18\xa9\xa0\x61\xff\x00\x61\xfe\x00", b"\xa3\x18\xa9\xa0\x20\x00\x00\x00", b"\xa1\x18\xa9\xa1\x61\x31\x00",
    b"\xa1\x18\xa9\xa1\x62\x35\x30\x00", b"\x80", b"", b"\xf6",
)  # fmt: skip
HEADERS: tuple[Any, ...] = (
    b"", b"\xa0", b"\x80", b"\xa1\x01\x26\x00", b"\xa1\x01\xf9\xc7\x00", b"\xa1\x01\xf5", {1: -7, 4: None},
    {1: -7, 4: b"short"},
    {1: -7, 4: b"stranger"}, {1: -8, 4: b"stranger"}, {1: -8}, {1: -7, 16: None, 4: pen().key_id},
    {1: -7, 2: [], 4: pen().key_id},
)  # fmt: skip


def codes() -> Iterator[Code]:
    yield from ((text, NOW) for _, text, _ in UNREADABLE)
    yield from ((vector["text"], 1_750_000_000) for vector in VECTORS["vectors"].values())
    yield packing.packed(bytes.fromhex(VECTORS["specification_example_hex"])), NOW
    yield from ours()
    yield from ((text, NOW) for text in _odd())
    yield from ((text, NOW) for text in _compressed_otherwise())


def ours() -> Iterator[Code]:
    signer, other = pen(), pen(name="stranger")
    standard, photo = (issue(one, signer, signer.key_id) for one in (card(), photo_card()))
    for seconds in (0, -60, -61, -3_600, 365 * DAY + 59, 365 * DAY + 60):
        yield standard, NOW + seconds
        yield photo, NOW + seconds
    for text in (
        standard + "\r\n",
        "\t" + standard,
        " " + standard,
        standard[:-1],
        standard + "0",
        standard + "00",
        "𝟘" * 1_500,
    ):
        yield text, NOW
    yield issue(card(not_before=NOW + DAY, status=None), signer, signer.key_id), NOW
    yield issue(card(not_before=NOW + DAY, status=None), signer, signer.key_id), NOW + DAY - 60
    yield issue_age(issuer=ISSUER, age=18, now=NOW, code_id=bytes(8), signer=signer, key_id=signer.key_id), NOW
    yield issue(card(status=StatusReference(index=1, uri=LIST)), signer, signer.key_id), NOW
    yield issue(card(), other, other.key_id), NOW
    yield issue(card(), other, signer.key_id), NOW
    for uri, index in ((LIST, 2 * LIST_SIZE), (LIST, 2 * LIST_SIZE - 1), (LIST, LIST_SIZE), (LIST + "3", 0), (LIST, 7)):
        yield issue(card(status=StatusReference(index=index, uri=uri)), signer, signer.key_id), NOW


def _odd() -> Iterator[str]:
    for shape, changes, _ in LENIENT:
        yield text_of(sign1(claims(WITHOUT_STATUS, **changes), **shape))
    for changes, shape in UNKNOWN:
        yield text_of(sign1(claims(WITHOUT_STATUS, **changes), **shape))
    for changes in MORE_FAULTS:
        yield text_of(sign1(claims(**{"c1": ISSUER, **changes}) if "c1" in changes else claims(**changes)))
    for payload in RAW_PAYLOADS:
        yield text_of(sign1(payload))
    for header in HEADERS:
        yield text_of(sign1(claims(WITHOUT_STATUS), header=header))
    yield text_of(sign1(claims(c200=nested(7))))
    yield text_of(sign1(claims(c4=None)))
    for prefix in (
        b"\xd8\x3d\xd8\x3d\xd2",
        b"\xd8\x3d",
        b"\xd9\x00\x12",
        b"\xd8\x10",
        b"\xd0",
        b"\xc1\xd2",
        b"\xdf",
        b"\xdc",
    ):
        yield text_of(sign1(claims(WITHOUT_STATUS), prefix=prefix))
    protected, header, payload, signature = cbor2.loads(OURS[1:])
    for changed in (other_half(signature), b"", signature[:-1], signature + b"\0", bytes(64), b"\xff" * 64):
        yield text_of(b"\xd2" + cbor2.dumps([protected, header, payload, changed]))
    for parts in (
        [b"", {}, b""],
        [b"\xa1\x01\x03", {5: bytes(12)}, b""],
        [b"\xa1\x01\x03", 0, b""],
        [b"\xa2\x01\x03\x02\x80", {}, b""],
        [b"\xa1\x01\x04", {}, b""],
    ):
        yield text_of(b"\xd0" + cbor2.dumps(parts))


def _compressed_otherwise() -> Iterator[str]:
    """Each kind of block, and what hides in the bits between and after them."""
    for level in range(10):
        yield base45.encode(zlib.compress(OURS, level))
    fixed = zlib.compressobj(9, zlib.DEFLATED, 15, 8, zlib.Z_FIXED)
    yield base45.encode(fixed.compress(OURS) + fixed.flush())
    mixed = zlib.compressobj(9)
    yield base45.encode(
        mixed.compress(OURS[:99]) + mixed.flush(zlib.Z_FULL_FLUSH) + mixed.compress(OURS[99:]) + mixed.flush()
    )
    yield from (base45.encode(zlib.compress(bytes(size), 9)) for size in (65_536, 65_537))
    yield base45.encode(zlib.compress(b"digital identity " * 5_000, 9))
    stored, dense = zlib.compress(OURS, 0), zlib.compress(OURS, 9)
    yield base45.encode(stored[:2] + bytes([stored[2] | 0x80]) + stored[3:])
    for place in (0, 1, 2, 3, len(dense) - 6, len(dense) - 5, len(dense) - 4, len(dense) - 1):
        for bit in range(8):
            yield base45.encode(dense[:place] + bytes([dense[place] ^ 1 << bit]) + dense[place + 1 :])
    yield from (base45.encode(dense[:length]) for length in (1, 2, 5, len(dense) - 4, len(dense) - 1))
    yield base45.encode(dense + dense)


def forged(number: int, seed: int) -> Iterator[Code]:
    """By the forgers of the bench; half of the cards in our list are revoked or suspended."""
    ours, other, old, stranger = (
        Party(signer=one, trusted=one.trusted(), key_id=one.key_id)
        for one in (pen(), pen(name="other", issuer="https://id.other.example"), pen(name="old"), pen(name="stranger"))
    )
    made = [
        (card if at % 2 else photo_card)(
            full_name=f"Người số {at}", holder_key=bytes([at]) * 32, number=f"VN{at}",
            status=StatusReference(index=at, uri=LIST),
        )
        for at in range(16)
    ]  # fmt: skip
    forger = Forger(made, ours, other, old, stranger, seed)
    for at in range(number):
        yield (forger.planned() if at % 2 else forger.turned())[0], NOW


def listed_values() -> dict[int, int]:
    return {LIST_SIZE + at: INVALID if at % 2 == 0 else SUSPENDED for at in range(LIST_SIZE)} | {7: 3}
