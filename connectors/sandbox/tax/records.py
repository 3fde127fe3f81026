"""What the tax office has on file: a copy of the truth with the errors that such files have.

Since July 2025 a citizen's tax code is the personal number (Circular 86/2024/TT-BTC); accounts that have not been
brought together yet still have a code of ten digits. The record depends on the seed and the citizen alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import subject_seed, without_marks
from connectors.sandbox.population import happens

# Rates in the office's file, each drawn for every taxpayer on its own.
TAX_RATES: dict[str, float] = {
    "upper_case": 0.50,  # TRẦN MINH QUÂN
    "lost_marks": 0.05,  # TRAN MINH QUAN
    "old_code": 0.15,  # ten digits from before 2025
    "former_number_only": 0.05,  # of those who have one
    "year_only": 0.06,  # 1990
    "month_only": 0.02,  # 03/1990
    "no_email": 0.30,
}
_SOURCE = "tax"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxRecord:
    tax_code: str
    personal_number: str | None
    former_number: str | None
    name: str
    birth_date: str  # dd/mm/yyyy, mm/yyyy or yyyy
    sex: str
    phone: str
    email: str | None
    errors: tuple[str, ...] = ()

    def attributes(self) -> dict[str, str]:
        """As the office calls them; what it does not know is left out."""
        told = {
            "maSoThue": self.tax_code,
            "soDinhDanh": self.personal_number,
            "soCmnd": self.former_number,
            "hoTen": self.name,
            "ngaySinh": self.birth_date,
            "gioiTinh": "Nam" if self.sex == "male" else "Nữ",
            "dienThoai": self.phone,
            "email": self.email,
        }
        return {name: value for name, value in told.items() if value is not None}


def subject(citizen: Citizen, *, seed: int) -> str:
    """The office's own, stable name for the taxpayer; tells nothing."""
    return f"NNT-{subject_seed(seed, _SOURCE, citizen).hex()[:24]}"


def tax_record(citizen: Citizen, *, seed: int) -> TaxRecord:
    """The citizen as the office has them."""
    record = TaxRecord(
        tax_code=citizen.personal_number,
        personal_number=citizen.personal_number,
        former_number=citizen.former_number,
        name=citizen.full_name,
        birth_date="/".join(reversed(citizen.birth_date.split("-"))),
        sex=citizen.sex,
        phone=citizen.phone,
        email=citizen.email,
    )
    if citizen.index < len(CAST):
        return _cast_record(record, citizen, Part(citizen.index), seed)
    random = Random(f"tax {seed} {citizen.index}")  # noqa: S311  the same file every time is what is wanted
    drawn = {error for error, rate in TAX_RATES.items() if happens(random, rate)}
    return _spoilt(record, citizen, drawn, seed)


def _cast_record(record: TaxRecord, citizen: Citizen, part: Part, seed: int) -> TaxRecord:
    errors = {
        Part.ORDINARY_SECOND: {"upper_case"},
        Part.LOW_LEVEL: {"old_code"},
        Part.LOST_MARKS: {"lost_marks"},
        Part.FORMER_NUMBER: {"former_number_only", "old_code"},
    }.get(part, set())
    return _spoilt(record, citizen, errors, seed)


def _spoilt(record: TaxRecord, citizen: Citizen, errors: set[str], seed: int) -> TaxRecord:
    """The record with these errors, as far as they make a difference."""
    whole_date = citizen.birth_month is not None
    changes: dict[str, dict[str, str | None]] = {
        "upper_case": {"name": record.name.upper()},
        "lost_marks": {"name": without_marks(record.name).upper()},
        "old_code": {"tax_code": _old_code(citizen, seed)},
        "former_number_only": {"personal_number": None, "tax_code": _old_code(citizen, seed)},
        "month_only": {"birth_date": f"{citizen.birth_month or 1:02}/{citizen.birth_year}"},
        "year_only": {"birth_date": str(citizen.birth_year)},
        "no_email": {"email": None},
    }
    told: list[str] = []
    for error, change in changes.items():
        possible = {"former_number_only": citizen.former_number is not None, "month_only": whole_date}
        if error in errors and possible.get(error, True):
            changed = replace(record, **change)  # type: ignore[arg-type]  # each value is one that the field may have
            if changed != record:
                record, told = changed, [*told, error]
    return replace(record, errors=tuple(told))


def _old_code(citizen: Citizen, seed: int) -> str:
    digits = int.from_bytes(subject_seed(seed, "old tax code", citizen)[:8], "big") % 10**9
    return f"8{digits:09}"
