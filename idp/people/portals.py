"""Which portals a person was told of, for the person to see and to take back."""

from __future__ import annotations

from dataclasses import dataclass

from idp.people import claims, models
from idp.storage import Database, Transaction


@dataclass(frozen=True, kw_only=True)
class KnownAt:
    """A portal that may read these claims of the person, since they were told."""

    client_id: str
    claim_names: tuple[str, ...]
    at: int
    offline: bool  # also when the person has left


def known_at(database: Database, person_id: bytes) -> list[KnownAt]:
    """The portals that the person was told of, newest first."""
    rows = database.all(models.TOLD_OF, of_person=person_id)
    return [
        KnownAt(client_id=row[0], claim_names=claims.from_bits(row[1]), at=row[2], offline=bool(row[3])) for row in rows
    ]


def forget(tx: Transaction, person_id: bytes, client_id: str) -> bool:
    """The person was told nothing about this portal, and will be when they next go there; False if it was so before.

    The portal's sub for them stays what it was.
    """
    return bool(tx.run(models.FORGET_CONSENT, of_person=person_id, of_client=client_id))
