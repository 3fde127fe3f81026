"""People: who somebody is, what we may say of them, and under which name each portal knows them."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from connectors.registers import Pivot, Verdict
from idp import clock, entropy, errors
from idp.audit import Audit
from idp.errors import Refused
from idp.people import claims, evidence, models
from idp.people.evidence import NUMBER, Evidence
from idp.people.identifiers import PERSONAL_NUMBER, birth_year
from idp.people.matching import MOST_BY_ONE_KEY, Candidate, Decision, decide
from idp.people.person import PROVEN, Attribute, Person
from idp.people.rules import has_number_of
from idp.seal import Sealer, to_text
from idp.storage import Database, Transaction
from idp.storage.database import Conflict

SEALED = "people.attributes"
MOST_KEYS = 24  # of one person, or of what is said of one: numbers first
REMEMBERED_PEOPLE = 1000  # in each worker: a portal reads userinfo in the seconds after it got its token
SUB = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Whom a sign-in belongs to, and the rule that said so."""

    person: Person
    outcome: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What came of asking the population register about somebody who signs in; `verdict` None: it did not answer."""

    source_id: str
    verdict: Verdict | None
    asked_at: int  # milliseconds, before it answered: what it reports meanwhile is not settled by that


class People:
    def __init__(self, database: Database, sealer: Sealer, audit: Audit, *, everybody_is_known: bool = False) -> None:
        self._database = database
        self._sealer = sealer
        self._audit = audit
        self._everybody_is_known = everybody_is_known
        # What was sealed as these very bytes says the same each time; a change of the person seals it anew.
        self._unsealed = lru_cache(REMEMBERED_PEOPLE)(self._unseal)

    def find(self, person_id: bytes) -> Person | None:
        row = self._database.one(models.FIND_PERSON, person_id=person_id)
        return self._person(row) if row else None

    def opened(self, person_id: bytes, status: str, version: int, attributes: bytes) -> Person:
        """The person in a row that another room's statement has joined."""
        return Person(id=person_id, status=status, version=version, attributes=self._unsealed(person_id, attributes))

    def _unseal(self, person_id: bytes, attributes: bytes) -> dict[str, Attribute]:
        return Person.attributes_from(self._sealer.open(SEALED, attributes, person_id))

    def find_by_number(self, tx: Transaction, number: str) -> Person | None:
        """Whoever has this personal number, or had it."""
        return self._optional(tx.one(models.FIND_BY_NUMBER, number=self._number_index(number)))

    def pivot(self, assertion: Assertion, source_id: str, proofing: int) -> Pivot | None:
        """Whom to ask the population register about: None for somebody without a proven personal number."""
        number = _current_number(assertion) if proofing >= PROVEN else None
        if number is not None:
            return pivot_of(number, assertion.name, assertion.birth_date)
        linked = self._optional(
            self._database.one(models.FIND_BY_LINK, source=source_id, subject=self._subject_index(assertion))
        )
        return None if linked is None else pivot_of_person(linked)

    def recognise(
        self, tx: Transaction, assertion: Assertion, source_id: str, proofing: int, checked: Checked | None = None
    ) -> Recognised:
        """The person whom the source means, found or made, told what the source says, and linked.

        `proofing` is the assertion's, as far as the operator lets the source assert it. `checked` is what the
        population register said of them, which is kept with the person.

        Raises Refused for a conflict, for too little to go by and for a barred person; Conflict (from the
        transaction) when another sign-in made the same person at the same moment: then do it again.
        """
        subject_index = self._subject_index(assertion)
        linked = self._optional(tx.one(models.FIND_BY_LINK, source=source_id, subject=subject_index))
        rectified = checked.verdict.rectified if checked is not None and checked.verdict is not None else None
        said = evidence.of_assertion(assertion, rectified, with_numbers=proofing >= PROVEN)
        found, decision = self._decide(tx, said, proofing, linked)
        if decision.failure is not None:
            raise Refused(decision.failure, decision.rule)
        if found is not None and any(number in found.earlier_numbers for number in said.numbers):
            # The source does not know the new one yet.
            assertion = replace(assertion, identifiers=tuple(map(_no_more_current, assertion.identifiers)))
        person = self._keep(tx, found, assertion, source_id, proofing, checked)
        if linked is None:
            tx.run(
                models.ADD_LINK, source_id=source_id, subject_index=subject_index, person_id=person.id,
                rule=decision.rule, evidence=assertion.evidence, made_at=clock.seconds(),
            )  # fmt: skip
        return Recognised(person=person, outcome=decision.outcome, rule=decision.rule)

    def _decide(
        self, tx: Transaction, said: Evidence, proofing: int, linked: Person | None, *, alone: bool = False
    ) -> tuple[Person | None, Decision]:
        """Whose sign-in this is. Whoever comes to be by it, or to have a number, does so alone until the commit."""
        known = self._candidates(tx, said, alone=alone) if proofing >= PROVEN else {}
        decision = decide(
            said, proofing, _candidate(linked) if linked else None, map(_candidate, known.values()),
            complete=self._everybody_is_known,
        )  # fmt: skip
        found = linked or known.get(decision.id)
        changes = decision.failure is None and (found is None or said.brings_numbers(evidence.of_person(found)))
        if alone or not changes or proofing < PROVEN or self._database.is_sqlite:  # which has one writer anyway
            return found, decision
        return self._decide(tx, said, proofing, linked, alone=True)

    def _candidates(self, tx: Transaction, said: Evidence, *, alone: bool = False) -> dict[bytes, Person]:
        """Everybody who has one of the keys of what is said, by id; `alone`: while no other may write them."""
        asked = sorted(self._key_index(key) for key in said.keys[:MOST_KEYS])  # all hold them in this order
        if not asked:
            return {}
        named = {f"key_{position}": key for position, key in enumerate(asked)}
        if alone:
            tx.run(models.hold_keys(len(asked)), **named)
        rows = tx.all(models.find_by_keys(len(asked), MOST_BY_ONE_KEY + 1), **named)
        shared = Counter(bytes(row[0]) for row in rows)
        told = [row for row in rows if shared[bytes(row[0])] <= MOST_BY_ONE_KEY]  # a key that more share tells nothing
        return {bytes(row[1]): self._person(row[1:]) for row in told}

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

    def keep_sub(self, tx: Transaction, person_id: bytes, sector: str) -> None:
        """The sector has a sub for this person, the same as ever."""
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
        return found

    def keep_checked(self, tx: Transaction, person: Person, checked: Checked) -> Person:
        """The register's word is kept: what it has rectified, other numbers, and when it agreed, or that it is owed.

        Raises Conflict where the person was changed at the same moment.
        """
        if checked.verdict is None:
            tx.run(models.OWE_CHECK, person_id=person.id, owed_since=clock.milliseconds())
            return person
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

    def _change(self, tx: Transaction, before: Person, after: Person, source_id: str, changed: list[str]) -> None:
        written = tx.run(
            models.CHANGE_PERSON, person_id=after.id, seen_version=before.version, new_version=after.version,
            new_attributes=self._sealer.seal(SEALED, after.to_json(), after.id), now=clock.seconds(),
            new_number=self._number_index(after.personal_number) if after.personal_number else None,
        )  # fmt: skip
        if not written:
            raise Conflict("the person was changed at the same moment")
        self._keep_keys(tx, before, after)
        self._audit.person_rectified(tx, person_id=after.id, source_id=source_id, attributes=changed)

    def _keep_keys(self, tx: Transaction, before: Person | None, after: Person) -> None:
        """The person is found by what they are known by now, and by nothing else."""
        had, has = (set() if each is None else self._keys_of(each) for each in (before, after))
        for key in had - has:
            tx.run(models.REMOVE_KEY, key=key, person=after.id)
        new = sorted(has - had)
        if new:
            named = {f"key_{position}": key for position, key in enumerate(new)}
            tx.run(models.add_keys(len(new), self._database.is_sqlite), person=after.id, **named)

    def _keys_of(self, person: Person) -> set[bytes]:
        if not person.is_proven:
            return set()
        return {self._key_index(key) for key in evidence.of_person(person).keys[:MOST_KEYS]}

    def sub_in(self, sector: str, person_id: bytes) -> str:
        """A pairwise sub: from the random id alone, so that no detail of the person can change or betray it."""
        key = self._sealer.index("subjects.key", sector)
        return to_text(hmac.digest(key, person_id, "sha256"))

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

    def enter(self, tx: Transaction, person: Person, source_id: str) -> None:
        """Somebody whom nobody knew is known; raises Conflict for a number that somebody has."""
        now = clock.seconds()
        number_index = self._number_index(person.personal_number) if person.personal_number else None
        sealed = self._sealer.seal(SEALED, person.to_json(), person.id)
        tx.run(
            models.ADD_PERSON, id=person.id, status=person.status, version=person.version, made_at=now,
            changed_at=now, number_index=number_index, attributes=sealed, checked_at=None, check_owed=0,
        )  # fmt: skip
        self._keep_keys(tx, None, person)
        self._audit.person_made(tx, person_id=person.id, source_id=source_id)

    def knows(self, tx: Transaction, person: Person) -> bool:
        """Whether somebody has one of this person's numbers that nobody shares."""
        said = evidence.of_person(person)
        known = [evidence.of_person(each) for each in self._candidates(tx, said).values()]
        return any(has_number_of(said, each) or not said.own.isdisjoint(each.own) for each in known)

    def index(self, tx: Transaction, after: bytes, most: int) -> bytes | None:
        """The next people behind this id are found by all their keys; returns the last one's id, None at the end."""
        rows = tx.all(models.EVERYBODY, after=after, most=most)
        for row in rows:
            self._keep_keys(tx, None, self._person(row))
        return bytes(rows[-1][0]) if rows else None

    def _subject_index(self, assertion: Assertion) -> bytes:
        # The issuer is part of the name: a source that is pointed at another issuer meets other people.
        return self._sealer.index("links.subject", f"{assertion.issuer}\n{assertion.subject}")

    def _number_index(self, number: str) -> bytes:
        return self._sealer.index("people.number", number)

    def _key_index(self, key: str) -> bytes:
        kind, _, value = key.partition(":")
        return self._number_index(value) if kind == NUMBER else self._sealer.index("people.key", key)

    def _optional(self, row: Sequence[Any] | None) -> Person | None:
        return self._person(row) if row else None

    def _person(self, row: Sequence[Any]) -> Person:
        return self.opened(bytes(row[0]), row[1], row[2], bytes(row[3]))


def pivot_of(number: str, name: Name, birth_date: BirthDate | None) -> Pivot:
    """Whom to ask about. Where nobody told a birth date (certificates hold none), the number's own year stands in."""
    if birth_date is None and PERSONAL_NUMBER.fullmatch(number):
        year = birth_year(number)
        birth_date = BirthDate(year=year, as_sent=str(year))
    identifier = Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number)
    return Pivot(identifier=identifier, name=name, birth_date=birth_date)


def pivot_of_person(person: Person) -> Pivot | None:
    """Whom to ask the register about for this person; None without a number or a name."""
    if person.personal_number is None or person.name is None:
        return None
    name = Name(full=person.name, family=person.family_name, middle=person.middle_name, given=person.given_name)
    born = person.birth_date
    sent = person.birth_date_as_sent or ""
    date = None if born is None else BirthDate(year=born.year, month=born.month, day=born.day, as_sent=sent)
    return pivot_of(person.personal_number, name, date)


def _candidate(person: Person) -> Candidate:
    return Candidate(id=person.id, evidence=evidence.of_person(person), status=person.status)


def _no_more_current(identifier: Identifier) -> Identifier:
    is_number = identifier.type is IdentifierType.PERSONAL_NUMBER
    return replace(identifier, state="former") if is_number else identifier


def _current_number(assertion: Assertion) -> str | None:
    for identifier in assertion.identifiers:
        if identifier.type is IdentifierType.PERSONAL_NUMBER and identifier.state == "current":
            return identifier.value
    return None


__all__ = ["Checked", "People", "Person", "Recognised", "errors", "pivot_of_person"]
