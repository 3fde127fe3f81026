"""Mandates: for whom a person said to act at one portal, as a register had it in that very sign-in.

One row a session and portal, also for whoever acts for nobody but themselves. It counts for an hour and not beyond the
last day that the register named; a later choice takes its place. A grant refers to the row it was given under, and is
void without it: a portal that served an organisation never goes on as if it had served the person.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from connectors.base import Organisation
from connectors.registers import VIET_NAM
from idp import clock, entropy
from idp.audit import Audit
from idp.seal import Sealer
from idp.sessions import models
from idp.storage import Database, Transaction

MANDATE_ID_BYTES = 8  # as many as an authorization code has room for
MANDATE_SECONDS = 3600  # after that the person, and the register, are asked again
SEALED = "mandates.organisation"


@dataclass(frozen=True, kw_only=True)
class Mandate:
    id: bytes
    organisation: Organisation


class Mandates:
    def __init__(self, database: Database, sealer: Sealer, audit: Audit) -> None:
        self._database = database
        self._sealer = sealer
        self._audit = audit

    def keep(
        self, tx: Transaction, *, session_id: bytes, person_id: bytes, client_id: str,
        organisation: Organisation | None, register: str | None,
    ) -> None:  # fmt: skip
        """It is kept that the person acts for this organisation at this portal, or (None) for nobody but themselves."""
        now, mandate_id = clock.seconds(), entropy.chance(MANDATE_ID_BYTES)
        until = now + MANDATE_SECONDS
        if organisation is not None and organisation.until is not None:
            until = min(until, _end_of(organisation.until))
        tx.run(
            models.KEEP_MANDATE[self._database.is_sqlite], id=mandate_id, session_id=session_id, person_id=person_id,
            client_id=client_id, organisation=self._sealed(mandate_id, organisation), until=until, made_at=now,
        )  # fmt: skip
        self._audit.acted_for(
            tx, person_id=person_id, session_id=session_id, client_id=client_id, register=register,
            tax_code=None if organisation is None else organisation.tax_code,
            authority=None if organisation is None else organisation.authority,
        )  # fmt: skip

    def opened(self, mandate_id: bytes | None, sealed: bytes | None) -> Mandate | None:
        """The mandate in a row that a statement has joined; None for whoever acts for themselves."""
        if mandate_id is None or sealed is None:
            return None
        kept = self._sealer.open(SEALED, bytes(sealed), bytes(mandate_id))
        return Mandate(id=bytes(mandate_id), organisation=from_json(kept.decode()))

    def find(self, mandate_id: bytes) -> Mandate | None:
        """The mandate, as long as it counts."""
        row = self._database.one(models.FIND_MANDATE, mandate_id=mandate_id, now=clock.seconds())
        return None if row is None else self.opened(row[0], row[1])

    def _sealed(self, mandate_id: bytes, organisation: Organisation | None) -> bytes | None:
        if organisation is None:
            return None
        return self._sealer.seal(SEALED, as_json(organisation).encode(), mandate_id)


def as_json(organisation: Organisation) -> str:
    until = organisation.until
    return json.dumps(asdict(organisation) | {"until": None if until is None else until.isoformat()})


def from_json(text: str) -> Organisation:
    kept = json.loads(text)
    until = kept.pop("until")
    return Organisation(until=None if until is None else date.fromisoformat(until), **kept)


def _end_of(day: date) -> int:
    """The instant at which the day is over in Viet Nam."""
    return int(datetime.combine(day + timedelta(days=1), time(), VIET_NAM).timestamp())
