"""What becomes of what we know of people when two turn out to be one, when that is undone, and when one is two."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.base import IdentifierType
from idp.people.births import Born
from idp.people.names import folded
from idp.people.person import PROVEN, Attribute, Person

CLERK = "clerk"  # in the place of a source's id, where a clerk has said it
MERGED = "merged"  # the status of whoever was joined to another: nobody signs in as them, and nothing leads to them
# Known together, or not: a part of one's name is no part of the other's.
_TOGETHER = (
    ("name", "family_name", "middle_name", "given_name"),
    ("birth_date", "birth_date_as_sent"),
    ("email", "verified_email"),
    ("phone", "verified_phone"),
)
_BESIDE = (
    ("name", "earlier_names"), ("birth_date", "earlier_birth_dates"), ("personal_number", "earlier_numbers"),
)  # fmt: skip
_LISTS = ("earlier_names", "earlier_birth_dates", "earlier_numbers", "other_numbers")


def joined(stays: Person, goes: Person) -> tuple[Person, Person]:
    """The one person after these two were joined to one, and the other, whom nothing leads to any more.

    What the one is, stays. What only the other knew is added. What both know differently, the sources of each will go
    on saying, and the last who spoke is heard: both names and birth dates are kept beside, and the other's number.
    """
    attributes = {**_added(stays, goes), **stays.attributes}
    beside = {
        "earlier_names": _other_name(stays, goes),
        "earlier_birth_dates": _other_birth(stays, goes),
        "earlier_numbers": _other_number(stays, goes),
        "other_numbers": _other_former(stays, goes),
    }
    for name in _LISTS:
        whole = _united(stays.attributes.get(name), goes.attributes.get(name), beside[name])
        if whole is not None:
            attributes[name] = whole
    one = replace(stays, attributes=attributes, version=stays.version + 1)
    return one, replace(goes, status=MERGED, version=goes.version + 1)


def without_sources(person: Person, gone: Collection[str]) -> tuple[Person, dict[str, Attribute]]:
    """The person without what these sources have said, and that. The personal number stays with whoever stays, and of
    lists nobody knows who said which part: their sources will say them again.
    """
    said = {name: value for name, value in person.attributes.items() if value.source_id in gone}
    left = {name: value for name, value in person.attributes.items() if name not in said or name == "personal_number"}
    theirs = {name: value for name, value in said.items() if name not in (*_LISTS, "personal_number")}
    return replace(person, attributes=left, version=person.version + 1), theirs


def restored(
    now: Person, before: Mapping[str, Attribute], after: Mapping[str, Attribute], others: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    """What is known of the person once a change of them from `before` to `after` is undone.

    What has been said since stays, and wins where it is newer than what is given back; but for what `others` is known
    for, from whom the person is parted: a source of theirs has only said it again.
    """
    attributes, foreign = dict(now.attributes), _said_of(others, now.attributes)
    for name in {*before, *after, *foreign}:
        was, made = before.get(name), after.get(name)
        if was == made and name not in foreign:
            continue
        current = attributes.get(name)
        if name in _LISTS:
            current = _list_without(current, was, made)
            if current is None:
                attributes.pop(name, None)
            else:
                attributes[name] = current
        elif current == made or name in foreign:
            if was is None:
                attributes.pop(name, None)
            else:
                attributes[name] = was
    return attributes


def known_as(person: Person, names: Iterable[str], births: Iterable[Born], now: int) -> Person:
    """The person, who goes by these names and birth dates as well; those of today are kept among them, for a source
    that tells the others takes their place.
    """
    known, born = {folded(each) for each in person.names}, set(person.birth_dates)
    new_names = [each for each in names if folded(each) not in known]
    new_births = [each for each in births if each not in born]
    said = {
        "earlier_names": [*filter(None, [person.name]), *new_names] if new_names else [],
        "earlier_birth_dates": [
            [each.year, each.month, each.day] for each in (*filter(None, [person.birth_date]), *new_births)
        ] if new_births else [],
    }  # fmt: skip
    attributes = dict(person.attributes)
    for name, values in said.items():
        if values:
            attributes[name] = _with_all(attributes.get(name), Attribute(values, CLERK, PROVEN, now))
    return replace(person, attributes=attributes)


def _said_of(others: Mapping[str, Attribute], now: Mapping[str, Attribute]) -> set[str]:
    """The names of what is known now, and is what the others are known for, or were before."""
    found = {name for name, value in now.items() if name in others and others[name].value == value.value}
    for name, beside in _BESIDE:
        if name in now and beside in others and now[name].value in others[beside].value:
            found.add(name)
    former = now.get("former_number")
    if former is not None and "other_numbers" in others and _kept_former(former) in others["other_numbers"].value:
        found.add("former_number")
    return found | {name for group in _TOGETHER if group[0] in found for name in group}


def _with_all(known: Attribute | None, new: Attribute) -> Attribute:
    whole = _united(known, None, new)
    return new if whole is None else whole


def _list_without(current: Attribute | None, was: Attribute | None, made: Attribute | None) -> Attribute | None:
    """The list as it was before, with what was added since."""
    if current == made:
        return was
    old, new = [] if was is None else was.value, [] if made is None else made.value
    added = [each for each in ([] if current is None else current.value) if each not in new]
    values = [*old, *(each for each in added if each not in old)]
    like = current or was
    return None if like is None or not values else replace(like, value=values)


def _added(stays: Person, goes: Person) -> dict[str, Attribute]:
    known = {name for group in _TOGETHER if group[0] in stays.attributes for name in group}
    return {name: value for name, value in goes.attributes.items() if name not in known}


def _united(one: Attribute | None, other: Attribute | None, beside: Attribute | None) -> Attribute | None:
    found = [each for each in (one, other, beside) if each is not None]
    if not found:
        return None
    values: list[Any] = []
    for each in found:
        values += [value for value in each.value if value not in values]
    return replace(found[0], value=values)


def _other_name(stays: Person, goes: Person) -> Attribute | None:
    name = goes.attributes.get("name")
    if name is None or stays.name is None or folded(name.value) == folded(stays.name):
        return None
    return replace(name, value=[name.value, stays.name])


def _other_birth(stays: Person, goes: Person) -> Attribute | None:
    born = goes.attributes.get("birth_date")
    if born is None or stays.birth_date is None or stays.birth_date == goes.birth_date:
        return None
    return replace(born, value=[born.value, stays.attributes["birth_date"].value])


def _other_number(stays: Person, goes: Person) -> Attribute | None:
    number = goes.attributes.get("personal_number")
    if number is None or stays.personal_number in (None, number.value):
        return None
    return replace(number, value=[number.value])


def _other_former(stays: Person, goes: Person) -> Attribute | None:
    former = goes.attributes.get("former_number")
    if former is None or stays.former_number in (None, former.value):
        return None
    return replace(former, value=[_kept_former(former)])


def _kept_former(former: Attribute) -> list[str]:
    """As it stands among the other numbers, where two people's are kept."""
    return [IdentifierType.FORMER_NUMBER.value, former.value]
