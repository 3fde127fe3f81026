"""A source that changes somebody's identifiers between two visits: a conflict, unless the register explains it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from connectors.registers import Agreement, Pivot, Verdict
from idp import clock, errors
from idp.errors import Refused
from idp.house import House
from idp.people import Checked, Person
from tests.races.provider import said

ONE, OTHER = 1192000005, 1192731477


def recognise(house: House, assertion: Assertion, verdict: Verdict | None = None) -> Person:
    checked = None if verdict is None else Checked(source_id="register", verdict=verdict, asked_at=clock.milliseconds())
    with house.database.write() as tx:
        return house.people.recognise(tx, assertion, "bank", 3, checked).person


def refused(house: House, assertion: Assertion, verdict: Verdict | None = None) -> str:
    """The rule by which the sign-in is a conflict; nothing is changed by it."""
    before = [tuple(row) for row in everything(house)]
    with pytest.raises(Refused) as problem:
        recognise(house, assertion, verdict)
    assert problem.value.failure is errors.PERSON_CONFLICT
    assert [tuple(row) for row in everything(house)] == before
    return problem.value.detail


def everything(house: House) -> Any:
    from sqlalchemy import select

    from idp.people.models import LinkRow, PersonRow

    return [
        *house.database.all(select(PersonRow.id, PersonRow.version, PersonRow.attributes).order_by(PersonRow.id)),
        *house.database.all(select(LinkRow.subject_index, LinkRow.person_id).order_by(LinkRow.subject_index)),
    ]


def verdict(rectified: Pivot | None = None, *aliases: Identifier) -> Verdict:
    return Verdict(
        agreement=Agreement.AGREES, alive=True, at=datetime.now(UTC), evidence=bytes(32), rectified=rectified,
        aliases=aliases,
    )  # fmt: skip


def number(value: int) -> Identifier:
    return Identifier(type=IdentifierType.PERSONAL_NUMBER, value=f"{value:012}")


def pivot(value: int, name: str = "Nguyễn Thị Mai Anh", year: int = 1992) -> Pivot:
    born = BirthDate(year=year, month=8, day=5, as_sent=f"05/08/{year}")
    return Pivot(identifier=number(value), name=Name(full=name), birth_date=born)


def test_a_subject_that_comes_with_another_number_is_a_conflict(house: House) -> None:
    recognise(house, said(ONE, subject="s"))
    assert refused(house, said(OTHER, subject="s")) == "number-changed"


def test_a_subject_that_comes_with_the_number_of_somebody_else_we_know_is_a_conflict(house: House) -> None:
    recognise(house, said(ONE, subject="s"))
    recognise(house, said(OTHER, subject="t"))
    assert refused(house, said(OTHER, subject="s")) == "link-and-number-are-two-people"


def test_a_number_at_a_second_subject_under_another_name_is_a_conflict(house: House) -> None:
    recognise(house, said(ONE, subject="s"))
    assert refused(house, said(ONE, subject="t", name=Name(full="Lê Văn Tám"))) == "name-differs"
    born = BirthDate(year=1950, as_sent="1950")
    assert refused(house, said(ONE, subject="t", birth_date=born)) == "birth-date-differs"


def test_a_number_at_a_second_subject_under_the_same_details_is_the_same_person(house: House) -> None:
    """Two accounts at one bank."""
    assert recognise(house, said(ONE, subject="s")).id == recognise(house, said(ONE, subject="t")).id


def test_a_subject_that_comes_with_another_name_or_birth_date_is_a_conflict(house: House) -> None:
    recognise(house, said(ONE, subject="s"))
    assert refused(house, said(ONE, subject="s", name=Name(full="Lê Văn Tám"))) == "name-differs"


def test_a_subject_that_gives_no_number_any_more_is_who_it_was(house: House) -> None:
    person = recognise(house, said(ONE, subject="s"))
    again = recognise(house, said(ONE, subject="s", identifiers=()))
    assert (again.id, again.personal_number) == (person.id, f"{ONE:012}")


def test_two_numbers_that_the_register_calls_one_person_s_lead_to_that_person(house: House) -> None:
    person = recognise(house, said(ONE, subject="s"), verdict(None, number(OTHER)))
    assert person.earlier_numbers == (f"{OTHER:012}",)
    assert recognise(house, said(OTHER, subject="t")).id == person.id
    assert recognise(house, said(OTHER, subject="s")).id == person.id, "also at the subject that had the first"


def test_an_alias_that_is_somebody_else_s_number_by_now_takes_nothing_from_them(house: House) -> None:
    other = recognise(house, said(OTHER, subject="t"))
    recognise(house, said(ONE, subject="s"), verdict(None, number(OTHER)))
    assert recognise(house, said(OTHER, subject="t")).id == other.id
    assert refused(house, said(OTHER, subject="s")) == "link-and-number-are-two-people"


def test_a_source_that_has_the_old_name_still_means_the_person_where_the_register_says_so(house: House) -> None:
    new = pivot(ONE, "Nguyễn Mai An", 1993)
    person = recognise(house, said(ONE, subject="s"), verdict(new))
    assert person.names == ("Nguyễn Mai An", "Nguyễn Thị Mai Anh")
    assert [born.year for born in person.birth_dates] == [1993, 1992]
    again = recognise(house, said(ONE, subject="s"))
    assert (again.id, again.name) == (person.id, "Nguyễn Mai An"), "a bank does not undo the register's word"
    newer = said(ONE, subject="t", name=new.name, birth_date=new.birth_date)
    assert recognise(house, newer).id == person.id, "nor does one that knows the new name make a conflict"
    assert refused(house, said(ONE, subject="t", name=Name(full="Lê Văn Tám"))) == "name-differs"


def test_whoever_is_known_by_the_new_name_is_found_by_the_old_one_if_the_register_explains_it(house: House) -> None:
    new = pivot(ONE, "Nguyễn Mai An")
    person = recognise(house, said(ONE, subject="s", name=new.name))
    assert refused(house, said(ONE, subject="t")) == "name-differs"
    assert recognise(house, said(ONE, subject="t"), verdict(new)).id == person.id


def test_a_mere_spelling_is_corrected_and_not_remembered(house: House) -> None:
    capitals = said(ONE, subject="s", name=Name(full="NGUYEN THI MAI ANH"))
    person = recognise(house, capitals, verdict(pivot(ONE)))
    assert person.names == ("Nguyễn Thị Mai Anh",)
    assert person.attributes["name"].proofing == 4
    assert person.attributes["name"].source_id == "register"


def test_a_former_number_that_the_register_knows_is_kept_and_links_nobody(house: House) -> None:
    """Two people can share one."""
    former = Identifier(type=IdentifierType.FORMER_NUMBER, value="123456789", state="former")
    person = recognise(house, said(ONE, subject="s"), verdict(None, former))
    assert person.former_number == "123456789"
    assert recognise(house, said(OTHER, subject="t"), verdict(None, former)).id != person.id


def test_what_the_register_says_again_changes_nothing(house: House) -> None:
    first = recognise(house, said(ONE, subject="s"), verdict(pivot(ONE, "Nguyễn Mai An"), number(OTHER)))
    again = recognise(house, said(ONE, subject="s"), verdict(pivot(ONE, "Nguyễn Mai An"), number(OTHER)))
    assert again.version == first.version


def test_a_check_that_came_to_be_owed_while_the_register_was_being_asked_stays_owed(house: House) -> None:
    """The answer may be of before the correction that the feed has just reported."""
    person = recognise(house, said(ONE, subject="s"))
    asked_before = Checked(source_id="register", verdict=verdict(), asked_at=clock.milliseconds() - 5)
    with house.database.write() as tx:
        house.people.forget_check(tx, person.id, owed=True)
    with house.database.write() as tx:
        house.people.keep_checked(tx, person, asked_before)
    assert house.people.owing(b"", 10) == [person.id]
    with time_machine.travel(time.time() + 5, tick=True):
        asked_after = Checked(source_id="register", verdict=verdict(), asked_at=clock.milliseconds())
        with house.database.write() as tx:
            house.people.keep_checked(tx, person, asked_after)
    assert house.people.owing(b"", 10) == []
