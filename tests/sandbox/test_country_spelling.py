"""What files, fonts and people do to names, dates and numbers in the invented country."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from connectors.sandbox.copies import without_marks
from connectors.sandbox.country import mistakes, numbers, provinces, spelling
from connectors.sandbox.country.names import ALIKE, Name
from connectors.sandbox.country.person import Born

QUAN = Name(family="Trần", middle="Minh", given="Quân", origin="Kinh")
BLIN = Name(family="", middle="", given="H'Blin Niê", origin="Ê Đê")
ALPHABET = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"


def tries(change: Callable[[Random], str]) -> set[str]:
    return {change(Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    "name, tcvn3, vni",
    [
        ("Nguyễn Thị Hường", "NguyÔn ThÞ H\u00adêng", "Nguyeãn Thò Höôøng"),
        ("Đặng Văn Ước", "§Æng V¨n ¦íc", "Ñaëng Vaên Öôùc"),
        ("TRẦN QUỐC VŨ", "TRÇN QUèC Vò", "TRAÀN QUOÁC VUÕ"),
        ("Huỳnh Mỹ Ỷ", "Huúnh Mü û", "Huyønh Myõ YÛ"),
        ("Le Van An", "Le Van An", "Le Van An"),
    ],
)
def test_names_of_the_nineties_are_read_as_if_they_were_western(name: str, tcvn3: str, vni: str) -> None:
    assert (spelling.tcvn3(name), spelling.vni(name)) == (tcvn3, vni)


@pytest.mark.parametrize("encode", [spelling.tcvn3, spelling.vni])
@pytest.mark.parametrize("letters", [ALPHABET, ALPHABET.upper()])
def test_no_letter_is_left_out_and_each_has_its_own_bytes(encode: Callable[[str], str], letters: str) -> None:
    written = [encode(letter) for letter in letters]
    assert len(set(written)) == len(letters)
    assert all(one.encode("cp1252") for one in written)
    assert not set("".join(written)) & set("ăắđễơưĂẮĐỄƠƯ")


def test_capitals_with_a_tone_are_small_letters_of_another_font() -> None:
    assert spelling.tcvn3("Ễ") == spelling.tcvn3("ễ")
    assert spelling.tcvn3("Ê") != spelling.tcvn3("ê")


def test_what_looks_alike_is_another_letter_or_full_width() -> None:
    found = tries(lambda random: spelling.look_alike(random, "Hoa"))
    assert {"Ноа", "Hоa", "Hoа", "Ｈｏａ"} & found >= {"Ｈｏａ"}
    assert "Hoa" not in found and all(len(one) == 3 for one in found)


def test_what_nobody_sees_is_in_the_text_all_the_same() -> None:
    for text in tries(lambda random: spelling.zero_width(random, "Hoa")):
        assert len(text) == 4
        assert "".join(sign for sign in text if sign.isascii()) == "Hoa"
    assert {" Hoa", "Hoa "} <= tries(lambda random: spelling.extra_spaces(random, "Hoa"))


def test_an_apostrophe_is_lost_or_another() -> None:
    found = tries(lambda random: spelling.apostrophe(random, "H'Blin"))
    assert {"HBlin", "H Blin", "H’Blin"} <= found
    assert "H'Blin" not in found


def test_a_wrong_mark_changes_one_tone_and_no_letter() -> None:
    found = tries(lambda random: spelling.wrong_mark(random, "Thúy"))
    assert {"Thùy", "Thuy", "Thũy"} <= found
    assert all(without_marks(one) == "Thuy" for one in found) and "Thúy" not in found
    assert spelling.wrong_mark(Random(1), "Lan") == "Lan"


def test_a_misspelt_name_sounds_nearly_the_same() -> None:
    found = tries(lambda random: mistakes.misspelt(random, Name(family="", middle="", given="Sang", origin="")).full)
    assert found == {"Xang", "San"}


def test_alike_names_differ_by_marks_alone() -> None:
    assert all(one != other and without_marks(one) == without_marks(other) for one, other in ALIKE.items())


@pytest.mark.parametrize(
    "change, name, written",
    [
        (mistakes.middle_missing, QUAN, "Trần Quân"),
        (mistakes.middle_abbreviated, QUAN, "Trần M. Quân"),
        (mistakes.order_reversed, QUAN, "Quân Minh Trần"),
        (mistakes.order_reversed, BLIN, "Niê H'Blin"),
        (mistakes.middle_missing, BLIN, "H'Blin Niê"),
    ],
)
def test_parts_of_a_name_are_lost_or_turned_round(change: Callable[[Name], Name], name: Name, written: str) -> None:
    assert change(name).full == written


@pytest.mark.parametrize(
    "change, born, written",
    [
        (mistakes.day_month_swapped, Born(year=1958, month=3, day=7), "1958-07-03"),
        (mistakes.day_month_swapped, Born(year=1958, month=3, day=17), "1958-03-17"),
        (mistakes.first_of_january, Born(year=1958, month=3, day=7), "1958-01-01"),
        (mistakes.month_and_year, Born(year=1958, month=3, day=7), "1958-03"),
        (mistakes.year_only, Born(year=1958, month=3, day=7), "1958"),
    ],
)
def test_a_date_loses_what_it_loses(change: Callable[[Born], Born], born: Born, written: str) -> None:
    assert change(born).iso == written


def test_a_mistyped_date_is_another_that_exists() -> None:
    born = Born(year=2024, month=1, day=31)
    for seed in range(300):
        other = mistakes.mistyped_date(Random(seed), born)
        assert other != born
        assert other.year <= 2025 and 1 <= (other.month or 0) <= 12 and 1 <= (other.day or 0) <= 31


def test_a_mistyped_number_has_one_wrong_digit_or_two_in_the_wrong_order() -> None:
    number = "079090000017"
    for seed in range(100):
        typed = mistakes.mistyped_number(Random(seed), number)
        assert sum(one != other for one, other in zip(number, typed, strict=True)) == 1
        swapped = mistakes.swapped_digits(Random(seed), number)
        assert swapped != number and sorted(swapped) == sorted(number)


# ---- numbers ----


@pytest.mark.parametrize("code", ["0100109106", "0300588569"])
def test_the_check_digit_is_that_of_tax_codes(code: str) -> None:
    assert numbers.check_digit(code[:9]) == int(code[9])


def test_mixing_gives_no_number_twice() -> None:
    assert sorted(numbers.mixed(count, "key", 50, 20) for count in range(1000)) == list(range(1000))
    assert [numbers.mixed(count, "key", 50, 20) for count in range(5)] != list(range(5))


def test_whoever_is_of_one_place_sex_and_year_gets_a_number_of_their_own() -> None:
    given = numbers.PersonalNumbers(1)
    found = [number for _ in range(3000) for number in given.pair("079", "female", 1990)]
    assert len(set(found)) == 6000
    assert all(number.startswith("079190") and len(number) == 12 for number in found)


def test_every_former_province_lies_in_one_of_34() -> None:
    assert len(provinces.BEFORE) == 63
    assert len(set(provinces.TODAY.values())) == 34
    assert set(provinces.TODAY.values()) >= provinces.CITIES
    assert set(provinces.TODAY) == set(provinces.BEFORE)
    assert not set(provinces.ABROAD) & set(provinces.BEFORE)
