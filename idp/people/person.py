"""A person as we know them: attributes with their provenance, and what becomes of them when a source speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType
from connectors.registers import Verdict
from idp.people.births import Born, born_on
from idp.people.identifiers import personal_in
from idp.people.names import folded

# The proofing from which a source's word on a number counts. Below it anybody may have typed anybody's number.
PROVEN = 2
REGISTER = 4  # the proofing of the population register's own word
_NAME = ("name", "family_name", "middle_name", "given_name")  # of one name, or not known
_DETAILS = ("nickname", "preferred_username", "profile", "picture", "website", "zoneinfo", "locale")
_OTHER_NUMBERS = frozenset(
    {IdentifierType.TAX_CODE, IdentifierType.INSURANCE_NUMBER, IdentifierType.HEALTH_CARD, IdentifierType.PASSPORT}
)
_BIRTH_DATE = ("birth_date", "birth_date_as_sent")  # known, or not, together


@dataclass(frozen=True)
class Attribute:
    """A value, and who said so: source, how well it had proofed the person (1 to 4), and when."""

    value: Any
    source_id: str
    proofing: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """`id` is random and lasts; everything else may be rectified."""

    id: bytes
    status: str  # active, deceased, barred
    version: int
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        attribute = self.attributes.get(name)
        return None if attribute is None else str(attribute.value)

    @property
    def name(self) -> str | None:
        return self.text("name")

    @property
    def family_name(self) -> str | None:
        return self.text("family_name")

    @property
    def middle_name(self) -> str | None:
        return self.text("middle_name")

    @property
    def given_name(self) -> str | None:
        return self.text("given_name")

    @property
    def sex(self) -> str | None:
        return self.text("sex")

    @property
    def email(self) -> str | None:
        return self.text("email")

    @property
    def phone(self) -> str | None:
        return self.text("phone")

    @property
    def email_verified(self) -> bool:
        """Whether whoever vouches for it said of this very address that they had checked it."""
        return self.email is not None and self.email == self.text("verified_email")

    @property
    def phone_verified(self) -> bool:
        return self.phone is not None and self.phone == self.text("verified_phone")

    @property
    def address(self) -> dict[str, str] | None:
        """Where they live, by the names of OpenID Connect Core section 5.1.1; `formatted` is always there."""
        attribute = self.attributes.get("address")
        return None if attribute is None else dict(attribute.value)

    @property
    def personal_number(self) -> str | None:
        return self.text("personal_number")

    @property
    def former_number(self) -> str | None:
        return self.text("former_number")

    @property
    def birth_date(self) -> Born | None:
        attribute = self.attributes.get("birth_date")
        return None if attribute is None else Born(*attribute.value)

    @property
    def birth_date_as_sent(self) -> str | None:
        return self.text("birth_date_as_sent")

    def is_on_card_of(self, before: Person) -> bool:
        """Whether a digital ID that was made for them as they were `before` still says nothing that is not so.

        Sources spell one name in several ways, and know parts of a birth date.
        """
        one, other = self.birth_date, before.birth_date
        if self.name is None or before.name is None or folded(self.name) != folded(before.name):
            return False
        if before.text("nationality") not in (None, self.text("nationality")):
            return False
        return self.sex == before.sex and (one is None or other is None or one.agrees_with(other))

    @property
    def is_proven(self) -> bool:
        """Whether a source that proofed them said who they are: what people say of themselves leads nobody to them."""
        name = self.attributes.get("name")
        return name is not None and name.proofing >= PROVEN

    @property
    def names(self) -> tuple[str, ...]:
        """The name, and those that the register says they had before: sources may not know of the change yet."""
        return tuple(filter(None, (self.name, *self._earlier("earlier_names"))))

    @property
    def birth_dates(self) -> tuple[Born, ...]:
        now = () if self.birth_date is None else (self.birth_date,)
        return (*now, *(Born(*each) for each in self._earlier("earlier_birth_dates")))

    @property
    def earlier_numbers(self) -> tuple[str, ...]:
        """Personal numbers that were theirs before, or are known to the register beside the current one."""
        return tuple(self._earlier("earlier_numbers"))

    @property
    def other_numbers(self) -> tuple[Identifier, ...]:
        """Tax codes, insurance numbers, passports and former numbers that sources which proofed them have told."""
        former = [] if self.former_number is None else [[IdentifierType.FORMER_NUMBER.value, self.former_number]]
        told = dict.fromkeys(map(tuple, (*former, *self._earlier("other_numbers"))))
        return tuple(Identifier(type=IdentifierType(kind), value=value) for kind, value in told)

    def _earlier(self, name: str) -> list[Any]:
        attribute = self.attributes.get(name)
        return [] if attribute is None else list(attribute.value)

    @property
    def updated_at(self) -> int:
        """When the last of the attributes came to us, in seconds since 1970."""
        return max((attribute.at for attribute in self.attributes.values()), default=0)

    def told_by(self, assertion: Assertion, source_id: str, proofing: int, now: int) -> tuple[Person, list[str]]:
        """The person after a source has spoken, and the names of the attributes that changed.

        What the source leaves out stays. What it says replaces what an equal or weaker source said, and vouches for
        it from then on, also where both say the same; a birth date never loses a known part.
        """
        attributes, changed = dict(self.attributes), []
        said = _attributes(assertion, with_numbers=proofing >= PROVEN)
        if self._has_better_name(assertion, proofing):
            said = {name: value for name, value in said.items() if name not in _NAME}
        for name, value in _without_lost_parts(said, self.birth_date).items():
            known = attributes.get(name)
            if known is not None and known.proofing > proofing:
                continue
            if known is None or known.value != value or known.proofing < proofing:
                changed.append(name)
                attributes[name] = Attribute(value, source_id, proofing, now)
        numbers = self._with_numbers(assertion)
        if proofing >= PROVEN and numbers != self._earlier("other_numbers"):
            changed.append("other_numbers")
            attributes["other_numbers"] = Attribute(numbers, source_id, proofing, now)
        return replace(self, attributes=attributes, version=self.version + bool(changed)), changed

    def _with_numbers(self, assertion: Assertion) -> list[list[str]]:
        """The numbers that are the person's beside the personal one and the former one, with what the source adds."""
        known = self._earlier("other_numbers")
        said = [[each.type.value, each.value] for each in assertion.identifiers if each.type in _OTHER_NUMBERS]
        return [*known, *(each for each in said if each not in known)]

    def told_by_register(self, verdict: Verdict, source_id: str, now: int) -> tuple[Person, list[str]]:
        """The person after the register has agreed: with what it has rectified, the details of before kept beside it.

        Returns the names of the attributes that changed as well.
        """
        said: dict[str, Any] = {}
        new = verdict.rectified
        if new is not None and new.name.full and new.name.full != self.name:
            said |= {"name": new.name.full, "family_name": new.name.family, "middle_name": new.name.middle,
                     "given_name": new.name.given}  # fmt: skip
            if self.name is not None and folded(self.name) != folded(new.name.full):  # not for a mere spelling
                said["earlier_names"] = _with(self._earlier("earlier_names"), self.name)
        if new is not None and new.birth_date is not None and _parts(new.birth_date) != self._birth_parts():
            said |= {"birth_date": _parts(new.birth_date), "birth_date_as_sent": new.birth_date.as_sent}
            known = self.birth_date
            if known is not None and not known.agrees_with(born_on(new.birth_date)):
                said["earlier_birth_dates"] = _with(self._earlier("earlier_birth_dates"), self._birth_parts())
        for alias in (*verdict.aliases, *(() if new is None else (new.identifier,))):
            if alias.type is IdentifierType.FORMER_NUMBER and self.former_number is None:
                said["former_number"] = alias.value
            elif alias.type is IdentifierType.PERSONAL_NUMBER and alias.value != self.personal_number:
                said["earlier_numbers"] = _with(said.get("earlier_numbers", self.earlier_numbers), alias.value)
        return self._with_words(said, source_id, now)

    def renumbered(self, new_number: str, source_id: str, now: int) -> tuple[Person, list[str]]:
        """The person under the number that the register has given them, the old one kept."""
        earlier = [number for number in self.earlier_numbers if number != new_number]
        said = {"personal_number": new_number, "earlier_numbers": _with(earlier, self.personal_number)}
        return self._with_words(said, source_id, now)

    def _birth_parts(self) -> list[int | None] | None:
        return None if self.birth_date is None else _parts(self.birth_date)

    def _with_words(self, said: dict[str, Any], source_id: str, now: int) -> tuple[Person, list[str]]:
        """The person with the register's own words; a part of the name that it does not give is not known any more."""
        attributes = {name: value for name, value in self.attributes.items() if name not in said}
        attributes |= {
            name: Attribute(value, source_id, REGISTER, now) for name, value in said.items() if value is not None
        }
        changed = [name for name in said if _value(attributes, name) != _value(self.attributes, name)]
        return (replace(self, attributes=attributes, version=self.version + 1), changed) if changed else (self, [])

    def _has_better_name(self, assertion: Assertion, proofing: int) -> bool:
        """Whether the source has another name than a stronger one told us: then its parts are not ours either."""
        known = self.attributes.get("name")
        return known is not None and known.proofing > proofing and folded(known.value) != folded(assertion.name.full)

    def to_json(self) -> bytes:
        return json.dumps(plain_of(self.attributes)).encode()

    @staticmethod
    def attributes_from(text: bytes) -> dict[str, Attribute]:
        return attributes_of(json.loads(text))


def plain_of(attributes: Mapping[str, Attribute]) -> dict[str, list[Any]]:
    """Attributes as JSON has them."""
    return {name: list(asdict(each).values()) for name, each in attributes.items()}


def attributes_of(plain: Mapping[str, list[Any]]) -> dict[str, Attribute]:
    return {name: Attribute(*parts) for name, parts in plain.items()}


def _value(attributes: dict[str, Attribute], name: str) -> Any:
    attribute = attributes.get(name)
    return None if attribute is None else attribute.value


def _with(earlier: Iterable[Any], one: Any) -> list[Any]:
    known = list(earlier)
    return known if one is None or one in known else [*known, one]


def _parts(born: BirthDate | Born) -> list[int | None]:
    return [born.year, born.month, born.day]


def _without_lost_parts(said: dict[str, Any], known: Born | None) -> dict[str, Any]:
    """What was said, but for a birth date of which less is known than before."""
    if known is None or "birth_date" not in said or Born(*said["birth_date"]).known_parts >= known.known_parts:
        return said
    return {name: value for name, value in said.items() if name not in _BIRTH_DATE}


def _attributes(assertion: Assertion, *, with_numbers: bool) -> dict[str, Any]:
    """What the source said, by our names; silence is absent, not None."""
    name, born = assertion.name, assertion.birth_date
    said: dict[str, Any] = {
        "name": name.full, "family_name": name.family, "middle_name": name.middle, "given_name": name.given,
        "birth_date": None if born is None else _parts(born),
        "birth_date_as_sent": None if born is None else born.as_sent,
        "sex": assertion.sex and assertion.sex.value, "birth_place": assertion.birth_place,
        "nationality": assertion.nationality, "email": assertion.email, "phone": assertion.phone,
    }  # fmt: skip
    said |= _details(assertion)
    for identifier in assertion.identifiers if with_numbers else ():
        number = personal_in(identifier)
        if number is not None and identifier.state == "current":
            said["personal_number"] = number
        elif identifier.type is IdentifierType.FORMER_NUMBER:
            said["former_number"] = identifier.value
    return {name: value for name, value in said.items() if value not in (None, "")}


def _details(assertion: Assertion) -> dict[str, Any]:
    """What was verified is kept by its value: it vouches for no other address that comes later."""
    profile = assertion.profile
    if profile is None:
        return {}
    said: dict[str, Any] = {name: getattr(profile, name) for name in _DETAILS}
    if profile.address is not None and profile.address.formatted:
        said["address"] = {name: value for name, value in asdict(profile.address).items() if value}
    said["verified_email"] = assertion.email if profile.email_verified else None
    said["verified_phone"] = assertion.phone if profile.phone_verified else None
    return said
