"""Whom to ask the population register about: number, name and birth date, as a source says them or as we know them."""

from __future__ import annotations

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from connectors.registers import Pivot
from idp.people.identifiers import PERSONAL_NUMBER, birth_year, personal_in
from idp.people.person import Person


def pivot_of(number: str, name: Name, birth_date: BirthDate | None) -> Pivot:
    """Whom to ask about. Where nobody told a birth date (certificates hold none), the number's own year stands in."""
    if birth_date is None and PERSONAL_NUMBER.fullmatch(number):
        year = birth_year(number)
        birth_date = BirthDate(year=year, as_sent=str(year))
    identifier = Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number)
    return Pivot(identifier=identifier, name=name, birth_date=birth_date)


def pivot_of_person(person: Person) -> Pivot | None:
    """Whom to ask the register about for this person; None without a number or a name."""
    if person.personal_number is None or person.name is None:
        return None
    name = Name(full=person.name, family=person.family_name, middle=person.middle_name, given=person.given_name)
    born = person.birth_date
    sent = person.birth_date_as_sent or ""
    date = None if born is None else BirthDate(year=born.year, month=born.month, day=born.day, as_sent=sent)
    return pivot_of(person.personal_number, name, date)


def current_number(assertion: Assertion) -> str | None:
    """The personal number that the source says is the person's now, as such or as a tax or insurance code."""
    now = (each for each in assertion.identifiers if each.state == "current")
    return next((number for number in map(personal_in, now) if number is not None), None)
