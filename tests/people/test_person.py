"""What becomes of what we know when a source speaks: silence erases nothing, and the weaker never overrules."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name, Sex
from idp.people.births import Born
from idp.people.person import PROVEN, Attribute, Person
from tests.oidc.residents import assertion

NOBODY = Person(id=b"mai", status="active", version=0)


def told(person: Person, proofing: int, at: int = 1, source: str = "source", **said: Any) -> tuple[Person, list[str]]:
    quiet: dict[str, Any] = {
        "identifiers": (),
        "birth_date": None,
        "sex": None,
        "email": None,
        "phone": None,
        "profile": None,
    }
    return person.told_by(assertion(**(quiet | said)), source, proofing, at)


def born(year: int, month: int | None = None, day: int | None = None) -> BirthDate:
    return BirthDate(year=year, month=month, day=day, as_sent=f"{day}/{month}/{year}")


def test_a_new_person_is_what_the_source_said() -> None:
    said = assertion(birth_place="Huế", nationality="VN")
    person, changed = NOBODY.told_by(said, "population", 3, 1000)
    assert (person.name, person.family_name, person.middle_name, person.given_name) == (
        "Nguyễn Thị Mai Anh", "Nguyễn", "Thị Mai", "Anh",
    )  # fmt: skip
    assert (person.birth_date, person.sex, person.email) == (Born(1992, 8, 5), "female", "mai.anh@example.vn")
    assert person.personal_number == said.identifiers[0].value
    assert person.former_number == said.identifiers[1].value
    assert (person.version, person.updated_at) == (1, 1000)
    assert set(changed) == person.attributes.keys()
    assert {(each.source_id, each.proofing, each.at) for each in person.attributes.values()} == {
        ("population", 3, 1000)
    }


def test_said_again_nothing_changes() -> None:
    said = assertion()
    person, _ = NOBODY.told_by(said, "population", 3, 1)
    for proofing in (1, 2, 3):
        again, changed = person.told_by(said, "bank", proofing, 2)
        assert (again, changed) == (person, [])


@pytest.mark.parametrize("proofing", [1, 2, 3, 4])
def test_what_is_left_out_stays(proofing: int) -> None:
    person, _ = NOBODY.told_by(assertion(birth_place="Huế"), "population", 3, 1)
    after, changed = told(person, proofing, at=2, name=Name(full="Nguyễn Thị Mai Anh"))
    assert after.attributes.keys() == person.attributes.keys()
    for name in person.attributes.keys() - {"name"}:
        assert after.attributes[name] == person.attributes[name]
    assert changed == (["name"] if proofing > 3 else [])


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_silence(empty: str | None) -> None:
    person, _ = NOBODY.told_by(assertion(), "population", 3, 1)
    after, changed = told(person, 4, at=2, email=empty, phone=empty, name=Name(full="Nguyễn Thị Mai Anh", given=empty))
    assert (after.email, after.phone, after.given_name) == (person.email, person.phone, "Anh")
    assert changed == ["name"]  # the same, now vouched for by a better source


PHONES = [
    # who spoke first, who speaks now, what is known afterwards, and on whose word
    (3, 2, "0900000001", 3), (3, 1, "0900000001", 3), (2, 1, "0900000001", 2),
    (2, 2, "0900000002", 2), (3, 3, "0900000002", 3),
    (1, 2, "0900000002", 2), (2, 3, "0900000002", 3), (1, 4, "0900000002", 4),
]  # fmt: skip


@pytest.mark.parametrize("first, second, phone, by", PHONES)
def test_the_weaker_never_overrules_and_the_better_rectifies(first: int, second: int, phone: str, by: int) -> None:
    person, _ = told(NOBODY, first, source="first", phone="0900000001")
    after, changed = told(person, second, at=2, source="second", phone="0900000002")
    assert (after.phone, after.attributes["phone"].proofing) == (phone, by)
    assert ("phone" in changed) is (phone == "0900000002")
    assert after.version == person.version + (1 if changed else 0)


def test_what_a_better_source_confirms_a_weaker_one_cannot_overrule() -> None:
    """The bank said so, then the register said the same: from then on it is the register's word."""
    person, _ = told(NOBODY, 2, source="bank", phone="0900000001")
    confirmed, changed = told(person, 3, at=2, source="population", phone="0900000001")
    assert "phone" in changed
    assert confirmed.attributes["phone"] == Attribute("0900000001", "population", 3, 2)
    after, _ = told(confirmed, 2, at=3, source="bank", phone="0900000002")
    assert after.phone == "0900000001"


DATES = [
    # known, on whose word; said, by whom; known afterwards
    ((1992,), 2, (1992, 8, 5), 2, (1992, 8, 5)), ((1992, 8), 3, (1992, 8, 5), 3, (1992, 8, 5)),
    ((1992, 8, 5), 2, (1992,), 2, (1992, 8, 5)), ((1992, 8, 5), 2, (1992, 8), 3, (1992, 8, 5)),
    ((1992,), 3, (1992, 8, 5), 2, (1992,)), ((1992,), 2, (1993,), 3, (1993,)),
    ((1992, 8, 5), 2, (1992, 8, 6), 3, (1992, 8, 6)), ((1992, 8, 5), 3, (1992, 8, 6), 2, (1992, 8, 5)),
]  # fmt: skip


@pytest.mark.parametrize("first, by, second, then, known", DATES)
def test_a_birth_date_gains_parts_and_never_loses_them(
    first: tuple[int, ...], by: int, second: tuple[int, ...], then: int, known: tuple[int, ...]
) -> None:
    person, _ = told(NOBODY, by, birth_date=born(*first))
    after, _ = told(person, then, at=2, birth_date=born(*second))
    assert after.birth_date == Born(*known)
    as_sent = born(*known).as_sent
    assert after.attributes["birth_date_as_sent"].value == as_sent, "what was sent belongs to what is known"


@pytest.mark.parametrize(
    "one, other, agree",
    [
        ((1992, 8, 5), (1992, 8, 5), True), ((1992, 8, 5), (1992,), True), ((1992, 8), (1992, 8, 31), True),
        ((1992,), (1992,), True), ((1992, 8, 5), (1992, 8, 6), False), ((1992, 8), (1992, 9, 5), False),
        ((1992,), (1991, 8, 5), False), ((1992, 8, 5), (1992, 5, 8), False),
    ],
)  # fmt: skip
def test_dates_agree_as_far_as_both_are_known(one: tuple[int, ...], other: tuple[int, ...], agree: bool) -> None:
    assert Born(*one).agrees_with(Born(*other)) is Born(*other).agrees_with(Born(*one)) is agree


def numbered(**states: str) -> Assertion:
    kinds = {"new": ("079092000001", IdentifierType.PERSONAL_NUMBER), "old": ("079092", IdentifierType.FORMER_NUMBER),
             "tax": ("8000000001", IdentifierType.TAX_CODE)}  # fmt: skip
    identifiers = tuple(
        Identifier(type=kinds[name][1], value=kinds[name][0], state=state) for name, state in states.items()
    )
    return assertion(identifiers=identifiers)


def test_numbers_are_believed_from_who_proofed_the_person() -> None:
    """Below that anybody may have typed anybody's number."""
    said = numbered(new="current", old="former", tax="current")
    strong, _ = NOBODY.told_by(said, "bank", PROVEN, 1)
    weak, _ = NOBODY.told_by(said, "account", PROVEN - 1, 1)
    assert (strong.personal_number, strong.former_number) == ("079092000001", "079092")
    assert (weak.personal_number, weak.former_number) == (None, None)
    assert "tax_code" not in strong.attributes


def test_a_number_of_the_past_is_not_the_number() -> None:
    assert NOBODY.told_by(numbered(new="former"), "population", 3, 1)[0].personal_number is None


def test_a_person_survives_being_written_down() -> None:
    person, _ = NOBODY.told_by(assertion(birth_date=born(1952), sex=Sex.MALE), "population", 3, 1)
    assert Person.attributes_from(person.to_json()) == person.attributes
    again = Person(id=person.id, status="active", version=1, attributes=Person.attributes_from(person.to_json()))
    assert (again.birth_date, again.sex) == (Born(1952), "male")


def test_of_nobody_nothing_is_known() -> None:
    assert (NOBODY.name, NOBODY.birth_date, NOBODY.updated_at) == (None, None, 0)
