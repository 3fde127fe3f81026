"""What social insurance has on file about a citizen: a copy of the truth, with the errors that such files have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import subject_seed, without_marks
from connectors.sandbox.population import below, happens

# Rates in the file, each drawn for every citizen on its own.
RATES: dict[str, float] = {
    "not_insured": 0.02,
    "lost_marks": 0.10,
    "former_number_only": 0.06,  # of those who have one: nobody ever brought the new card
    "month_and_year": 0.03,  # 02/1979
    "year_only": 0.05,  # of everybody, also of those whose day is known elsewhere
    "no_phone": 0.10,
    "old_phone": 0.12,
}
# The cast's errors are the same for every seed.
_CAST_ERRORS: dict[Part, str] = {
    Part.LOST_MARKS: "lost_marks",
    Part.FORMER_NUMBER: "former_number_only",
    Part.LOW_LEVEL: "no_phone",
    Part.NOT_IN_REGISTER: "old_phone",
    Part.ONE_WORD: "month_and_year",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One insured person as filed; `errors` never leaves the sandbox by the protocol."""

    citizen: Citizen
    insurance_number: str
    card: str  # two letters, a digit, two of the province, the insurance number (Decision 1351/QD-BHXH of 2015)
    name: str
    sex: str
    birth_date: str  # dd/mm/yyyy, mm/yyyy or yyyy
    identity_number: str  # 12 digits, or the 9 of a card that has been invalid since 2025
    phone: str | None
    errors: tuple[str, ...] = ()


class InsuranceFile:
    """Everybody insured, by any number that they may be asked for by."""

    def __init__(self, citizens: Iterable[Citizen], seed: int) -> None:
        self.records: list[Record] = []
        self._by_index: dict[int, Record] = {}
        self._by_number: dict[str, Record] = {}
        for citizen in citizens:
            record = _record(citizen, seed, self._untaken_number(citizen, seed))
            if record is not None:
                self.records.append(record)
                self._by_index[citizen.index] = record
                for number in (record.insurance_number, record.card, record.identity_number):
                    self._by_number.setdefault(number, record)

    def find(self, number: str) -> Record | None:
        return self._by_number.get(number)

    def of(self, citizen: Citizen) -> Record | None:
        return self._by_index.get(citizen.index)

    def other_than(self, record: Record) -> Record:
        """Somebody else in the file, always the same for the same person."""
        place = self.records.index(record)
        return self.records[(place + 1) % len(self.records)]

    def _untaken_number(self, citizen: Citizen, seed: int) -> str:
        lot = int.from_bytes(subject_seed(seed, "insurance", citizen)[:8], "big") % 10**8
        while (number := f"{citizen.place_code[1:]}{lot:08}") in self._by_number:
            lot = (lot + 1) % 10**8
        return number


def _record(citizen: Citizen, seed: int, insurance_number: str) -> Record | None:
    record = Record(
        citizen=citizen,
        insurance_number=insurance_number,
        card=f"GD4{citizen.place_code[1:]}{insurance_number}",
        name=citizen.full_name,
        sex="Nam" if citizen.sex == "male" else "Nữ",
        birth_date="/".join(reversed(citizen.birth_date.split("-"))),
        identity_number=citizen.personal_number,
        phone=citizen.phone,
    )
    random = Random(f"insurance {seed} {citizen.index}")  # noqa: S311  the same file every time is what is wanted
    drawn = [error for error, rate in RATES.items() if happens(random, rate)]
    other_phone = f"{citizen.phone[:-7]}{below(random, 10_000_000):07}"
    if citizen.index < len(CAST):
        drawn = [_CAST_ERRORS[part]] if (part := Part(citizen.index)) in _CAST_ERRORS else []
    if "not_insured" in drawn:
        return None
    for error in drawn:
        spoiled = _spoiled(record, error, other_phone)
        if spoiled != record:
            record = replace(spoiled, errors=(*record.errors, error))
    return record


def _spoiled(record: Record, error: str, other_phone: str) -> Record:
    former, date = record.citizen.former_number, record.birth_date.split("/")
    spoiled: dict[str, dict[str, str | None]] = {
        "lost_marks": {"name": without_marks(record.name).upper()},
        "former_number_only": {} if former is None else {"identity_number": former},
        "month_and_year": {"birth_date": "/".join(date[-2:])},
        "year_only": {"birth_date": date[-1]},
        "no_phone": {"phone": None},
        "old_phone": {} if record.phone is None else {"phone": other_phone},
    }
    return replace(record, **spoiled[error])  # type: ignore[arg-type]  # each value is of its own field
