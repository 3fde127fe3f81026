"""Base45 (RFC 9285), by which bytes fit the alphanumeric mode of a QR code: one text for the bytes, and no other."""

from __future__ import annotations

from idp.digital_id.reasons import Reason, Unreadable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_PAIRS = tuple(low + high for high in ALPHABET for low in ALPHABET)  # by value, the low digit first


def encode(data: bytes) -> str:
    parts = []
    for at in range(0, len(data) - 1, 2):
        high, rest = divmod(data[at] << 8 | data[at + 1], 2025)
        parts.append(_PAIRS[rest])
        parts.append(ALPHABET[high])
    if len(data) % 2:
        parts.append(_PAIRS[data[-1]])
    return "".join(parts)


def decode(text: str) -> bytes:
    """The bytes; raises Unreadable for what `encode` never writes (RFC 9285 section 6)."""
    try:
        values = [_VALUES[letter] for letter in text]
    except KeyError:
        raise Unreadable(Reason.BAD_TEXT) from None
    whole = len(values) - len(values) % 3
    decoded = bytearray()
    for at in range(0, whole, 3):
        value = values[at] + 45 * values[at + 1] + 2025 * values[at + 2]
        if value > 0xFFFF:
            raise Unreadable(Reason.BAD_TEXT)
        decoded += value.to_bytes(2, "big")
    return bytes(decoded) + _last(values[whole:])


def _last(values: list[int]) -> bytes:
    if not values:
        return b""
    value = values[0] + 45 * values[1] if len(values) == 2 else 256
    if value > 0xFF:
        raise Unreadable(Reason.BAD_TEXT)
    return bytes([value])
