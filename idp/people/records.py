"""Rows of registers and of what sources said, one JSON object a line, for operators who link offline and for measuring.

They become the very values that a sign-in has, so that the same rules see the same. What each field means stands in
`docs/matching.md`; any may be missing. A field that cannot be read counts as missing, since one bad row of a million
must not lose the others; a line that is no object is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name, Sex
from connectors.profile import Address, Profile
from idp.people.births import born_on
from idp.people.person import REGISTER, Attribute, Person

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {each.value: each for each in IdentifierType}
_SEXES = {each.value: each for each in Sex}


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What one source said at one sign-in."""

    id: str
    source_id: str
    assertion: Assertion


def read(line: str | bytes) -> dict[str, Any]:
    """The row; raises ValueError for a line that holds no object."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("a line must hold a JSON object")
    return row


def record(row: Mapping[str, Any]) -> Record:
    source_id, subject, proofing = _text(row, "source") or "", _text(row, "subject") or "", row.get("proofing")
    assertion = Assertion(
        issuer=source_id, subject=subject, name=_name(row.get("name")),
        proofing=proofing if isinstance(proofing, int) else 1, authentication=1, auth_time=UNKNOWN_TIME, means=(),
        evidence=b"", identifiers=_identifiers(row.get("identifiers")), birth_date=_birth_date(row.get("birth_date")),
        sex=_SEXES.get(_text(row, "sex") or ""), phone=_text(row, "phone"), profile=_profile(row),
    )  # fmt: skip
    return Record(id=_text(row, "record") or "", source_id=source_id, assertion=assertion)


def person(row: Mapping[str, Any], id: bytes, source_id: str) -> Person:
    """Somebody as the register has them, who may never have signed in."""
    numbers = [*_identifiers(row.get("identifiers")), *_former(row.get("former_numbers"))]
    said: dict[str, Any] = {
        "name": _name(row.get("name")).full, "sex": _text(row, "sex"), "phone": _text(row, "phone"),
        "personal_number": _text(row, "personal_number"),
        "other_numbers": [[each.type.value, each.value] for each in numbers] or None,
    }  # fmt: skip
    province = _text(row, "province")
    if province is not None:
        said["address"] = {"formatted": province, "region": province}
    born = _birth_date(row.get("birth_date"))
    if born is not None:
        said |= {"birth_date": _parts(born), "birth_date_as_sent": born.as_sent}
    aliases = [each for each in _list(row.get("aliases")) if isinstance(each, dict)]
    said["earlier_names"] = [_name(each.get("name")).full for each in aliases if each.get("name")]
    said["earlier_birth_dates"] = [_parts(each) for alias in aliases if (each := _birth_date(alias.get("birth_date")))]
    attributes = {name: Attribute(value, source_id, REGISTER, 0) for name, value in said.items() if value}
    return Person(id=id, status="deceased" if row.get("alive") is False else "active", version=0, attributes=attributes)


def _profile(row: Mapping[str, Any]) -> Profile | None:
    province = _text(row, "address_province")
    return None if province is None else Profile(address=Address(formatted=province, region=province))


def _name(value: Any) -> Name:
    """A name as text, as `full`, or as parts, family name first."""
    if not isinstance(value, dict):
        return Name(full=value if isinstance(value, str) else "")
    parts = {part: text for part in ("family", "middle", "given") if (text := _text(value, part))}
    return Name(full=_text(value, "full") or " ".join(parts.values()), **parts)


def _birth_date(value: Any) -> BirthDate | None:
    """`1958`, `1958-03` or `1958-03-07`, or an object of numbers; None for what is no date."""
    if isinstance(value, str):
        parts: list[Any] = [int(part) if part.isdigit() else None for part in value.split("-")]
        sent = value
    elif isinstance(value, dict):
        parts = [value.get(part) for part in ("year", "month", "day")]
        sent = _text(value, "as_sent") or ""
    else:
        return None
    year, month, day = [*parts, None, None][:3]
    if not all(part is None or isinstance(part, int) for part in (year, month, day)):
        return None
    try:
        return BirthDate(year=year, month=month, day=day, as_sent=sent)
    except (TypeError, ValueError):
        return None


def _parts(date: BirthDate) -> list[int | None]:
    born = born_on(date)
    return [born.year, born.month, born.day]


def _identifiers(value: Any) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(type=_TYPES[each["type"]], value=each["value"], state=each.get("state", "current"))
        for each in _list(value)
        if isinstance(each, dict) and each.get("type") in _TYPES and isinstance(each.get("value"), str)
    )


def _former(value: Any) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(type=IdentifierType.FORMER_NUMBER, value=each) for each in _list(value) if isinstance(each, str)
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value.strip() else None
