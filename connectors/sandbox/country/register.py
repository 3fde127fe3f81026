"""What the population register has of a person: one row, as `files` describes it."""

from __future__ import annotations

from typing import Any

from connectors.sandbox.country import provinces
from connectors.sandbox.country.names import Name
from connectors.sandbox.country.person import Former, Person


def row(person: Person) -> dict[str, Any]:
    """The register's row; what it does not have is not in it."""
    papers = person.papers
    values: dict[str, Any] = {
        "person": person.id,
        "personal_number": papers.personal_number,
        "former_numbers": [papers.former_number] if papers.former_number else [],
        "name": _name(person.name, in_last_field="name_in_last_field" in person.known),
        "aliases": [_alias(one) for one in person.former],
        "birth_date": person.born.iso,
        "sex": person.sex,
        "birth_place": person.birth_place,
        "province": provinces.TODAY[person.home],
        "nationality": person.nationality,
        "alive": person.alive,
        "phone": person.phone if "phone" in person.known else None,
        "identifiers": _identifiers(person),
        "guardians": list(person.guardians),
        "residence_paper": papers.residence_paper,
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def _name(name: Name, *, in_last_field: bool = False) -> dict[str, str]:
    if in_last_field or not name.family:
        return {"full": name.full, "given": name.full}
    parts = {"full": name.full, "family": name.family, "middle": name.middle, "given": name.given}
    return {part: text for part, text in parts.items() if text}


def _alias(former: Former) -> dict[str, Any]:
    if former.birth is not None:
        return {"reason": former.reason, "birth_date": former.birth.iso}
    return {"reason": former.reason, "name": None if former.name is None else _name(former.name)}


def _identifiers(person: Person) -> list[dict[str, str]]:
    """Numbers of other papers that the register was told of."""
    papers, known = person.papers, person.known
    passport = "passport" in known or papers.personal_number is None  # whoever has no number is in it by a passport
    found = (
        ("insurance_number", papers.insurance_number, "current", "insurance_number" in known),
        ("health_card", papers.health_card, "current", "health_card" in known),
        ("passport", papers.passport, "current", passport),
        ("passport", papers.former_passport, "former", passport),
    )
    return [{"type": kind, "value": value, "state": state} for kind, value, state, so in found if so and value]
