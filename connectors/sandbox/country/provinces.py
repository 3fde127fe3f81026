"""The provinces before and since July 2025, when 63 became 34 (Resolution 202/2025/QH15).

People are born, and papers numbered, by the codes of the 63; addresses have the name of today or still that of before.
"""

from __future__ import annotations

from random import Random

from connectors.sandbox import places
from connectors.sandbox.population import Weighted, below

# Today's name, and the former provinces that are in it; the others are what they were.
_MERGED = {
    "Tuyên Quang": "002 008", "Lào Cai": "010 015", "Thái Nguyên": "006 019", "Phú Thọ": "017 025 026",
    "Bắc Ninh": "024 027", "Hưng Yên": "033 034", "Hải Phòng": "030 031", "Ninh Bình": "035 036 037",
    "Quảng Trị": "044 045", "Đà Nẵng": "048 049", "Quảng Ngãi": "051 062", "Gia Lai": "052 064",
    "Khánh Hòa": "056 058", "Lâm Đồng": "060 067 068", "Đắk Lắk": "054 066", "Hồ Chí Minh": "074 077 079",
    "Đồng Nai": "070 075", "Tây Ninh": "072 080", "Cần Thơ": "092 093 094", "Vĩnh Long": "083 084 086",
    "Đồng Tháp": "082 087", "Cà Mau": "095 096", "An Giang": "089 091", "Huế": "046",
}  # fmt: skip
CITIES = frozenset({"Hà Nội", "Huế", "Hải Phòng", "Đà Nẵng", "Hồ Chí Minh", "Cần Thơ"})

BEFORE = {code: name.removeprefix("Thành phố ") for code, name in places.PROVINCE_NAMES.items()}
TODAY = BEFORE | {code: name for name, codes in _MERGED.items() for code in codes.split()}
CODES = tuple(BEFORE)

# Births abroad bear a country's code; which country has which is of our making, but for being none of the 63.
ABROAD = ("105", "112", "118", "126", "131", "143", "157", "164", "172", "188")

_BIRTHS = Weighted([(code, weight) for code, _, weight in places.PROVINCES])


def drawn(random: Random) -> str:
    """The code of a province, larger ones more often."""
    return _BIRTHS.draw(random)


def abroad(random: Random) -> str:
    return ABROAD[below(random, len(ABROAD))]
