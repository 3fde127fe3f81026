"""Two axes in, one level out; what several sources make of one person; what a level is called. Each as a table."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from idp.people import assurance
from idp.people.assurance import AcrWords, Combined, Voucher, combined, highest
from idp.settings import Assurance, Raising
from tests.oidc.residents import assertion

DAY = 86_400


# ---- levels ----


@pytest.mark.parametrize("proofing, authentication, ceiling, signing_in", [*product(assurance.LEVELS, repeat=4)])
def test_a_sign_in_is_worth_its_weaker_axis_and_of_each_no_more_than_the_operator_allows(
    proofing: int, authentication: int, ceiling: int, signing_in: int
) -> None:
    said = assertion(proofing=proofing, authentication=authentication)
    assert assurance.level_of(said, ceiling, signing_in) == min(proofing, authentication, ceiling, signing_in)


@pytest.mark.parametrize("nonsense", [{"proofing": 0}, {"proofing": -1}, {"authentication": 0}])
def test_a_level_below_all_levels_is_the_lowest(nonsense: dict[str, int]) -> None:
    assert assurance.level_of(assertion(**nonsense), 3, 3) == 1


# ---- sources that agree ----


def rule(name: str = "two-and-register", **changes: Any) -> Raising:
    said: dict[str, Any] = {
        "name": name, "sources": 2, "proofing": 2, "register_within_days": 30, "raises_to": 3,
    } | changes  # fmt: skip
    return Raising(**said)


BANK, OTHER_BANK, TAX = (
    Voucher(source_id="bank", kind="banking", proofing=2),
    Voucher(source_id="bank2", kind="banking", proofing=2),
    Voucher(source_id="tax", kind="tax", proofing=2),
)
INSURANCE = Voucher(source_id="insurance", kind="insurance", proofing=1)
CARD = Voucher(source_id="certificates", kind="certificate", proofing=3)
TODAY, NEVER = 0, None
WITHOUT_REGISTER = rule("two-kinds", different_kinds=True, register_within_days=0)
ONE_AND_REGISTER = rule("one-and-register", sources=1)
CARD_AND_CARD = rule("two-strong", proofing=3, raises_to=4, register_within_days=0)

COMBINATIONS: dict[str, tuple[int, list[Voucher], int | None, list[Raising], int, str | None]] = {
    # proofing here, who vouches, age of the register's word, the rules: proofing, and the rule that raised it
    "without a rule nothing is raised": (2, [BANK, TAX, CARD], TODAY, [], 2, None),
    "two that agree and the register": (2, [BANK, TAX], TODAY, [rule()], 3, "two-and-register"),
    "two banks are two, unless a rule says no": (2, [BANK, OTHER_BANK], TODAY, [rule()], 3, "two-and-register"),
    "two banks are one kind": (2, [BANK, OTHER_BANK], NEVER, [WITHOUT_REGISTER], 2, None),
    "two kinds": (2, [BANK, OTHER_BANK, TAX], NEVER, [WITHOUT_REGISTER], 3, "two-kinds"),
    "one source is not two": (2, [BANK], TODAY, [rule()], 2, None),
    "one source said twice is not two": (2, [BANK, BANK], TODAY, [rule()], 2, None),
    "a weak source does not count": (2, [BANK, INSURANCE], TODAY, [rule()], 2, None),
    "a stronger one counts": (2, [BANK, CARD], TODAY, [rule()], 3, "two-and-register"),
    "who comes by a weak source is not raised by others": (1, [INSURANCE, BANK, TAX], TODAY, [rule()], 1, None),
    "the register was never asked": (2, [BANK, TAX], NEVER, [rule()], 2, None),
    "the register agreed on the last day that counts": (2, [BANK, TAX], 30 * DAY, [rule()], 3, "two-and-register"),
    "the register agreed too long ago": (2, [BANK, TAX], 30 * DAY + 1, [rule()], 2, None),
    "one source and the register, if a rule says so": (2, [BANK], TODAY, [ONE_AND_REGISTER], 3, "one-and-register"),
    "nobody is lowered": (3, [CARD, BANK], TODAY, [rule()], 3, None),
    "to what is there already nothing is raised": (3, [CARD, BANK], TODAY, [rule(), CARD_AND_CARD], 3, None),
    "the higher of two that hold, in whatever order": (
        3, [CARD, Voucher(source_id="population", kind="population", proofing=3)], TODAY,
        [CARD_AND_CARD, rule()], 4, "two-strong",
    ),
    "of two that raise as high, the first": (2, [BANK, TAX], TODAY, [rule(), WITHOUT_REGISTER], 3, "two-and-register"),
    "a second rule where the first does not hold": (2, [BANK, TAX], NEVER, [rule(), WITHOUT_REGISTER], 3, "two-kinds"),
}  # fmt: skip


@pytest.mark.parametrize("case", COMBINATIONS)
def test_sources_that_agree_raise_proofing_as_the_rules_say_and_no_further(case: str) -> None:
    proofing, vouchers, register_age, rules, raised, by = COMBINATIONS[case]
    expected = Combined(proofing=raised, rule=by)
    assert combined(proofing, vouchers, register_age, rules) == expected
    assert combined(proofing, vouchers[::-1], register_age, rules) == expected


HIGHEST = [
    # ceiling, of authentication, rules: what signing in there can come to
    (2, 2, [], 2),
    (2, 3, [], 2),
    (3, 2, [], 2),
    (2, 2, [rule()], 2),  # signing in there is not worth more
    (2, 3, [rule()], 3),
    (2, 4, [rule(), CARD_AND_CARD], 3),
    (3, 4, [rule(), CARD_AND_CARD], 4),
    (1, 4, [rule()], 1),
]


@pytest.mark.parametrize("ceiling, authentication, rules, reach", HIGHEST)
def test_a_source_is_offered_for_what_signing_in_there_can_come_to(
    ceiling: int, authentication: int, rules: list[Raising], reach: int
) -> None:
    assert highest(ceiling, authentication, rules) == reach


# ---- names ----

EIDAS = ("", "eidas1", "eidas2", "eidas3")
URLS = ("", *(f"http://eidas.europa.eu/LoA/{name}" for name in ("low", "substantial", "high")))


def words(*aliases: tuple[str, ...]) -> AcrWords:
    return AcrWords(Assurance.model_validate({"acr_aliases": aliases, "authentication": [], "raising": []}))


def test_levels_have_names_on_the_wire() -> None:
    assert assurance.ACR_VALUES == words().values == ("LoA1", "LoA2", "LoA3", "LoA4")
    assert [assurance.acr(level) for level in assurance.LEVELS] == list(assurance.ACR_VALUES)


def test_every_alias_is_published_and_no_gap_between_them() -> None:
    assert words(EIDAS, URLS).values == (*assurance.ACR_VALUES, *EIDAS[1:], *URLS[1:])


KNOWN = [
    (["LoA3", "loa2", "LoA9", "", "LoA1", "LoA 2"], [3, 1]),
    (["eidas1", "eidas2", "eidas3"], [2, 3, 4]),
    (["eidas4", URLS[2], "LoA1"], [3, 1]),
    (["EIDAS1", "eidas 1", "eidas"], []),
]


@pytest.mark.parametrize("asked, levels", KNOWN)
def test_words_that_mean_a_level_are_known_and_no_others(asked: list[str], levels: list[int]) -> None:
    assert words(EIDAS, URLS).known_levels(asked) == levels


ANSWERED = [
    # asked for, level reached: what it is called
    ([], 3, "LoA3"),
    (["LoA2"], 3, "LoA3"),
    (["eidas1"], 2, "eidas1"),
    (["eidas1"], 3, "eidas2"),  # the level reached, in the words that were asked in
    ([URLS[1], "eidas1"], 4, URLS[3]),
    (["unheard-of", "eidas2", "LoA1"], 3, "eidas2"),
    (["eidas2"], 1, "LoA1"),  # for which that series has no word
]


@pytest.mark.parametrize("asked, reached, called", ANSWERED)
def test_a_level_is_told_in_the_words_that_were_asked_in(asked: list[str], reached: int, called: str) -> None:
    known = words(EIDAS, URLS)
    assert known.word(reached, known.series_of(asked)) == called


def test_a_series_that_an_operator_took_away_is_answered_in_our_own_words() -> None:
    assert words().word(3, words(EIDAS).series_of(["eidas2"])) == "LoA3"
