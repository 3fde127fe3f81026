"""The two keys of a name, and what is strange about one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.population import Population
from idp.people.names import LONGEST_CHARACTERS, NameOddity, folded, oddities, strict
from tests.people.spelling import REPEATABLE, names, syllables

ONE_SPELLING = [
    ("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuỷ", "thủy"), ("quý", "qúy"), ("già", "gìa"), ("hoàng", "hòang"),
    ("toán", "tóan"), ("nguyễn", "nguỹên"), ("huỳnh", "hùynh"), ("trường", "trừơng"), ("thuý", "thúy"),
    ("Nguyễn Thị Hoà", "NGUYỄN THỊ HÒA"), ("Nguyễn  Văn\tHùng ", " nguyễn văn\u00a0hùng"), ("Đỗ Đức", "Ðỗ ðức"),
    ("Trần Quốc Tuấn", "Trâ\u0300n Quô\u0301c Tuâ\u0301n"), ("Vệ", "Vẹ\u0302"), ("Nguyễn Văn An", "Ｎguyễn Ｖăn Ａn"),
    ("Nguyễn Văn An", "Nguyễn\u200b Văn\ufeff A\u00adn\x00"), ("H'Mông", "H’Mông"), ("K'Brêu", "K\u02bcBrêu"),
    ("H'Blin Niê", "H' Blin Niê"), ("Y Bih", "Y-Bih"), ("Y Bih", "Y \u2013 Bih"), ("Nguyễn V. Hùng", "Nguyễn V Hùng"),
    ("Nguyễn Văn Hùng", "NguyÔn V¨n Hïng"), ("Nguyễn Văn Hùng", "Nguyeãn Vaên Huøng"),
]  # fmt: skip
OTHER_SPELLING = [
    ("Hùng", "Hưng"), ("Hùng", "Hung"), ("Hoà", "Hoá"), ("Mai Anh", "Maianh"), ("H'Blin", "HBlin"), ("Ân", "An"),
    ("Lý", "Lí"), ("Đức", "Dức"), ("Thị Hoa", "Thị Hoạ"), ("Nguyễn Văn A", "Nguyễn Văn А"), ("Quốc", "Quôc"),
    ("Anh Minh", "Minh Anh"), ("Ｎguyễn", "Nguyên"), ("Tú", "Tư"), ("Kim Οanh", "Kim Oanh"), ("Baù", "Bàu"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", ONE_SPELLING)
def test_habits_of_spelling_fall_away(one: str, other: str) -> None:
    assert strict(one) == strict(other)
    assert folded(one) == folded(other)


@pytest.mark.parametrize("one, other", OTHER_SPELLING)
def test_letters_and_marks_all_count(one: str, other: str) -> None:
    assert strict(one) != strict(other)


@pytest.mark.parametrize(
    "word, key",
    [
        ("hoà", "hòa"), ("thuỷ", "thủy"), ("khoẻ", "khỏe"), ("toán", "toán"), ("hoài", "hoài"), ("mùa", "mùa"),
        ("mía", "mía"), ("người", "người"), ("huế", "huế"), ("thuở", "thuở"), ("quỳnh", "quỳnh"), ("quà", "quà"),
        ("giàng", "giàng"), ("gì", "gì"), ("giếng", "giếng"), ("khuỷu", "khuỷu"), ("yến", "yến"), ("lửa", "lửa"),
        ("cứu", "cứu"), ("oánh", "oánh"), ("ý", "ý"),
    ],
)  # fmt: skip
def test_the_tone_stands_where_one_rule_puts_it(word: str, key: str) -> None:
    assert strict(word) == key


@REPEATABLE
@given(names(), st.randoms(use_true_random=False))
def test_a_name_has_one_key_however_it_is_typed(name: str, random: object) -> None:
    typed = random.choice((str.upper, str.lower, str.title))(name)  # type: ignore[attr-defined]
    typed = unicodedata.normalize(random.choice(("NFC", "NFD")), typed)  # type: ignore[attr-defined]
    assert strict(f" {typed.replace(' ', '  ')}") == strict(name) == name.lower().replace("  ", " ")


@REPEATABLE
@given(names())
def test_the_folded_key_is_the_name_without_marks(name: str) -> None:
    apart = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    assert folded(name) == "".join(letter for letter in apart if not unicodedata.combining(letter))
    assert folded(name) == folded(folded(name)) == strict(folded(name).upper())


@REPEATABLE
@given(syllables(), syllables())
def test_two_syllables_share_a_key_only_if_they_are_one(one: str, other: str) -> None:
    assert (strict(one) == strict(other)) is (one == other)


def test_names_of_all_peoples_keep_all_their_letters() -> None:
    for citizen in Population(count=500):
        marks_moved = strict(citizen.full_name)
        assert sorted(_pieces(marks_moved)) == sorted(_pieces(citizen.full_name.lower().replace("' ", "'")))


def _pieces(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_a_name_that_nobody_bears_is_its_own_key() -> None:
    longest, longer = "A" * LONGEST_CHARACTERS, "A" * (LONGEST_CHARACTERS + 1)
    assert strict(longest) == folded(longest) == longest.lower()
    assert strict(longer) == folded(longer) == longer, "and no work is done for it"


@pytest.mark.parametrize(
    "name, strange",
    [
        ("Nguyễn Thị Mai Anh", ()), ("NGUYEN THI MAI ANH", ()), ("H'Blin Niê", ()), ("Y-Bih Ayŭn", ()), ("K’Brêu", ()),
        ("Trâ\u0300n", ()), ("Ｎguyễn", ()), ("NguyÔn V¨n Hïng", ()), ("V­ Thô", ()), ("Müller", ()), ("Ð", ()),
        ("Nguyễn V. Hùng", ()),
        ("Nguyễn Văn Аn", (NameOddity.MIXED_SCRIPT,)), ("Kim Οanh", (NameOddity.MIXED_SCRIPT,)),
        ("𝐍guyễn", (NameOddity.MIXED_SCRIPT,)), ("Ваня Иванов", (NameOddity.OTHER_SCRIPT,)),
        ("王小明", (NameOddity.OTHER_SCRIPT,)), ("Nguyễn\u200bVăn", (NameOddity.INVISIBLE,)),
        ("Nguyễn\u202e Văn", (NameOddity.INVISIBLE,)), ("Nguyễn\x00", (NameOddity.INVISIBLE,)),
        ("Nguyễn V?n Hùng", (NameOddity.SIGNS,)), ("Nguyễn V\ufffdn", (NameOddity.SIGNS,)),
        ("An 2", (NameOddity.SIGNS,)),
        ("", (NameOddity.NO_LETTER,)), ("  ", (NameOddity.NO_LETTER,)), ("-", (NameOddity.NO_LETTER,)),
        ("\u200b", (NameOddity.NO_LETTER, NameOddity.INVISIBLE)), ("123", (NameOddity.NO_LETTER, NameOddity.SIGNS)),
        ("'", (NameOddity.NO_LETTER,)), ("A" * 201, (NameOddity.TOO_LONG,)), ("1" * 10_240, (NameOddity.TOO_LONG,)),
        ("\u200bАn 2", (NameOddity.INVISIBLE, NameOddity.MIXED_SCRIPT, NameOddity.SIGNS)),
    ],
)  # fmt: skip
def test_what_is_strange_is_named(name: str, strange: tuple[NameOddity, ...]) -> None:
    assert oddities(name) == strange


@REPEATABLE
@given(names())
def test_nothing_is_strange_about_a_proper_name(name: str) -> None:
    assert oddities(name) == oddities(folded(name)) == ()


@REPEATABLE
@given(st.text(max_size=300))
def test_any_text_has_its_keys_and_oddities(text: str) -> None:
    assert isinstance(oddities(text), tuple)
    assert len(folded(text)) <= 4 * len(text), "a key is never much longer than what it stands for"
    assert strict(strict(text)) == strict(text) or not text.isascii()
