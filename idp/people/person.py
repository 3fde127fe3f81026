"""A person as we know them: attributes with their provenance, and what becomes of them when a source speaks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connectors.base import Assertion, IdentifierType


@dataclass(frozen=True)
class Attribute:
    """A value, and who said so: source, that source's level, and when."""

    value: Any
    source_id: str
    level: int
    at: int


@dataclass(frozen=True)
class Born:
    """A birth date whose month and day may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    def agrees_with(self, other: Born) -> bool:
        """Whether both can be the same day: an unknown part agrees with anything."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(one == two or one is None or two is None for one, two in pairs)

    @property
    def known_parts(self) -> int:
        return 1 + (self.month is not None) + (self.day is not None)


@dataclass(frozen=True, kw_only=True)
class Person:
    """`id` is random and lasts; everything else may be rectified."""

    id: bytes
    status: str  # active, deceased, barred
    version: int
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def _text(self, name: str) -> str | None:
        attribute = self.attributes.get(name)
        return None if attribute is None else str(attribute.value)

    @property
    def name(self) -> str | None:
        return self._text("name")

    @property
    def family_name(self) -> str | None:
        return self._text("family_name")

    @property
    def middle_name(self) -> str | None:
        return self._text("middle_name")

    @property
    def given_name(self) -> str | None:
        return self._text("given_name")

    @property
    def sex(self) -> str | None:
        return self._text("sex")

    @property
    def email(self) -> str | None:
        return self._text("email")

    @property
    def phone(self) -> str | None:
        return self._text("phone")

    @property
    def personal_number(self) -> str | None:
        return self._text("personal_number")

    @property
    def former_number(self) -> str | None:
        return self._text("former_number")

    @property
    def birth_date(self) -> Born | None:
        attribute = self.attributes.get("birth_date")
        return None if attribute is None else Born(*attribute.value)

    @property
    def updated_at(self) -> int:
        """When the last of the attributes came to us, in seconds since 1970."""
        return max((attribute.at for attribute in self.attributes.values()), default=0)

    def told_by(self, assertion: Assertion, source_id: str, level: int, now: int) -> tuple[Person, list[str]]:
        """The person after a source has spoken, and the names of the attributes that changed.

        What the source leaves out stays. What it says replaces what an equal or weaker source said; a birth date
        only ever gains known parts from a source of the same level, and never loses them to a weaker one.
        """
        attributes, changed = dict(self.attributes), []
        for name, value in _attributes(assertion).items():
            known = attributes.get(name)
            if known is not None and (known.level > level or _says_less(name, value, known.value)):
                continue
            if known is None or known.value != value:
                changed.append(name)
                attributes[name] = Attribute(value, source_id, level, now)
        return replace(self, attributes=attributes, version=self.version + bool(changed)), changed

    def to_json(self) -> bytes:
        return json.dumps({name: list(asdict(each).values()) for name, each in self.attributes.items()}).encode()

    @staticmethod
    def attributes_from(text: bytes) -> dict[str, Attribute]:
        return {name: Attribute(*parts) for name, parts in json.loads(text).items()}


def _says_less(name: str, value: Any, known: Any) -> bool:
    return bool(name == "birth_date" and Born(*value).known_parts < Born(*known).known_parts)


def _attributes(assertion: Assertion) -> dict[str, Any]:
    """What the source said, by our names; silence is absent, not None."""
    name, born = assertion.name, assertion.birth_date
    said: dict[str, Any] = {
        "name": name.full, "family_name": name.family, "middle_name": name.middle, "given_name": name.given,
        "birth_date": None if born is None else [born.year, born.month, born.day],
        "birth_date_as_sent": None if born is None else born.as_sent,
        "sex": assertion.sex and assertion.sex.value, "birth_place": assertion.birth_place,
        "nationality": assertion.nationality, "email": assertion.email, "phone": assertion.phone,
    }  # fmt: skip
    for identifier in assertion.identifiers:
        if identifier.type in (IdentifierType.PERSONAL_NUMBER, IdentifierType.FORMER_NUMBER):
            said[identifier.type.value] = identifier.value
    return {name: value for name, value in said.items() if value not in (None, "")}
