"""The invented businesses: 300 for the same seed, on every machine, and who may act for them.

The first six are fixed, like the cast. Every tax code begins with 99, which no province has, and ends in a right check
digit: all are well formed, and nobody's. Business number i depends on the seed and on i alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from random import Random

from connectors.sandbox import places
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.population import Population, below, happens

COUNT = 300
NOBODYS_PREFIX = "99"
LEGAL_REPRESENTATIVE, AUTHORISED = "legal_representative", "authorised"

# Shares of the drawn businesses.
DISSOLVED_RATE = 0.06
BRANCH_RATE = 0.10
SECOND_PERSON_RATE = 0.35  # somebody authorised beside the legal representative
EXPIRED_RATE = 0.25  # of those authorisations

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_GROWN_UP_SINCE = 1988
_DRAWN_FROM = 300  # representatives are among the first citizens, whom every larger population also has
_FORMS = ("Công ty TNHH", "Công ty cổ phần", "Công ty TNHH MTV", "Hợp tác xã", "Doanh nghiệp tư nhân")
_TRADES = ("Nông sản", "Dệt may", "Vận tải", "Xây dựng", "Cơ khí", "Nội thất", "Thủy sản", "Phần mềm", "Gốm sứ",
           "Du lịch", "Bao bì", "Dược liệu")  # fmt: skip
_FIRST = ("Sao", "Sóng", "Mây", "Núi", "Trăng", "Gió", "Suối", "Nắng")
_SECOND = ("Biếc", "Lúa", "Tre", "Sen", "Chàm", "Mộc", "Bạc", "Hồng")
_TITLES = ("Giám đốc", "Tổng giám đốc", "Chủ tịch hội đồng thành viên", "Chủ doanh nghiệp")


class Firm(IntEnum):
    """Who plays what among the businesses; the value is the index."""

    ORDINARY = 0  # directed by ORDINARY, with no end
    BRANCH = 1  # of the next; ORDINARY may act for it until a day in the future
    PARENT = 2  # of the branch; directed by ORDINARY_FOURTH
    ORDINARY_SECOND = 3  # directed by ORDINARY_SECOND
    EXPIRED = 4  # what ORDINARY_THIRD was given has run out
    DISSOLVED = 5  # directed by ORDINARY_THIRD to its end


@dataclass(frozen=True, kw_only=True, slots=True)
class Mandate:
    """Why a person may act for a business: `authority` is LEGAL_REPRESENTATIVE or AUTHORISED, `role` their title."""

    personal_number: str
    role: str
    authority: str
    since: date
    until: date | None = None  # the last day


@dataclass(frozen=True, kw_only=True, slots=True)
class Business:
    index: int
    tax_code: str  # ten digits, for a branch with -001 behind
    name: str
    place: str
    active: bool
    mandates: tuple[Mandate, ...]

    @property
    def legal_representative(self) -> str | None:
        """The personal number of whoever may do everything; a branch has nobody of its own."""
        return next((one.personal_number for one in self.mandates if one.authority == LEGAL_REPRESENTATIVE), None)


def with_check_digit(nine_digits: str) -> str | None:
    """The tax code that begins so; None where the check would need two digits: such codes are never given out.

    >>> with_check_digit("010010910")
    '0100109106'
    """
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, nine_digits, strict=True))
    check = 10 - total % 11
    return None if check == 10 else f"{nine_digits}{check}"


def _tax_code(random: Random, taken: set[str]) -> str:
    while True:
        code = with_check_digit(f"{NOBODYS_PREFIX}{below(random, 10_000_000):07}")
        if code is not None and code not in taken:
            taken.add(code)
            return code


def _cast_mandate(part: Part, role: str, since: date, until: date | None = None) -> Mandate:
    authority = AUTHORISED if role == "Người được ủy quyền" else LEGAL_REPRESENTATIVE
    return Mandate(personal_number=CAST[part].personal_number, role=role, authority=authority, since=since, until=until)


def _cast_business(firm: Firm, tax_code: str, name: str, mandate: Mandate, *, active: bool = True) -> Business:
    return Business(index=int(firm), tax_code=tax_code, name=name, place="Hà Nội", active=active, mandates=(mandate,))


_BY_PROXY = "Người được ủy quyền"
BUSINESS_CAST: tuple[Business, ...] = (
    _cast_business(
        Firm.ORDINARY,
        "9900000016",
        "Công ty TNHH Gốm sứ Sao Biếc",
        _cast_mandate(Part.ORDINARY, "Giám đốc", date(2019, 5, 20)),
    ),
    _cast_business(
        Firm.BRANCH,
        "9900000023-001",
        "Chi nhánh 1 - Công ty cổ phần Vận tải Sóng Lúa",
        _cast_mandate(Part.ORDINARY, _BY_PROXY, date(2024, 1, 1), date(2049, 12, 31)),
    ),
    _cast_business(
        Firm.PARENT,
        "9900000023",
        "Công ty cổ phần Vận tải Sóng Lúa",
        _cast_mandate(Part.ORDINARY_FOURTH, "Tổng giám đốc", date(2015, 9, 9)),
    ),
    _cast_business(
        Firm.ORDINARY_SECOND,
        "9900000030",
        "Doanh nghiệp tư nhân Dệt may Mây Tre",
        _cast_mandate(Part.ORDINARY_SECOND, "Chủ doanh nghiệp", date(2020, 2, 3)),
    ),
    _cast_business(
        Firm.EXPIRED,
        "9900000048",
        "Công ty TNHH Phần mềm Trăng Bạc",
        _cast_mandate(Part.ORDINARY_THIRD, _BY_PROXY, date(2022, 6, 1), date(2025, 5, 31)),
    ),
    _cast_business(
        Firm.DISSOLVED,
        "9900000055",
        "Công ty TNHH Du lịch Nắng Hồng",
        _cast_mandate(Part.ORDINARY_THIRD, "Giám đốc", date(2021, 4, 4)),
        active=False,
    ),
)


class Businesses:
    """All invented businesses: the fixed ones first, the drawn ones after them."""

    def __init__(self, seed: int, count: int = COUNT) -> None:
        taken = {business.tax_code[:10] for business in BUSINESS_CAST}
        first = Population(seed, _DRAWN_FROM).citizens[len(CAST) :]
        people = [citizen.personal_number for citizen in first if citizen.birth_year <= _GROWN_UP_SINCE]
        drawn = (_business(seed, index, people, taken) for index in range(len(BUSINESS_CAST), count))
        self.businesses: tuple[Business, ...] = (*BUSINESS_CAST, *drawn)
        self._by_code = {business.tax_code: business for business in self.businesses}

    def __getitem__(self, index: int) -> Business:
        return self.businesses[index]

    def __iter__(self) -> Iterator[Business]:
        return iter(self.businesses)

    def __len__(self) -> int:
        return len(self.businesses)

    def find(self, tax_code: str) -> Business | None:
        return self._by_code.get(tax_code)

    def of(self, personal_number: str) -> list[tuple[Business, Mandate]]:
        """Everything that this person may or might act for, also what has run out or been dissolved."""
        pairs = ((business, mandate) for business in self.businesses for mandate in business.mandates)
        return [pair for pair in pairs if pair[1].personal_number == personal_number]


def _business(seed: int, index: int, people: list[str], taken: set[str]) -> Business:
    random = Random(f"business {seed} {index}")  # noqa: S311  the same businesses every time is what is wanted
    form, trade = (words[below(random, len(words))] for words in (_FORMS, _TRADES))
    first, second = (words[below(random, len(words))] for words in (_FIRST, _SECOND))
    code, name = _tax_code(random, taken), f"{form} {trade} {first} {second} {index}"
    place = places.PROVINCES[below(random, len(places.PROVINCES))][1]
    is_branch = happens(random, BRANCH_RATE)
    if is_branch:
        number = 1 + below(random, 20)
        code, name = f"{code}-{number:03}", f"Chi nhánh {number} - {name}"
    return Business(
        index=index,
        tax_code=code,
        name=name,
        place=place,
        active=not happens(random, DISSOLVED_RATE),
        mandates=tuple(_mandates(random, people, is_branch)),
    )


def _mandates(random: Random, people: list[str], is_branch: bool) -> Iterator[Mandate]:
    """A branch has only people who were authorised; everybody else has a legal representative first."""
    first, second = (people[below(random, len(people))] for _ in range(2))
    since = date(2008 + below(random, 16), 1 + below(random, 12), 1 + below(random, 28))
    title = _TITLES[below(random, len(_TITLES))]
    expired, also = happens(random, EXPIRED_RATE), happens(random, SECOND_PERSON_RATE)
    until = date(2025, 6, 30) if expired else date(2049, 12, 31)
    if not is_branch:
        yield Mandate(personal_number=first, role=title, authority=LEGAL_REPRESENTATIVE, since=since)
    if is_branch or (also and second != first):
        yield Mandate(personal_number=second, role=_BY_PROXY, authority=AUTHORISED, since=since, until=until)
