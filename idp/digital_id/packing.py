"""Bytes as the text of a QR code: zlib (RFC 1950) inside base45, with bounds for what comes from strangers."""

from __future__ import annotations

import zlib

from idp.digital_id import base45
from idp.digital_id.reasons import Reason, Unreadable

TEXT_CHARACTERS = 3_000
INFLATED_BYTES = 65_536
LEVEL = 9
_CHECKSUM_BYTES = 4  # Adler-32, at the end (RFC 1950 section 2.2)
_HEADER_BYTES = 2
_STORED_HEAD_BYTES = 5  # of a stored block: the byte with its three bits, and its length twice (RFC 1951 section 3.2.4)


def packed(data: bytes) -> str:
    return base45.encode(zlib.compress(data, LEVEL))


def unpacked(text: str) -> tuple[bytes, bool]:
    """The bytes, and whether bits that no reader looks at are zero as they should; raises Unreadable."""
    return opened(decoded(text))


def decoded(text: str) -> bytes:
    """What the text writes in base45; raises Unreadable.

    What ends a line is no part of the text: files and scanners that act as keyboards add it.
    """
    if len(text) > TEXT_CHARACTERS:
        raise Unreadable(Reason.TOO_LONG)
    return base45.decode(text.strip("\r\n\t"))


def opened(compressed: bytes) -> tuple[bytes, bool]:
    """As `unpacked`, of what was decoded; raises Unreadable."""
    data = inflated(compressed, INFLATED_BYTES)
    return data, not _stored_padding(compressed) and not _last_padding(compressed, data)


def inflated(compressed: bytes, most_bytes: int) -> bytes:
    """The bytes of one whole zlib stream with nothing after it; raises Unreadable."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, most_bytes + 1)
    except zlib.error:
        raise Unreadable(Reason.BAD_COMPRESSION) from None
    if len(data) > most_bytes:
        raise Unreadable(Reason.TOO_LARGE)
    if not stream.eof:
        raise Unreadable(Reason.BAD_COMPRESSION)
    if stream.unused_data:
        raise Unreadable(Reason.TRAILING_BYTES)
    return data


def _stored_padding(compressed: bytes) -> bool:
    """Whether there is anything in the bits between the head of a stored block and its length."""
    at, is_last = _HEADER_BYTES, False
    while not is_last and not compressed[at] & 0b110:
        if compressed[at] >> 3:
            return True
        is_last = bool(compressed[at] & 1)
        at += _STORED_HEAD_BYTES + int.from_bytes(compressed[at + 1 : at + 3], "little")
    return False


def _last_padding(compressed: bytes, data: bytes) -> bool:
    """Whether there is anything in the bits after the last block: those that can be turned and change nothing.

    Without this a stranger could write one card in up to 128 ways.
    """
    at = len(compressed) - _CHECKSUM_BYTES - 1
    last = compressed[at]
    for bit in range(7, -1, -1):
        if not last >> bit & 1:
            continue
        turned = compressed[:at] + bytes([last ^ 1 << bit]) + compressed[at + 1 :]
        try:
            return inflated(turned, INFLATED_BYTES) == data
        except Unreadable:
            return False
    return False
