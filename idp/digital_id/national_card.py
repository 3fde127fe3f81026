"""The QR code of Vietnam's national card, as far as a text that nobody signed can be read. It proves nothing.

CCCD|CMND|name|ddMMyyyy|Nam or Nữ|residence|ddMMyyyy            since 2021: seven fields, of which some may be empty
…|…|…|…|…                                                       since 1 July 2024: four more
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Literal

CHARACTERS = 1_000
FIELDS = (7, 11)
SEPARATOR = "|"
_NUMBER, _FORMER_NUMBER, _DATE = re.compile(r"[0-9]{12}"), re.compile(r"[0-9]{9}"), re.compile(r"[0-9]{8}")
LAST_PROVINCE, FIRST_COUNTRY = 96, 101  # by which a number begins (Circular 07/2016/TT-BCA, annexes 1 and 2)
FIRST_CENTURY = 1900
_SEXES: dict[str, Literal["Nam", "Nữ"]] = {"Nam": "Nam", "Nữ": "Nữ"}


class Doubt(Enum):
    """Where the number says something else than the rest. Births and sexes are corrected, and numbers stay."""

    PLACE = "place"  # it begins with no province and no country
    SEX = "sex"
    YEAR = "year"


class NotANationalCard(ValueError):
    """The text is none of a national card's; it says why, without what stood in it."""


@dataclass(frozen=True, kw_only=True)
class NationalCard:
    """What the code says of somebody; anybody can print one. `more` are the four fields of 2024, whatever they mean."""

    number: str
    former_number: str | None
    name: str
    birth_date: date
    sex: Literal["Nam", "Nữ"]
    residence: str
    issued_on: date
    more: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    verified: Literal[False] = False


def looks_like_one(text: str) -> bool:
    """Whether it is of this sort, well written or not: no code of ours has a bar in it."""
    return _NUMBER.fullmatch(text.split(SEPARATOR, 1)[0]) is not None and SEPARATOR in text


def read_national_card(text: str) -> NationalCard:
    """What the code says; raises NotANationalCard for what no such card says."""
    fields = text.strip("\r\n").split(SEPARATOR)
    if len(text) > CHARACTERS or len(fields) not in FIELDS:
        raise NotANationalCard(f"{len(fields)} fields, of {len(text)} characters; needs {FIELDS[0]} or {FIELDS[1]}")
    number, former_number, name, born, sex, residence, issued, *more = fields
    if not name.strip() or any(not field.isprintable() for field in fields):
        raise NotANationalCard("no name, or what no card prints")
    if sex not in _SEXES:
        raise NotANationalCard("the sex is neither Nam nor Nữ")
    if former_number and not _FORMER_NUMBER.fullmatch(former_number):
        raise NotANationalCard("a former number has nine digits")
    if not _NUMBER.fullmatch(number):
        raise NotANationalCard("a personal number has twelve digits")
    birth_date, issued_on = _day(born, "birth"), _day(issued, "issue")
    if birth_date > issued_on:
        raise NotANationalCard("issued before its holder was born")
    return NationalCard(
        number=number, former_number=former_number or None, name=name, birth_date=birth_date, sex=_SEXES[sex],
        residence=residence, issued_on=issued_on, more=tuple(more), doubts=_doubts(number, birth_date, sex),
    )  # fmt: skip


def _doubts(number: str, birth_date: date, sex: str) -> tuple[Doubt, ...]:
    century, year = int(number[3]), int(number[4:6])
    found = {
        Doubt.PLACE: not 0 < int(number[:3]) <= LAST_PROVINCE and int(number[:3]) < FIRST_COUNTRY,
        Doubt.SEX: century % 2 != (sex == "Nữ"),
        Doubt.YEAR: FIRST_CENTURY + 100 * (century // 2) + year != birth_date.year,
    }
    return tuple(doubt for doubt, is_so in found.items() if is_so)


def _day(text: str, what: str) -> date:
    if not _DATE.fullmatch(text):
        raise NotANationalCard(f"the date of {what} is not of the form ddMMyyyy")
    try:
        return date(int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        raise NotANationalCard(f"the date of {what} is in no calendar") from None
