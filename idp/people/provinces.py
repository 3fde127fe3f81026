"""The provinces of today and those that went into them on 1 July 2025 (Resolution 202/2025/QH15): papers have both."""

from __future__ import annotations

from idp.people.names import folded

# The province of today, then those of before that it is made of.
_MERGED = (
    ("An Giang", "Kiên Giang"), ("Bắc Ninh", "Bắc Giang"), ("Cà Mau", "Bạc Liêu"), ("Cao Bằng",),
    ("Cần Thơ", "Sóc Trăng", "Hậu Giang"), ("Đà Nẵng", "Quảng Nam"), ("Đắk Lắk", "Phú Yên"), ("Điện Biên",),
    ("Đồng Nai", "Bình Phước"), ("Đồng Tháp", "Tiền Giang"), ("Gia Lai", "Bình Định"), ("Hà Nội",), ("Hà Tĩnh",),
    ("Hải Phòng", "Hải Dương"), ("Hồ Chí Minh", "Bình Dương", "Bà Rịa Vũng Tàu"), ("Huế", "Thừa Thiên Huế"),
    ("Hưng Yên", "Thái Bình"), ("Khánh Hòa", "Ninh Thuận"), ("Lai Châu",), ("Lạng Sơn",), ("Lào Cai", "Yên Bái"),
    ("Lâm Đồng", "Đắk Nông", "Bình Thuận"), ("Nghệ An",), ("Ninh Bình", "Hà Nam", "Nam Định"),
    ("Phú Thọ", "Hòa Bình", "Vĩnh Phúc"), ("Quảng Ngãi", "Kon Tum"), ("Quảng Ninh",), ("Quảng Trị", "Quảng Bình"),
    ("Sơn La",), ("Tây Ninh", "Long An"), ("Thái Nguyên", "Bắc Kạn"), ("Thanh Hóa",), ("Tuyên Quang", "Hà Giang"),
    ("Vĩnh Long", "Bến Tre", "Trà Vinh"),
)  # fmt: skip
_TODAY = {folded(name): folded(today) for today, *before in _MERGED for name in (today, *before)}
_RANKS = ("tinh ", "thanh pho ", "tp ")


def of_today(name: str) -> str | None:
    """The key of the province of today that this one is, or went into; None for no province."""
    key = folded(name)
    for rank in _RANKS:
        key = key.removeprefix(rank)
    return _TODAY.get(key)
