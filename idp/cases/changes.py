"""A change of who is who, row by row: what it does, what undoes it, and how it is written down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from idp.people.person import Attribute, attributes_of, plain_of

Attributes = dict[str, Attribute]


@dataclass(frozen=True, kw_only=True)
class PersonChange:
    """What is known of a person, and their status; `before` None: nobody knew them, `after` None: nobody does."""

    id: bytes
    before: Attributes | None
    after: Attributes | None
    status_before: str
    status_after: str

    def reversed(self) -> PersonChange:
        return replace(
            self, before=self.after, after=self.before, status_before=self.status_after,
            status_after=self.status_before,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LinkMove:
    """A source's subject was one person's (None: nobody's) and is another's; `accepted` is sealed as in the row."""

    source_id: str
    subject_index: bytes
    before: bytes | None
    after: bytes | None
    rule_before: str
    rule_after: str
    evidence: bytes
    made_at: int
    accepted_before: bytes | None = None
    accepted_after: bytes | None = None

    def reversed(self) -> LinkMove:
        return replace(
            self, before=self.after, after=self.before, rule_before=self.rule_after, rule_after=self.rule_before,
            accepted_before=self.accepted_after, accepted_after=self.accepted_before,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SubMove:
    """A sub at a sector leads to another person, with what was granted under it; `before` None: it is new.

    `sources`: only what was granted through these goes with it, and the rest is void; without any, all goes.
    """

    sector: str
    sub: str
    origin_before: bytes
    origin_after: bytes
    made_at: int
    before: bytes | None
    after: bytes | None
    sources: tuple[str, ...] = ()

    def reversed(self) -> SubMove:
        return replace(
            self, before=self.after, after=self.before, origin_before=self.origin_after,
            origin_after=self.origin_before, sources=(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ConsentMove:
    client_id: str
    before: bytes
    after: bytes

    def reversed(self) -> ConsentMove:
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True, kw_only=True)
class Change:
    """In the order in which it is done: whoever gives a number up comes before whoever takes it."""

    people: tuple[PersonChange, ...] = ()
    links: tuple[LinkMove, ...] = ()
    subs: tuple[SubMove, ...] = ()
    consents: tuple[ConsentMove, ...] = ()

    def reversed(self) -> Change:
        return Change(
            people=tuple(each.reversed() for each in reversed(self.people)),
            links=tuple(each.reversed() for each in reversed(self.links)),
            subs=tuple(each.reversed() for each in reversed(self.subs)),
            consents=tuple(each.reversed() for each in reversed(self.consents)),
        )

    @property
    def concerned(self) -> list[bytes]:
        """Everybody who is changed, or whose rows are, in one order for all: so no two changes wait for each other."""
        moves: Iterable[LinkMove | SubMove | ConsentMove] = (*self.links, *self.subs, *self.consents)
        ids = {each.id for each in self.people} | {id_ for each in moves for id_ in (each.before, each.after) if id_}
        return sorted(ids)

    def to_json(self) -> bytes:
        return json.dumps({
            "people": [_plain(each) for each in self.people], "links": [_plain(each) for each in self.links],
            "subs": [_plain(each) for each in self.subs], "consents": [_plain(each) for each in self.consents],
        }).encode()  # fmt: skip

    @staticmethod
    def from_json(text: bytes) -> Change:
        said = json.loads(text)
        return Change(
            people=tuple(PersonChange(**_person(each)) for each in said["people"]),
            links=tuple(LinkMove(**_opened(each)) for each in said["links"]),
            subs=tuple(SubMove(**_opened(each) | {"sources": tuple(each["sources"])}) for each in said["subs"]),
            consents=tuple(ConsentMove(**_opened(each)) for each in said["consents"]),
        )


_BYTES = frozenset(
    {
        "id", "subject_index", "before", "after", "evidence", "origin_before", "origin_after", "accepted_before",
        "accepted_after",
    }
)  # fmt: skip


def _plain(one: Any) -> dict[str, Any]:
    """The values as JSON has them; an attribute is a list, as in a person's own JSON."""
    said: dict[str, Any] = {}
    for name, value in vars(one).items():
        if isinstance(value, bytes):
            said[name] = value.hex()
        elif isinstance(value, dict):
            said[name] = plain_of(value)
        else:
            said[name] = value
    return said


def _opened(said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: bytes.fromhex(value) if name in _BYTES and value is not None else value for name, value in said.items()
    }


def _person(said: dict[str, Any]) -> dict[str, Any]:
    known = {name: None if said[name] is None else attributes_of(said[name]) for name in ("before", "after")}
    return {**said, "id": bytes.fromhex(said["id"]), **known}
