"""Mistakes that people make with names, dates and numbers. Each returns what it was given where it cannot be made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from connectors.sandbox.country import spelling
from connectors.sandbox.country.names import Name
from connectors.sandbox.country.person import THIS_YEAR, Born
from connectors.sandbox.population import below

_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# What sounds the same somewhere in the country, at the beginning of a word and at its end.
_SOUNDS = tuple(
    (re.compile(heard), written)
    for heard, written in (
        (r"\bTr", "Ch"), (r"\bCh", "Tr"), (r"\bS", "X"), (r"\bX", "S"), (r"\bL", "N"), (r"\bN(?![gh])", "L"),
        (r"\bD", "Gi"), (r"\bGi(?=[^\W])", "D"), (r"\bV", "D"), (r"\bQu", "W"), (r"(?<=\w)n\b", "ng"), (r"ng\b", "n"),
        (r"(?<=\w)t\b", "c"), (r"(?<=\w)c\b", "t"), (r"(?<=\w)y\b", "i"), (r"(?<=[^ouaêơư])i\b", "y"), (r"nh\b", "n"),
    )
)  # fmt: skip


# ---- names ----


def in_parts(name: Name, change: Callable[[str], str]) -> Name:
    """The name with each part changed alike."""
    return Name(family=change(name.family), middle=change(name.middle), given=change(name.given), origin=name.origin)


def middle_missing(name: Name) -> Name:
    return replace(name, middle="") if name.family else name


def middle_abbreviated(name: Name) -> Name:
    """Trần Minh Quân becomes Trần M. Quân."""
    if not name.family:
        return name
    return replace(name, middle=" ".join(f"{word[0]}." for word in name.middle.split()))


def order_reversed(name: Name) -> Name:
    """Trần Minh Quân becomes Quân Minh Trần."""
    if name.family:
        return replace(name, family=name.given, given=name.family)
    return replace(name, given=" ".join(reversed(name.given.split())))


def name_in_last_field(name: Name) -> Name:
    return replace(name, family="", middle="", given=name.full)


def wrong_mark(random: Random, name: Name) -> Name:
    """One word of the name has another tone, most often that of the given name."""
    part = _drawn_part(random, name)
    return _with(name, part, spelling.wrong_mark(random, getattr(name, part)))


def misspelt(random: Random, name: Name) -> Name:
    """One sound of the name is written as another that is near it."""
    part = _drawn_part(random, name)
    text: str = getattr(name, part)
    first = below(random, len(_SOUNDS))
    for heard, written in (*_SOUNDS[first:], *_SOUNDS[:first]):
        changed = heard.sub(written, text, count=1)
        if changed != text:
            return _with(name, part, changed)
    return name


def _drawn_part(random: Random, name: Name) -> str:
    drawn = ("given", "given", "middle", "family")[below(random, 4)]
    return drawn if getattr(name, drawn) else "given"


def _with(name: Name, part: str, text: str) -> Name:
    if part == "given":
        return replace(name, given=text)
    return replace(name, middle=text) if part == "middle" else replace(name, family=text)


# ---- dates ----


def year_only(born: Born) -> Born:
    return Born(year=born.year)


def month_and_year(born: Born) -> Born:
    return Born(year=born.year, month=born.month)


def first_of_january(born: Born) -> Born:
    return Born(year=born.year, month=1, day=1)


def day_month_swapped(born: Born) -> Born:
    if born.month is None or born.day is None or born.day > 12:
        return born
    return Born(year=born.year, month=born.day, day=born.month)


def mistyped_date(random: Random, born: Born) -> Born:
    """Day, month or year is another: one off, ten off, or any."""
    if born.month is None or born.day is None:
        return born
    way = below(random, 4)
    if way == 0:
        day = (born.day + 9 + 2 * below(random, 2)) % _DAYS_IN_MONTH[born.month - 1] + 1
        return replace(born, day=day)
    if way == 1:
        month = (born.month + below(random, 11)) % 12 + 1
        return Born(year=born.year, month=month, day=min(born.day, _DAYS_IN_MONTH[month - 1]))
    step = (-10, -1, -1, 1, 1, 10)[below(random, 6)]
    year = born.year + step if born.year + step < THIS_YEAR else born.year - 1
    return replace(born, year=year)


# ---- numbers ----


def mistyped_number(random: Random, number: str) -> str:
    """One digit is another."""
    place = below(random, len(number))
    digit = (int(number[place]) + 1 + below(random, 9)) % 10
    return f"{number[:place]}{digit}{number[place + 1 :]}"


def swapped_digits(random: Random, number: str) -> str:
    """Two digits that stand together have changed places."""
    places = [place for place in range(len(number) - 1) if number[place] != number[place + 1]]
    if not places:
        return number
    place = places[below(random, len(places))]
    return f"{number[:place]}{number[place + 1]}{number[place]}{number[place + 2 :]}"
