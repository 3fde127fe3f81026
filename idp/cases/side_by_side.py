"""A case as a clerk sees it: what the source says beside what is known of everybody who may be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from idp.cases.joining import Link
from idp.people import births, evidence, names
from idp.people.births import Born
from idp.people.evidence import Evidence
from idp.people.person import Person
from idp.people.rules import HABITS, SAME_NAME, SAME_YEAR

SAME, NEARLY, DIFFERENT = "=", "~", "≠"


@dataclass(frozen=True, kw_only=True)
class Known:
    """Somebody who may be meant, with what tells a clerk how well they are known."""

    person: Person
    links: tuple[Link, ...]
    portals: int
    last_seen: str | None
    checked: str | None


def table(said: Evidence | None, known: Sequence[Known]) -> list[dict[str, str]]:
    """A row for each thing to compare, a column for what is said and for each person; `=`, `~` or `≠` before theirs."""
    columns = [(each, evidence.of_person(each.person)) for each in known]
    rows = [
        _row("person", "", [each.person.id.hex() for each, _ in columns]),
        _row("status", "", [each.person.status for each, _ in columns]),
        _row("name", _name(said), [_mark(_names(said, other)) + _name(other) for _, other in columns]),
        _row("birth date", _birth(said), [_mark(_births(said, other)) + _birth(other) for _, other in columns]),
    ]
    for label, of in _LINES:
        ours = set() if said is None else _known(of(said))
        theirs = [_known(of(other)) for _, other in columns]
        rows.append(_row(label, _text(ours), [_mark(_same(ours, each)) + _text(each) for each in theirs]))
    rows += [
        _row(
            "comes by", "", [", ".join(f"{link.source_id} ({link.rule})" for link in each.links) for each, _ in columns]
        ),
        _row("portals", "", [str(each.portals) for each, _ in columns]),
        _row("last seen", "", [each.last_seen or "never" for each, _ in columns]),
        _row("register agreed", "", [each.checked or "never" for each, _ in columns]),
    ]
    return rows


_LINES: tuple[tuple[str, Callable[[Evidence], set[str | None]]], ...] = (
    ("sex", lambda one: {one.sex}),
    ("personal number", lambda one: {*one.numbers, *one.earlier_numbers}),
    ("other numbers", lambda one: {*one.own, *one.shared}),
    ("phone", lambda one: {one.phone}),
    ("province", lambda one: {one.province}),
)


def _row(label: str, said: str, theirs: Iterable[str]) -> dict[str, str]:
    numbered = {f"person {number}": value for number, value in enumerate(theirs, 1)}
    return {"what": label, "said": said} | numbered


def _known(values: set[str | None]) -> set[str]:
    return {value for value in values if value is not None}


def _text(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _mark(agreement: str | None) -> str:
    return "" if agreement is None else f"{agreement} "


def _same(said: set[str], known: set[str]) -> str | None:
    if not said or not known:
        return None
    return DIFFERENT if said.isdisjoint(known) else SAME


def _name(one: Evidence | None) -> str:
    return "" if one is None else " / ".join(dict.fromkeys(one.names))


def _names(said: Evidence | None, known: Evidence) -> str | None:
    if said is None or not said.names or not known.names:
        return None
    found = {names.compare(one, other) for one in said.names for other in known.names}
    return _best(found, names.NameAgreement.EXACT, SAME_NAME | HABITS)


def _best(found: Set[StrEnum], exact: StrEnum, near: Set[StrEnum]) -> str:
    return SAME if exact in found else NEARLY if found & near else DIFFERENT


def _birth(one: Evidence | None) -> str:
    return "" if one is None else " / ".join(dict.fromkeys(map(_day, one.births)))


def _births(said: Evidence | None, known: Evidence) -> str | None:
    if said is None or not said.births or not known.births:
        return None
    found = {births.compare(one, other) for one in said.births for other in known.births}
    return _best(found, births.BirthAgreement.EXACT, SAME_YEAR)


def _day(born: Born) -> str:
    """As far as it is known, and never filled up."""
    parts = [f"{born.year:04}", *(f"{part:02}" for part in (born.month, born.day) if part is not None)]
    return "-".join(parts)
