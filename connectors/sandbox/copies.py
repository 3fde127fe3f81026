"""What each source has on file about a citizen: a copy of the truth, with the errors that such files have.

A copy depends on the seed, the source's name and the citizen alone. `errors` names what went wrong, for tests and
for measuring a matcher; it never leaves the sandbox by the protocol.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.population import below, happens

# Rates in a bank's file, each drawn for every customer on its own.
BANK_RATES: dict[str, float] = {
    "upper_case": 0.25,  # TRẦN MINH QUÂN
    "lost_marks": 0.12,  # TRAN MINH QUAN
    "other_tone_place": 0.50,  # of the names that can be written both ways: Hòa, Hoà
    "eth_for_d": 0.01,  # of the names with Đ: Ð, U+00D0 for U+0110
    "decomposed": 0.01,  # the marks as characters of their own (Unicode form NFD)
    "middle_missing": 0.02,
    "middle_abbreviated": 0.01,  # Trần M. Quân
    "order_reversed": 0.005,  # Quân Minh Trần
    "mistyped_number": 0.003,
    "somebody_elses_number": 0.002,
    "former_number_only": 0.04,  # of those who have one
    "day_month_swapped": 0.005,  # of the dates where that gives a date
    "first_of_january": 0.5,  # of the year-only dates: 1952 became 1952-01-01
    "old_phone": 0.08,
    "no_email": 0.20,
}
REGISTER_RATES: dict[str, float] = {
    "name_in_last_field": 0.10,  # family and middle name empty, the whole name in the field of the given name
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BankRecord:
    customer_number: str
    name: str
    sex: str
    birth_date: str  # YYYY-MM-DD or YYYY
    national_id: str | None
    old_national_id: str | None
    phone: str
    email: str | None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterRecord:
    personal_number: str
    former_number: str | None
    family: str
    middle: str
    given: str
    full_name: str
    sex: str
    birth_date: str  # dd/mm/yyyy or yyyy
    place_code: str
    place: str
    errors: tuple[str, ...] = ()


def without_marks(text: str) -> str:
    """The text in plain letters: Đặng Thuý becomes Dang Thuy."""
    plain = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _tone_places() -> dict[str, str]:
    """Each open syllable's end with the tone on the first vowel, and the same with it on the second; both ways."""
    both: dict[str, str] = {}
    for first, second in ("oa", "oe", "uy"):
        for tone in "\u0300\u0301\u0303\u0309\u0323":
            early = unicodedata.normalize("NFC", first + tone) + second
            late = first + unicodedata.normalize("NFC", second + tone)
            both |= {early: late, late: early}
    return both


_TONE_PLACES = _tone_places()
# After q the u belongs to the consonant: quý has one spelling.
_OPEN_SYLLABLE = re.compile(rf"(?<![qQ])({'|'.join(_TONE_PLACES)})(?!\w)")


def other_tone_place(name: str) -> str:
    """The name with its tone marks placed the other way, where there is one: Hòa and Hoà."""
    return _OPEN_SYLLABLE.sub(lambda found: _TONE_PLACES[found[1]], name)


def _middle_missing(citizen: Citizen, name: str) -> str:
    return f"{citizen.family} {citizen.given}" if citizen.family and citizen.middle else name


def _middle_abbreviated(citizen: Citizen, name: str) -> str:
    if not (citizen.family and citizen.middle):
        return name
    initials = " ".join(f"{word[0]}." for word in citizen.middle.split())
    return f"{citizen.family} {initials} {citizen.given}"


# In this order: what happened to the name when it was typed, then what the file's format did to it.
_NAME_ERRORS: tuple[tuple[str, Callable[[Citizen, str], str]], ...] = (
    ("middle_missing", _middle_missing),
    ("middle_abbreviated", _middle_abbreviated),
    ("order_reversed", lambda _, name: " ".join(reversed(name.split()))),
    ("other_tone_place", lambda _, name: other_tone_place(name)),
    ("upper_case", lambda _, name: name.upper()),
    ("lost_marks", lambda _, name: without_marks(name).upper()),
    ("eth_for_d", lambda _, name: name.replace("Đ", "Ð")),
    ("decomposed", lambda _, name: unicodedata.normalize("NFD", name)),
)


def subject_seed(seed: int, source: str, citizen: Citizen) -> bytes:
    """32 bytes that stand for the citizen at this source and at no other."""
    return hashlib.sha256(f"{seed}\n{source}\n{citizen.personal_number}".encode()).digest()


def _exact_bank_record(citizen: Citizen, seed: int, source: str) -> BankRecord:
    digits = int.from_bytes(subject_seed(seed, source, citizen)[:8], "big") % 10**12
    return BankRecord(
        customer_number=f"KH{digits:012}",
        name=citizen.full_name,
        sex=citizen.sex,
        birth_date=citizen.birth_date,
        national_id=citizen.personal_number,
        old_national_id=citizen.former_number,
        phone=citizen.phone,
        email=citizen.email,
    )


def _with_name_errors(record: BankRecord, citizen: Citizen, random: Random) -> BankRecord:
    for error, spoil in _NAME_ERRORS:
        if happens(random, BANK_RATES[error]):
            name = spoil(citizen, record.name)
            if name != record.name:
                record = replace(record, name=name, errors=(*record.errors, error))
    return record


def _mistyped(number: str, random: Random) -> str:
    place = 6 + below(random, 6)
    digit = (int(number[place]) + 1 + below(random, 9)) % 10
    return f"{number[:place]}{digit}{number[place + 1 :]}"


def _with_number_errors(record: BankRecord, citizen: Citizen, random: Random, strangers_number: str) -> BankRecord:
    mistyped = happens(random, BANK_RATES["mistyped_number"])
    borrowed = happens(random, BANK_RATES["somebody_elses_number"])
    former_only = happens(random, BANK_RATES["former_number_only"])
    if former_only and record.old_national_id is not None:
        return replace(record, national_id=None, errors=(*record.errors, "former_number_only"))
    if borrowed and strangers_number != citizen.personal_number:
        return replace(record, national_id=strangers_number, errors=(*record.errors, "somebody_elses_number"))
    if mistyped:
        number = _mistyped(citizen.personal_number, random)
        return replace(record, national_id=number, errors=(*record.errors, "mistyped_number"))
    return record


def _with_date_errors(record: BankRecord, citizen: Citizen, random: Random) -> BankRecord:
    default, swapped = (happens(random, BANK_RATES[error]) for error in ("first_of_january", "day_month_swapped"))
    month, day = citizen.birth_month, citizen.birth_day
    if month is None or day is None:
        if not default:
            return record
        return replace(record, birth_date=f"{citizen.birth_year}-01-01", errors=(*record.errors, "first_of_january"))
    if swapped and day <= 12 and day != month:
        date = f"{citizen.birth_year}-{day:02}-{month:02}"
        return replace(record, birth_date=date, errors=(*record.errors, "day_month_swapped"))
    return record


def _with_contact_errors(record: BankRecord, random: Random) -> BankRecord:
    old_phone, no_email = (happens(random, BANK_RATES[error]) for error in ("old_phone", "no_email"))
    if old_phone:
        other = f"{record.phone[:-7]}{below(random, 10_000_000):07}"
        record = replace(record, phone=other, errors=(*record.errors, "old_phone"))
    if no_email:
        record = replace(record, email=None, errors=(*record.errors, "no_email"))
    return record


def _cast_bank_record(record: BankRecord, part: Part) -> BankRecord:
    """The cast's errors are the same at every bank: each member has the one that the part says, or none."""
    if part is Part.LOST_MARKS:
        return replace(record, name=without_marks(record.name).upper(), errors=("lost_marks",))
    if part is Part.FORMER_NUMBER:
        return replace(record, national_id=None, errors=("former_number_only",))
    if part is Part.WRONG_NUMBER:
        number = CAST[Part.ORDINARY_FOURTH].personal_number
        return replace(record, national_id=number, errors=("somebody_elses_number",))
    return record


def bank_record(citizen: Citizen, *, seed: int, source: str, strangers_number: str) -> BankRecord:
    """The citizen as this bank has them; `strangers_number` is what stands there if papers were borrowed."""
    record = _exact_bank_record(citizen, seed, source)
    if citizen.index < len(CAST):
        return _cast_bank_record(record, Part(citizen.index))
    random = Random(f"bank {seed} {source} {citizen.index}")  # noqa: S311  the same file every time is what is wanted
    record = _with_name_errors(record, citizen, random)
    record = _with_number_errors(record, citizen, random, strangers_number)
    record = _with_date_errors(record, citizen, random)
    return _with_contact_errors(record, random)


def register_record(citizen: Citizen, *, seed: int) -> RegisterRecord:
    """The citizen as the population register has them: canonical, but not always in the right fields."""
    family, middle, given = citizen.family, citizen.middle, citizen.given
    errors: tuple[str, ...] = ()
    random = Random(f"register {seed} {citizen.index}")  # noqa: S311  as above
    drawn = happens(random, REGISTER_RATES["name_in_last_field"])
    if drawn and citizen.index >= len(CAST) and family:
        family, middle, given, errors = "", "", citizen.full_name, ("name_in_last_field",)
    return RegisterRecord(
        personal_number=citizen.personal_number,
        former_number=citizen.former_number,
        family=family,
        middle=middle,
        given=given,
        full_name=citizen.full_name,
        sex=citizen.sex,
        birth_date="/".join(reversed(citizen.birth_date.split("-"))),
        place_code=citizen.place_code,
        place=citizen.place,
        errors=errors,
    )
