"""People: who somebody is, what we may say of them, and under which name each portal knows them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from connectors.base import Assertion, Identifier, IdentifierType
from connectors.registers import Agreement, Pivot
from idp import clock, entropy, errors
from idp.audit import Audit
from idp.cards import Book
from idp.errors import Refused
from idp.people import claims, evidence, models
from idp.people.accepted import SEALED as SEALED_ACCEPTED
from idp.people.accepted import Accepted
from idp.people.evidence import Evidence
from idp.people.identifiers import personal_in
from idp.people.keyed import Keyed
from idp.people.matching import Candidate, Decision, as_added, decide
from idp.people.person import PROVEN, Attribute, Person
from idp.people.pivots import current_number, pivot_of, pivot_of_person
from idp.people.recognised import Checked, Recognised, Undecided
from idp.people.rules import Outcome, has_number_of
from idp.seal import Sealer, to_text
from idp.storage import Database, Transaction
from idp.storage.database import Conflict

SEALED = "people.attributes"
PROVED_BOTH = "proved-both"  # the rule by which somebody added a source within their session
REGISTER_AGREES = "register-agrees"  # with name and birth date as a source has them, and we did not
CORRECTED = frozenset({"name-differs", "birth-date-differs"})
REMEMBERED_PEOPLE = 1000  # in each worker: a portal reads userinfo in the seconds after it got its token
SUB = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class People:
    def __init__(
        self, database: Database, sealer: Sealer, audit: Audit, cards: Book, *, everybody_is_known: bool = False
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._audit = audit
        self._cards = cards
        self._everybody_is_known = everybody_is_known
        self.keyed = Keyed(sealer=sealer, is_sqlite=database.is_sqlite)
        # What was sealed as these very bytes says the same each time; a change of the person seals it anew.
        self._unsealed = lru_cache(REMEMBERED_PEOPLE)(self._unseal)

    def find(self, person_id: bytes) -> Person | None:
        row = self._database.one(models.FIND_PERSON, person_id=person_id)
        return self._person(row) if row else None

    def find_within(self, tx: Transaction, person_id: bytes, *, held: bool = False) -> Person | None:
        """The person; if `held`, nobody bars, joins or changes them until the transaction has ended."""
        return self._optional(tx.one(models.HOLD_PERSON if held else models.FIND_PERSON, person_id=person_id))

    def opened(self, person_id: bytes, status: str, version: int, attributes: bytes) -> Person:
        """The person in a row that another room's statement has joined."""
        return Person(id=person_id, status=status, version=version, attributes=self._unsealed(person_id, attributes))

    def _unseal(self, person_id: bytes, attributes: bytes) -> dict[str, Attribute]:
        return Person.attributes_from(self._sealer.open(SEALED, attributes, person_id))

    def find_by_number(self, tx: Transaction, number: str) -> Person | None:
        """Whoever has this personal number, or had it."""
        return self._optional(tx.one(models.FIND_BY_NUMBER, number=self.keyed.number(number)))

    def pivot(self, assertion: Assertion, source_id: str, proofing: int) -> Pivot | None:
        """Whom to ask the population register about: None for somebody without a proven personal number."""
        subject_index = self.keyed.subject(assertion)
        linked, accepted = self._linked(
            self._database.one(models.FIND_BY_LINK, source=source_id, subject=subject_index), subject_index
        )
        number = current_number(assertion) if proofing >= PROVEN else None
        if number is not None and (accepted is None or number not in accepted.numbers):
            return pivot_of(number, assertion.name, assertion.birth_date)
        return None if linked is None else pivot_of_person(linked)

    def recognise(
        self, tx: Transaction, assertion: Assertion, source_id: str, proofing: int, checked: Checked | None = None,
        adds_to: bytes | None = None,
    ) -> Recognised:  # fmt: skip
        """The person whom the source means, found or made, told what the source says, and linked.

        `proofing` is the assertion's, as far as the operator lets the source assert it. `checked` is what the
        population register said of them, which is kept with the person. `adds_to` is whoever has just proved to be
        themselves in another way, and says that this is they: then it is they or nobody.

        Raises Undecided where a clerk has to look; Refused for too little to go by and for a barred person; Conflict
        when another sign-in made the same person, or a clerk changed who is who, at the same moment: then do it again.
        """
        subject_index = self.keyed.subject(assertion)
        linked, accepted = self._linked(
            tx.one(models.HOLD_LINK, source=source_id, subject=subject_index), subject_index
        )
        rectified = checked.verdict.rectified if checked is not None and checked.verdict is not None else None
        said = evidence.of_assertion(assertion, rectified, with_numbers=proofing >= PROVEN)
        meant = linked if adds_to is None or linked is not None else self.find_within(tx, adds_to)
        found, decision = self._decide(tx, said, proofing, meant, accepted)
        if adds_to is not None:
            before, meant_as = None if linked is None else linked.id, None if found is None else _candidate(found)
            decision = as_added(decision, said, proofing, adds_to, before, meant_as)
        corrected = self._corrected(tx, decision, said, assertion, checked)
        if corrected is not None:
            found, decision = corrected, Decision(outcome=Outcome.MATCH, rule=REGISTER_AGREES, id=corrected.id)
        if decision.failure is errors.PERSON_CONFLICT:
            raise Undecided(decision, said, subject_index)
        if decision.failure is not None:
            raise Refused(decision.failure, decision.rule)
        if linked is not None and accepted is not None:
            assertion = accepted.without(assertion, linked)
        if found is not None and any(number in found.earlier_numbers for number in said.numbers):
            # The source does not know the new one yet.
            assertion = replace(assertion, identifiers=tuple(map(_no_more_current, assertion.identifiers)))
        person = self._keep(tx, found, assertion, source_id, proofing, checked)
        rule = decision.rule if linked is not None or adds_to is None else PROVED_BOTH
        if linked is None:
            added = tx.run(
                models.ADD_LINK, source_id=source_id, subject_index=subject_index, person_id=person.id,
                rule=rule, evidence=assertion.evidence, made_at=clock.seconds(),
            )  # fmt: skip
            if not added:
                raise Conflict("the person was joined to another at the same moment")
        return Recognised(person=person, outcome=decision.outcome, rule=rule)

    def _decide(
        self, tx: Transaction, said: Evidence, proofing: int, linked: Person | None, accepted: Accepted | None, *,
        alone: bool = False,
    ) -> tuple[Person | None, Decision]:  # fmt: skip
        """Whose sign-in this is. Whoever comes to be by it, or to have a number, does so alone until the commit."""
        rows = self.keyed.candidates(tx, said, alone=alone) if proofing >= PROVEN else {}
        known = {person_id: self._person(row) for person_id, row in rows.items()}
        decision = decide(
            said, proofing, _candidate(linked, accepted) if linked else None, map(_candidate, known.values()),
            complete=self._everybody_is_known,
        )  # fmt: skip
        found = linked or known.get(decision.id)
        changes = decision.failure is None and (found is None or said.brings_numbers(evidence.of_person(found)))
        if alone or not changes or proofing < PROVEN or self._database.is_sqlite:  # which has one writer anyway
            return found, decision
        return self._decide(tx, said, proofing, linked, accepted, alone=True)

    def _corrected(
        self, tx: Transaction, decision: Decision, said: Evidence, assertion: Assertion, checked: Checked | None
    ) -> Person | None:
        """Whoever has the number, by the name and birth date that the register has now, and ours was not told of.

        Only where nothing but these parts them from what is said, and the register agrees with that; else None.
        """
        verdict = None if checked is None else checked.verdict
        if decision.rule not in CORRECTED or len(decision.alike) != 1 or checked is None or verdict is None:
            return None
        person = self.find_within(tx, decision.alike[0])
        number = None if person is None else person.personal_number
        if person is None or number not in said.numbers or person.status != "active":
            return None
        if verdict.agreement is not Agreement.AGREES:
            return None
        identifier = Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number or "")
        new = Pivot(identifier=identifier, name=assertion.name, birth_date=assertion.birth_date)
        return self.keep_checked(tx, person, replace(checked, verdict=replace(verdict, rectified=new)))

    def keep_told(
        self,
        tx: Transaction,
        *,
        person_id: bytes,
        client_id: str,
        sector: str,
        claim_names: Sequence[str],
        agreed: bool,
        offline: bool = False,
    ) -> None:
        """It is kept that the person knows what goes to this portal; the portal's sector has a sub for them."""
        tx.run(
            models.KEEP_CONSENT[self._database.is_sqlite], person_id=person_id, client_id=client_id,
            claims=claims.to_bits(claim_names), agreed=int(agreed), at=clock.seconds(), offline=int(offline),
        )  # fmt: skip
        self.keep_sub(tx, person_id, sector)

    def keep_sub(self, tx: Transaction, person_id: bytes, sector: str, origin: bytes | None = None) -> None:
        """The sector has a sub for this person, the same as ever; `origin`: from whose id, if not from theirs."""
        if origin is not None and origin != person_id:
            tx.run(
                models.KEEP_FURTHER_SUBJECT[self._database.is_sqlite], person_id=person_id, sector=sector,
                sub=self.sub_in(sector, origin), origin=origin, made_at=clock.seconds(),
            )  # fmt: skip
            return
        tx.run(
            models.KEEP_SUBJECT[self._database.is_sqlite], person_id=person_id, sector=sector,
            sub=self.sub_in(sector, person_id), made_at=clock.seconds(),
        )  # fmt: skip

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
            if status != "active":
                self._cards.end_all_of(tx, person_id, status)
        return found

    def keep_checked(self, tx: Transaction, person: Person, checked: Checked) -> Person:
        """The register's word is kept: what it has rectified, other numbers, and when it agreed, or that it is owed.

        Raises Conflict where the person was changed at the same moment.
        """
        if checked.verdict is None:
            tx.run(models.OWE_CHECK, person_id=person.id, owed_since=clock.milliseconds())
            return person
        if checked.number not in (None, person.personal_number, *person.earlier_numbers):
            return self.keep_checked(tx, person, replace(checked, verdict=None))  # a clerk changed who this is since
        now = clock.seconds()
        told, changed = person.told_by_register(checked.verdict, checked.source_id, now)
        if changed:
            self._change(tx, person, told, checked.source_id, changed)
        tx.run(models.KEEP_CHECK, person_id=person.id, when_checked=now, asked_at=checked.asked_at)
        return told

    def forget_check(self, tx: Transaction, person_id: bytes, *, owed: bool) -> None:
        """Nobody goes by what the register said before: the next sign-in asks it, and a worker if a check is owed."""
        since = clock.milliseconds() if owed else 0
        tx.run(models.SET_CHECK, person_id=person_id, when_checked=None, owed_since=since)

    def all_came_from(self, source_id: str) -> bool:
        """Whether everybody whom we know came from this one source."""
        return self._database.one(models.FROM_ELSEWHERE, source=source_id) is None

    def some_came_from(self, source_id: str) -> bool:
        return self._database.one(models.FROM_SOURCE, source=source_id) is not None

    def owing(self, after: bytes, most: int) -> list[bytes]:
        """The next people whom the register has to be asked about, by id."""
        return [bytes(row[0]) for row in self._database.all(models.OWING, after=after, most=most)]

    def renumber(self, tx: Transaction, person: Person, new_number: str, source_id: str) -> bool:
        """The person has the new number and is found by the old one too; False where somebody else has the new one.

        Raises Conflict where the person was changed at the same moment.
        """
        holder = self.find_by_number(tx, new_number)
        if holder is not None and holder.id != person.id:
            return False
        told, changed = person.renumbered(new_number, source_id, clock.seconds())
        if changed:
            self._change(tx, person, told, source_id, changed)
        return True

    def rewrite(self, tx: Transaction, before: Person, after: Person) -> None:
        """The person is what `after` says, and is found by that alone; the caller tells the audit why.

        Raises Conflict where the person was changed at the same moment, and for a number that somebody has.
        """
        written = tx.run(
            models.CHANGE_PERSON, person_id=after.id, seen_version=before.version, new_version=after.version,
            new_attributes=self._sealer.seal(SEALED, after.to_json(), after.id), now=clock.seconds(),
            new_number=self.keyed.own_number(after), new_status=after.status,
        )  # fmt: skip
        if not written:
            raise Conflict("the person was changed at the same moment")
        self.keyed.keep(tx, before, after)
        if after.status != "active" or not after.is_on_card_of(before):
            self._cards.end_all_of(tx, after.id, "changed" if after.status == "active" else after.status)

    def _change(self, tx: Transaction, before: Person, after: Person, source_id: str, changed: list[str]) -> None:
        self.rewrite(tx, before, after)
        self._audit.person_rectified(tx, person_id=after.id, source_id=source_id, attributes=changed)

    def sub_in(self, sector: str, origin: bytes) -> str:
        """A pairwise sub: from the random id alone, so that no detail of the person can change or betray it."""
        key = self._sealer.index("subjects.key", sector)
        return to_text(hmac.digest(key, origin, "sha256"))

    def _keep(
        self, tx: Transaction, found: Person | None, assertion: Assertion, source_id: str, proofing: int,
        checked: Checked | None,
    ) -> Person:  # fmt: skip
        before = found or Person(id=entropy.random_id(), status="active", version=0)
        now = clock.seconds()
        person, changed = before.told_by(assertion, source_id, proofing, now)
        if found is None:
            self.enter(tx, person, source_id)
        elif changed:
            self._change(tx, before, person, source_id, changed)
        return person if checked is None else self.keep_checked(tx, person, checked)

    def enter(self, tx: Transaction, person: Person, source_id: str | None) -> None:
        """Somebody whom nobody knew is known, by a source or by a clerk; raises Conflict for a number somebody has."""
        now = clock.seconds()
        sealed = self._sealer.seal(SEALED, person.to_json(), person.id)
        tx.run(
            models.ADD_PERSON, id=person.id, status=person.status, version=person.version, made_at=now,
            changed_at=now, number_index=self.keyed.own_number(person), attributes=sealed, checked_at=None,
            check_owed=0,
        )  # fmt: skip
        self.keyed.keep(tx, None, person)
        self._audit.person_made(tx, person_id=person.id, source_id=source_id)

    def knows(self, tx: Transaction, person: Person) -> bool:
        """Whether somebody has one of this person's numbers that nobody shares."""
        said = evidence.of_person(person)
        known = [evidence.of_person(each) for each in map(self._person, self.keyed.candidates(tx, said).values())]
        return any(has_number_of(said, each) or not said.own.isdisjoint(each.own) for each in known)

    def index(self, tx: Transaction, after: bytes, most: int) -> bytes | None:
        """The next people behind this id are found by all their keys; returns the last one's id, None at the end."""
        rows = tx.all(models.EVERYBODY, after=after, most=most)
        for row in rows:
            self.keyed.keep(tx, None, self._person(row))
        return bytes(rows[-1][0]) if rows else None

    def _linked(self, row: Sequence[Any] | None, subject_index: bytes) -> tuple[Person | None, Accepted | None]:
        """Whom the source's subject was linked to, and what a clerk accepted of that link."""
        if row is None:
            return None, None
        sealed = row[4]
        plain = None if sealed is None else self._sealer.open(SEALED_ACCEPTED, bytes(sealed), subject_index)
        return self._person(row), None if plain is None else Accepted.from_json(plain)

    def _optional(self, row: Sequence[Any] | None) -> Person | None:
        return self._person(row) if row else None

    def _person(self, row: Sequence[Any]) -> Person:
        return self.opened(bytes(row[0]), row[1], row[2], bytes(row[3]))


def _candidate(person: Person, accepted: Accepted | None = None) -> Candidate:
    known = evidence.of_person(person)
    widened = known if accepted is None else accepted.widened(known)
    return Candidate(id=person.id, evidence=widened, status=person.status)


def _no_more_current(identifier: Identifier) -> Identifier:
    return identifier if personal_in(identifier) is None else replace(identifier, state="former")


__all__ = ["Checked", "People", "Person", "Recognised", "Undecided", "errors", "pivot_of_person"]
