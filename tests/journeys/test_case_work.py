"""What case workers tell of files and names: each case comes by the sources as they have it, and the rules decide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.case_rooms import all_sources, country, desk
from tests.journeys.desk import Came, Desk, Somebody
from tests.journeys.reading import banner, is_choice, refusals, says

__all__ = ["all_sources", "country", "desk"]


def files_at(desk: Desk, source: str, name: str, born: str, said: dict[str, Any]) -> tuple[Somebody, Came]:
    """Somebody comes by the register's sign-in, and then by a source that has this on file of them."""
    one = desk.somebody(name, born)
    known = desk.comes("population", one)
    desk.files(source, one, **said)
    return one, known


# A sentence; who it is, born when; at which source; what that has on file; by which rule it is they.
ONE_PERSON: dict[str, tuple[str, str, str, dict[str, Any], str]] = {
    "Mrs Lan's bank has her name in capitals without marks": (
        "Nguyễn Thị Lan", "1958-05-12", "bank", {"name": "NGUYEN THI LAN"}, "number-name-birth"),
    "H'Blin has one word for a name, and her bank another apostrophe": (
        "H'Blin", "1999-09-09", "bank", {"name": "H’BLIN"}, "number-name-birth"),
    "the tax office still writes in the letters of the nineties (TCVN3)": (
        "Trần Minh Quân", "1961-03-14", "tax", {"name": "TrÇn Minh Qu©n"}, "number-name-birth"),
    "a bank with a system from abroad puts the given name first": (
        "Lê Hoàng Đức", "1971-07-25", "bank", {"name": "Đức Hoàng Lê"}, "number-name-habit-birth"),
    "a bank had no room for her middle names": (
        "Trần Thị Thu Hà", "1985-11-02", "bank", {"name": "Trần Hà"}, "number-name-habit-birth"),
    "a name was copied from a page, with a space that nobody sees in it": (
        "Phạm Văn Bình", "1966-01-30", "bank", {"name": "Phạm\u200b Văn Bình"}, "number-name-birth"),
    "only the year is known of her birth, and 1 January stands at the bank": (
        "Giàng Thị Mỷ", "1952", "bank", {"born": "1952-01-01"}, "number-name-year"),
    "the tax office knows the year of birth alone": (
        "Đỗ Quang Huy", "1983-10-20", "tax", {"born": "1983"}, "number-name-year"),
    "a bank has 00/00 for a day that nobody told": (
        "Ngô Gia Bảo", "1958-02-11", "bank", {"born": "00/00/1958"}, "number-name-year"),
    "day and month were swapped at the bank": (
        "Huỳnh Ngọc Ánh", "1972-04-07", "bank", {"born": "1972-07-04"}, "number-name-year"),
    "the tax code is the personal number since July 2025, and the old card is beside it": (
        "Bùi Thị Lan", "1979-06-06", "tax", {"number": None, "former": "150000505"}, "number-name-birth"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", ONE_PERSON)
def test_it_is_the_person_whom_the_register_knows(desk: Desk, sentence: str) -> None:
    name, born, source, said, rule = ONE_PERSON[sentence]
    one, known = files_at(desk, source, name, born, said)
    came = desk.comes(source, one)
    assert (came.sub, came.person_id) == (known.sub, known.person_id)
    assert came.rule == ("MATCH", rule)
    assert came.told["name"] == name, "as the register spells it"
    assert came.told["birthdate"] == born, "as the register has it, and no more than that"


# Likewise; by which rule nobody is let in.
NOBODY: dict[str, tuple[str, str, str, dict[str, Any], tuple[str, str]]] = {
    "one letter of the name is Cyrillic, and only looks alike": (
        "Đặng Thị Loan", "1968-08-08", "bank", {"name": "Đặng Thị L\u043e\u0430n"}, ("CONFLICT", "name-differs")),
    "the bank says 31 February, which is no day": (
        "Võ Thành Nhân", "1993-12-12", "bank", {"born": "31/02/1993"}, ("REVIEW", "number-name")),
    "the bank has somebody born in 2090": (
        "Hoàng Thuý Đào", "1990-08-08", "bank", {"born": "2090-08-08"}, ("REVIEW", "number-name")),
    "the bank shortened the name, and the tax office's year is all there is": (
        "Trịnh Thị Mai Hương", "1955-02-03", "tax", {"name": "Trịnh Hương", "born": "1955"},
        ("REVIEW", "number-name-habit")),
    "the number is hers, and the year of birth her mother's": (
        "Mai Thị Sen", "1990-03-08", "bank", {"born": "1962-03-08"}, ("CONFLICT", "birth-date-differs")),
}  # fmt: skip


@pytest.mark.parametrize("sentence", NOBODY)
def test_nobody_is_let_in_and_a_clerk_finds_one_case(desk: Desk, sentence: str) -> None:
    name, born, source, said, rule = NOBODY[sentence]
    one, known = files_at(desk, source, name, born, said)
    turned = [desk.turned_away(source, one) for _ in range(2)]
    assert {each.code for each in turned} == {"P01"}
    case = desk.case_again(turned[0])
    assert (case.outcome, case.rule, case.source_id, case.state, case.times) == (*rule, source, "open", 2)
    assert case.alike == (known.person_id,)
    assert desk.case_again(turned[1]).id == case.id


# Likewise; the source's own answer is not enough to go by, and the person is told so.
TOO_LITTLE: dict[str, dict[str, Any]] = {
    "her number was typed in full-width digits": {"number": "００１１５８１２３４５６", "former": None},
    "he is a foreigner with a passport and no personal number": {"number": "C1234567", "former": None},
}


@pytest.mark.parametrize("sentence", TOO_LITTLE)
def test_too_little_can_be_read_and_the_person_is_told_what_to_do(desk: Desk, sentence: str) -> None:
    one, known = files_at(desk, "bank", "Cao Thị Nga", "1974-10-10", TOO_LITTLE[sentence])
    turned = desk.turned_away("bank", one)
    assert (turned.code, turned.case) == ("S10", None)
    assert desk.comes("population", one).sub == known.sub


def test_a_name_of_ten_kilobytes_is_the_banks_fault_and_the_person_chooses_again(desk: Desk) -> None:
    one, known = files_at(desk, "bank", "Tạ Thị Tuyết", "1974-10-10", {"name": "Nguyễn " * 1_500})
    page = desk.page_after("bank", one)
    assert is_choice(page) and banner(page) == says("banner.source_down", source="Nguồn bank")
    assert refusals(desk.country, desk.portal) == [("S09", "bank")]
    desk.files("bank", one, name="Nguyễn " * 50)
    assert desk.turned_away("bank", one).code == "S10", "longer than any name, and as good as none"
    assert desk.comes("population", one).sub == known.sub
