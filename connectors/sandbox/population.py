"""The invented population: the same citizens for the same seed, on every machine.

Citizen number i depends on the seed and on i alone (and on nobody having taken the same number before), so a larger
population begins with the smaller one. This is the truth of the sandbox; what each source has on file of it is in
`copies`. Nobody here is real: names, numbers and addresses are drawn by lot.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

from connectors.sandbox import names, places
from connectors.sandbox.cast import CAST
from connectors.sandbox.citizen import EMAIL_DOMAIN, PHONE_PREFIX, Citizen

DEFAULT_SEED = 2019
DEFAULT_COUNT = 5000

# Shares of the population, each drawn for every citizen on its own.
YEAR_ONLY_RATE = 0.08  # of those born before YEAR_ONLY_BEFORE: only the year of birth was ever written down
FORMER_NUMBER_RATE = 0.85  # of those born up to FORMER_NUMBER_UNTIL
LOW_ACCOUNT_RATE = 0.12  # an account of level 1 at the population register
LOCKED_RATE = 0.003
DECEASED_RATE = 0.005
NOT_IN_REGISTER_RATE = 0.015
YEAR_ONLY_BEFORE = 1966
FORMER_NUMBER_UNTIL = 2000
PLAIN_MIDDLE_NAMES_BEFORE = 1980

_BIRTH_DECADES = ((1930, 2), (1940, 4), (1950, 10), (1960, 14), (1970, 16), (1980, 20), (1990, 18), (2000, 16))
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

T = TypeVar("T")


class Weighted(Generic[T]):
    """Draws from a table of (value, weight); uses only `Random.random`, whose sequence Python promises to keep."""

    def __init__(self, table: Sequence[tuple[T, float]]) -> None:
        self._values = [value for value, _ in table]
        self._cumulative = list(accumulate(weight for _, weight in table))

    def draw(self, random: Random) -> T:
        return self._values[bisect(self._cumulative, random.random() * self._cumulative[-1])]


@dataclass(frozen=True)
class _Draws:
    """One community's tables, ready to draw from."""

    community: names.Community
    family: Weighted[str] = field(init=False)
    middle: dict[str, Weighted[str]] = field(init=False)
    given: dict[str, Weighted[str]] = field(init=False)

    def __post_init__(self) -> None:
        tables = self.community
        object.__setattr__(self, "family", Weighted(tables.family))
        middle = {"male": Weighted(tables.middle_male), "female": Weighted(tables.middle_female)}
        given = {"male": Weighted(tables.given_male), "female": Weighted(tables.given_female)}
        object.__setattr__(self, "middle", middle)
        object.__setattr__(self, "given", given)


_PLACES = Weighted([(code, weight) for code, _, weight in places.PROVINCES])
_DECADES = Weighted(_BIRTH_DECADES)
_COMMUNITIES = tuple(_Draws(community) for community in names.COMMUNITIES)
_KINH_FAMILY = Weighted(names.KINH_FAMILY)
_KINH_MIDDLE = {
    ("male", True): Weighted(names.KINH_MIDDLE_MALE_OLD),
    ("male", False): Weighted(names.KINH_MIDDLE_MALE_YOUNG),
    ("female", True): Weighted(names.KINH_MIDDLE_FEMALE_OLD),
    ("female", False): Weighted(names.KINH_MIDDLE_FEMALE_YOUNG),
}
_KINH_GIVEN = {"male": Weighted(names.KINH_GIVEN_MALE), "female": Weighted(names.KINH_GIVEN_FEMALE)}


def below(random: Random, limit: int) -> int:
    """A whole number from 0 to limit - 1."""
    return int(random.random() * limit)


def happens(random: Random, rate: float) -> bool:
    return random.random() < rate


def _name(random: Random, sex: str, year: int, place_code: str) -> tuple[str, str, str]:
    """(family, middle, given); a name that does not split is all in `given`."""
    lot = random.random()
    for draws in _COMMUNITIES:
        share = draws.community.share_by_province.get(place_code, 0.0)
        if lot < share:
            return _community_name(random, draws, sex)
        lot -= share
    middle = _KINH_MIDDLE[sex, year < PLAIN_MIDDLE_NAMES_BEFORE].draw(random)
    given = _KINH_GIVEN[sex].draw(random)
    return _KINH_FAMILY.draw(random), "" if middle == given else middle, given


def _community_name(random: Random, draws: _Draws, sex: str) -> tuple[str, str, str]:
    family, middle, given = draws.family.draw(random), draws.middle[sex].draw(random), draws.given[sex].draw(random)
    if happens(random, draws.community.single_word):
        return "", "", given.split()[0]
    if draws.community.family_first:
        return family, middle, given
    joined = f"{middle}{given}" if middle.endswith("'") else f"{middle} {given}"  # H'Blin, Y Blin
    return "", "", f"{joined} {family}"


def personal_number(random: Random, sex: str, year: int, place_code: str) -> str:
    """12 digits: province, century and sex, two digits of the year, six by lot (Circular 07/2016/TT-BCA article 7)."""
    century_and_sex = (year // 100 - 19) * 2 + (sex == "female")
    return f"{place_code}{century_and_sex}{year % 100:02}{below(random, 1_000_000):06}"


def _untaken_number(random: Random, sex: str, year: int, place_code: str, taken: set[str]) -> str:
    while (number := personal_number(random, sex, year, place_code)) in taken:
        pass
    taken.add(number)
    return number


def _birth(random: Random) -> tuple[int, int | None, int | None]:
    year = _DECADES.draw(random) + below(random, 10)
    month = 1 + below(random, 12)
    day = 1 + below(random, _DAYS_IN_MONTH[month - 1])
    if happens(random, YEAR_ONLY_RATE) and year < YEAR_ONLY_BEFORE:
        return year, None, None
    return year, month, day


def _citizen(seed: int, index: int, taken: set[str]) -> Citizen:
    random = Random(f"citizen {seed} {index}")  # noqa: S311  the same people every time is what is wanted
    sex = "female" if happens(random, 0.502) else "male"
    year, month, day = _birth(random)
    place_code = _PLACES.draw(random)
    family, middle, given = _name(random, sex, year, place_code)
    former = f"{place_code[1:]}{below(random, 10_000_000):07}"
    has_former = happens(random, FORMER_NUMBER_RATE) and year <= FORMER_NUMBER_UNTIL
    return Citizen(
        index=index,
        personal_number=_untaken_number(random, sex, year, place_code, taken),
        former_number=former if has_former else None,
        family=family,
        middle=middle,
        given=given,
        sex=sex,
        birth_year=year,
        birth_month=month,
        birth_day=day,
        place_code=place_code,
        phone=f"{PHONE_PREFIX}{below(random, 10_000_000):07}",
        email=f"cong-dan-{index}@{EMAIL_DOMAIN}",
        account_level=1 if happens(random, LOW_ACCOUNT_RATE) else 2,
        locked=happens(random, LOCKED_RATE),
        deceased=happens(random, DECEASED_RATE),
        in_register=not happens(random, NOT_IN_REGISTER_RATE),
    )


class Population:
    """All invented citizens: the fixed cast first, the drawn ones after them."""

    def __init__(self, seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> None:
        taken = {citizen.personal_number for citizen in CAST}
        drawn = (_citizen(seed, index, taken) for index in range(len(CAST), count))
        self.citizens: tuple[Citizen, ...] = (*CAST, *drawn)
        self._by_number = {citizen.personal_number: citizen for citizen in self.citizens}

    def __iter__(self) -> Iterator[Citizen]:
        return iter(self.citizens)

    def __len__(self) -> int:
        return len(self.citizens)

    def find(self, number_or_index: str) -> Citizen | None:
        """The citizen with this personal number, or (in fewer than 12 digits) at this index."""
        wanted = number_or_index.strip()
        if wanted in self._by_number:
            return self._by_number[wanted]
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 12 and int(wanted) < len(self.citizens):
            return self.citizens[int(wanted)]
        return None
