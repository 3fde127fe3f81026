"""People: who somebody is, what we may say of them, and under which name each portal knows them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Assertion, IdentifierType
from idp import clock, entropy, errors
from idp.audit import Audit
from idp.errors import Refused
from idp.people import claims, models
from idp.people.matching import Decision, decide
from idp.people.person import PROVEN, Person
from idp.seal import Sealer, to_text
from idp.storage import Database, Transaction
from idp.storage.database import Conflict

SEALED = "people.attributes"
SUB = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Whom a sign-in belongs to, and the rule that said so."""

    person: Person
    outcome: str
    rule: str


class People:
    def __init__(self, database: Database, sealer: Sealer, audit: Audit) -> None:
        self._database = database
        self._sealer = sealer
        self._audit = audit

    def find(self, person_id: bytes) -> Person | None:
        row = self._database.one(models.FIND_PERSON, person_id=person_id)
        return self._person(row) if row else None

    def opened(self, person_id: bytes, status: str, version: int, attributes: bytes) -> Person:
        """The person in a row that another room's statement has joined."""
        plain = self._sealer.open(SEALED, bytes(attributes), person_id)
        return Person(id=person_id, status=status, version=version, attributes=Person.attributes_from(plain))

    def recognise(self, tx: Transaction, assertion: Assertion, source_id: str, proofing: int) -> Recognised:
        """The person whom the source means, found or made, told what the source says, and linked.

        `proofing` is the assertion's, as far as the operator lets the source assert it.

        Raises Refused for a conflict, for too little to go by and for a barred person; Conflict (from the
        transaction) when another sign-in made the same person at the same moment: then do it again.
        """
        number = _current_number(assertion) if proofing >= PROVEN else None
        # The issuer is part of the name: a source that is pointed at another issuer meets other people.
        subject_index = self._sealer.index("links.subject", f"{assertion.issuer}\n{assertion.subject}")
        linked = self._optional(tx.one(models.FIND_BY_LINK, source=source_id, subject=subject_index))
        numbered = self._optional(tx.one(models.FIND_BY_NUMBER, number=self._number_index(number))) if number else None
        decision = decide(assertion, proofing, number, linked, numbered)
        if decision.failure is not None:
            raise Refused(decision.failure, decision.rule)
        person = self._keep(tx, decision, assertion, source_id, proofing)
        if linked is None:
            tx.run(
                models.ADD_LINK, source_id=source_id, subject_index=subject_index, person_id=person.id,
                rule=decision.rule, evidence=assertion.evidence, made_at=clock.seconds(),
            )  # fmt: skip
        return Recognised(person=person, outcome=decision.outcome, rule=decision.rule)

    def keep_told(
        self,
        tx: Transaction,
        *,
        person_id: bytes,
        client_id: str,
        sector: str,
        claim_names: Sequence[str],
        agreed: bool,
    ) -> None:
        """It is kept that the person knows what goes to this portal; the portal's sector has a sub for them."""
        now, sqlite = clock.seconds(), self._database.is_sqlite
        tx.run(
            models.KEEP_CONSENT[sqlite], person_id=person_id, client_id=client_id, claims=claims.to_bits(claim_names),
            agreed=int(agreed), at=now,
        )  # fmt: skip
        sub = self._mint(person_id, sector)
        tx.run(models.KEEP_SUBJECT[sqlite], person_id=person_id, sector=sector, sub=sub, made_at=now)

    def by_sub(self, sector: str, sub: str) -> bytes | None:
        """The id of the person whom this sector's portals know as `sub`."""
        if not SUB.fullmatch(sub):
            return None  # whoever asks may write anything; only what can be a sub reaches the database
        row = self._database.one(models.FIND_BY_SUB, of_sector=sector, of_sub=sub)
        return bytes(row[0]) if row else None

    def set_status(self, tx: Transaction, person_id: bytes, status: str, reason: str) -> bool:
        """The person is active, deceased or barred from now on; False for nobody."""
        found = tx.run(models.SET_STATUS, person_id=person_id, new_status=status, now=clock.seconds()) == 1
        if found:
            self._audit.person_status_changed(tx, person_id=person_id, status=status, reason=reason)
        return found

    def _mint(self, person_id: bytes, sector: str) -> str:
        """A pairwise sub: from the random id alone, so that no detail of the person can change or betray it."""
        key = self._sealer.index("subjects.key", sector)
        return to_text(hmac.digest(key, person_id, "sha256"))

    def _keep(self, tx: Transaction, decision: Decision, assertion: Assertion, source_id: str, proofing: int) -> Person:
        before = decision.person or Person(id=entropy.random_id(), status="active", version=0)
        now = clock.seconds()
        person, changed = before.told_by(assertion, source_id, proofing, now)
        if not changed:
            return person
        sealed = self._sealer.seal(SEALED, person.to_json(), person.id)
        number_index = self._number_index(person.personal_number) if person.personal_number else None
        if decision.person is None:
            tx.run(models.ADD_PERSON, id=person.id, status=person.status, version=person.version, made_at=now,
                   changed_at=now, number_index=number_index, attributes=sealed)  # fmt: skip
            self._audit.person_made(tx, person_id=person.id, source_id=source_id)
            return person
        written = tx.run(
            models.CHANGE_PERSON, person_id=person.id, seen_version=before.version, new_version=person.version,
            new_attributes=sealed, new_number=number_index, now=now,
        )  # fmt: skip
        if not written:
            raise Conflict("the person was changed at the same moment")
        self._audit.person_rectified(tx, person_id=person.id, source_id=source_id, attributes=changed)
        return person

    def _number_index(self, number: str) -> bytes:
        return self._sealer.index("people.number", number)

    def _optional(self, row: Sequence[Any] | None) -> Person | None:
        return self._person(row) if row else None

    def _person(self, row: Sequence[Any]) -> Person:
        return self.opened(bytes(row[0]), row[1], row[2], bytes(row[3]))


def _current_number(assertion: Assertion) -> str | None:
    for identifier in assertion.identifiers:
        if identifier.type is IdentifierType.PERSONAL_NUMBER and identifier.state == "current":
            return identifier.value
    return None


__all__ = ["People", "Person", "Recognised", "errors"]
