"""The invented population, its fixed cast, and the errors in what each source has on file."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter

import pytest

from connectors.sandbox.cast import CAST, TO_TRY, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import (
    BANK_RATES,
    REGISTER_RATES,
    BankRecord,
    bank_record,
    other_tone_place,
    register_record,
    without_marks,
)
from connectors.sandbox.places import PROVINCE_NAMES
from connectors.sandbox.population import Population

STRANGER = CAST[Part.ORDINARY_FOURTH].personal_number


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(seed=1, count=20_000)


@pytest.fixture(scope="module")
def bank_records(population: Population) -> list[BankRecord]:
    return [bank_record(one, seed=1, source="Sen", strangers_number=STRANGER) for one in population]


def within_five_sigma(found: int, of: int, rate: float) -> bool:
    return abs(found - of * rate) <= 5 * (of * rate * (1 - rate)) ** 0.5 + 1


# ---- the population -----------------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_people() -> None:
    assert Population(7, 500).citizens == Population(7, 500).citizens
    assert Population(7, 500).citizens[20:] != Population(8, 500).citizens[20:]


def test_a_larger_population_begins_with_the_smaller() -> None:
    assert Population(7, 2000).citizens[:500] == Population(7, 500).citizens


def test_five_thousand_people_are_made_within_a_second() -> None:
    began = time.process_time()
    assert len(Population(count=5000)) == 5000
    assert time.process_time() - began < 1


def test_no_two_people_share_a_number(population: Population) -> None:
    assert len({citizen.personal_number for citizen in population}) == len(population) == 20_000


def test_every_number_says_place_century_sex_and_year(population: Population) -> None:
    for citizen in population:
        number = citizen.personal_number
        assert re.fullmatch(r"[0-9]{12}", number)
        assert number[:3] == citizen.place_code in PROVINCE_NAMES
        assert int(number[3]) // 2 == citizen.birth_year // 100 - 19
        assert int(number[3]) % 2 == (citizen.sex == "female")
        assert int(number[4:6]) == citizen.birth_year % 100


def test_places_are_the_63_of_the_circular() -> None:
    assert len(PROVINCE_NAMES) == 63
    assert PROVINCE_NAMES["001"] == "Hà Nội"
    assert PROVINCE_NAMES["096"] == "Cà Mau"


def test_names_are_vietnamese_and_whole(population: Population) -> None:
    for citizen in population:
        name = citizen.full_name
        assert name == unicodedata.normalize("NFC", name) == " ".join(name.split()) != ""
    families = Counter(citizen.family for citizen in population)
    assert families.most_common(1)[0][0] == "Nguyễn"
    assert 0.22 < families["Nguyễn"] / len(population) < 0.36


def test_some_names_are_one_word_and_some_do_not_split(population: Population) -> None:
    unsplit = [citizen.full_name for citizen in population if not citizen.family]
    assert any(" " not in name for name in unsplit)
    assert any(name.startswith("H'") for name in unsplit)
    assert len(unsplit) < len(population) / 20


def test_both_ways_of_placing_a_tone_mark_are_in_use(population: Population) -> None:
    given = Counter(citizen.given for citizen in population)
    assert given["Hòa"] > given["Hoà"] > 0
    assert given["Thủy"] > given["Thuỷ"] > 0


def test_a_birth_date_is_a_date_or_a_year_of_long_ago(population: Population) -> None:
    year_only = [citizen for citizen in population if citizen.birth_month is None]
    assert year_only
    assert all(re.fullmatch(r"(19|20)\d\d", citizen.birth_date) for citizen in year_only)
    assert all(citizen.birth_year < 1966 for citizen in year_only)
    for citizen in population:
        if citizen.birth_month is not None:
            time.strptime(citizen.birth_date, "%Y-%m-%d")


def test_former_numbers_are_of_nine_digits_and_of_older_people(population: Population) -> None:
    holders = [citizen for citizen in population if citizen.former_number is not None]
    assert all(re.fullmatch(r"[0-9]{9}", citizen.former_number or "") for citizen in holders)
    assert max(citizen.birth_year for citizen in holders) <= 2000
    assert len(holders) > len(population) / 2


def test_nobody_can_be_written_to_or_called(population: Population) -> None:
    assert all(citizen.email.endswith("@thu.example") for citizen in population)
    assert all(re.fullmatch(r"\+8450[0-9]{7}", citizen.phone) for citizen in population)


def test_a_citizen_is_found_by_number_or_index(population: Population) -> None:
    assert population.find("001090000101") is population.find("0") is population.citizens[0]
    assert population.find(" 001090000101 ") is population.citizens[0]
    assert [population.find(nobody) for nobody in ("", "x", "-1", "999999", "999999999999")] == [None] * 5


# ---- the cast -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2019])
def test_the_cast_is_the_same_for_every_seed(seed: int) -> None:
    assert Population(seed, 50).citizens[: len(CAST)] == CAST
    assert [citizen.index for citizen in CAST] == list(Part)


@pytest.mark.parametrize("citizen", TO_TRY, ids=lambda citizen: citizen.full_name)
def test_those_to_try_are_ordinary_everywhere(citizen: Citizen) -> None:
    record = bank_record(citizen, seed=3, source="Tre", strangers_number=STRANGER)
    assert (record.errors, register_record(citizen, seed=3).errors) == ((), ())
    assert citizen.in_register and not citizen.locked and not citizen.deceased and citizen.account_level == 2


def test_each_member_plays_the_part() -> None:
    assert CAST[Part.LOW_LEVEL].account_level == 1
    assert CAST[Part.LOCKED].locked
    assert CAST[Part.DECEASED].deceased
    assert CAST[Part.YEAR_ONLY].birth_date == "1952"
    assert not CAST[Part.NOT_IN_REGISTER].in_register
    assert CAST[Part.ONE_WORD].full_name == "H'Blin"


# ---- what sources have on file ------------------------------------------------------------------------------------


def test_a_copy_is_the_same_each_time_and_another_at_another_bank(population: Population) -> None:
    def copies(source: str) -> list[BankRecord]:
        return [bank_record(one, seed=1, source=source, strangers_number=STRANGER) for one in population.citizens[:500]]

    assert copies("Sen") == copies("Sen")
    assert [one.errors for one in copies("Sen")] != [one.errors for one in copies("Tre")]


def test_customer_numbers_are_the_banks_own(bank_records: list[BankRecord], population: Population) -> None:
    assert len({record.customer_number for record in bank_records}) == len(bank_records)
    assert not any(
        one.personal_number in record.customer_number for one, record in zip(population, bank_records, strict=True)
    )


@pytest.mark.parametrize("error", ["lost_marks", "somebody_elses_number", "old_phone", "no_email"])
def test_errors_come_at_the_rates_that_are_stated(bank_records: list[BankRecord], error: str) -> None:
    found = sum(error in record.errors for record in bank_records[len(CAST) :])
    of = len(bank_records) - len(CAST)
    # Names in few letters have no marks to lose, and one error on a number rules out another.
    assert within_five_sigma(found, of, BANK_RATES[error]) or 0.9 < found / (of * BANK_RATES[error]) < 1


def test_every_error_that_is_stated_happens(bank_records: list[BankRecord]) -> None:
    assert {error for record in bank_records for error in record.errors} == set(BANK_RATES)


def test_a_copy_without_errors_is_the_truth(bank_records: list[BankRecord], population: Population) -> None:
    exact = [(one, record) for one, record in zip(population, bank_records, strict=True) if not record.errors]
    assert 0.3 < len(exact) / len(bank_records) < 0.6
    for one, record in exact:
        assert (record.name, record.birth_date) == (one.full_name, one.birth_date)
        assert (record.national_id, record.old_national_id) == (one.personal_number, one.former_number)


def test_only_those_with_a_former_number_are_known_by_it_alone(bank_records: list[BankRecord]) -> None:
    assert all(record.old_national_id for record in bank_records if record.national_id is None)


def test_the_register_may_keep_the_whole_name_in_the_last_field(population: Population) -> None:
    records = [register_record(one, seed=1) for one in population if one.family]
    moved = [record for record in records if record.errors]
    assert all((record.family, record.middle, record.given) == ("", "", record.full_name) for record in moved)
    assert within_five_sigma(len(moved), len(records), REGISTER_RATES["name_in_last_field"])


def test_the_register_writes_dates_its_own_way(population: Population) -> None:
    for one in population.citizens[:200]:
        assert re.fullmatch(r"(\d\d/\d\d/)?\d{4}", register_record(one, seed=1).birth_date)


@pytest.mark.parametrize(
    "name, other",
    [
        ("Hoà", "Hòa"),
        ("Hòa", "Hoà"),
        ("Thúy", "Thuý"),
        ("Khoẻ", "Khỏe"),
        ("Quý", "Quý"),
        ("Toàn", "Toàn"),
        ("Hoa", "Hoa"),
    ],
)
def test_tone_marks_of_open_syllables_have_two_places(name: str, other: str) -> None:
    assert other_tone_place(name) == other


def test_a_name_without_marks_is_plain_ascii(population: Population) -> None:
    assert without_marks("Đặng Thuý Hường") == "Dang Thuy Huong"
    assert all(without_marks(one.full_name).isascii() for one in population)
