"""Assurance: two axes in, one ordered level out, how sources combine, and what a level is called on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.base import Assertion
from idp.settings import Assurance, Raising

LEVELS = (1, 2, 3, 4)
ACR_VALUES = tuple(f"LoA{level}" for level in LEVELS)
DAY_SECONDS = 86_400


# ---- levels ----


def level_of(assertion: Assertion, ceiling: int, authentication_ceiling: int) -> int:
    """The level that a sign-in is worth by itself: its weaker axis, each as far as the operator believes the source."""
    return weaker(min(assertion.proofing, ceiling), authentication_of(assertion, authentication_ceiling))


def authentication_of(assertion: Assertion, authentication_ceiling: int) -> int:
    """How surely it was this person who signed in just now, as far as the operator believes the source."""
    return min(assertion.authentication, authentication_ceiling)


def weaker(proofing: int, authentication: int) -> int:
    return max(LEVELS[0], min(proofing, authentication))


# ---- sources that agree ----


@dataclass(frozen=True, kw_only=True)
class Voucher:
    """A source that knows the person by number and name as the others do, and how well it has proofed them."""

    source_id: str
    kind: str
    proofing: int  # capped as the operator set


@dataclass(frozen=True, kw_only=True)
class Combined:
    proofing: int
    rule: str | None = None  # by which it was raised


def combined(
    proofing: int, vouchers: Sequence[Voucher], register_age_seconds: int | None, rules: Iterable[Raising]
) -> Combined:
    """How well somebody is proofed who comes by a source that has proofed them so well, and of whom all these agree: no
    less than that, and as much more as the highest rule says that holds.

    Only a source that the rule counts is raised by it: who has an account at a weaker one need not be the person whom
    the others know. `register_age_seconds` is how long ago the population register agreed; None: it never did.
    """
    found = Combined(proofing=proofing)
    for rule in rules:
        raises = rule.raises_to > found.proofing and proofing >= rule.proofing
        if raises and _holds(rule, vouchers, register_age_seconds):
            found = Combined(proofing=rule.raises_to, rule=rule.name)
    return found


def highest(ceiling: int, authentication_ceiling: int, rules: Iterable[Raising]) -> int:
    """The highest level that a sign-in at a source of these ceilings can come to, where others vouch as well."""
    proofing = max((rule.raises_to for rule in rules if rule.proofing <= ceiling), default=ceiling)
    return min(max(ceiling, proofing), authentication_ceiling)


def _holds(rule: Raising, vouchers: Sequence[Voucher], register_age_seconds: int | None) -> bool:
    if rule.register_within_days and (
        register_age_seconds is None or register_age_seconds > rule.register_within_days * DAY_SECONDS
    ):
        return False
    enough = [voucher for voucher in vouchers if voucher.proofing >= rule.proofing]
    apart = {voucher.kind if rule.different_kinds else voucher.source_id for voucher in enough}
    return len(apart) >= rule.sources


# ---- names ----


def acr(level: int) -> str:
    return ACR_VALUES[level - 1]


class AcrWords:
    """LoA1 to LoA4, and the operator's aliases: further series of words for the same levels, each of four."""

    def __init__(self, policy: Assurance) -> None:
        self._series = (ACR_VALUES, *policy.acr_aliases)
        self._meant = {
            word: (level, number)
            for number, words in enumerate(self._series)
            for level, word in zip(LEVELS, words, strict=True)
            if word
        }

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self._meant)

    def known_levels(self, words: Iterable[str]) -> list[int]:
        """The levels that these words name; unknown ones are ignored (OpenID Connect Core section 3.1.2.1)."""
        return [self._meant[word][0] for word in words if word in self._meant]

    def series_of(self, words: Iterable[str]) -> int:
        """In which series to answer who asked in these words: that of the first one known; 0 is LoA1 to LoA4."""
        return next((self._meant[word][1] for word in words if word in self._meant), 0)

    def word(self, level: int, series: int) -> str:
        """What the level is called in this series; LoA1 to LoA4 where it has no word for it, or is there no more."""
        words = self._series[series] if series < len(self._series) else ACR_VALUES
        return words[level - 1] or acr(level)
