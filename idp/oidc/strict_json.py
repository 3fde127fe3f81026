"""JSON from outside, read so that it means one thing: each member once, numbers that are numbers, ids fit to keep."""

from __future__ import annotations

import json
import math
from typing import Any, TypeGuard

JTI_CHARACTERS = 256


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that the bytes hold in UTF-8, each member in it once and each number finite; raises ValueError,
    whose text quotes nothing of it (RFC 7519 section 4, RFC 8259 sections 4 and 6).
    """
    try:
        read = json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ValueError("no JSON, or a member in it twice") from None
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether JSON would call it a number, which to Python true and false are too."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_jti(value: Any) -> TypeGuard[str]:
    """Whether it can be the id of a token that is spent (RFC 7519 section 4.1.7)."""
    return isinstance(value, str) and value.isascii() and 0 < len(value) <= JTI_CHARACTERS


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _finite(text: str) -> float:
    """1e999 is JSON, and to Python infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _no_number(name: str) -> float:
    """NaN and Infinity are no JSON, and no comparison with them means anything."""
    raise ValueError(name)
