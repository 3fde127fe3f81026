"""What clerks decide, as it is written down until it is done."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a clerk makes of a case: `link` to a person, `new` or `refuse`; or what a second one has to approve: to
    `merge` the other person into this one, to `relink` a link to the other, to `split` off links and sectors.

    `are_theirs`: the words that differ are the person's own, by which others may know them too; otherwise they are the
    source's mistake, and stay with the link.
    """

    what: str
    person_id: bytes | None = None
    other_id: bytes | None = None
    links: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    are_theirs: bool = False
    reason: str = ""

    @property
    def people(self) -> tuple[bytes, ...]:
        return tuple(each for each in (self.person_id, self.other_id) if each is not None)

    def to_json(self) -> str:
        ids = {"person_id": self.person_id, "other_id": self.other_id}
        plain = {name: None if value is None else value.hex() for name, value in ids.items()}
        return json.dumps(vars(self) | plain)

    @staticmethod
    def from_json(text: str) -> Decision:
        said = json.loads(text)
        ids = {name: None if said[name] is None else bytes.fromhex(said[name]) for name in ("person_id", "other_id")}
        return Decision(**said | ids | {"links": tuple(said["links"]), "sectors": tuple(said["sectors"])})

    def __str__(self) -> str:
        parts = [self.what, *(each.hex() for each in self.people), *self.links, *self.sectors]
        return " ".join([*parts, *(["(words are theirs)"] if self.are_theirs else []), f"because: {self.reason}"])
