"""What case workers tell of people taken for one another: two stay two, and one is found by what leads to one."""

from __future__ import annotations

from tests.journeys.case_rooms import all_sources, country, desk
from tests.journeys.desk import Desk

__all__ = ["all_sources", "country", "desk"]

NEW, KNOWN = ("NEW", "number-unknown"), ("MATCH", "link")


# ---- two people ----


def test_father_and_son_have_one_name_and_one_telephone(desk: Desk) -> None:
    father = desk.somebody("Nguyễn Văn Hùng", "1950-01-01", female=False)
    son = desk.somebody("Nguyễn Văn Hùng", "1978-01-01", female=False, phone=father.phone)
    at_the_register, at_the_bank = desk.comes("population", father), desk.comes("bank", son)
    assert (at_the_register.rule, at_the_bank.rule) == (NEW, NEW)
    assert at_the_register.sub != at_the_bank.sub
    assert desk.comes("bank", father).sub == at_the_register.sub
    assert desk.comes("population", son).sub == at_the_bank.sub


def test_twins_whose_numbers_follow_each_other_are_two_and_a_bank_that_mixes_them_up_lets_neither_in(
    desk: Desk,
) -> None:
    one = desk.somebody("Lê Minh Nhật", "2001-07-25", number="048201000311", female=False)
    other = desk.somebody("Lê Minh Nguyệt", "2001-07-25", number="048301000312", phone=one.phone)
    came = [desk.comes("population", each) for each in (one, other)]
    assert [each.rule for each in came] == [NEW, NEW] and came[0].sub != came[1].sub
    desk.files("bank", other, number=one.number)
    turned = desk.turned_away("bank", other, one)
    assert turned.case is not None and turned.rule == ("CONFLICT", "name-differs")
    assert set(turned.case.alike) == {each.person_id for each in came}, "whose number it is, and whose name and day"
    assert [desk.comes("population", each).sub for each in (one, other)] == [each.sub for each in came]


def test_two_people_share_the_number_of_an_old_card_and_each_is_found_by_it_with_their_own_name(desk: Desk) -> None:
    one = desk.somebody("Trần Thị Bích", "1960-02-03", former="150000111")
    other = desk.somebody("Phan Văn Cường", "1963-04-05", former="150000111", female=False)
    known = {each.name: desk.comes("population", each) for each in (one, other)}
    for each in (one, other):
        desk.files("bank", each, number=None)
        came = desk.comes("bank", each)
        assert came.rule == ("MATCH", "former-number-name-birth")
        assert came.person_id == known[each.name].person_id and came.told["name"] == each.name


def test_somebody_with_the_number_of_an_old_card_that_was_a_strangers_is_let_in_as_nobody(desk: Desk) -> None:
    one = desk.somebody("Hồ Thị Sương", "1964-05-06", former="150000222")
    stranger = desk.somebody("Dương Văn Lộc", "1969-07-08", female=False)
    desk.comes("population", one)
    desk.files("bank", stranger, number=None, former="150000222")
    turned = desk.turned_away("bank", stranger, one)
    assert (turned.code, turned.case) == ("P02", None), "too little, and no likeness for a clerk to look at"
    assert desk.comes("population", stranger).rule == NEW


def test_the_insurance_knows_her_insurance_number_alone_and_she_is_somebody_by_herself_there(desk: Desk) -> None:
    """Its records are proofed by nobody: name and day are not enough, and nothing that others know is given away."""
    one = desk.somebody("Đoàn Thị Liên", "1957-06-07")
    known = desk.comes("population", one)
    desk.files("insurance", one, number=None)
    first, again = desk.comes("insurance", one), desk.comes("insurance", one)
    assert (first.rule, again.rule, first.level) == (("NEW", "subject-alone"), KNOWN, "LoA1")
    assert first.sub == again.sub != known.sub


def test_somebody_typed_a_strangers_number_at_a_weak_source_and_becomes_nobody_by_it(desk: Desk) -> None:
    stranger, one = desk.somebody("Tống Thị Diễm", "1976-01-02"), desk.somebody("Chu Văn Tài", "1988-03-04")
    known = desk.comes("population", stranger)
    desk.files("insurance", one, number=stranger.number)
    came = desk.comes("insurance", one)
    assert came.rule == ("NEW", "subject-alone") and came.person_id != known.person_id
    assert came.told["name"] == one.name
    assert desk.comes("bank", stranger).sub == known.sub, "the number is still hers alone"
    assert desk.comes("bank", one).rule == NEW, "and his own is nobody's until somebody who proofed him tells it"


# ---- one person, found by what leads to one ----


def test_the_bank_has_an_old_card_of_nine_digits_and_the_register_knows_that_it_was_hers(desk: Desk) -> None:
    one = desk.somebody("Quách Thị Ngân", "1962-11-12", former="150000333")
    known = desk.comes("population", one)
    desk.files("bank", one, number=None, name="QUACH THI NGAN")
    came = desk.comes("bank", one)
    assert (came.sub, came.rule) == (known.sub, ("MATCH", "former-number-name-birth"))


def test_a_bank_with_an_unknown_old_card_finds_her_by_name_day_and_the_telephone_of_her_other_bank(desk: Desk) -> None:
    one = desk.somebody("Vương Thị Thắm", "1959-09-10")
    known = desk.comes("bank", one)
    desk.files("second-bank", one, number=None, former="150000444")
    came = desk.comes("second-bank", one)
    assert (came.sub, came.rule) == (known.sub, ("MATCH", "name-birth-phone"))


def test_somebody_without_a_telephone_has_too_much_in_common_with_others_to_be_let_in_by_name_and_day(
    desk: Desk,
) -> None:
    one = desk.somebody("Kiều Thị Oanh", "1959-09-11")
    known = desk.comes("bank", one)
    desk.files("second-bank", one, number=None, former="150000555", phone=None)
    turned = desk.turned_away("second-bank", one)
    assert turned.case is not None and turned.rule == ("REVIEW", "name-birth")
    assert turned.case.alike == (known.person_id,)


def test_somebody_born_abroad_has_a_country_in_the_number_and_is_as_known_as_anybody(desk: Desk) -> None:
    one = desk.somebody("Nguyễn Thị Hoa Mai", "1989-04-30", number="338189000121")
    desk.files("population", one, birth_place={"code": "338", "name": "Praha"})
    known = desk.comes("population", one)
    came = desk.comes("tax", one)
    assert (known.rule, came.rule, came.sub) == (NEW, ("MATCH", "number-name-birth"), known.sub)


def test_a_certificate_has_no_birth_date_and_number_and_name_are_enough(desk: Desk) -> None:
    one = desk.as_invented()
    known = desk.comes("population", one)
    came = desk.comes("signer", one)
    assert (came.sub, came.level, came.rule) == (known.sub, "LoA3", ("MATCH", "number-name"))
    assert came.told["birthdate"] == one.born, "as the register has told it"


# ---- a source says something else the next time ----


def test_the_bank_corrected_the_spelling_of_its_customer_and_nobody_notices(desk: Desk) -> None:
    one = desk.somebody("Lương Thị Thuỷ", "1981-12-01")
    desk.files("bank", one, name="LUONG T. THUY")
    before = desk.comes("bank", one)
    desk.files("bank", one, name="Lương Thị Thủy")
    after = desk.comes("bank", one)
    assert (after.sub, after.rule) == (before.sub, KNOWN)
    assert after.told["name"] == "Lương Thị Thủy"


def test_the_banks_customer_has_another_persons_number_since_the_last_visit(desk: Desk) -> None:
    one, other = desk.somebody("Thái Thị Cúc", "1967-02-02"), desk.somebody("Tôn Nữ Hạnh", "1971-03-03")
    her, another = desk.comes("bank", one), desk.comes("population", other)
    desk.files("bank", one, number=other.number)
    turned = desk.turned_away("bank", one, other)
    assert turned.case is not None and turned.rule == ("CONFLICT", "link-and-number-are-two-people")
    assert set(turned.case.alike) == {her.person_id, another.person_id}
    desk.files("bank", one, number=one.number)
    assert desk.comes("bank", one).sub == her.sub, "and once the bank has put it right, nothing has happened"


def test_the_banks_customer_number_was_given_to_somebody_else(desk: Desk) -> None:
    one = desk.somebody("La Văn Thịnh", "1965-06-06", female=False)
    before = desk.comes("bank", one)
    desk.files("bank", one, name="Ông Thị Lệ", born="1994-08-09", number="079194000123", former=None)
    turned = desk.turned_away("bank", one)
    assert turned.case is not None and turned.rule == ("CONFLICT", "number-changed")
    assert turned.case.alike == (before.person_id,)
