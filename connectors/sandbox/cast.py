"""The fixed cast: invented citizens who are the same for every seed, at known indexes, for the demo and for tests."""

from __future__ import annotations

from enum import IntEnum

from connectors.sandbox.citizen import EMAIL_DOMAIN, PHONE_PREFIX, Citizen


class Part(IntEnum):
    """Who plays what; the value is the citizen's index at every source."""

    ORDINARY = 0
    ORDINARY_SECOND = 1
    ORDINARY_THIRD = 2
    LOW_LEVEL = 3  # account of level 1 at the population register
    LOCKED = 4  # the account is locked, at every source
    DECEASED = 5  # the population register knows; a bank does not
    YEAR_ONLY = 6  # only the year of birth is known, everywhere
    LOST_MARKS = 7  # banks have the name in capitals without marks
    NOT_IN_REGISTER = 8
    FORMER_NUMBER = 9  # banks know only the 9-digit former number
    ONE_WORD = 10  # the whole name is one word
    WRONG_NUMBER = 11  # banks have filed this person under the number of ORDINARY_FOURTH
    ORDINARY_FOURTH = 12


def _member(part: Part, number: str, names: str, born: tuple[int, int | None, int | None], **more: object) -> Citizen:
    """`names` is family|middle|given; place and sex are read from the number."""
    family, middle, given = names.split("|")
    values: dict[str, object] = {
        "index": int(part),
        "personal_number": number,
        "former_number": None,
        "family": family,
        "middle": middle,
        "given": given,
        "sex": "female" if int(number[3]) % 2 else "male",
        "birth_year": born[0],
        "birth_month": born[1],
        "birth_day": born[2],
        "place_code": number[:3],
        "phone": f"{PHONE_PREFIX}{int(part):07}",
        "email": f"cong-dan-{int(part)}@{EMAIL_DOMAIN}",
        "note": "Bình thường",
        "note_english": "nothing particular",
    }
    return Citizen(**(values | more))  # type: ignore[arg-type]


CAST: tuple[Citizen, ...] = (
    _member(Part.ORDINARY, "001090000101", "Trần|Minh|Quân", (1990, 3, 14), former_number="010000101"),
    _member(Part.ORDINARY_SECOND, "079185000202", "Nguyễn|Thị Thu|Hà", (1985, 11, 2), former_number="020000202"),
    _member(Part.ORDINARY_THIRD, "048201000303", "Lê|Hoàng|Đức", (2001, 7, 25)),
    _member(
        Part.LOW_LEVEL,
        "031096000404",
        "Phạm|Văn|Bình",
        (1996, 1, 30),
        account_level=1,
        note="Tài khoản định danh mức 1",
        note_english="account of level 1 at the population register",
    ),
    _member(
        Part.LOCKED,
        "034179000505",
        "Bùi|Thị|Lan",
        (1979, 6, 6),
        former_number="150000505",
        locked=True,
        note="Tài khoản đang bị khóa",
        note_english="the account is locked",
    ),
    _member(
        Part.DECEASED,
        "036041000606",
        "Đặng|Văn|Thọ",
        (1941, 5, 19),
        former_number="160000606",
        deceased=True,
        note="Đã mất; ngân hàng chưa biết",
        note_english="has died; banks do not know yet",
    ),
    _member(
        Part.YEAR_ONLY,
        "002152000707",
        "Giàng|Thị|Mỷ",
        (1952, None, None),
        former_number="070000707",
        note="Chỉ biết năm sinh",
        note_english="only the year of birth is known",
    ),
    _member(
        Part.LOST_MARKS,
        "040188000808",
        "Hoàng|Thuý|Đào",
        (1988, 8, 8),
        former_number="180000808",
        note="Ngân hàng ghi tên không dấu",
        note_english="banks have the name without marks",
    ),
    _member(
        Part.NOT_IN_REGISTER,
        "092093000909",
        "Võ|Thành|Nhân",
        (1993, 12, 12),
        in_register=False,
        note="Không có trong cơ sở dữ liệu dân cư",
        note_english="not in the population register",
    ),
    _member(
        Part.FORMER_NUMBER,
        "089172001010",
        "Huỳnh|Ngọc|Ánh",
        (1972, 4, 27),
        former_number="350001010",
        note="Ngân hàng chỉ có số CMND 9 số",
        note_english="banks know only the former 9-digit number",
    ),
    _member(
        Part.ONE_WORD,
        "066199001111",
        "||H'Blin",
        (1999, 9, 9),
        note="Tên chỉ có một từ",
        note_english="a name of one word",
    ),
    _member(
        Part.WRONG_NUMBER,
        "027083001212",
        "Đỗ|Quang|Huy",
        (1983, 10, 20),
        former_number="120001212",
        note="Ngân hàng ghi nhầm số của người khác",
        note_english="banks have filed somebody else's number",
    ),
    _member(Part.ORDINARY_FOURTH, "022084001313", "Ngô|Gia|Bảo", (1984, 2, 11), former_number="100001313"),
)

# Three citizens with whom everything goes well at every source: the ones to show first.
TO_TRY: tuple[Citizen, ...] = (CAST[Part.ORDINARY], CAST[Part.ORDINARY_SECOND], CAST[Part.ORDINARY_THIRD])

PASSWORD = "thu-nghiem"  # every citizen's, at every source; published on the sign-in page
ONE_TIME_CODE = "246810"  # likewise
