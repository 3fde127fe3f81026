"""One person of the invented country, as they are; what the register and the sources have of it is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sandbox.country.names import Name

THIS_YEAR = 2026  # the country stands at 1 January of it
_BANDS = ((14, "0-13"), (18, "14-17"), (30, "18-29"), (45, "30-44"), (60, "45-59"), (75, "60-74"), (999, "75+"))
AGE_BANDS = tuple(band for _, band in _BANDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Born:
    """`month` and `day` are None where only the year, `day` where only the month was ever written down."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def iso(self) -> str:
        """`1958-03-07`, `1958-03` or `1958`."""
        parts = [f"{part:02}" for part in (self.month, self.day) if part is not None]
        return "-".join([str(self.year), *parts])

    @property
    def age(self) -> int:
        return THIS_YEAR - 1 - self.year


@dataclass(frozen=True, kw_only=True, slots=True)
class Former:
    """A value that was another before: by a correction of the register, a marriage, or a change on request."""

    reason: str  # "rectified", "married" or "changed"
    name: Name | None = None
    birth: Born | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """The numbers of a person's papers; those of foreigners are a passport and a paper of residence."""

    personal_number: str | None
    former_number: str | None
    tax_code: str | None  # ten digits, from before July 2025
    insurance_number: str
    health_card: str
    passport: str | None
    former_passport: str | None
    residence_paper: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """`structures` are the particular things about a person, for whoever counts; `known` what the register has beside.

    `home` is a province's code of before July 2025; `birth_place` too, or a country's.
    """

    id: str
    in_register: bool
    name: Name
    born: Born
    sex: str  # "male" or "female"
    alive: bool
    birth_place: str
    home: str
    nationality: str  # ISO 3166-1 alpha-3
    papers: Papers
    phone: str | None
    former: tuple[Former, ...]
    guardians: tuple[str, ...]
    structures: tuple[str, ...]
    known: frozenset[str]

    @property
    def age_band(self) -> str:
        return next(band for until, band in _BANDS if self.born.age < until)
