"""What is made of claims: dates, names, numbers, levels, as Vietnamese sources send them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connectors.answers import Refusal
from connectors.banking import Banking, BankingConfiguration
from connectors.base import Failure, Identifier, IdentifierType, Name, Sex
from connectors.claims import Claims, Person, read_birth_date
from connectors.population import Population, PopulationConfiguration
from tests.connectors.door import Door

TODAY = date(2026, 11, 21)
PERSONAL, FORMER = IdentifierType.PERSONAL_NUMBER, IdentifierType.FORMER_NUMBER


@pytest.mark.parametrize(
    "sent,read",
    [
        ("1990-03-14", (1990, 3, 14)),
        ("1990-03", (1990, 3, None)),
        ("1990", (1990, None, None)),
        ("14/03/1990", (1990, 3, 14)),
        ("4/3/1990", (1990, 3, 4)),
        ("03/1990", (1990, 3, None)),
        ("19900314", (1990, 3, 14)),
        ("01/01/1958", (1958, 1, 1)),  # many are born then, and nobody can tell the others
        ("1958-01-01", (1958, 1, 1)),
        ("00/00/1958", (1958, None, None)),
        ("00/05/1958", (1958, 5, None)),
        ("1958-00-00", (1958, None, None)),
        ("19580000", (1958, None, None)),
        ("29/02/1992", (1992, 2, 29)),
    ],
)
def test_a_birth_date_is_read_as_far_as_it_is_known(sent: str, read: tuple[int, int | None, int | None]) -> None:
    birth_date = read_birth_date(sent, latest=TODAY)
    assert (birth_date.year, birth_date.month, birth_date.day) == read
    assert birth_date.as_sent == sent


@pytest.mark.parametrize(
    "sent",
    [
        "29/02/1990", "31/04/1990", "1990-13-01", "14/00/1990", "1990-00-14", "0000-03-14", "0000", "1849", "2027",
        "22/11/2026", "14.03.1990", "14-03-1990", "1990/03/14", "90", "1990-3-14", "yesterday", "", " 1990",
        "1990-03-14T00:00:00", "१९९०", "14/03/90", "199003",
    ],
)  # fmt: skip
def test_what_is_no_date_is_not_guessed(sent: str) -> None:
    with pytest.raises(ValueError):
        read_birth_date(sent, latest=TODAY)


def bank_person(door: Door, **claims: Any) -> Person:
    honest = {"name": "Trần Thị Thu Hà", "national_id": "001190000101", "birthdate": "1990-03-14", "gender": "female"}
    bank = Banking(BankingConfiguration(issuer="https://bank.example", client_id="c"))
    given = {name: value for name, value in {**honest, **claims}.items() if value is not None}
    return bank.person(Claims(given, door.context), 2)


def test_a_bank_tells_who_its_customer_is(plain_door: Door) -> None:
    person = bank_person(plain_door, old_national_id="010000101", phone_number="+84500000001", email="ha@thu.example")
    assert person.name == Name(full="Trần Thị Thu Hà")
    assert person.identifiers == (
        Identifier(type=PERSONAL, value="001190000101"),
        Identifier(type=FORMER, value="010000101", state="former"),
    )
    assert person.birth_date is not None and person.birth_date.day == 14 and person.sex is Sex.FEMALE
    assert (person.phone, person.email) == ("+84500000001", "ha@thu.example")
    assert (person.proofing, person.authentication) == (2, 2)
    assert plain_door.notes == []


@pytest.mark.parametrize(
    "national,old,found",
    [
        ("001190000101", None, [(PERSONAL, "001190000101", "current")]),
        ("001190000101", "001190000101", [(PERSONAL, "001190000101", "current")]),
        (None, "010000101", [(FORMER, "010000101", "former")]),
        ("010000101", None, [(FORMER, "010000101", "former")]),  # filed under the wrong name
        ("010000101", "010000101", [(FORMER, "010000101", "former")]),
        ("001190000101", "001080000999", [(PERSONAL, "001190000101", "current"), (PERSONAL, "001080000999", "former")]),
        (" 001190000101 ", "", [(PERSONAL, "001190000101", "current")]),
        ("000000000000", "010000101", [(FORMER, "010000101", "former")]),
        ("00119000010", "010000101", [(FORMER, "010000101", "former")]),
        (1190000101, "010000101", [(FORMER, "010000101", "former")]),
        ("٠٠١١٩٠٠٠٠١٠١", "010000101", [(FORMER, "010000101", "former")]),
    ],
)
def test_numbers_are_told_apart_by_their_form(
    plain_door: Door, national: object, old: object, found: list[Any]
) -> None:
    person = bank_person(plain_door, national_id=national, old_national_id=old)
    assert [(one.type, one.value, one.state) for one in person.identifiers] == found


@pytest.mark.parametrize(
    "missing",
    [
        {"name": None}, {"name": ""}, {"name": "   "}, {"name": ["Hà"]}, {"name": "Hà\x00"}, {"name": "H" * 400},
        {"name": "Hà\u202e"}, {"name": "\ud800"}, {"national_id": None}, {"national_id": "12"},
        {"national_id": "000000000000"},
    ],
)  # fmt: skip
def test_without_a_name_or_any_number_nobody_is_known(plain_door: Door, missing: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        bank_person(plain_door, **missing)
    assert refused.value.failure is Failure.INCOMPLETE
    assert "Hà" not in refused.value.detail


@pytest.mark.parametrize(
    "odd", [{"birthdate": "31/02/1990"}, {"gender": "X"}, {"email": "no address"}, {"phone_number": 84500000001}]
)
def test_what_cannot_be_read_is_left_out_with_a_note_of_its_name(plain_door: Door, odd: dict[str, Any]) -> None:
    person = bank_person(plain_door, **odd)
    (claim,) = odd
    field = {"birthdate": "birth_date", "gender": "sex", "phone_number": "phone"}.get(claim, claim)
    assert getattr(person, field) is None
    assert plain_door.notes == [("source.claim_unreadable", {"claim": claim})]


def test_a_bank_may_call_its_claims_otherwise(plain_door: Door) -> None:
    names = {"personal_number": "cccd", "name": "ho_ten"}
    bank = Banking(
        BankingConfiguration.model_validate({"issuer": "https://b.example", "client_id": "c", "claims": names})
    )
    person = bank.person(Claims({"cccd": "001190000101", "ho_ten": "HÀ"}, plain_door.context), 1)
    assert person.name.full == "HÀ" and person.identifiers[0].value == "001190000101"


def register_person(door: Door, **claims: Any) -> Person:
    honest = {
        **{"citizenPid": "001190000101", "fullName": "Trần Thị Thu Hà", "birthDate": "14/03/1990", "gender": "Nữ"},
        **{"accountLevel": 2, "authenticationLevel": 3},
        "nameParts": {"ho": "Trần", "chuDem": "Thị Thu", "ten": "Hà"},
        "placeOfBirthRegistration": {"code": "001", "name": "Hà Nội"},
    }
    register = Population(PopulationConfiguration(issuer="https://register.example", client_id="c"))
    given = {name: value for name, value in {**honest, **claims}.items() if value is not None}
    return register.person(Claims(given, door.context), 1)


def test_the_register_tells_a_person_on_two_axes(plain_door: Door) -> None:
    person = register_person(plain_door, formerIdentityNumber="010000101")
    assert person.name == Name(full="Trần Thị Thu Hà", family="Trần", middle="Thị Thu", given="Hà")
    assert (person.proofing, person.authentication) == (3, 3)
    assert person.sex is Sex.FEMALE and person.birth_place == "Hà Nội"
    assert [one.type for one in person.identifiers] == [PERSONAL, FORMER]
    assert plain_door.notes == []


@pytest.mark.parametrize(
    "account,sign_in,levels",
    [
        (1, 1, (1, 1)), (1, 2, (1, 2)), (2, 1, (3, 1)), (2, 4, (3, 4)), ("2", "3", (3, 3)),
        (3, 5, (1, 1)), (0, 0, (1, 1)), (None, None, (1, 1)), (True, 2.0, (1, 1)), ("two", "II", (1, 1)),
        (-2, [3], (1, 1)),
    ],
)  # fmt: skip
def test_a_level_that_is_missing_or_unknown_counts_as_the_lowest(
    plain_door: Door, account: object, sign_in: object, levels: tuple[int, int]
) -> None:
    person = register_person(plain_door, accountLevel=account, authenticationLevel=sign_in)
    assert (person.proofing, person.authentication) == levels


@pytest.mark.parametrize(
    "parts,name",
    [
        ({"ho": "Trần", "chuDem": "", "ten": "Hà"}, Name(full="Trần Thị Thu Hà", family="Trần", given="Hà")),
        ({"ho": "", "chuDem": "", "ten": "Trần Thị Thu Hà"}, Name(full="Trần Thị Thu Hà")),
        ({"ho": "", "chuDem": "Thị", "ten": "Hà"}, Name(full="Trần Thị Thu Hà")),
        ({}, Name(full="Trần Thị Thu Hà")),
        (None, Name(full="Trần Thị Thu Hà")),
        ("Trần", Name(full="Trần Thị Thu Hà")),
        ({"ho": 7, "ten": "Hà"}, Name(full="Trần Thị Thu Hà")),
    ],
)
def test_the_parts_of_a_name_are_the_registers_or_none(plain_door: Door, parts: object, name: Name) -> None:
    assert register_person(plain_door, nameParts=parts).name == name


@pytest.mark.parametrize("sent", ["nam", "NAM", "Nam", "male", "1", "NU\u031b\u0303"])
def test_sex_is_read_in_both_languages(plain_door: Door, sent: str) -> None:
    expected = Sex.FEMALE if sent.startswith("NU") else Sex.MALE
    assert register_person(plain_door, gender=sent).sex is expected
