"""Two people who are one are joined; one who is two is parted; a source's subject is taken from one person to another.

Each is a change that is kept row by row and can be undone. Whatever becomes of people, a `sub` that a portal was told
leads to somebody for ever: to whoever they turned out to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from idp import clock, entropy
from idp.audit import Audit
from idp.cards import Book
from idp.cases import models
from idp.cases.changes import Change, ConsentMove, LinkMove, PersonChange, SubMove
from idp.cases.moving import Moving, Overtaken
from idp.people import People, Person, evidence
from idp.people.joining import MERGED, joined, without_sources
from idp.people.rules import Outcome, judge
from idp.seal import Sealer
from idp.sessions import Sessions
from idp.storage import Database, Transaction
from idp.storage.database import Row

SEALED = "people_changes.moved"


class CannotBe(Exception):
    """What was asked makes no sense for these people; the text says why."""


@dataclass(frozen=True, kw_only=True)
class By:
    """Who does it and why; a second person where two have to agree."""

    operator: str
    reason: str
    approved_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """A source's subject that is a person's. `id` is how operators name it."""

    source_id: str
    subject_index: bytes
    person_id: bytes
    rule: str
    evidence: bytes
    made_at: int
    accepted: bytes | None

    @property
    def id(self) -> str:
        return f"{self.source_id}:{self.subject_index.hex()[:16]}"


@dataclass(frozen=True, kw_only=True)
class Done:
    """A change as it stands in the history."""

    id: bytes
    kind: str
    made_at: int
    by: By
    change: Change
    undone_at: int | None
    undone_by: str | None


class Joining:
    def __init__(
        self, *, database: Database, people: People, sessions: Sessions, cards: Book, audit: Audit, sealer: Sealer
    ) -> None:
        self._database = database
        self._cards = cards
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._sealer = sealer
        self._moving = Moving(people=people)

    def links_of(self, person_id: bytes) -> list[Link]:
        return [_link(person_id, row) for row in self._database.all(models.LINKS_OF, of_person=person_id)]

    def wants_two(self, tx: Transaction, one: bytes, other: bytes) -> bool:
        """Whether two clerks have to agree that these are one: where portals know both, or anything speaks against it.

        What is joined wrongly lets somebody into another's identity.
        """
        people = [self._people.find_within(tx, each) for each in (one, other)]
        known = [evidence.of_person(each) for each in people if each is not None]
        if len(known) < 2:
            return True
        finding = judge(*known)
        in_use = all(tx.one(models.FIRST_SUBS_OF, of_person=each) is not None for each in (one, other))
        return in_use or finding is None or finding.outcome is Outcome.CONFLICT

    def merge(self, tx: Transaction, stays: bytes, goes: bytes, by: By) -> bytes:
        """These two are one person from now on; returns the change. Raises CannotBe, Overtaken, Conflict."""
        if stays == goes:
            raise CannotBe("they are one person already")
        one, other = self._locked(tx, stays, goes)
        if one.status != other.status or MERGED in (one.status, other.status):
            raise CannotBe(f"one is {one.status} and the other {other.status}: that has to be settled first")
        whole, gone = joined(one, other)
        change = Change(
            people=(_changed(other, gone), _changed(one, whole)),
            links=tuple(_to(link, stays, "merge") for link in self._links(tx, goes)),
            subs=tuple(replace(sub, after=stays) for sub in self._subs(tx, goes)),
            consents=self._consents(tx, goes, stays),
        )
        return self._done(tx, "merge", change, by, ended=(goes,))

    def split(
        self, tx: Transaction, person_id: bytes, links: Collection[str], sectors: Collection[str], by: By
    ) -> bytes:
        """What these links have brought is another person from now on, whom portals of these sectors knew all along.

        Returns the change. Nobody is signed in as either any more, and what portals were granted through the sources
        that go is void, but for those sectors. Raises CannotBe, Overtaken, Conflict.
        """
        (person,) = self._locked(tx, person_id)
        there = self._links(tx, person_id)
        going = self._chosen(there, links)
        if len(going) == len(there):
            raise CannotBe("one link at least has to stay")
        staying = {link.source_id for link in there if link not in going}
        sources = tuple(sorted({link.source_id for link in going}))
        left, theirs = without_sources(person, set(sources) - staying)
        new = Person(id=entropy.random_id(), status=person.status, version=0, attributes=theirs)
        change = Change(
            people=(_changed(person, left), _changed(None, new)),
            links=tuple(_to(link, new.id, link.rule) for link in going),
            subs=tuple(self._parted_subs(tx, person_id, new.id, sectors, sources)),
        )
        return self._done(tx, "split", change, by, ended=(person_id,))

    def unlink(self, tx: Transaction, person_id: bytes, link: str, by: By) -> bytes:
        """The source's subject is nobody's: its next sign-in is decided by the rules. Returns the change."""
        self._locked(tx, person_id)
        (found,) = self._chosen(self._links(tx, person_id), [link])
        return self._done(tx, "unlink", Change(links=(_to(found, None, found.rule),)), by, ended=(person_id,))

    def relink(self, tx: Transaction, person_id: bytes, link: str, to: bytes, by: By) -> bytes:
        """The source's subject is this other person's. Returns the change."""
        if person_id == to:
            raise CannotBe("it is this person's already")
        _, other = self._locked(tx, person_id, to)
        if other.status == MERGED:
            raise CannotBe(f"{to.hex()}: was joined to somebody else")
        (found,) = self._chosen(self._links(tx, person_id), [link])
        moved = replace(_to(found, to, "relink"), accepted_after=None)
        return self._done(tx, "relink", Change(links=(moved,)), by, ended=(person_id,))

    def settle(self, tx: Transaction, kind: str, change: Change, by: By) -> bytes:
        """A change that a case came to is done; returns it. Raises Overtaken, Conflict."""
        known = [id_ for id_ in change.concerned if self._people.find_within(tx, id_) is not None]
        self._moving.lock(tx, *known)
        return self._done(tx, kind, change, by, ended=())

    def undo(self, tx: Transaction, change_id: bytes, by: By) -> bytes:
        """All is as it was before the change, but for what was said since; returns the change that does it.

        Raises CannotBe for one that is undone or unknown, Overtaken where something else was changed on top of it.
        """
        found = self.find(tx, change_id)
        if found is None:
            raise CannotBe(f"{change_id.hex()}: no such change")
        if not tx.run(models.UNDONE, of_change=change_id, now=clock.seconds(), operator_name=by.operator):
            raise CannotBe(f"{change_id.hex()}: was undone already")
        self._moving.lock(tx, *found.change.concerned)
        tx.run(models.CASE_UNDONE, of_change=change_id)
        concerned = tuple(found.change.concerned)
        return self._done(tx, "undo", found.change.reversed(), by, ended=concerned, since=found.made_at)

    def find(self, tx: Transaction, change_id: bytes) -> Done | None:
        row = tx.one(models.FIND_CHANGE, of_change=change_id)
        return None if row is None else self._opened(row)

    def history(self, person_id: bytes) -> list[Done]:
        """What clerks changed about this person, oldest first."""
        return [self._opened(row) for row in self._database.all(models.HISTORY, of_person=person_id)]

    # ---- what the operations share ----

    def _done(
        self, tx: Transaction, kind: str, change: Change, by: By, ended: Iterable[bytes], since: int = 0
    ) -> bytes:
        """The change is done and on record; nobody is signed in as these people any more, and as whoever lost a link;
        their cards are void.

        What portals were granted through such a link since that moment, and did not go with a sub, is void.
        """
        change_id, left = entropy.ordered_id(), [link for link in change.links if link.before not in (None, link.after)]
        signed_out = sorted({*ended, *(link.before for link in left if link.before is not None)})
        for person_id in sorted({*signed_out, *change.concerned}):
            self._cards.hold_all_of(tx, person_id)
        self._put_out(tx, signed_out, f"{kind}: {by.reason}")
        self._moving.do(tx, change)
        for person_id, source_id in sorted({(link.before, link.source_id) for link in left if link.before is not None}):
            self._revoke(tx, person_id, source_id, since, f"{kind}: {by.reason}")
        self._put_out(tx, signed_out, f"{kind}: {by.reason}")  # who came in while it was done
        tx.run(
            models.ADD_CHANGE, id=change_id, kind=kind, made_at=clock.seconds(), operator=by.operator,
            approved_by=by.approved_by, reason=by.reason, undone_at=None, undone_by=None,
            moved=self._sealer.seal(SEALED, change.to_json(), change_id),
        )  # fmt: skip
        for person_id in change.concerned:
            tx.run(models.ADD_CHANGED, person_id=person_id, change_id=change_id)
            self._audit.person_changed_by_clerk(
                tx, person_id=person_id, change_id=change_id, kind=kind, operator=by.operator,
                approved_by=by.approved_by, reason=by.reason,
            )  # fmt: skip
        return change_id

    def _put_out(self, tx: Transaction, person_ids: Iterable[bytes], reason: str) -> None:
        for person_id in person_ids:
            self._sessions.end_all_of(tx, person_id, reason)
            self._cards.end_all_of(tx, person_id, "identity")

    def _locked(self, tx: Transaction, *person_ids: bytes) -> tuple[Person, ...]:
        self._moving.lock(tx, *person_ids)
        found = [self._people.find_within(tx, person_id) for person_id in person_ids]
        return tuple(each for each in found if each is not None)

    def _links(self, tx: Transaction, person_id: bytes) -> list[Link]:
        return [_link(person_id, row) for row in tx.all(models.LINKS_OF, of_person=person_id)]

    def _chosen(self, there: list[Link], named: Collection[str]) -> list[Link]:
        unknown = set(named) - {link.id for link in there}
        if unknown or not named:
            raise CannotBe(f"{', '.join(sorted(unknown)) or 'no link'}: not a link of this person; `idp people links`")
        return [link for link in there if link.id in named]

    def _subs(self, tx: Transaction, person_id: bytes) -> list[SubMove]:
        """All of a person's, those first that portals are told, each as a move from them to nobody yet."""
        tables = (models.FIRST_SUBS_OF, models.FURTHER_SUBS_OF)
        rows = [row for table in tables for row in tx.all(table, of_person=person_id)]
        return [
            SubMove(
                sector=row[0], sub=row[1], origin_before=bytes(row[2]), origin_after=bytes(row[2]), made_at=row[3],
                before=person_id, after=None,
            )
            for row in rows
        ]  # fmt: skip

    def _parted_subs(
        self, tx: Transaction, person_id: bytes, new: bytes, sectors: Collection[str], sources: tuple[str, ...]
    ) -> Iterable[SubMove]:
        """The sub of each of these sectors goes: of two, the one that came by a merge. Whoever stays without one gets
        another, which says nothing of the one that went; and at APIs the two share none from then on.
        """
        subs = self._subs(tx, person_id)
        unknown = set(sectors) - {sub.sector for sub in subs}
        if unknown:
            raise CannotBe(f"{', '.join(sorted(unknown))}: no portal of this sector knows the person")
        for sector in sorted(set(sectors)):
            *stay, goes = [sub for sub in subs if sub.sector == sector]
            yield replace(goes, after=new, origin_after=new, sources=sources)
            if not stay:
                origin = entropy.random_id()
                yield SubMove(
                    sector=sector, sub=self._people.sub_in(sector, origin), origin_before=origin, origin_after=origin,
                    made_at=clock.seconds(), before=None, after=person_id,
                )  # fmt: skip

    def _consents(self, tx: Transaction, goes: bytes, stays: bytes) -> tuple[ConsentMove, ...]:
        there = {row[0] for row in tx.all(models.CONSENTS_OF, of_person=stays)}
        theirs = [row[0] for row in tx.all(models.CONSENTS_OF, of_person=goes)]
        return tuple(ConsentMove(client_id=each, before=goes, after=stays) for each in theirs if each not in there)

    def _revoke(self, tx: Transaction, person_id: bytes, source_id: str, since: int, reason: str) -> None:
        of_link = {"of_person": person_id, "of_source": source_id, "since": since}
        rows = tx.all(models.REVOKE_GRANTS, **of_link, now=clock.seconds())
        for client_id, session_id in rows:
            self._audit.grant_revoked(
                tx, person_id=person_id, client_id=client_id, session_id=bytes(session_id), reason=reason
            )

    def _opened(self, row: Row) -> Done:
        change_id = bytes(row[0])
        return Done(
            id=change_id, kind=row[1], made_at=row[2], by=By(operator=row[3], approved_by=row[4], reason=row[5]),
            change=Change.from_json(self._sealer.open(SEALED, bytes(row[6]), change_id)), undone_at=row[7],
            undone_by=row[8],
        )  # fmt: skip


def _link(person_id: bytes, row: Row) -> Link:
    return Link(
        source_id=row[0], subject_index=bytes(row[1]), person_id=person_id, rule=row[2], evidence=bytes(row[3]),
        made_at=row[4], accepted=None if row[5] is None else bytes(row[5]),
    )  # fmt: skip


def _changed(before: Person | None, after: Person) -> PersonChange:
    if before is None:
        return PersonChange(
            id=after.id, before=None, after=after.attributes, status_before=MERGED, status_after=after.status
        )
    return PersonChange(
        id=after.id, before=before.attributes, after=after.attributes, status_before=before.status,
        status_after=after.status,
    )  # fmt: skip


def _to(link: Link, person_id: bytes | None, rule: str) -> LinkMove:
    return LinkMove(
        source_id=link.source_id, subject_index=link.subject_index, before=link.person_id, after=person_id,
        rule_before=link.rule, rule_after=rule, evidence=link.evidence, made_at=link.made_at,
        accepted_before=link.accepted, accepted_after=link.accepted,
    )  # fmt: skip


__all__ = ["By", "CannotBe", "Done", "Joining", "Link", "Overtaken"]
