"""Two people who are one are joined; one who is two is parted; a source's subject is taken from one person to another.

Each is a change that is kept row by row and can be undone. Whatever becomes of people, a `sub` that a portal was told
leads to somebody for ever: to whoever they turned out to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from idp import clock, entropy
from idp.audit import Audit
from idp.cases import models
from idp.cases.changes import Change, ConsentMove, LinkMove, PersonChange, SubMove
from idp.cases.moving import Moving, Overtaken
from idp.people import People, Person
from idp.people.joining import MERGED, joined, without_sources
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
    def __init__(self, *, database: Database, people: People, sessions: Sessions, audit: Audit, sealer: Sealer) -> None:
        self._database = database
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._sealer = sealer
        self._moving = Moving(people=people)

    def links_of(self, person_id: bytes) -> list[Link]:
        return [_link(person_id, row) for row in self._database.all(models.LINKS_OF, of_person=person_id)]

    def are_both_in_use(self, one: bytes, other: bytes) -> bool:
        """Whether portals know both: then what is joined wrongly lets somebody into another's identity."""
        return all(self._database.one(models.FIRST_SUBS_OF, of_person=each) is not None for each in (one, other))

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
            links=tuple(_to(link, stays) for link in self._links(tx, goes)),
            subs=tuple(replace(sub, after=stays) for sub in self._subs(tx, goes)),
            consents=self._consents(tx, goes, stays),
        )
        return self._done(tx, "merge", change, by, ended=(goes,))

    def split(
        self, tx: Transaction, person_id: bytes, links: Collection[str], sectors: Collection[str], by: By
    ) -> bytes:
        """What these links have brought is another person from now on, whom portals of these sectors knew all along.

        Returns the change. Nobody is signed in as either any more. What portals were granted through the sources that
        go, and do not know the new person, is void. Raises CannotBe, Overtaken, Conflict.
        """
        (person,) = self._locked(tx, person_id)
        there = self._links(tx, person_id)
        going = self._chosen(there, links)
        if len(going) == len(there):
            raise CannotBe("one link at least has to stay")
        staying = {link.source_id for link in there if link not in going}
        sources = {link.source_id for link in going} - staying
        left, theirs = without_sources(person, sources)
        new = Person(id=entropy.random_id(), status=person.status, version=0, attributes=theirs)
        change = Change(
            people=(_changed(person, left), _changed(None, new)),
            links=tuple(_to(link, new.id) for link in going),
            subs=tuple(self._parted_subs(tx, person_id, new.id, sectors)),
        )
        done = self._done(tx, "split", change, by, ended=(person_id,))
        for source_id in sources:
            self._revoke(tx, person_id, source_id, by)
        return done

    def unlink(self, tx: Transaction, person_id: bytes, link: str, by: By) -> bytes:
        """The source's subject is nobody's: its next sign-in is decided by the rules. Returns the change."""
        self._locked(tx, person_id)
        (found,) = self._chosen(self._links(tx, person_id), [link])
        return self._done(tx, "unlink", Change(links=(_to(found, None),)), by, ended=(person_id,))

    def relink(self, tx: Transaction, person_id: bytes, link: str, to: bytes, by: By) -> bytes:
        """The source's subject is this other person's. Returns the change."""
        if person_id == to:
            raise CannotBe("it is this person's already")
        _, other = self._locked(tx, person_id, to)
        if other.status == MERGED:
            raise CannotBe(f"{to.hex()}: was joined to somebody else")
        (found,) = self._chosen(self._links(tx, person_id), [link])
        return self._done(tx, "relink", Change(links=(_to(found, to),)), by, ended=(person_id,))

    def settle(self, tx: Transaction, kind: str, change: Change, by: By) -> bytes:
        """A change that a case came to is done; returns it. Raises Overtaken, Conflict."""
        known = [id_ for id_ in change.concerned if self._people.find_within(tx, id_) is not None]
        self._moving.lock(tx, *known)
        before = {link.before for link in change.links if link.before is not None and link.before != link.after}
        return self._done(tx, kind, change, by, ended=tuple(before))

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
        tx.run(models.REOPEN_CASE, of_change=change_id)
        return self._done(tx, "undo", found.change.reversed(), by, ended=tuple(found.change.concerned))

    def find(self, tx: Transaction, change_id: bytes) -> Done | None:
        row = tx.one(models.FIND_CHANGE, of_change=change_id)
        return None if row is None else self._opened(row)

    def history(self, person_id: bytes) -> list[Done]:
        """What clerks changed about this person, oldest first."""
        return [self._opened(row) for row in self._database.all(models.HISTORY, of_person=person_id)]

    # ---- what the operations share ----

    def _done(self, tx: Transaction, kind: str, change: Change, by: By, ended: Iterable[bytes]) -> bytes:
        """The change is done and on record; nobody is signed in as these people any more."""
        change_id = entropy.ordered_id()
        for person_id in sorted(ended):
            self._sessions.end_all_of(tx, person_id, f"{kind}: {by.reason}")
        self._moving.do(tx, change)
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
                sector=row[0], sub=row[1], origin=bytes(row[2]), made_at=row[3], before=person_id, after=None
            )
            for row in rows
        ]  # fmt: skip

    def _parted_subs(
        self, tx: Transaction, person_id: bytes, new: bytes, sectors: Collection[str]
    ) -> Iterable[SubMove]:
        """The subs of these sectors go; whoever stays gets others there, which say nothing of the ones that went."""
        subs = [sub for sub in self._subs(tx, person_id) if sub.sector in sectors]
        unknown = set(sectors) - {sub.sector for sub in subs}
        if unknown:
            raise CannotBe(f"{', '.join(sorted(unknown))}: no portal of this sector knows the person")
        for sub in subs:
            yield replace(sub, after=new)
        for sector in sorted({sub.sector for sub in subs}):
            origin = entropy.random_id()
            minted = self._people.sub_in(sector, origin)
            yield SubMove(
                sector=sector, sub=minted, origin=origin, made_at=clock.seconds(), before=None, after=person_id
            )

    def _consents(self, tx: Transaction, goes: bytes, stays: bytes) -> tuple[ConsentMove, ...]:
        there = {row[0] for row in tx.all(models.CONSENTS_OF, of_person=stays)}
        theirs = [row[0] for row in tx.all(models.CONSENTS_OF, of_person=goes)]
        return tuple(ConsentMove(client_id=each, before=goes, after=stays) for each in theirs if each not in there)

    def _revoke(self, tx: Transaction, person_id: bytes, source_id: str, by: By) -> None:
        rows = tx.all(models.REVOKE_GRANTS, of_person=person_id, of_source=source_id, now=clock.seconds())
        for client_id, session_id in rows:
            self._audit.grant_revoked(
                tx, person_id=person_id, client_id=client_id, session_id=bytes(session_id), reason=f"split: {by.reason}"
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


def _to(link: Link, person_id: bytes | None) -> LinkMove:
    return LinkMove(
        source_id=link.source_id, subject_index=link.subject_index, before=link.person_id, after=person_id,
        rule=link.rule, evidence=link.evidence, made_at=link.made_at, accepted_before=link.accepted,
        accepted_after=link.accepted,
    )  # fmt: skip


__all__ = ["By", "CannotBe", "Done", "Joining", "Link", "Overtaken"]
