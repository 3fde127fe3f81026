"""Numbers of papers, each unique by the way it is made: nobody has to remember those that were given out before.

A count is mixed into a number by a few rounds that can be undone, so that two counts never give one number. Twins get
two numbers that follow each other, as families get who have their children's papers made together.
"""

from __future__ import annotations

from random import Random
from zlib import crc32

from connectors.sandbox.citizen import PHONE_PREFIX
from connectors.sandbox.population import below

FORMER_PHONE_PREFIX = "+8451"  # of telephones that nobody has any more; in no use either
MOST_PEOPLE = 9_000_000  # in one country: so many telephones are there
_FACTORS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)  # of a tax code's first nine digits


def mixed(count: int, key: str, left: int, right: int) -> int:
    """A number below left * right that no other such count gives under the same key."""
    high, low = divmod(count, right)
    secret = crc32(key.encode())
    for factor in _FACTORS:
        high = (high + ((low ^ secret) * factor >> 11)) % left
        low = (low + ((high ^ secret) * factor >> 13)) % right
    return high * right + low


def check_digit(nine: str) -> int:
    """The tenth digit of a tax code; 10 where there is no code with these nine."""
    return 10 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, nine, strict=True)) % 11


class PersonalNumbers:
    """12 digits: place, century and sex, two digits of the year, six by lot (Circular 07/2016/TT-BCA article 7)."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: dict[str, int] = {}  # how many pairs of each beginning: no more entries than places, sexes, years

    def pair(self, place: str, sex: str, year: int) -> tuple[str, str]:
        """Two numbers that follow each other, the first of them even; nobody gets either of them again."""
        beginning = f"{place}{(year // 100 - 19) * 2 + (sex == 'female')}{year % 100:02}"
        count = self._given.get(beginning, 0)
        if count >= 500_000:
            raise ValueError("more people of one place, sex and year than there are numbers for")
        self._given[beginning] = count + 1
        serial = 2 * mixed(count, f"{self._seed}{beginning}", 500, 1000)
        return f"{beginning}{serial:06}", f"{beginning}{serial + 1:06}"


def former_number(random: Random, place: str) -> str:
    """Nine digits, the first two of the province that gave it out. Nobody saw to it that no other gave out the same."""
    return f"{place[1:]}{below(random, 10_000_000):07}"


def follows(number: str) -> str:
    """The number after this one; after the last of its length, the first."""
    return f"{(int(number) + 1) % 10 ** len(number):0{len(number)}}"


def insurance_number(seed: int, count: int, place: str, *, second: bool = False) -> str:
    """Ten digits, the first two of the province; `second` is the one after, for a twin of who has this count."""
    return f"{int(place) % 100:02}{2 * mixed(count, f'{seed}insurance', 5000, 10_000) + second:08}"


def health_card(random: Random, insurance: str, age: int) -> str:
    """15 characters: whose card, the share that is paid, the province, the insurance number (QD 1351/QD-BHXH)."""
    if age < 6:
        group = "TE1"
    elif age < 22:
        group = "HS4"
    elif age >= 60:
        group = ("HT2", "CT2", "GD4")[below(random, 3)]
    else:
        group = ("DN4", "DN4", "GD4", "HN2", "DT2", "CN3")[below(random, 6)]
    return f"{group}{insurance[:2]}{insurance}"


def tax_code(seed: int, count: int) -> str:
    """Ten digits with a check digit, of the kind that people got before July 2025."""
    value = count
    while True:  # round and round until there is a check digit: that too gives no number twice
        value = mixed(value, f"{seed}tax", 10_000, 10_000)
        nine = f"8{value:08}"
        if (digit := check_digit(nine)) < 10:
            return f"{nine}{digit}"


def passport(seed: int, count: int, *, letter: str) -> str:
    return f"{letter}{mixed(count, f'{seed}passport{letter}', 2500, 4000):07}"


def residence_paper(seed: int, count: int) -> str:
    return f"TT{mixed(count, f'{seed}residence', 2500, 4000):07}"


def phone(seed: int, count: int, *, prefix: str = PHONE_PREFIX) -> str:
    return f"{prefix}{mixed(count, f'{seed}phone{prefix}', 2500, 4000):07}"
