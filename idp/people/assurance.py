"""Assurance: two axes in, one ordered level out, and what it is called on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Assertion

LEVELS = (1, 2, 3, 4)
ACR_VALUES = tuple(f"LoA{level}" for level in LEVELS)
_BY_ACR = dict(zip(ACR_VALUES, LEVELS, strict=True))


def level_of(assertion: Assertion, ceiling: int) -> int:
    """The level a sign-in is worth: no more than its weaker axis, and than the operator lets the source assert."""
    return max(LEVELS[0], min(assertion.proofing, assertion.authentication, ceiling))


def acr(level: int) -> str:
    return f"LoA{level}"


def known_levels(values: Iterable[str]) -> list[int]:
    """The levels that these acr values name; unknown values are ignored (OpenID Connect Core section 3.1.2.1)."""
    return [_BY_ACR[value] for value in values if value in _BY_ACR]
