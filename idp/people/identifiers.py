"""The numbers by which offices know people: read, checked as far as each can be, and made comparable.

A number that is none of its kind is refused; whatever else is strange about it is told (`oddities`) and never loses a
person: births and sexes are corrected, and the number stays. The kind is part of the key, since kinds share numbers.

PPP C YY RRRRRR      a personal number: where the birth was registered, century and sex, year, six digits of chance
                     (Circular 07/2016/TT-BCA, article 7 and annex 1)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from connectors.base import Identifier, IdentifierType, Sex
from idp.people.births import Born

PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
FIRST_CENTURY = 1900
LONGEST_CHARACTERS = 40  # of a number with whatever was typed between its digits

# Annex 1, before the provinces were merged in July 2025: numbers keep the code that they were given with. Annex 2 has
# the codes of countries, for births abroad.
PROVINCES = frozenset((
    "001", "002", "004", "006", "008", "010", "011", "012", "014", "015", "017", "019", "020", "022", "024", "025",
    "026", "027", "030", "031", "033", "034", "035", "036", "037", "038", "040", "042", "044", "045", "046", "048",
    "049", "051", "052", "054", "056", "058", "060", "062", "064", "066", "067", "068", "070", "072", "074", "075",
    "077", "079", "080", "082", "083", "084", "086", "087", "089", "091", "092", "093", "094", "095", "096",
))  # fmt: skip
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_HEALTH_CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{12}")
_PASSPORT = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}")
_VIETNAMESE_PASSPORT = re.compile(r"[A-Z][0-9]{7,8}")
# Full-width letters and digits become ordinary ones; spaces, dots and dashes that people type are dropped.
_ORDINARY = {full_width: chr(full_width - 0xFEE0) for full_width in range(0xFF10, 0xFF5B)} | dict.fromkeys(
    map(ord, " \u00a0\u2009\u202f\u3000.．"), ""
)
_DASHES = "-‐‑‒–—−－"
_WITHOUT_DASHES = _ORDINARY | dict.fromkeys(map(ord, _DASHES), "")
_WITH_DASHES = _ORDINARY | dict.fromkeys(map(ord, _DASHES), "-")


class NumberOddity(StrEnum):
    """What is strange about a number; none of it makes it another person's."""

    NOT_A_PROVINCE = "not_a_province"  # of a birth abroad, or of nowhere
    SEX_DISAGREES = "sex_disagrees"
    YEAR_DISAGREES = "year_disagrees"
    NOT_VIETNAMESE = "not_vietnamese"  # a passport, but of no form that Vietnam's have


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number of some kind. `canonical` is how it is compared, and `aliases` are numbers that are the holder's too."""

    type: ClassVar[IdentifierType]
    canonical: str

    @property
    def key(self) -> str:
        """The number with its kind: what no two of different kinds share."""
        return f"{self.type}:{self.canonical}"

    @property
    def oddities(self) -> tuple[NumberOddity, ...]:
        return ()

    @property
    def aliases(self) -> tuple[Identifier, ...]:
        return ()


@dataclass(frozen=True, kw_only=True)
class PersonalNumber(Number):
    """Twelve digits, for life."""

    type = IdentifierType.PERSONAL_NUMBER

    @property
    def place_code(self) -> str:
        return self.canonical[:3]

    @property
    def sex(self) -> Sex:
        """The sex for which it was given out: even is a man's, odd a woman's."""
        return Sex.FEMALE if int(self.canonical[3]) % 2 else Sex.MALE

    @property
    def birth_year(self) -> int:
        return birth_year(self.canonical)

    @property
    def oddities(self) -> tuple[NumberOddity, ...]:
        return () if self.place_code in PROVINCES else (NumberOddity.NOT_A_PROVINCE,)


class FormerNumber(Number):
    """Nine digits, of identity cards until 2024. Two people can have the same: an alias, and never a key by itself."""

    type = IdentifierType.FORMER_NUMBER


class TaxHolder(StrEnum):
    ENTERPRISE = (
        "enterprise"  # ten digits, and three of a branch; people's codes until July 2025 are of one series with them
    )
    PERSONAL = "personal"  # the personal number
    HOUSEHOLD = "household"  # a household business, under the personal number of who represents it


@dataclass(frozen=True, kw_only=True)
class TaxCode(Number):
    """A tax code, with whose it is: a person and a household business can have the same twelve digits."""

    type = IdentifierType.TAX_CODE
    holder: TaxHolder

    @property
    def key(self) -> str:
        return f"{self.type}/{self.holder}:{self.canonical}"

    @property
    def branch(self) -> str | None:
        """Three digits, where it is a branch's."""
        return self.canonical[11:] if self.canonical[10:11] == "-" else None

    @property
    def oddities(self) -> tuple[NumberOddity, ...]:
        is_taxed_by_ten_digits = self.holder is TaxHolder.ENTERPRISE
        return () if is_taxed_by_ten_digits else PersonalNumber(canonical=self.canonical).oddities

    @property
    def aliases(self) -> tuple[Identifier, ...]:
        return _alias(IdentifierType.PERSONAL_NUMBER, self.canonical) if self.holder is TaxHolder.PERSONAL else ()


class InsuranceNumber(Number):
    """Ten digits; for who was insured first, or was moved over, since August 2025, the personal number."""

    type = IdentifierType.INSURANCE_NUMBER

    @property
    def aliases(self) -> tuple[Identifier, ...]:
        return _alias(IdentifierType.PERSONAL_NUMBER, self.canonical) if len(self.canonical) == 12 else ()


class HealthCard(Number):
    """`LL B PP NNNNNNNNNN`: group, benefit, province, and the insurance number (Decision 1351/QD-BHXH of 2015)."""

    type = IdentifierType.HEALTH_CARD

    @property
    def oddities(self) -> tuple[NumberOddity, ...]:
        return () if f"0{self.canonical[3:5]}" in PROVINCES else (NumberOddity.NOT_A_PROVINCE,)

    @property
    def aliases(self) -> tuple[Identifier, ...]:
        return _alias(IdentifierType.INSURANCE_NUMBER, self.canonical[5:])


class EnterpriseCode(Number):
    """Ten digits, the same as the enterprise's tax code."""

    type = IdentifierType.ENTERPRISE_CODE


class Passport(Number):
    """A letter and seven digits, or eight; other countries' have five to nine letters and digits."""

    type = IdentifierType.PASSPORT

    @property
    def oddities(self) -> tuple[NumberOddity, ...]:
        return () if _VIETNAMESE_PASSPORT.fullmatch(self.canonical) else (NumberOddity.NOT_VIETNAMESE,)


def parse(identifier: Identifier, *, of_household: bool = False) -> Number:
    """The number, made comparable. `of_household`: the tax code is said to be a household business's.

    A former number or a health card under which a source sends a number of newer kind comes out as that kind. Raises
    ValueError, without the number, for what is none.
    """
    is_tax_code = identifier.type is IdentifierType.TAX_CODE  # whose dash tells a branch
    text = identifier.value
    if not (text.isascii() and text.isdigit()):
        ordinary = _WITH_DASHES if is_tax_code else _WITHOUT_DASHES
        text = "" if len(text) > LONGEST_CHARACTERS else text.translate(ordinary)
    return _tax_code(text, of_household=of_household) if is_tax_code else _READERS[identifier.type](text)


def personal_in(identifier: Identifier) -> str | None:
    """The personal number that this is, or stands for: as a tax code since July 2025, as an insurance number too."""
    try:
        number = parse(identifier)
    except ValueError:
        return None
    return personal_of(number)


def personal_of(number: Number) -> str | None:
    """As `personal_in`."""
    if number.type is IdentifierType.PERSONAL_NUMBER:
        return number.canonical
    aliases = number.aliases
    return aliases[0].value if aliases and aliases[0].type is IdentifierType.PERSONAL_NUMBER else None


def consistent_with(number: PersonalNumber, born: Born | None, sex: str | None) -> tuple[NumberOddity, ...]:
    """Where the number says something else than birth date and sex do; what is None is not compared."""
    found = {
        NumberOddity.SEX_DISAGREES: sex is not None and sex != number.sex,
        NumberOddity.YEAR_DISAGREES: born is not None and born.year != number.birth_year,
    }
    return tuple(oddity for oddity, is_so in found.items() if is_so)


def birth_year(number: str) -> int:
    """The year that the number was given for; a corrected birth date leaves the number as it is.

    Raises ValueError for what is no personal number.
    """
    if not PERSONAL_NUMBER.fullmatch(number):
        raise ValueError("a personal number has twelve digits")
    return FIRST_CENTURY + 100 * (int(number[3]) // 2) + int(number[4:6])


def _alias(kind: IdentifierType, value: str) -> tuple[Identifier, ...]:
    return (Identifier(type=kind, value=value),)


def _digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit() and text.strip("0") != ""


def _personal_number(text: str) -> PersonalNumber:
    if not _digits(text, 12):
        raise ValueError("a personal number has twelve digits")
    return PersonalNumber(canonical=text)


def _former_number(text: str) -> Number:
    if _digits(text, 12):  # identity cards of 2012 to 2016 had the personal number already
        return _personal_number(text)
    if not _digits(text, 9):
        raise ValueError("a former number has nine digits")
    return FormerNumber(canonical=text)


def _tax_code(text: str, *, of_household: bool) -> TaxCode:
    if _digits(text, 12):
        return TaxCode(canonical=text, holder=TaxHolder.HOUSEHOLD if of_household else TaxHolder.PERSONAL)
    branch = text[10:].removeprefix("-")
    if not (_is_enterprise(text[:10]) and (branch == "" or _digits(branch, 3))):
        raise ValueError("a tax code has ten digits that check, then three of a branch or none, or twelve digits")
    return TaxCode(canonical=f"{text[:10]}-{branch}" if branch else text, holder=TaxHolder.ENTERPRISE)


def _insurance_number(text: str) -> InsuranceNumber:
    if not (_digits(text, 10) or _digits(text, 12)):
        raise ValueError("an insurance number has ten or twelve digits")
    return InsuranceNumber(canonical=text)


def _health_card(text: str) -> Number:
    card = text.upper() if text.isascii() else ""
    if _digits(card, 10) or _digits(card, 12):  # cards since 2021 bear the insurance number alone
        return _insurance_number(card)
    if not _HEALTH_CARD.fullmatch(card):
        raise ValueError("a health card has two letters and thirteen digits")
    return HealthCard(canonical=card)


def _enterprise_code(text: str) -> EnterpriseCode:
    if not _is_enterprise(text):
        raise ValueError("an enterprise code has ten digits that check")
    return EnterpriseCode(canonical=text)


def _passport(text: str) -> Passport:
    number = text.upper() if text.isascii() else ""
    if not _PASSPORT.fullmatch(number):
        raise ValueError("a passport number has five to nine letters and digits")
    return Passport(canonical=number)


def _is_enterprise(text: str) -> bool:
    """Whether the last digit is 10 less the weighted sum of the others modulo 11; where that is 10, there is none."""
    if not _digits(text, 10) or text[2:9] == "0000000":
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text, strict=False))
    return 10 - total % 11 == int(text[9])


_READERS: dict[IdentifierType, Callable[[str], Number]] = {
    IdentifierType.PERSONAL_NUMBER: _personal_number,
    IdentifierType.FORMER_NUMBER: _former_number,
    IdentifierType.INSURANCE_NUMBER: _insurance_number,
    IdentifierType.HEALTH_CARD: _health_card,
    IdentifierType.ENTERPRISE_CODE: _enterprise_code,
    IdentifierType.PASSPORT: _passport,
}
