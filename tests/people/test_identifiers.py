"""Numbers of every kind: what is one, how it is compared, and what it says of its holder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Identifier, IdentifierType, Sex
from connectors.sandbox.cast import CAST
from connectors.sandbox.places import PROVINCE_NAMES
from connectors.sandbox.population import Population
from idp.people.births import Born
from idp.people.identifiers import (
    PROVINCES,
    Number,
    NumberOddity,
    PersonalNumber,
    TaxCode,
    TaxHolder,
    birth_year,
    consistent_with,
    parse,
)
from tests.people.spelling import REPEATABLE

PERSONAL, FORMER, TAX = IdentifierType.PERSONAL_NUMBER, IdentifierType.FORMER_NUMBER, IdentifierType.TAX_CODE
INSURANCE, CARD = IdentifierType.INSURANCE_NUMBER, IdentifierType.HEALTH_CARD
ENTERPRISE, PASSPORT = IdentifierType.ENTERPRISE_CODE, IdentifierType.PASSPORT


@pytest.mark.parametrize(
    "number, year",
    [
        ("001090000101", 1990), ("079185000202", 1985), ("048201000303", 2001), ("048301000303", 2001),
        ("001499000101", 2199), ("001912000101", 2312),
    ],
)  # fmt: skip
def test_century_sex_and_year_stand_in_the_fourth_to_sixth_digit(number: str, year: int) -> None:
    """Circular 07/2016/TT-BCA, article 7: 0 and 1 are men and women of the 1900s, 2 and 3 of the 2000s, and so on."""
    assert birth_year(number) == year


def test_every_invented_citizen_was_born_in_the_year_of_their_number() -> None:
    assert [birth_year(one.personal_number) for one in CAST] == [one.birth_year for one in CAST]


@pytest.mark.parametrize("text", ["", "01090000101", "0010900001011", "00109000010a", "\u0660" * 12, "001090000101\n"])
def test_what_is_no_personal_number_tells_no_year(text: str) -> None:
    with pytest.raises(ValueError, match="twelve digits"):
        birth_year(text)


def read(kind: IdentifierType, value: str, **told: bool) -> Number:
    return parse(Identifier(type=kind, value=value), **told)


@pytest.mark.parametrize(
    "kind, sent, canonical, key",
    [
        (PERSONAL, "001090000101", "001090000101", "personal_number:001090000101"),
        (PERSONAL, "001 090 000 101", "001090000101", "personal_number:001090000101"),
        (PERSONAL, "001.090-000101", "001090000101", "personal_number:001090000101"),
        (PERSONAL, "００１０９００００１０１", "001090000101", "personal_number:001090000101"),
        (PERSONAL, "\u00a0001090000101\u2013", "001090000101", "personal_number:001090000101"),
        (FORMER, "010 000 101", "010000101", "former_number:010000101"),
        (FORMER, "001090000101", "001090000101", "personal_number:001090000101"),  # cards of 2012 to 2016
        (TAX, "0900000027", "0900000027", "tax_code/enterprise:0900000027"),
        (TAX, "0900000027-001", "0900000027-001", "tax_code/enterprise:0900000027-001"),
        (TAX, "0900000027001", "0900000027-001", "tax_code/enterprise:0900000027-001"),
        (TAX, "09.00000.027 - 001", "0900000027-001", "tax_code/enterprise:0900000027-001"),
        (TAX, "001090000101", "001090000101", "tax_code/personal:001090000101"),
        (INSURANCE, "0123456789", "0123456789", "insurance_number:0123456789"),
        (INSURANCE, "001090000101", "001090000101", "insurance_number:001090000101"),
        (CARD, "DN 4 01 0123456789", "DN4010123456789", "health_card:DN4010123456789"),
        (CARD, "dn4010123456789", "DN4010123456789", "health_card:DN4010123456789"),
        (CARD, "ＤＮ4010123456789", "DN4010123456789", "health_card:DN4010123456789"),
        (CARD, "0123456789", "0123456789", "insurance_number:0123456789"),  # cards since 2021
        (CARD, "001090000101", "001090000101", "insurance_number:001090000101"),
        (ENTERPRISE, "0900000027", "0900000027", "enterprise_code:0900000027"),
        (PASSPORT, "c 1234567", "C1234567", "passport:C1234567"),
        (PASSPORT, "P12345678", "P12345678", "passport:P12345678"),
        (PASSPORT, "X9Z12", "X9Z12", "passport:X9Z12"),
    ],
)  # fmt: skip
def test_a_number_is_one_however_it_is_typed(kind: IdentifierType, sent: str, canonical: str, key: str) -> None:
    number = read(kind, sent)
    assert (number.canonical, number.key) == (canonical, key)


NONE_OF_ITS_KIND = [
    *((PERSONAL, text) for text in ("", "01090000101", "0010900001011", "00109000010a", "0" * 12, "001090000101\n")),
    *((PERSONAL, text) for text in ("\u0660" * 12, "०" * 12, "²" * 12, "001/090/000101", "+01090000101", "0" * 10_240)),
    (PERSONAL, "001090000101".rjust(41)),
    *((FORMER, text) for text in ("", "01000010", "0100001011", "0" * 9, "x10000101")),
    *((TAX, text) for text in ("", "0900000028", "0900000027-000", "0900000027-01", "0900000027-0001", "0900000000")),
    *((TAX, text) for text in ("0100000003", "0" * 10, "0" * 12, "09000000270", "\u0660900000027")),
    *((INSURANCE, text) for text in ("", "012345678", "01234567890", "0" * 10, "DN4010123456789")),
    *((CARD, text) for text in ("", "DN6010123456789", "D14010123456789", "DN401012345678", "ĐN4010123456789")),
    *((CARD, text) for text in ("\u0131N4010123456789", "DN40101234567899")),
    *((ENTERPRISE, text) for text in ("", "0900000028", "0900000027-001", "001090000101")),
    *((PASSPORT, text) for text in ("", "1234", "ABCDEFG", "C123456789", "С1234567", "C1234567\n", "\u01311234567")),
]


@pytest.mark.parametrize("kind, text", NONE_OF_ITS_KIND)
def test_what_is_no_number_of_its_kind_is_refused_and_not_repeated(kind: IdentifierType, text: str) -> None:
    with pytest.raises(ValueError, match="has") as refused:
        read(kind, text)
    assert not text or text not in str(refused.value)


@REPEATABLE
@given(st.sampled_from(IdentifierType), st.text(max_size=50))
def test_any_text_is_a_number_or_refused(kind: IdentifierType, text: str) -> None:
    try:
        number = read(kind, text)
    except ValueError:
        return
    assert parse(Identifier(type=number.type, value=number.canonical)) == number


@REPEATABLE
@given(st.from_regex(r"\A[0-9]{9}\Z"), st.integers(0, 9))
def test_one_digit_at_most_checks_nine_others(nine: str, wrong_by: int) -> None:
    good = [digit for digit in "0123456789" if _is_read(TAX, nine + digit)]
    assert len(good) <= 1
    if good and wrong_by:
        place = wrong_by - 1
        mistyped = f"{nine[:place]}{(int(nine[place]) + 1) % 10}{nine[place + 1 :]}{good[0]}"
        assert not _is_read(TAX, mistyped), "a single mistyped digit is found"


def _is_read(kind: IdentifierType, text: str) -> bool:
    try:
        read(kind, text)
    except ValueError:
        return False
    return True


def test_a_tax_code_says_whose_it_is() -> None:
    firm, branch, person = (read(TAX, text) for text in ("0900000027", "0900000027-001", "001090000101"))
    household = read(TAX, "001090000101", of_household=True)
    assert isinstance(branch, TaxCode) and isinstance(firm, TaxCode) and isinstance(household, TaxCode)
    assert (firm.holder, firm.branch, branch.branch) == (TaxHolder.ENTERPRISE, None, "001")
    assert household.holder is TaxHolder.HOUSEHOLD
    assert len({firm.key, branch.key, person.key, household.key}) == 4, "person and household share twelve digits"


@pytest.mark.parametrize(
    "kind, sent, alias",
    [
        (CARD, "DN4010123456789", Identifier(type=INSURANCE, value="0123456789")),
        (TAX, "001090000101", Identifier(type=PERSONAL, value="001090000101")),
        (INSURANCE, "001090000101", Identifier(type=PERSONAL, value="001090000101")),
        *(
            (kind, sent, None)
            for kind, sent in (
                (PERSONAL, "001090000101"), (FORMER, "010000101"), (TAX, "0900000027"), (INSURANCE, "0123456789"),
                (ENTERPRISE, "0900000027"), (PASSPORT, "C1234567"),
            )
        ),
    ],
)  # fmt: skip
def test_numbers_within_a_number_are_the_holders_too(kind: IdentifierType, sent: str, alias: Identifier | None) -> None:
    assert read(kind, sent).aliases == ((alias,) if alias else ())


def test_the_number_of_a_household_is_not_its_own_but_its_representatives() -> None:
    assert read(TAX, "001090000101", of_household=True).aliases == ()


def test_the_provinces_are_those_of_before_the_merger() -> None:
    assert len(PROVINCES) == 63
    assert frozenset(PROVINCE_NAMES) == PROVINCES


@pytest.mark.parametrize(
    "kind, sent, strange",
    [
        (PERSONAL, "001090000101", ()), (PERSONAL, "096399000101", ()),
        (PERSONAL, "000090000101", (NumberOddity.NOT_A_PROVINCE,)),
        (PERSONAL, "123090000101", (NumberOddity.NOT_A_PROVINCE,)),  # may be a country: born abroad
        (TAX, "123090000101", (NumberOddity.NOT_A_PROVINCE,)), (TAX, "0900000027", ()),
        (CARD, "DN4010123456789", ()), (CARD, "QN5970123456789", (NumberOddity.NOT_A_PROVINCE,)),  # the army's
        (PASSPORT, "C1234567", ()), (PASSPORT, "P12345678", ()), (PASSPORT, "X9Z12", (NumberOddity.NOT_VIETNAMESE,)),
        (FORMER, "010000101", ()), (INSURANCE, "0123456789", ()), (ENTERPRISE, "0900000027", ()),
    ],
)  # fmt: skip
def test_what_is_strange_about_a_number_is_told_and_loses_nobody(
    kind: IdentifierType, sent: str, strange: tuple[NumberOddity, ...]
) -> None:
    assert read(kind, sent).oddities == strange


@pytest.mark.parametrize(
    "number, born, sex, strange",
    [
        ("001090000101", Born(1990, 5, 17), "male", ()), ("001190000101", Born(1990), Sex.FEMALE, ()),
        ("001090000101", None, None, ()),
        ("001090000101", None, "female", (NumberOddity.SEX_DISAGREES,)),
        ("001090000101", Born(1991), None, (NumberOddity.YEAR_DISAGREES,)),
        ("001290000101", Born(1990), "male", (NumberOddity.YEAR_DISAGREES,)),
        ("001190000101", Born(1989), "male", (NumberOddity.SEX_DISAGREES, NumberOddity.YEAR_DISAGREES)),
    ],
)  # fmt: skip
def test_a_number_may_say_something_else_than_the_birth_date_and_the_sex(
    number: str, born: Born | None, sex: str | None, strange: tuple[NumberOddity, ...]
) -> None:
    assert consistent_with(PersonalNumber(canonical=number), born, sex) == strange


def test_the_numbers_of_all_invented_citizens_agree_with_them() -> None:
    for citizen in Population(count=1000):
        number = read(PERSONAL, citizen.personal_number)
        assert isinstance(number, PersonalNumber) and number.oddities == ()
        assert consistent_with(number, Born(citizen.birth_year), citizen.sex) == ()
