"""What a clerk has accepted of one link: words of the source that are not the person's own, and do not part them.

A tax office that keeps somebody under a mistyped number, or under a name of before, will say so at every sign-in. The
words stay with the link: they lead nobody else to the person, and the person is never told by them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from connectors.base import Assertion, Identifier, Name
from idp.people import evidence
from idp.people.births import Born, born_on
from idp.people.evidence import Evidence
from idp.people.names import folded
from idp.people.person import Person

SEALED = "links.accepted"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    names: tuple[str, ...] = ()
    births: tuple[Born, ...] = ()
    numbers: tuple[str, ...] = ()  # personal numbers
    own: frozenset[str] = field(default_factory=frozenset)  # other numbers with their kind, as in Evidence

    def to_json(self) -> bytes:
        births = [[born.year, born.month, born.day] for born in self.births]
        return json.dumps([self.names, births, self.numbers, sorted(self.own)]).encode()

    @staticmethod
    def from_json(text: bytes) -> Accepted:
        names, births, numbers, own = json.loads(text)
        return Accepted(
            names=tuple(names), births=tuple(Born(*each) for each in births), numbers=tuple(numbers), own=frozenset(own)
        )

    def widened(self, known: Evidence) -> Evidence:
        """What is known of the linked person, with what the source may say of them."""
        return replace(
            known, names=(*known.names, *self.names), births=(*known.births, *self.births),
            numbers=(*known.numbers, *self.numbers), own=known.own | self.own,
        )  # fmt: skip

    def without(self, assertion: Assertion, person: Person) -> Assertion:
        """What the source says, but for the words that are not the person's own."""
        kept = tuple(each for each in assertion.identifiers if not self._has(each))
        said = replace(assertion, identifiers=kept)
        name, born = assertion.name.full, assertion.birth_date
        if _among(name, self.names) and (person.name is None or folded(name) != folded(person.name)):
            own = Name(
                full=person.name or "", family=person.family_name, middle=person.middle_name, given=person.given_name
            )  # fmt: skip
            said = replace(said, name=own)  # an empty one is no name: nobody is called by what is somebody else's
        if born is not None and person.birth_date != born_on(born) and born_on(born) in self.births:
            said = replace(said, birth_date=None)
        return said

    def _has(self, identifier: Identifier) -> bool:
        said = evidence.made(names=(), births=(), sex=None, phone=None, sent=(identifier,))
        numbers = {*said.numbers, *said.earlier_numbers}
        return not numbers.isdisjoint(self.numbers) or not said.own.isdisjoint(self.own)


def _among(name: str, names: Iterable[str]) -> bool:
    return folded(name) in {folded(each) for each in names}
