"""CBOR as RFC 8949 section 4.2.1 writes it (deterministic), and read from strangers within bounds.

cbor2 does the reading. It also makes dates, fractions, patterns and shared objects of tags, in which a stranger could
hide much work; so we first walk over the bytes and let nothing pass but what a card is made of.
"""

from __future__ import annotations

from typing import Any

import cbor2

from idp.digital_id.reasons import Reason, Unreadable

DEPTH = 8  # arrays and maps inside each other
MAP_KEYS = 256  # keys of one map: whoever chooses many could choose them to collide
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_INDEFINITE = 31
_SIMPLE_VALUES = (20, 21, 22, 25, 26, 27)  # false, true, null, and floats of three lengths


def encode(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """The one item of the bytes, which has no tags; raises Unreadable."""
    end = _Walk(data).over(0, 1)
    if end != len(data):
        raise Unreadable(Reason.TRAILING_BYTES)
    try:
        return cbor2.loads(data, max_depth=DEPTH + 1, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, OverflowError):  # a text that is not UTF-8, mostly
        raise Unreadable(Reason.BAD_CBOR) from None


def without_tags(data: bytes) -> tuple[list[int], bytes]:
    """The tags that stand before the item, at most two, and the item's bytes; raises Unreadable."""
    walk, at = _Walk(data), 0
    tags: list[int] = []
    while len(tags) < 2:
        major, value, after = walk.head(at)
        if major != _TAG:
            break
        tags.append(value)
        at = after
    return tags, data[at:]


class _Walk:
    """Over items, one after the other, without building anything."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def over(self, at: int, depth: int) -> int:
        """Where the item that begins here ends; raises Unreadable."""
        major, value, at = self.head(at)
        if major < _BYTES:
            return at
        if major <= _TEXT:
            return self._within(at + value)
        if major > _TAG:
            return at
        if depth > DEPTH:
            raise Unreadable(Reason.TOO_DEEP)
        if major == _TAG:
            raise Unreadable(Reason.BAD_CBOR)
        if major == _MAP:
            return self._over_map(at, value, depth + 1)
        for _ in range(value):
            at = self.over(at, depth + 1)
        return at

    def _over_map(self, at: int, pairs: int, depth: int) -> int:
        if pairs > MAP_KEYS:
            raise Unreadable(Reason.TOO_MANY_KEYS)
        seen = set()
        for _ in range(pairs):
            major, value, after = self.head(at)
            if major not in (_UNSIGNED, _NEGATIVE, _TEXT):
                raise Unreadable(Reason.BAD_CBOR)
            end = self.over(at, depth)
            key = (major, self._data[after:end] if major == _TEXT else value)
            if key in seen:
                raise Unreadable(Reason.DUPLICATE_KEY)
            seen.add(key)
            at = self.over(end, depth)
        return at

    def head(self, at: int) -> tuple[int, int, int]:
        """The major type, the argument, and where the head ends (RFC 8949 section 3)."""
        if at >= len(self._data):
            raise Unreadable(Reason.BAD_CBOR)
        major, short = self._data[at] >> 5, self._data[at] & 31
        at += 1
        if short == _INDEFINITE:
            raise Unreadable(Reason.INDEFINITE_LENGTH)
        if short > 27 or (major > _TAG and short not in _SIMPLE_VALUES):
            raise Unreadable(Reason.BAD_CBOR)
        if short < 24:
            return major, short, at
        end = self._within(at + (1 << short - 24))
        return major, int.from_bytes(self._data[at:end], "big"), end

    def _within(self, end: int) -> int:
        if end > len(self._data):
            raise Unreadable(Reason.BAD_CBOR)
        return end
