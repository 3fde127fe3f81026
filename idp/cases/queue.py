"""The queue of cases: what the rules leave open, decided by clerks; two of them where somebody is let into an identity.

A case is opened by the sign-in that was refused. The person's page says nothing of it, for it would tell whoever has
somebody's papers that they are known; clerks find it by the number of the request that every such page shows. What it
is decided to, the next sign-in of that subject finds as its link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from idp import clock, entropy
from idp.audit import Audit, request_id
from idp.cases import models
from idp.cases.changes import Change, LinkMove, PersonChange
from idp.cases.decisions import Decision
from idp.cases.joining import By, CannotBe, Joining
from idp.cases.side_by_side import Known, table
from idp.people import People, Person, Undecided, evidence
from idp.people.accepted import SEALED as SEALED_ACCEPTED
from idp.people.accepted import Accepted
from idp.people.evidence import Evidence
from idp.people.joining import MERGED, known_as
from idp.people.rules import Outcome, judge
from idp.seal import Sealer
from idp.storage import Database, Transaction
from idp.storage.database import Conflict, Row

SEALED = "cases.said"
NUMBER_LETTERS = 8
SIGN_IN = "sign-in"
BY_CLERK = "by-a-clerk"  # in the place of a rule, where none has found it
OPEN, PROPOSED, DECIDED, REFUSED = "open", "proposed", "decided", "refused"
CLERKS_RULE = "case"
MOST_LISTED = 200


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    kind: str
    state: str
    source_id: str | None
    subject_index: bytes | None
    outcome: str
    rule: str
    said: Evidence | None = field(repr=False)  # nobody's details in a log
    alike: tuple[bytes, ...]
    opened_at: int
    seen_at: int
    times: int
    decision: Decision | None
    decided_at: int | None
    decided_by: str | None
    approved_by: str | None
    change_id: bytes | None
    said_index: bytes

    @property
    def mark(self) -> str:
        """Of what a clerk sees: who decides or approves by it has seen this, and nothing that came later."""
        seen = f"{self.state} {self.said_index.hex()} {'' if self.decision is None else self.decision.to_json()}"
        return entropy.fingerprint(seen).hex()[:8]

    @property
    def people(self) -> tuple[bytes, ...]:
        """All whom a clerk has to look at: who is alike, and who was decided on."""
        return tuple(dict.fromkeys((*self.alike, *(() if self.decision is None else self.decision.people))))


class Cases:
    def __init__(self, *, database: Database, people: People, joining: Joining, audit: Audit, sealer: Sealer) -> None:
        self._database = database
        self._people = people
        self._joining = joining
        self._audit = audit
        self._sealer = sealer

    # ---- opened ----

    def open(self, source_id: str, undecided: Undecided) -> str:
        """There is a case about this subject; returns its number, the same for each time that the person comes."""
        for _ in range(2):  # of two sign-ins at once one opens it, and the other finds it
            try:
                with self._database.write() as tx:
                    return self._opened_by(tx, source_id, undecided)
            except Conflict:
                continue
        raise Conflict("the case is being opened and decided all the time")

    def _opened_by(self, tx: Transaction, source_id: str, undecided: Undecided) -> str:
        words, now, decision = undecided.said.to_json(), clock.seconds(), undecided.decision
        of_words = self._sealer.index("cases.said", words.decode())
        alike = " ".join(sorted(each.hex() for each in decision.alike))
        standing = tx.one(
            models.FIND_STANDING, of_source=source_id, of_subject=undecided.subject_index, of_words=of_words
        )
        if standing is None:
            case_id = self._added(
                tx, words, kind=SIGN_IN, state=OPEN, source_id=source_id, subject_index=undecided.subject_index,
                outcome=decision.outcome.value, rule=decision.rule, said_index=of_words, alike=alike,
                request_id=request_id(), decision=None, decided_at=None, decided_by=None,
            )  # fmt: skip
            self._audit.case_changed(tx, case_id=case_id, change="opened", rule=decision.rule, source_id=source_id)
            return case_id
        case_id = str(standing[0])
        seen = tx.run(
            models.SEE_AGAIN, of_case=case_id, new_outcome=decision.outcome.value, new_rule=decision.rule,
            new_said=self._sealer.seal(SEALED, words, case_id.encode()), of_words=of_words, new_alike=alike, now=now,
            new_request=request_id(),
        )  # fmt: skip
        if not seen:
            tx.run(models.COUNT_AGAIN, of_case=case_id, now=now, new_request=request_id())
        return case_id

    def propose(self, tx: Transaction, decision: Decision, operator: str) -> str:
        """A second clerk has to agree to this merge, relinking or split; returns the number of the case."""
        self._check(tx, decision)
        case_id = self._added(
            tx, b"null", kind=decision.what, state=PROPOSED, source_id=None, subject_index=None,
            outcome=Outcome.REVIEW.value, rule=BY_CLERK, said_index=b"", request_id="",
            alike=" ".join(each.hex() for each in decision.people), decision=decision.to_json(),
            decided_at=clock.seconds(), decided_by=operator,
        )  # fmt: skip
        self._audit.case_changed(tx, case_id=case_id, change=PROPOSED, rule=BY_CLERK, source_id=None, operator=operator)
        return case_id

    def _added(self, tx: Transaction, words: bytes, **facts: Any) -> str:
        case_id, now = entropy.letters(entropy.PLAIN_LETTERS, NUMBER_LETTERS), clock.seconds()
        tx.run(
            models.ADD_CASE, id=case_id, said=self._sealer.seal(SEALED, words, case_id.encode()), opened_at=now,
            seen_at=now, times=1, approved_by=None, change_id=None, **facts,
        )  # fmt: skip
        return case_id

    # ---- looked at ----

    def find(self, case_id: str) -> Case | None:
        """By the number of the case, or of the request that the person was told."""
        row = self._database.one(models.FIND_CASE, of_case=case_id)
        if row is None and case_id:
            row = self._database.one(models.FIND_BY_REQUEST, of_request=case_id)
        return None if row is None else self._case(row)

    def listed(self, state: str, source_id: str = "", beyond: int = 0) -> list[Case]:
        """The cases in this state, oldest first, of this source alone if one is named; `beyond` so many of them."""
        asked = {"of_state": state, "of_sources": source_id or "%", "most": MOST_LISTED, "beyond": beyond}
        return [self._case(row) for row in self._database.all(models.LIST_CASES, **asked)]

    def counted(self) -> dict[str, int]:
        """How many cases are in which state."""
        return {row[0]: row[1] for row in self._database.all(models.COUNT_CASES)}

    def side_by_side(self, case: Case) -> list[dict[str, str]]:
        """What is said beside what is known of everybody who may be meant, with how well each is known."""
        known = [self._known(person_id) for person_id in case.people]
        return table(case.said, [each for each in known if each is not None])

    def _known(self, person_id: bytes) -> Known | None:
        person = self._people.find(person_id)
        if person is None:
            return None
        seen, checked = (
            self._database.one(statement, of_person=person_id) for statement in (models.LAST_SEEN, models.CHECKED_AT)
        )
        return Known(
            person=person, links=tuple(self._joining.links_of(person_id)),
            portals=len(self._database.all(models.CONSENTS_OF, of_person=person_id)), last_seen=_day(seen),
            checked=_day(checked),
        )  # fmt: skip

    def note_seen(self, tx: Transaction, case: Case, operator: str) -> None:
        """It is on record who looked at people's details."""
        self._audit.case_changed(
            tx, case_id=case.id, change="looked at", rule=case.rule, source_id=case.source_id, operator=operator
        )

    # ---- decided ----

    def decide(self, tx: Transaction, case: Case, decision: Decision, operator: str) -> str:
        """What one clerk decides is done, or waits for a second one; returns the state. Raises CannotBe, Overtaken."""
        if case.state != OPEN:
            raise CannotBe(f"{case.id}: is {case.state}, and only an open case can be decided")
        self._check(tx, decision)
        if decision.what == "refuse":
            return self._moved(tx, case, REFUSED, decision, operator)
        if self._wants_two(tx, case, decision):
            return self._moved(tx, case, PROPOSED, decision, operator)
        change_id = self._done(tx, case, decision, By(operator=operator, reason=decision.reason))
        return self._moved(tx, case, DECIDED, decision, operator, change_id=change_id)

    def approve(self, tx: Transaction, case: Case, operator: str) -> bytes:
        """What one clerk proposed another has approved, and is done; returns the change. Raises CannotBe, Overtaken."""
        if case.state != PROPOSED or case.decision is None or case.decided_by is None:
            raise CannotBe(f"{case.id}: is {case.state}, and there is nothing to approve")
        if case.decided_by == operator:
            raise CannotBe(f"{case.id}: {operator} has proposed it, and another has to look")
        by = By(operator=case.decided_by, reason=case.decision.reason, approved_by=operator)
        change_id = self._done(tx, case, case.decision, by)
        self._moved(tx, case, DECIDED, case.decision, case.decided_by, approved_by=operator, change_id=change_id)
        return change_id

    def reject(self, tx: Transaction, case: Case, operator: str) -> str:
        """What was proposed is not done: a sign-in is open again, a merge is refused. Raises CannotBe."""
        if case.state != PROPOSED:
            raise CannotBe(f"{case.id}: is {case.state}, and there is nothing to reject")
        return self._moved(tx, case, OPEN if case.kind == SIGN_IN else REFUSED, case.decision, operator)

    def _wants_two(self, tx: Transaction, case: Case, decision: Decision) -> bool:
        """Whether this lets somebody into an identity that anything speaks against: all but what the rules themselves
        found likely.
        """
        if decision.what != "link" or decision.person_id is None or case.said is None:
            return False
        person = self._people.find_within(tx, decision.person_id)
        finding = None if person is None else judge(case.said, evidence.of_person(person))
        likely = finding is not None and finding.outcome is not Outcome.CONFLICT
        return case.outcome != Outcome.REVIEW or decision.person_id not in case.alike or not likely

    def _check(self, tx: Transaction, decision: Decision) -> None:
        for person_id in decision.people:
            person = self._people.find_within(tx, person_id)
            if person is None or person.status == MERGED:
                raise CannotBe(f"{person_id.hex()}: nobody has this id, or they were joined to somebody else")

    def _moved(
        self, tx: Transaction, case: Case, state: str, decision: Decision | None, operator: str, *,
        approved_by: str | None = None, change_id: bytes | None = None,
    ) -> str:  # fmt: skip
        moved = tx.run(
            models.MOVE_CASE, of_case=case.id, seen_state=case.state, new_state=state, now=clock.seconds(),
            seen_words=case.said_index, seen_decision="" if case.decision is None else case.decision.to_json(),
            new_decision=None if decision is None else decision.to_json(), new_decided_by=operator,
            new_approved_by=approved_by, new_change=change_id,
        )  # fmt: skip
        if not moved:
            raise CannotBe(f"{case.id}: another clerk was first, or other words came since: look again")
        self._audit.case_changed(
            tx, case_id=case.id, change=state, rule=case.rule, source_id=case.source_id,
            operator=approved_by or operator,
        )  # fmt: skip
        return state

    def _done(self, tx: Transaction, case: Case, decision: Decision, by: By) -> bytes:
        self._check(tx, decision)
        if case.said is None or case.source_id is None or case.subject_index is None:
            return self._of_clerks(tx, decision, by)
        person, accepted = self._decided(tx, case.said, decision)
        existing = tx.one(models.FIND_LINK, of_source=case.source_id, of_subject=case.subject_index)
        sealed = self._sealer.seal(SEALED_ACCEPTED, accepted.to_json(), case.subject_index)
        link = LinkMove(
            source_id=case.source_id, subject_index=case.subject_index, after=person.id, accepted_after=sealed,
            before=None if existing is None else bytes(existing[0]), rule_after=CLERKS_RULE,
            rule_before=CLERKS_RULE if existing is None else str(existing[1]), evidence=case.id.encode(),
            made_at=clock.seconds(),
            accepted_before=None if existing is None or existing[4] is None else bytes(existing[4]),
        )  # fmt: skip
        changed = person.before != person.after or person.before is None
        change = Change(people=(person,) if changed else (), links=(link,))
        return self._joining.settle(tx, decision.what, change, by)

    def _of_clerks(self, tx: Transaction, decision: Decision, by: By) -> bytes:
        """What no sign-in asked for: one clerk proposed it, and another has approved."""
        person_id, other_id = decision.person_id, decision.other_id
        if person_id is not None and decision.what == "split":
            return self._joining.split(tx, person_id, decision.links, decision.sectors, by)
        if person_id is not None and other_id is not None and decision.what == "merge":
            return self._joining.merge(tx, person_id, other_id, by)
        if person_id is not None and other_id is not None and decision.what == "relink":
            return self._joining.relink(tx, person_id, decision.links[0], other_id, by)
        raise CannotBe("a merge, a split or a new link, and whom it is about")

    def _decided(self, tx: Transaction, said: Evidence, decision: Decision) -> tuple[PersonChange, Accepted]:
        """Whose the subject is, and which of its words may differ from theirs."""
        if decision.what == "new":
            person = PersonChange(
                id=entropy.random_id(), before=None, after={}, status_before=MERGED, status_after="active"
            )
            return person, self._not_theirs(tx, said, None)
        known = None if decision.person_id is None else self._people.find_within(tx, decision.person_id)
        if decision.what != "link" or known is None:
            raise CannotBe("a case is decided to a person, to somebody new, or refused")
        after = known_as(known, said.names, said.births, clock.seconds()) if decision.are_theirs else known
        person = PersonChange(
            id=known.id, before=known.attributes, after=after.attributes, status_before=known.status,
            status_after=known.status,
        )  # fmt: skip
        return person, self._not_theirs(tx, said, known)

    def _not_theirs(self, tx: Transaction, said: Evidence, known: Person | None) -> Accepted:
        """Of what was said, what another has, and a number beside the person's own: none of it becomes theirs.

        Of somebody new (None) name and birth date are their own.
        """
        theirs = Evidence(names=()) if known is None else evidence.of_person(known)
        others = [each for each in said.numbers if each not in (*theirs.numbers, *theirs.earlier_numbers)]
        held = tuple(each for each in others if theirs.numbers or self._people.find_by_number(tx, each) is not None)
        if known is None:
            return Accepted(numbers=held, own=self._people.keyed.held_by_others(tx, said.own, None))
        own = self._people.keyed.held_by_others(tx, said.own, known.id)
        return Accepted(names=said.names, births=said.births, numbers=held, own=own)

    def _case(self, row: Row) -> Case:
        said = self._sealer.open(SEALED, bytes(row[7]), row[0].encode())
        return Case(
            id=row[0], kind=row[1], state=row[2], source_id=row[3],
            subject_index=None if row[4] is None else bytes(row[4]), outcome=row[5], rule=row[6],
            said=None if said == b"null" else Evidence.from_json(said), alike=_ids(row[8].split()), opened_at=row[9],
            seen_at=row[10], times=row[11], decision=None if row[12] is None else Decision.from_json(row[12]),
            decided_at=row[13], decided_by=row[14], approved_by=row[15],
            change_id=None if row[16] is None else bytes(row[16]), said_index=bytes(row[17]),
        )  # fmt: skip


def _day(row: Row | None) -> str | None:
    return None if row is None or row[0] is None else clock.instant(row[0]).date().isoformat()


def _ids(texts: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(each) for each in texts)
