"""How often somebody of the invented country bears which name.

The shares of the large families are those that are told of Vietnam everywhere; all else is our own rounding. Given
names, and the names of minorities, are those of the sandbox (`connectors.sandbox.names`).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from connectors.sandbox import names as sandbox
from connectors.sandbox.names import Table
from connectors.sandbox.population import Weighted, happens

KINH = "Kinh"
FOREIGN = "foreign"

# In ten-thousandths, of the Kinh; with the minorities in, three or four people less in a hundred are called Nguyễn.
_FAMILY: Table = (
    ("Nguyễn", 4160), ("Trần", 1210), ("Lê", 950), ("Phạm", 700), ("Hoàng", 280), ("Huỳnh", 240), ("Phan", 450),
    ("Vũ", 210), ("Võ", 190), ("Đặng", 210), ("Bùi", 200), ("Đỗ", 140), ("Hồ", 130), ("Ngô", 130), ("Dương", 100),
    ("Lý", 50), ("Đinh", 60), ("Đoàn", 55), ("Trương", 85), ("Trịnh", 45), ("Đào", 45), ("Mai", 40), ("Lương", 40),
    ("Hà", 35), ("Cao", 38), ("Tạ", 25), ("Lâm", 30), ("Tô", 22), ("Phùng", 25), ("Châu", 18), ("Quách", 10),
    ("Thái", 20), ("Tống", 14), ("Chu", 16), ("Kiều", 10), ("Vương", 14), ("Văn", 8), ("Doãn", 5), ("Tăng", 9),
    ("Từ", 7), ("Hứa", 6), ("Lưu", 22), ("Triệu", 9), ("Nghiêm", 6), ("Khổng", 4), ("Bạch", 6), ("Thân", 4),
    ("Giáp", 4), ("Viên", 2), ("Ninh", 4), ("Đồng", 5), ("Cù", 3), ("La", 5), ("Ông", 3), ("Tôn", 4), ("Âu", 2),
)  # fmt: skip

# Middle names by sex and by when somebody was born: before 1960, before 1980, before 2000, since.
_MALE_OLDEST: Table = (
    ("Văn", 640), ("", 60), ("Đình", 40), ("Hữu", 40), ("Xuân", 35), ("Ngọc", 25), ("Công", 25), ("Đức", 25),
    ("Bá", 25), ("Viết", 15), ("Trọng", 15), ("Thế", 12), ("Duy", 8), ("Sỹ", 8), ("Khắc", 12), ("Phúc", 5),
)  # fmt: skip
_MALE_NEWEST: Table = (
    ("Văn", 60), ("", 8), ("Minh", 130), ("Gia", 110), ("Đức", 70), ("Quang", 55), ("Anh", 60), ("Hoàng", 75),
    ("Quốc", 50), ("Tuấn", 50), ("Thanh", 25), ("Duy", 50), ("Hữu", 20), ("Ngọc", 25), ("Thành", 40), ("Bảo", 60),
    ("Nhật", 40), ("Hải", 25), ("Tiến", 28), ("Đăng", 35), ("Khánh", 20), ("Trung", 18), ("Phúc", 18), ("Thiên", 18),
    ("Hoàng Gia", 4), ("Nguyễn Minh", 5), ("Hoàng Anh", 6), ("Trần Bảo", 3), ("Lê Minh", 3), ("Nguyễn Gia", 4),
)  # fmt: skip
_FEMALE_OLDEST: Table = (
    ("Thị", 900), ("", 40), ("Thị Kim", 12), ("Thị Ngọc", 10), ("Thị Thanh", 8), ("Kim", 10), ("Ngọc", 8), ("Thanh", 5),
    ("Mỹ", 4), ("Thị Bích", 4),
)  # fmt: skip
_FEMALE_NEWEST: Table = (
    ("Thị", 70), ("", 8), ("Ngọc", 105), ("Bảo", 85), ("Khánh", 70), ("Minh", 75), ("Phương", 65), ("Quỳnh", 60),
    ("Thanh", 35), ("Thùy", 25), ("Thuỳ", 8), ("Như", 35), ("Thảo", 30), ("Gia", 35), ("Hà", 28), ("Anh", 25),
    ("Diệu", 22), ("Tường", 18), ("Linh", 18), ("An", 18), ("Thị Ngọc", 15), ("Thị Thanh", 12), ("Thị Thu", 10),
    ("Nguyễn Bảo", 6), ("Hoàng Khánh", 5), ("Trần Ngọc", 4), ("Lê Ngọc", 4), ("Phạm Quỳnh", 3), ("Huyền", 12),
)  # fmt: skip
_MIDDLE = {
    "male": (
        (1960, Weighted(_MALE_OLDEST)),
        (1980, Weighted(sandbox.KINH_MIDDLE_MALE_OLD)),
        (2000, Weighted(sandbox.KINH_MIDDLE_MALE_YOUNG)),
        (9999, Weighted(_MALE_NEWEST)),
    ),
    "female": (
        (1960, Weighted(_FEMALE_OLDEST)),
        (1980, Weighted(sandbox.KINH_MIDDLE_FEMALE_OLD)),
        (2000, Weighted(sandbox.KINH_MIDDLE_FEMALE_YOUNG)),
        (9999, Weighted(_FEMALE_NEWEST)),
    ),
}
_KINH_FAMILY = Weighted(_FAMILY)
_KINH_GIVEN = {"male": Weighted(sandbox.KINH_GIVEN_MALE), "female": Weighted(sandbox.KINH_GIVEN_FEMALE)}

# Names that differ by a mark alone: twins like to get them, and who loses the marks makes one person of two.
_ALIKE = (
    "Anh Ánh", "Hà Hạ", "Thu Thư", "Hương Hường", "Tuấn Tuân", "Thanh Thành", "Hoa Hòa", "Lan Lân", "Dương Dưỡng",
    "Thuận Thuần", "Phương Phượng", "Thúy Thùy", "Quyên Quyến", "Huyền Huyên", "Toàn Toản", "Dũng Dung", "Hùng Hưng",
    "Bình Bính", "Giang Giáng", "Yến Yên", "Nga Ngà", "My Mỹ", "Trinh Trình", "Việt Viết", "Khánh Khanh", "Hải Hai",
    "Cường Cương", "Thắng Thăng", "Nhân Nhẫn", "Hiền Hiển", "Thảo Thao", "Ngân Ngàn", "Tâm Tám", "Lệ Lê", "Chi Chí",
)  # fmt: skip
ALIKE = {one: other for pair in _ALIKE for one, other in (pair.split(), pair.split()[::-1])}


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """`given` is the whole name where it does not split; `origin` is the community that such names are of."""

    family: str
    middle: str
    given: str
    origin: str

    @property
    def full(self) -> str:
        return " ".join(part for part in (self.family, self.middle, self.given) if part)


@dataclass(frozen=True, kw_only=True)
class _Community:
    """A minority's tables, ready to draw from."""

    of: sandbox.Community
    family: Weighted[str]
    middle: dict[str, Weighted[str]]
    given: dict[str, Weighted[str]]


def _ready(of: sandbox.Community) -> _Community:
    return _Community(
        of=of,
        family=Weighted(of.family),
        middle={"male": Weighted(of.middle_male), "female": Weighted(of.middle_female)},
        given={"male": Weighted(of.given_male), "female": Weighted(of.given_female)},
    )


_COMMUNITIES = {community.name: _ready(community) for community in sandbox.COMMUNITIES}


@dataclass(frozen=True, kw_only=True)
class Nation:
    """Where foreigners come from. `women_change` is the share of married women who bear their husband's name."""

    code: str
    weight: int
    women_change: float
    family: tuple[str, ...]
    male: tuple[str, ...]
    female: tuple[str, ...]


NATIONS = (
    Nation(
        code="KOR", weight=40, women_change=0.0,
        family=("Kim", "Lee", "Park", "Choi", "Jung", "Kang", "Cho", "Yoon", "Lim", "Shin"),
        male=("Min Jun", "Seo Jun", "Ji Hoon", "Sung Min", "Jae Hyun", "Dong Hyun", "Young Ho", "Kwang Soo"),
        female=("Seo Yeon", "Ji Woo", "Min Ji", "Hye Jin", "Soo Jin", "Eun Ji", "Young Hee", "Mi Kyung"),
    ),
    Nation(
        code="CHN", weight=30, women_change=0.0,
        family=("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Huang", "Zhao", "Wu", "Zhou"),
        male=("Wei", "Jun", "Qiang", "Lei", "Haoran", "Zhiming", "Jianguo", "Bin", "Tao"),
        female=("Fang", "Na", "Xiuying", "Min", "Jing", "Yan", "Xiaoli", "Ting", "Mei"),
    ),
    Nation(
        code="JPN", weight=14, women_change=0.9,
        family=("Sato", "Suzuki", "Takahashi", "Tanaka", "Watanabe", "Ito", "Yamamoto", "Nakamura"),
        male=("Hiroshi", "Kenji", "Takashi", "Daisuke", "Yuta", "Kazuya", "Makoto"),
        female=("Yuko", "Keiko", "Aiko", "Misaki", "Naomi", "Haruka", "Kumiko"),
    ),
    Nation(
        code="FRA", weight=8, women_change=0.6,
        family=("Martin", "Bernard", "Dubois", "Lefèvre", "Moreau", "Girard", "Noël", "D'Aubert"),
        male=("Jean Luc", "Pierre", "André", "François", "Loïc", "Hugo", "Michel"),
        female=("Hélène", "Marie Anne", "Chloé", "Sophie", "Amélie", "Zoé", "Claire"),
    ),
    Nation(
        code="USA", weight=8, women_change=0.7,
        family=("Smith", "Johnson", "Williams", "Brown", "O'Neill", "Garcia", "Miller", "Nguyen", "Tran"),
        male=("James Robert", "Michael", "David Lee", "William", "Daniel", "Kevin"),
        female=("Mary Ann", "Jennifer", "Linda", "Susan Marie", "Jessica", "Kim"),
    ),
)  # fmt: skip
_NATIONS = Weighted([(nation, nation.weight) for nation in NATIONS])


def origin_at(random: Random, place: str) -> str:
    """The community of a family from the province with this code."""
    lot = random.random()
    for community in _COMMUNITIES.values():
        share = community.of.share_by_province.get(place, 0.0)
        if lot < share:
            return community.of.name
        lot -= share
    return KINH


def nation(random: Random) -> Nation:
    return _NATIONS.draw(random)


def foreign(random: Random, of: Nation, sex: str) -> Name:
    """A name as a passport of that country has it."""
    given = _one(random, of.male if sex == "male" else of.female)
    return Name(family=_one(random, of.family), middle="", given=given, origin=FOREIGN)


def name(random: Random, *, origin: str, sex: str, year: int, family: str = "") -> Name:
    """A name of that community for somebody born in that year; with the family's name where one is given."""
    if origin == KINH:
        middle, given = middle_of(random, sex, year), _KINH_GIVEN[sex].draw(random)
        return Name(
            family=family or _KINH_FAMILY.draw(random),
            middle="" if middle == given else middle,
            given=given,
            origin=KINH,
        )
    tables = _COMMUNITIES[origin]
    family = family or tables.family.draw(random)
    middle, given = tables.middle[sex].draw(random), tables.given[sex].draw(random)
    if happens(random, tables.of.single_word):
        return Name(family="", middle="", given=given.split()[0], origin=origin)
    if tables.of.family_first:
        return Name(family=family, middle=middle, given=given, origin=origin)
    joined = f"{middle}{given}" if middle.endswith("'") else f"{middle} {given}"  # H'Blin, Y Blin
    return Name(family="", middle="", given=f"{joined} {family}", origin=origin)


def middle_of(random: Random, sex: str, year: int) -> str:
    return next(table for until, table in _MIDDLE[sex] if year < until).draw(random)


def another_given(random: Random, of: Name, sex: str) -> Name:
    """The name with another given name, of a sibling or of somebody who changed theirs."""
    while True:
        given = _given(random, of, sex)
        if given != of.given:
            return Name(family=of.family, middle=of.middle, given=given, origin=of.origin)


def of_twin(random: Random, of: Name, sex: str) -> Name:
    """The name of a twin of that sex: another given name, often one that differs by a mark alone."""
    if of.given in ALIKE and happens(random, 0.5):
        return Name(family=of.family, middle=of.middle, given=ALIKE[of.given], origin=of.origin)
    return another_given(random, of, sex)


def with_family(random: Random, of: Name, nation: Nation | None) -> Name:
    """The name with another family's, of whoever married into one."""
    family = _KINH_FAMILY.draw(random) if nation is None else _one(random, nation.family)
    return Name(family=family, middle=of.middle, given=of.given, origin=of.origin)


def _given(random: Random, of: Name, sex: str) -> str:
    if of.origin not in _COMMUNITIES:
        return _KINH_GIVEN[sex].draw(random)
    given = _COMMUNITIES[of.origin].given[sex].draw(random)
    if of.family or " " not in of.given:
        return given.split()[0] if not of.family else given
    return f"{'H' + chr(39) if sex == 'female' else 'Y '}{given} {of.given.split()[-1]}"


def _one(random: Random, values: tuple[str, ...]) -> str:
    return values[int(random.random() * len(values))]
