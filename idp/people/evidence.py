"""What is said of one person, by a source or by ourselves, in forms that can be compared; and the keys to find it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from connectors.base import Assertion, Identifier, IdentifierType
from connectors.registers import Pivot
from idp.people import identifiers, provinces
from idp.people.births import Born, born_on
from idp.people.names import folded
from idp.people.person import Person

NUMBER = IdentifierType.PERSONAL_NUMBER.value  # the kind of the key by which nearly all are found
PHONE_DIGITS = 9  # after the country's code or the 0 in its place


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Names and birth dates beside those of today: what the register has rectified, or says that it was before."""

    names: tuple[str, ...]
    births: tuple[Born, ...] = ()
    sex: str | None = None
    numbers: tuple[str, ...] = ()  # personal numbers: one, if nobody contradicts themselves
    earlier_numbers: tuple[str, ...] = ()
    own: frozenset[str] = field(default_factory=frozenset)  # other numbers that no two people share, with their kind
    shared: frozenset[str] = field(default_factory=frozenset)  # former numbers: two people can have the same
    phone: str | None = None
    province: str | None = None  # of today
    malformed: bool = False  # a personal number was sent that can be none

    @property
    def keys(self) -> list[str]:
        """Whoever has one of these may be meant; who is, the rules say."""
        numbers = [f"{NUMBER}:{number}" for number in (*self.numbers, *self.earlier_numbers)]
        alike = [
            f"name:{folded(name)}:{born.year}-{born.month}-{born.day}"
            for name in self.names
            for born in self.births
            if born.day is not None
        ]
        phones = [] if self.phone is None else [f"phone:{self.phone}"]
        return list(dict.fromkeys([*numbers, *sorted(self.own), *sorted(self.shared), *alike, *phones]))

    def to_json(self) -> bytes:
        said: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        births = [[born.year, born.month, born.day] for born in self.births]
        return json.dumps(said | {"births": births, "own": sorted(self.own), "shared": sorted(self.shared)}).encode()

    @staticmethod
    def from_json(text: bytes) -> Evidence:
        said = json.loads(text)
        for name in ("names", "numbers", "earlier_numbers"):
            said[name] = tuple(said[name])
        births = tuple(Born(*each) for each in said["births"])
        return Evidence(**said | {
            "births": births, "own": frozenset(said["own"]), "shared": frozenset(said["shared"]),
        })  # fmt: skip

    def brings_numbers(self, known: Evidence) -> bool:
        """Whether this names a number that nobody shares, and that is not known."""
        return not (self.own <= known.own and {*self.numbers} <= {*known.numbers, *known.earlier_numbers})


def of_assertion(assertion: Assertion, rectified: Pivot | None = None, *, with_numbers: bool = True) -> Evidence:
    """What a source says; with what the register has rectified of it. Numbers count from a source that proofed."""
    born = tuple(dict.fromkeys(
        born_on(each.birth_date) for each in (assertion, rectified) if each is not None and each.birth_date is not None
    ))  # fmt: skip
    address = None if assertion.profile is None else assertion.profile.address
    region = None if address is None else address.region
    return made(
        names=(assertion.name.full, *(() if rectified is None else (rectified.name.full,))), births=born,
        sex=assertion.sex and assertion.sex.value, phone=assertion.phone, region=region,
        sent=assertion.identifiers if with_numbers else (),
    )  # fmt: skip


def of_person(person: Person) -> Evidence:
    """What we know of somebody."""
    number = person.personal_number
    sent = [] if number is None else [Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number)]
    earlier = [
        Identifier(type=IdentifierType.PERSONAL_NUMBER, value=each, state="former") for each in person.earlier_numbers
    ]
    return made(
        names=person.names, births=person.birth_dates, sex=person.sex, phone=person.phone,
        region=(person.address or {}).get("region"), sent=(*sent, *earlier, *person.other_numbers),
    )  # fmt: skip


def made(
    *, names: tuple[str, ...], births: tuple[Born, ...], sex: str | None, phone: str | None,
    sent: Iterable[Identifier], region: str | None = None,
) -> Evidence:  # fmt: skip
    """The evidence in these words. A number that is none of its kind is nobody's, and left out."""
    now, earlier, own, shared = dict[str, None](), dict[str, None](), set[str](), set[str]()
    malformed = False
    for identifier in sent:
        try:
            number = identifiers.parse(identifier)
        except ValueError:
            malformed = malformed or identifier.type is IdentifierType.PERSONAL_NUMBER
            continue
        personal = identifiers.personal_of(number)
        if personal is not None:
            (now if identifier.state == "current" else earlier)[personal] = None
        elif number.type is IdentifierType.FORMER_NUMBER:
            shared.add(number.key)
        elif number.type is not IdentifierType.ENTERPRISE_CODE:
            own.update(_keys_of(number))
    return Evidence(
        names=tuple(filter(str.strip, names)), births=births, sex=sex, numbers=tuple(now),
        earlier_numbers=tuple(each for each in earlier if each not in now), own=frozenset(own),
        shared=frozenset(shared), phone=_phone(phone),
        province=provinces.of_today(region) if region else None, malformed=malformed,
    )  # fmt: skip


def _keys_of(number: identifiers.Number) -> list[str]:
    """A health card is known by the insurance number on it: what stands before that changes with its holder's work."""
    return [identifiers.parse(alias).key for alias in number.aliases] or [number.key]


def _phone(text: str | None) -> str | None:
    digits = "".join(filter(str.isdigit, text or ""))
    return digits[-PHONE_DIGITS:] if len(digits) >= PHONE_DIGITS else None
