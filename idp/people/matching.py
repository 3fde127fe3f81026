"""Who is this? Rules only, each with a name: MATCH, NEW, or a refusal. Nothing that merely looks alike is ever linked.

For now a person is found by the exact personal number, with name and birth date agreeing; a number that agrees while
the name or the date does not is a conflict, and never links by itself. Only a source that proofed the person
(`person.PROVEN`) is believed a number; with a weaker one somebody is whoever its own subject was before, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Assertion, BirthDate
from connectors.registers import Pivot
from idp import errors
from idp.errors import Failure
from idp.people.identifiers import PERSONAL_NUMBER
from idp.people.names import folded
from idp.people.person import PROVEN, Born, Person, born_on

# Proofed in person by who certified number and name together (a certificate holds no birth date): these two suffice.
CERTIFIED = 3


@dataclass(frozen=True, kw_only=True)
class Decision:
    outcome: str  # MATCH, NEW, CONFLICT, INCOMPLETE, BARRED
    rule: str
    person: Person | None = None
    failure: Failure | None = None


def decide(
    assertion: Assertion, proofing: int, number: str | None, linked: Person | None, numbered: Person | None,
    rectified: Pivot | None = None,
) -> Decision:  # fmt: skip
    """Whose sign-in this is, given the person linked to this subject and the person who has this number.

    `number` and `numbered` are None where the source has not proofed the person. `rectified` are the person's details
    of today, where the register said that the source's are those of before.
    """
    lack = _lack(assertion, proofing, number, linked)
    if lack:
        return _refusal("INCOMPLETE", lack, errors.PERSON_INCOMPLETE)
    found = linked or numbered
    if found is None:
        return Decision(outcome="NEW", rule="number-unknown" if number else "subject-alone")
    disagreement = _disagreement(assertion, number, found, numbered, rectified)
    if disagreement:
        return _refusal("CONFLICT", disagreement, errors.PERSON_CONFLICT)
    if found.status != "active":
        return _refusal("BARRED", f"status-{found.status}", errors.PERSON_BARRED)
    return Decision(outcome="MATCH", rule="link" if linked else _rule(assertion), person=found)


def _rule(assertion: Assertion) -> str:
    return "number-name" if assertion.birth_date is None else "number-name-birth"


def _lack(assertion: Assertion, proofing: int, number: str | None, linked: Person | None) -> str | None:
    """The name of the rule by which there is too little to go by, or None."""
    if not assertion.name.full.strip():
        return "no-name"
    if number is not None and not PERSONAL_NUMBER.fullmatch(number):
        return "number-malformed"
    if linked is not None or proofing < PROVEN:
        return None
    if number is None:
        return "no-number"
    return "no-birth-date" if assertion.birth_date is None and proofing < CERTIFIED else None


def _disagreement(
    assertion: Assertion, number: str | None, found: Person, numbered: Person | None, rectified: Pivot | None
) -> str | None:
    """The name of the rule by which the source's words cannot be about the person found, or None."""
    if numbered is not None and numbered.id != found.id:
        return "link-and-number-are-two-people"
    if number is not None and found.personal_number not in (None, number):
        return "number-changed"
    said = (assertion.name, rectified.name) if rectified is not None else (assertion.name,)
    if found.names and not {folded(name.full) for name in said} & {folded(name) for name in found.names}:
        return "name-differs"
    said_born = _born(assertion.birth_date) + _born(rectified.birth_date if rectified is not None else None)
    if said_born and found.birth_dates and not _any_agree(said_born, found.birth_dates):
        return "birth-date-differs"
    return None


def _born(date: BirthDate | None) -> tuple[Born, ...]:
    return () if date is None else (born_on(date),)


def _any_agree(said: tuple[Born, ...], known: tuple[Born, ...]) -> bool:
    return any(one.agrees_with(other) for one in said for other in known)


def _refusal(outcome: str, rule: str, failure: Failure) -> Decision:
    return Decision(outcome=outcome, rule=rule, failure=failure)
