"""The rules by which somebody is recognised: each has a name, compares one person with what is said, scores nothing.

A rule says MATCH, REVIEW (a clerk has to look) or CONFLICT (numbers say that it is this person, and name or birth date
say that it is not: nobody is ever linked on that). About a person who merely is somebody else no rule says anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from idp.people import births, names
from idp.people.births import BirthAgreement
from idp.people.evidence import Evidence
from idp.people.names import NameAgreement


class Outcome(StrEnum):
    MATCH = "MATCH"
    NEW = "NEW"
    REVIEW = "REVIEW"
    CONFLICT = "CONFLICT"
    INCOMPLETE = "INCOMPLETE"  # too little to go by
    BARRED = "BARRED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    outcome: Outcome
    rule: str


# Enough where everybody is known, and nobody else comes into question; otherwise there may be another like this one.
ENOUGH_IF_ALONE = frozenset({"number-mistyped", "name-birth-province"})
# Whoever shows another's papers has number, name and birth date as they are: what is left are a phone, a province, a
# sex and other numbers. People move and get another phone; both at once, of somebody new, is for a clerk to look at.
TOO_MANY_AGAINST = 2
# The name is the same, however it is spelled.
SAME_NAME = frozenset({NameAgreement.EXACT, NameAgreement.SPELLING, NameAgreement.MARKS_LOST})
# What offices make of one name, and what two people's names can also be.
HABITS = frozenset({NameAgreement.MARKS_DIFFER, NameAgreement.MIDDLE_SHORTENED, NameAgreement.REORDERED})
# What offices make of one birth date.
SAME_YEAR = frozenset({BirthAgreement.PARTIAL, BirthAgreement.DEFAULTED, BirthAgreement.SWAPPED})

_NAME_RANK = {agreement: rank for rank, agreement in enumerate(NameAgreement)}
_BIRTH_RANK = {agreement: rank for rank, agreement in enumerate(BirthAgreement)}


def judge(said: Evidence, known: Evidence) -> Finding | None:
    """What the first rule that applies says of this one person; None: it is not they who are meant.

    The same whatever else is known, and in whatever order people are looked at.
    """
    if has_number_of(said, known):
        finding = _by_number(_name(said, known), _birth(said, known))
        alone = finding.outcome is Outcome.MATCH and _speaking_against(said, known) >= TOO_MANY_AGAINST
        return _review("number-against-all-else") if alone else finding
    differs = bool(said.numbers and known.numbers)
    if differs and _is_mistyped(said, known):
        return _review("number-mistyped")
    if not set(said.earlier_numbers).isdisjoint(known.numbers):
        return _by_number_given_up(_name(said, known), _birth(said, known))
    if not said.own.isdisjoint(known.own):
        return _by_own_number(said, known, differs=differs)
    return None if differs else _without_own_numbers(said, known)


def is_enough_alone(said: Evidence, known: Evidence, finding: Finding) -> bool:
    """Whether what a clerk would look at links by itself where everybody is known and nobody else is like this one.

    Not where both have a phone, and another: whoever is in no register has somebody of their name and day there, too.
    """
    phones_differ = said.phone is not None and known.phone is not None and said.phone != known.phone
    return finding.rule in ENOUGH_IF_ALONE and not phones_differ


def has_number_of(said: Evidence, known: Evidence) -> bool:
    """Whether a personal number that is said is, or was, this person's."""
    return any(number in known.numbers or number in known.earlier_numbers for number in said.numbers)


def disagreement_of_linked(said: Evidence, known: Evidence) -> str | None:
    """The rule by which these words cannot be of the person whom the source spoke of under this subject before."""
    if said.numbers and known.numbers and not has_number_of(said, known):
        return "number-changed"
    if known.names and _name(said, known) not in SAME_NAME | HABITS:
        return "name-differs"
    return "birth-date-differs" if _birth(said, known) is BirthAgreement.DIFFERENT else None


def looks_like(said: Evidence, known: Evidence) -> bool:
    """Whether name and birth date are this person's, whatever the numbers say: for a clerk to look at."""
    return _name(said, known) in SAME_NAME and _birth(said, known) is BirthAgreement.EXACT


def _speaking_against(said: Evidence, known: Evidence) -> int:
    """How many of phone, province, sex and other numbers are known on both sides, and differ."""
    pairs = ((said.phone, known.phone), (said.province, known.province), (said.sex, known.sex))
    differ = sum(one is not None and other is not None and one != other for one, other in pairs)
    kinds = {number.partition(":")[0] for number in said.own} & {number.partition(":")[0] for number in known.own}
    return differ + (bool(kinds) and said.own.isdisjoint(known.own))


def _by_number(name: NameAgreement, birth: BirthAgreement | None) -> Finding:
    if name in SAME_NAME:
        if birth is BirthAgreement.DIFFERENT:
            return _conflict("birth-date-differs")
        if birth is None:
            return _match("number-name")
        return _match("number-name-year" if birth in SAME_YEAR else "number-name-birth")
    if name not in HABITS:
        return _conflict("name-differs")
    if birth is BirthAgreement.EXACT:
        return _match("number-name-habit-birth")
    return _conflict("birth-date-differs") if birth is BirthAgreement.DIFFERENT else _review("number-name-habit")


def _by_own_number(said: Evidence, known: Evidence, *, differs: bool) -> Finding:
    """By a tax code, an insurance number or a passport; `differs`: the personal numbers do."""
    name, birth = _name(said, known), _birth(said, known)
    if name in SAME_NAME and birth is not None and birth is not BirthAgreement.DIFFERENT:
        return _review("other-number-name-birth") if differs else _match("other-number-name-birth")
    if name in HABITS and birth is BirthAgreement.EXACT and not differs:
        return _match("other-number-name-habit-birth")
    if name in SAME_NAME | HABITS and birth is not BirthAgreement.DIFFERENT and not differs:
        return _review("other-number-name")
    return _conflict("other-number-of-another")


def _by_number_given_up(name: NameAgreement, birth: BirthAgreement | None) -> Finding | None:
    """By a number that a source says was theirs, and that is this person's today: the register has not told of it."""
    if name in SAME_NAME | HABITS and birth is not BirthAgreement.DIFFERENT:
        return _review("number-given-up")
    return _conflict("number-given-up-is-anothers")


def _without_own_numbers(said: Evidence, known: Evidence) -> Finding | None:
    if not said.shared.isdisjoint(known.shared):
        return _by_shared_number(_name(said, known), _birth(said, known))
    return _alike(said, known)


def _by_shared_number(name: NameAgreement, birth: BirthAgreement | None) -> Finding | None:
    """By a former number, which another may have as well: with another name it is another."""
    if name in SAME_NAME and birth is not None and birth is not BirthAgreement.DIFFERENT:
        return _match("former-number-name-birth")
    if name in SAME_NAME | HABITS and birth is not BirthAgreement.DIFFERENT:
        return _review("former-number-name")
    return None


def _alike(said: Evidence, known: Evidence) -> Finding | None:
    """Without any number of theirs. Name and birth date alone are never enough: in a country many share both."""
    name, birth = _name(said, known), _birth(said, known)
    same_phone = said.phone is not None and said.phone == known.phone
    if _sexes_differ(said, known):
        return None
    if name in HABITS and birth is BirthAgreement.EXACT and same_phone:
        return _review("name-habit-birth-phone")
    if name not in SAME_NAME:
        return None
    if birth is BirthAgreement.EXACT and not same_phone:
        same_province = said.province is not None and said.province == known.province
        return _review("name-birth-province" if same_province else "name-birth")
    if birth is BirthAgreement.EXACT:
        return _match("name-birth-phone")
    return _review("name-phone") if same_phone else None


def _is_mistyped(said: Evidence, known: Evidence) -> bool:
    """Whether one slip of the hand made the one number of the other, and all else is the same."""
    near = any(_one_slip(one, other) for one in said.numbers for other in known.numbers)
    return near and _name(said, known) in SAME_NAME and _birth(said, known) is BirthAgreement.EXACT and not (
        _sexes_differ(said, known)
    )  # fmt: skip


def _one_slip(one: str, other: str) -> bool:
    """Whether two numbers of one length differ in one digit, or in two neighbours that changed places."""
    apart = [position for position, (here, there) in enumerate(zip(one, other, strict=True)) if here != there]
    if len(apart) == 1:
        return True
    first, last = (apart[0], apart[-1]) if apart else (0, 0)
    return len(apart) == 2 and last - first == 1 and one[first] == other[last] and one[last] == other[first]


def _sexes_differ(said: Evidence, known: Evidence) -> bool:
    return said.sex is not None and known.sex is not None and said.sex != known.sex


def _name(said: Evidence, known: Evidence) -> NameAgreement:
    """The best agreement of any two of their names."""
    found = (names.compare(one, other) for one in said.names for other in known.names)
    return min(found, key=_NAME_RANK.__getitem__, default=NameAgreement.DIFFERENT)


def _birth(said: Evidence, known: Evidence) -> BirthAgreement | None:
    """The best agreement of any two of their birth dates; None where one side knows none."""
    found = (births.compare(one, other) for one in said.births for other in known.births)
    return min(found, key=_BIRTH_RANK.__getitem__, default=None)


def _match(rule: str) -> Finding:
    return Finding(outcome=Outcome.MATCH, rule=rule)


def _review(rule: str) -> Finding:
    return Finding(outcome=Outcome.REVIEW, rule=rule)


def _conflict(rule: str) -> Finding:
    return Finding(outcome=Outcome.CONFLICT, rule=rule)
