"""The national card's code: read as it is printed, and never believed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest

from idp.digital_id import Doubt, NationalCard, NotANationalCard, read_national_card
from idp.digital_id.national_card import looks_like_one
from tests.digital_id.phones import card_of, presence

OF_2021 = "079190001234|023456789|Nguyễn Thị Bích Ngọc|15051990|Nữ|12 Đường Hoa Sữa, Phường 3, Tỉnh Lúa Vàng|20082021"
OF_2024 = OF_2021.replace("20082021", "01082024") + "||||"
READ = NationalCard(
    number="079190001234", former_number="023456789", name="Nguyễn Thị Bích Ngọc", birth_date=date(1990, 5, 15),
    sex="Nữ", residence="12 Đường Hoa Sữa, Phường 3, Tỉnh Lúa Vàng", issued_on=date(2021, 8, 20),
)  # fmt: skip


def test_both_forms_are_read() -> None:
    assert read_national_card(OF_2021 + "\r\n") == READ
    newer = replace(READ, issued_on=date(2024, 8, 1), more=("", "", "", ""))
    assert read_national_card(OF_2024) == newer
    assert read_national_card(OF_2021.replace("|023456789|", "||")).former_number is None


def test_it_is_never_verified() -> None:
    found = read_national_card(OF_2021)
    assert found.verified is False
    with pytest.raises(FrozenInstanceError):
        found.verified = True  # type: ignore[misc, assignment]


@pytest.mark.parametrize(
    "number, doubts",
    [
        ("079190001234", ()), ("001190001234", ()), ("231190001234", ()),
        ("098190001234", (Doubt.PLACE,)), ("000190001234", (Doubt.PLACE,)), ("079090001234", (Doubt.SEX,)),
        ("079189001234", (Doubt.YEAR,)), ("079390001234", (Doubt.YEAR,)), ("079289001234", (Doubt.SEX, Doubt.YEAR)),
    ],
)  # fmt: skip
def test_a_number_that_says_something_else_is_doubted(number: str, doubts: tuple[Doubt, ...]) -> None:
    assert read_national_card(OF_2021.replace("079190001234", number)).doubts == doubts


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "1 fields"), (OF_2021 + "|", "8 fields"), (OF_2024 + "|", "12 fields"),
        (OF_2021 + "x" * 1_000, "characters"),
        (OF_2021.replace("079190001234", "79190001234"), "twelve digits"),
        (OF_2021.replace("079190001234", "٠٧٩١٩٠٠٠١٢٣٤"), "twelve digits"),
        (OF_2021.replace("023456789", "02345678"), "nine digits"),
        (OF_2021.replace("|Nữ|", "|F|"), "neither Nam nor Nữ"),
        (OF_2021.replace("15051990", "31021990"), "birth is in no calendar"),
        (OF_2021.replace("15051990", "1990"), "birth is not of the form"),
        (OF_2021.replace("20082021", "2021-8-2"), "issue is not of the form"),
        (OF_2021.replace("20082021", "20081989"), "before its holder was born"),
        (OF_2021.replace("Nguyễn Thị Bích Ngọc", " "), "no name"),
        (OF_2021.replace("Nguyễn", "\x1b[2J"), "no card prints"),
    ],
)  # fmt: skip
def test_what_no_card_says_is_refused_without_being_repeated(text: str, why: str) -> None:
    with pytest.raises(NotANationalCard, match=why) as refused:
        read_national_card(text)
    assert "Ngọc" not in str(refused.value) and "0791" not in str(refused.value)


def test_no_code_of_ours_looks_like_one() -> None:
    assert looks_like_one(OF_2021) and looks_like_one(OF_2024) and looks_like_one("079190001234|broken")
    assert not any(looks_like_one(text) for text in (card_of(), presence(card_of()), "", "|", "079190001234"))
