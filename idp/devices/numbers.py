"""A number of two digits that one screen shows and a person types at another, so that both are theirs."""

from __future__ import annotations

from enum import Enum

from idp import entropy
from idp.storage import ShortLived

DIGITS = 2  # few to type; to try is counted
TRIES = 3


class Tried(Enum):
    RIGHT = "right"
    WRONG = "wrong"  # it may be tried again
    OVER = "over"


def tried(short_lived: ShortLived, key: str, seconds: int, *, typed: str, right: str) -> Tried:
    """What comes of this try, one of three under the key: counted before it is looked at, so that none is free."""
    tries = short_lived.count(key, seconds)
    if tries <= TRIES and entropy.same(typed, right):
        return Tried.RIGHT
    return Tried.WRONG if tries < TRIES else Tried.OVER
