"""Which portals a person was told of, for the person to see."""

from __future__ import annotations

from dataclasses import dataclass

from idp.people import claims, models
from idp.storage import Database


@dataclass(frozen=True, kw_only=True)
class KnownAt:
    """A portal that may read these claims of the person, since they were told."""

    client_id: str
    claim_names: tuple[str, ...]
    at: int


def known_at(database: Database, person_id: bytes) -> list[KnownAt]:
    """The portals that the person was told of, newest first."""
    rows = database.all(models.TOLD_OF, of_person=person_id)
    return [KnownAt(client_id=row[0], claim_names=claims.from_bits(row[1]), at=row[2]) for row in rows]
