"""Birth dates as far as they are known, and how far two of them agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connectors.base import BirthDate

EARLIEST_YEAR = 1880


@dataclass(frozen=True)
class Born:
    """A birth date whose month and day may be unknown. Any numbers: `oddities` tells what cannot be."""

    year: int
    month: int | None = None
    day: int | None = None

    def agrees_with(self, other: Born) -> bool:
        """Whether both can be the same day: an unknown part agrees with anything."""
        return self.year == other.year and _agree(self.month, other.month) and _agree(self.day, other.day)

    @property
    def known_parts(self) -> int:
        return 1 + (self.month is not None) + (self.day is not None)

    @property
    def may_be_default(self) -> bool:
        """Whether it is 1 January: many a system has that for a day that nobody knows, and many were born then."""
        return self.month == 1 and self.day == 1


def _agree(one: int | None, other: int | None) -> bool:
    return one == other or one is None or other is None


def born_on(date: BirthDate) -> Born:
    return Born(date.year, date.month, date.day)


class BirthAgreement(StrEnum):
    """How far two birth dates agree: the first of these that holds. It is the same whichever of the two comes first."""

    EXACT = "exact"  # both are whole, and the same day; on 1 January it may be nobody's knowledge (`may_be_default`)
    PARTIAL = "partial"  # one of them is not whole, and they agree in all that both know
    DEFAULTED = "defaulted"  # they differ, but not in the year, and one of them is 1 January
    SWAPPED = "swapped"  # both are whole, and each has the day of the other as its month
    DIFFERENT = "different"


def compare(one: Born, other: Born) -> BirthAgreement:
    """How far two birth dates agree."""
    if one.agrees_with(other):
        return BirthAgreement.EXACT if one.known_parts + other.known_parts == 6 else BirthAgreement.PARTIAL
    if one.year != other.year:
        return BirthAgreement.DIFFERENT
    if one.may_be_default or other.may_be_default:
        return BirthAgreement.DEFAULTED
    if (one.month, one.day) == (other.day, other.month):
        return BirthAgreement.SWAPPED
    return BirthAgreement.DIFFERENT


class BirthOddity(StrEnum):
    """What is strange about a birth date."""

    NO_SUCH_DAY = "no_such_day"  # 31 February, a month 13, a day without a month
    TOO_LONG_AGO = "too_long_ago"  # before EARLIEST_YEAR
    IN_THE_FUTURE = "in_the_future"  # the first day that it can be is after today
    MAY_BE_DEFAULT = "may_be_default"  # 1 January


def oddities(born: Born, today: date) -> tuple[BirthOddity, ...]:
    """What is strange about the birth date, in the order of `BirthOddity`."""
    first = _first_day(born)
    found = {
        BirthOddity.NO_SUCH_DAY: first is None,
        BirthOddity.TOO_LONG_AGO: born.year < EARLIEST_YEAR,
        BirthOddity.IN_THE_FUTURE: born.year > today.year if first is None else first > today,
        BirthOddity.MAY_BE_DEFAULT: born.may_be_default,
    }
    return tuple(oddity for oddity in BirthOddity if found[oddity])


def _first_day(born: Born) -> date | None:
    """The first day that it can be; None where there is no such day."""
    if born.month is None and born.day is not None:
        return None
    try:
        return date(born.year, 1 if born.month is None else born.month, 1 if born.day is None else born.day)
    except (ValueError, OverflowError):
        return None
