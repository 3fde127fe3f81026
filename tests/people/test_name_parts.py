"""Family, middle and given name, whatever the source made of them."""

from __future__ import annotations

import pytest
from hypothesis import given

from connectors.base import Name
from idp.people.name_parts import Parts, split
from tests.people.spelling import REPEATABLE, names


def parts(text: str) -> Parts:
    family, middle, given_name = text.split("|")
    return Parts(family=family, middle=middle, given=given_name)


@pytest.mark.parametrize(
    "full, expected",
    [
        ("Nguyễn Văn Hùng", "Nguyễn|Văn|Hùng"), ("Nguyễn Thị Mai Anh", "Nguyễn|Thị Mai|Anh"), ("Lê Hà", "Lê||Hà"),
        ("NGUYEN VAN HUNG", "NGUYEN|VAN|HUNG"), ("NguyÔn V¨n Hïng", "Nguyễn|Văn|Hùng"), ("Giàng A Páo", "Giàng|A|Páo"),
        # the Western way, and the given name before the others
        ("Hung Van Nguyen", "Nguyen|Van|Hung"), ("HUNG NGUYEN VAN", "NGUYEN|VAN|HUNG"), ("Hùng Nguyễn", "Nguyễn||Hùng"),
        ("Bảo Anh Nguyễn Thị", "Nguyễn|Thị|Bảo Anh"),
        # a family name in front stays one, though it may be a given name
        ("Mai Anh Nguyen", "Mai|Anh|Nguyen"),
        # one word, and names of the Central Highlands
        ("Páo", "||Páo"), ("Nguyễn", "||Nguyễn"), ("H'Blin", "||H'Blin"), ("Y Moan", "||Y Moan"),
        ("Y Blin Niê", "Niê||Y Blin"),
        ("H'Blin Niê", "Niê||H'Blin"), ("Ksor Phước", "Ksor||Phước"), ("Rơ Châm Jut", "Rơ Châm||Jut"),
        # two words for a family name
        ("Tôn Nữ Hà", "Tôn Nữ||Hà"), ("Tôn Thất Gia Bình", "Tôn Thất|Gia|Bình"), ("TON NU HA", "TON NU||HA"),
        ("Tôn Hà", "Tôn||Hà"), ("Nguyễn Phước Bảo Long", "Nguyễn Phước|Bảo|Long"),
        ("Nguyễn Phước Long", "Nguyễn|Phước|Long"),
        # nothing tells: the usual order
        ("Xuân Diệu Anh", "Xuân|Diệu|Anh"), ("", "||"),
    ],
)  # fmt: skip
def test_the_family_name_is_found_where_it_stands(full: str, expected: str) -> None:
    assert split(Name(full=full)) == parts(expected)


@pytest.mark.parametrize(
    "full, sent, expected",
    [
        ("Nguyễn Văn Hùng", "Nguyễn|Văn|Hùng", "Nguyễn|Văn|Hùng"),
        ("Nguyễn Thị Mai Anh", "Nguyễn|Thị|Mai Anh", "Nguyễn|Thị|Mai Anh"),
        ("Hùng Nguyễn", "Nguyễn||Hùng", "Nguyễn||Hùng"),
        # all of it in the last field, or in the last field again, or parts of another name
        ("Nguyễn Văn Hùng", "||Nguyễn Văn Hùng", "Nguyễn|Văn|Hùng"),
        ("Nguyễn Văn Hùng", "Nguyễn||Nguyễn Văn Hùng", "Nguyễn|Văn|Hùng"),
        ("Nguyễn Văn Hùng", "Nguyễn|Thị|Lan", "Nguyễn|Văn|Hùng"),
    ],
)
def test_parts_that_a_source_sent_count_if_they_make_up_the_name(full: str, sent: str, expected: str) -> None:
    family, middle, given_name = sent.split("|")
    name = Name(full=full, family=family or None, middle=middle or None, given=given_name or None)
    assert split(name) == parts(expected)


@REPEATABLE
@given(names())
def test_no_word_is_lost_and_none_is_added(full: str) -> None:
    found = split(Name(full=full))
    words = f"{found.family} {found.middle} {found.given}".split()
    assert sorted(words) == sorted(full.split()) and found.given


def test_a_name_that_nobody_bears_is_not_looked_at() -> None:
    assert split(Name(full="Nguyễn " * 1500)) == Parts(family="", middle="", given="Nguyễn " * 1500)
