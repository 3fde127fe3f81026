"""The people of the invented country, and what makes it hard to tell them apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict

import pytest

from connectors.sandbox.copies import without_marks
from connectors.sandbox.country import provinces
from connectors.sandbox.country.numbers import check_digit
from connectors.sandbox.country.rates import RATES
from tests.sandbox.country import Country, Row, country_of, identifiers, repeated, within_five_sigma

PEOPLE = 20_000


@pytest.fixture(scope="module")
def country() -> Country:
    return country_of(PEOPLE)


def test_personal_numbers_are_unique_and_say_place_century_sex_and_year(country: Country) -> None:
    numbers = [row["personal_number"] for row in country.register.values() if "personal_number" in row]
    assert not repeated(numbers)
    others = 0
    for row in country.register.values():
        number = row.get("personal_number", "")
        assert bool(re.fullmatch(r"[0-9]{12}", number)) or row["nationality"] != "VNM"
        if number:
            assert number[:3] == row["birth_place"]
            year, female = 1900 + 100 * (int(number[3]) // 2) + int(number[4:6]), int(number[3]) % 2 == 1
            others += (str(year), female) != (row["birth_date"][:4], row["sex"] == "female")
    assert 0 < others < PEOPLE * (RATES.people["rectified_birth_date"] + RATES.people["rectified_sex"])


def test_other_numbers_keep_their_rules(country: Country) -> None:
    rules = {
        "insurance_number": r"\d{10}|\d{12}", "health_card": r"[A-Z]{2}[1-5]\d{12}", "passport": r"[A-Z]\d{7}",
        "tax_code": r"\d{10}|\d{12}", "former_number": r"\d{9}", "personal_number": r"\d{12}",
    }  # fmt: skip
    for row in (*country.register.values(), *country.records):
        for one in row.get("identifiers", []):
            assert re.fullmatch(rules[one["type"]], one["value"]), one
            if one["type"] == "tax_code" and len(one["value"]) == 10:
                assert check_digit(one["value"][:9]) == int(one["value"][9])
    held = [value for row in country.register.values() for value in identifiers(row, "insurance_number")]
    assert held and not repeated(held)


def test_two_people_can_share_a_former_number(country: Country) -> None:
    numbers = [number for row in country.register.values() for number in row.get("former_numbers", [])]
    rate = RATES.people["shared_former_number"]
    assert all(re.fullmatch(r"[0-9]{9}", number) for number in numbers)
    assert 0.4 * rate < len(repeated(numbers)) / len(numbers) < 2.5 * rate


def test_ages_are_near_those_of_the_country(country: Country) -> None:
    """Half-way census of April 2024: 23.3 % below 15, 67.4 % from 15 to 64, 9.3 % above."""
    ages = [2025 - int(row["birth_date"][:4]) for row in country.register.values() if row["alive"]]
    assert 0.20 < sum(age < 15 for age in ages) / len(ages) < 0.25
    assert 0.65 < sum(15 <= age < 65 for age in ages) / len(ages) < 0.72
    assert 0.075 < sum(age >= 65 for age in ages) / len(ages) < 0.11
    assert 0.005 < 1 - len(ages) / PEOPLE < 0.04


def test_names_are_as_frequent_as_they_are_told_to_be(country: Country) -> None:
    names = [row["name"]["full"] for row in country.register.values()]
    assert all(name == unicodedata.normalize("NFC", " ".join(name.split())) for name in names)
    families = Counter(name.split()[0] for name in names)
    assert 0.35 < families["Nguyễn"] / PEOPLE < 0.41
    assert [family for family, _ in families.most_common(3)] == ["Nguyễn", "Trần", "Lê"]


@pytest.mark.parametrize("sex, middle", [("male", "Văn"), ("female", "Thị")])
def test_middle_names_go_out_of_fashion(country: Country, sex: str, middle: str) -> None:
    shares = []
    for first, last in ((1930, 1959), (1960, 1979), (1980, 1999), (2000, 2025)):
        born = [
            row["name"]["full"].split()[1:2] == [middle]
            for row in country.register.values()
            if first <= int(row["birth_date"][:4]) <= last and row["sex"] == sex
        ]
        shares.append(sum(born) / len(born))
    assert shares == sorted(shares, reverse=True) and shares[0] > 4 * shares[-1]


def test_minorities_foreigners_and_names_of_one_word_are_among_them(country: Country) -> None:
    origins = Counter(truth["name_origin"] for truth in country.truth)
    minorities = {"Mông", "Tày, Nùng", "Thái, Mường", "Ê Đê, Gia Rai, Ba Na", "Chăm", "Khmer"}
    assert set(origins) == {"Kinh", "foreign", *minorities}
    assert sum(" " not in row["name"]["full"] for row in country.register.values()) >= 5
    foreigners = [row for row in country.register.values() if row["nationality"] != "VNM"]
    assert foreigners
    for row in foreigners:
        assert "personal_number" not in row and row["residence_paper"] and identifiers(row, "passport")


def test_births_are_in_63_provinces_and_abroad(country: Country) -> None:
    places = {row["birth_place"] for row in country.register.values()}
    assert places > set(provinces.BEFORE)
    assert {row["province"] for row in country.register.values()} == set(provinces.TODAY.values())
    abroad = sum(row["birth_place"] in provinces.ABROAD for row in country.register.values())
    assert abroad / PEOPLE < 0.02


def test_some_old_people_have_no_day_of_birth(country: Country) -> None:
    old = [row["birth_date"] for row in country.register.values() if int(row["birth_date"][:4]) < 1966]
    assert within_five_sigma(sum(len(date) == 4 for date in old), len(old), RATES.people["year_only"])
    assert any(len(date) == 7 for date in old)
    young = [row["birth_date"] for row in country.register.values() if int(row["birth_date"][:4]) > 1966]
    assert all(len(date) == 10 for date in young)


def test_minors_have_guardians_and_households_share_a_telephone(country: Country) -> None:
    minors = [row for row in country.register.values() if int(row["birth_date"][:4]) > 2007]
    guarded = [row for row in minors if row.get("guardians")]
    assert len(guarded) > 0.95 * len(minors)
    for row in guarded:
        assert all(int(country.register[one]["birth_date"][:4]) < 2008 for one in row["guardians"])
    phones = [row["phone"] for row in country.register.values() if "phone" in row]
    assert all(re.fullmatch(r"\+8450[0-9]{7}", phone) for phone in phones)
    assert 0.05 < len(repeated(phones)) / len(phones) < 0.20


def test_what_was_corrected_has_its_former_value_beside_it(country: Country) -> None:
    aliases = [(row, alias) for row in country.register.values() for alias in row.get("aliases", [])]
    assert {alias["reason"] for _, alias in aliases} == {"rectified", "changed", "married"}
    for row, alias in aliases:
        assert alias.get("birth_date") != row["birth_date"]
        assert alias.get("name", {}).get("full") != row["name"]["full"]


# ---- what makes it hard ----


def sibling_groups(country: Country) -> list[list[Row]]:
    """People of one birth date with the same guardians or neighbouring rows; rows are in order of families."""
    groups = defaultdict(list)
    for row in country.register.values():
        if row.get("guardians"):
            groups[row["birth_date"], *row["guardians"]].append(row)
    return [group for group in groups.values() if len(group) == 2]


def test_twins_have_one_birth_date_similar_names_and_numbers_that_follow_each_other(country: Country) -> None:
    twins = sibling_groups(country)
    assert 10 < len(twins) < 80
    one_sex = [pair for pair in twins if pair[0]["sex"] == pair[1]["sex"]]
    assert 0.4 < len(one_sex) / len(twins) < 0.9
    for elder, younger in one_sex:
        assert int(younger["personal_number"]) - int(elder["personal_number"]) == 1
        assert elder["name"]["full"].split()[0] == younger["name"]["full"].split()[0]
    assert any(
        without_marks(elder["name"]["full"]) == without_marks(younger["name"]["full"]) for elder, younger in one_sex
    )


@pytest.mark.parametrize("sex, rate", [("male", "father_son_one_name"), ("female", "mother_daughter_one_name")])
def test_some_children_bear_a_parents_full_name(country: Country, sex: str, rate: str) -> None:
    pairs = [
        (row["name"]["full"], country.register[one]["name"]["full"])
        for row in country.register.values() if row["sex"] == sex
        for one in row.get("guardians", []) if country.register[one]["sex"] == sex
    ]  # fmt: skip
    named = sum(child == parent for child, parent in pairs)
    assert named and within_five_sigma(named, len(pairs), RATES.people[rate])


def test_strangers_share_name_and_birth_date_in_proportion_to_the_country(country: Country) -> None:
    same = Counter((row["name"]["full"], row["birth_date"], row["sex"]) for row in country.register.values())
    pairs = sum(times - 1 for times in same.values() if times > 1)
    assert 0.5 * RATES.people["doubles"] < pairs / PEOPLE < 3 * RATES.people["doubles"]
    assert country.with_structure("double")


def test_borrowed_papers_are_those_of_somebody_else_in_part_or_whole(country: Country) -> None:
    borrowed = [(record, truth) for record, truth in zip(country.records, country.truth, strict=True)
                if "papers_of" in truth]  # fmt: skip
    of_two = sum(truth["source"] != "bank" for truth in country.truth)
    assert within_five_sigma(len(borrowed), of_two, 0.004)
    for record, truth in borrowed:
        lender = country.register[truth["papers_of"]]
        assert record["source"] != "bank" and truth["papers_of"] != truth["person"]
        told = {one["value"] for one in record["identifiers"]}
        spoiled = {"mistyped_number", "swapped_digits"} & set(truth["errors"])
        assert spoiled or lender["personal_number"] in told
        own = country.register.get(truth["person"] or "", {})
        assert own.get("personal_number") not in told


def test_whoever_is_not_in_the_register_signs_in_all_the_same(country: Country) -> None:
    outside = [truth for truth in country.truth if truth["person"] is None]
    assert 0.010 < len(outside) / len(country.truth) < 0.021
    numbers = {row.get("personal_number") for row in country.register.values()}
    for record, truth in zip(country.records, country.truth, strict=True):
        if truth["person"] is None and not truth["errors"]:
            assert not numbers & set(identifiers(record, "personal_number"))


def test_structures_are_told_for_those_who_count(country: Country) -> None:
    told = {structure for truth in country.truth for structure in truth["structures"]}
    assert told >= {
        "twin", "parents_name", "childs_name", "double", "born_abroad", "foreigner", "minor", "deceased",
        "not_in_register", "shared_phone", "year_only", "changed_name", "rectified_name", "rectified_birth_date",
        "shared_former_number",
    }  # fmt: skip
    for truth in country.with_structure("deceased"):
        assert truth["person"] is None or not country.register[truth["person"]]["alive"]
    for truth in country.truth:
        assert ("minor" in truth["structures"]) == (truth["age_band"] in ("0-13", "14-17"))
