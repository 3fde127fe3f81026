"""One invented person."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sandbox import places

EMAIL_DOMAIN = "thu.example"  # a top-level domain reserved for examples (RFC 2606 section 2)
PHONE_PREFIX = "+8450"  # believed to be given to no network, so that a message sent by mistake reaches nobody


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """One invented person as they are. `birth_month` and `birth_day` are None where only the year is known."""

    index: int
    personal_number: str
    former_number: str | None
    family: str
    middle: str
    given: str
    sex: str  # "male" or "female"
    birth_year: int
    birth_month: int | None
    birth_day: int | None
    place_code: str
    phone: str
    email: str
    account_level: int = 2  # 1 or 2, of the account at the population register
    locked: bool = False
    deceased: bool = False
    in_register: bool = True
    note: str = ""  # for a citizen of the fixed cast: what is particular, in Vietnamese
    note_english: str = ""

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.family, self.middle, self.given) if part)

    @property
    def place(self) -> str:
        return places.PROVINCE_NAMES[self.place_code]

    @property
    def birth_date(self) -> str:
        """`YYYY-MM-DD`, or `YYYY` where only the year is known (OpenID Connect Core section 5.1)."""
        if self.birth_month is None or self.birth_day is None:
            return str(self.birth_year)
        return f"{self.birth_year}-{self.birth_month:02}-{self.birth_day:02}"
