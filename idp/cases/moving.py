"""Doing a change of who is who: within one transaction, and not at all where somebody changed the same since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp import clock
from idp.cases import models
from idp.cases.changes import Change, ConsentMove, LinkMove, PersonChange, SubMove
from idp.people import People, Person
from idp.people.joining import MERGED, restored
from idp.people.person import Attribute
from idp.storage import Transaction


class Overtaken(Exception):
    """What was to be changed is not what it was when it was looked at; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Moving:
    people: People

    def lock(self, tx: Transaction, *person_ids: bytes) -> None:
        """Nobody signs in as these people, or is linked to them, until the transaction has ended; raises Overtaken."""
        for person_id in sorted(person_ids):
            tx.all(models.LOCK_LINKS, of_person=person_id)
        for person_id in sorted(person_ids):
            if not tx.run(models.LOCK_PERSON, of_person=person_id, now=clock.seconds()):
                raise Overtaken(f"{person_id.hex()}: nobody has this id")

    def do(self, tx: Transaction, change: Change) -> None:
        """The change is done; raises Overtaken."""
        for person in change.people:
            others = [each.after or {} for each in change.people if each is not person]
            self._change(tx, person, {name: value for each in others for name, value in each.items()})
        for link in change.links:
            after = None if link.after is None else self.people.find_within(tx, link.after)
            if after is not None and after.status == MERGED:
                raise Overtaken(f"{after.id.hex()}: was joined to somebody else since")
            _move_link(tx, link)
        for sub in change.subs:
            _move_sub(tx, sub)
        for consent in change.consents:
            _move_consent(tx, consent)

    def _change(self, tx: Transaction, change: PersonChange, others: Mapping[str, Attribute]) -> None:
        now = self.people.find_within(tx, change.id)
        if now is None:
            if change.before is not None:
                raise Overtaken(f"{change.id.hex()}: is gone")
            made = Person(id=change.id, status=change.status_after, version=0, attributes=change.after or {})
            self.people.enter(tx, made, None)
            return
        if now.status != change.status_before:
            raise Overtaken(f"{change.id.hex()}: is {now.status} now, and was {change.status_before}")
        after = {} if change.after is None else change.after
        attributes = restored(now, before=after, after=change.before or {}, others=others)
        status = MERGED if change.after is None else change.status_after
        changed = replace(now, attributes=attributes, status=status, version=now.version + 1)
        self.people.rewrite(tx, now, changed)


def _move_link(tx: Transaction, move: LinkMove) -> None:
    of_link = {"of_source": move.source_id, "of_subject": move.subject_index}
    if move.before is None:
        done = 0
        if tx.one(models.FIND_LINK, **of_link) is None:
            done = tx.run(
                models.ADD_LINK, source_id=move.source_id, subject_index=move.subject_index, person_id=move.after,
                rule=move.rule_after, evidence=move.evidence, made_at=move.made_at, accepted=move.accepted_after,
            )  # fmt: skip
    elif move.after is None:
        done = tx.run(models.REMOVE_LINK, **of_link, seen_person=move.before)
    else:
        done = tx.run(
            models.MOVE_LINK, **of_link, seen_person=move.before, new_person=move.after,
            new_accepted=move.accepted_after, new_rule=move.rule_after,
        )  # fmt: skip
    if not done:
        raise Overtaken(f"the link to {move.source_id} was changed since: look at the history, and undo that first")


def _move_sub(tx: Transaction, move: SubMove) -> None:
    """A sub that was given out is never taken back: whoever has it keeps it, if nobody else gets it."""
    if move.before is not None:
        _take_sub(tx, move, move.before)
    if move.after is None:  # it was made by what is undone: kept behind the one that comes back
        _give_sub(tx, move, move.before, further=True)
        return
    _give_sub(tx, move, move.after)
    if move.before is not None:
        _move_grants(tx, move, move.before)


def _move_grants(tx: Transaction, move: SubMove, before: bytes) -> None:
    of_sub = {"seen_person": before, "of_sub": move.sub, "new_person": move.after, "new_origin": move.origin_after}
    if not move.sources:
        tx.run(models.MOVE_GRANTS, **of_sub)
        return
    for source_id in move.sources:
        tx.run(models.MOVE_GRANTS_OF_SOURCE, **of_sub, of_source=source_id)
    tx.run(models.REVOKE_GRANTS_OF_SUB, of_person=before, of_sub=move.sub, now=clock.seconds())


def _take_sub(tx: Transaction, move: SubMove, holder: bytes) -> None:
    sub = {"of_sector": move.sector, "of_sub": move.sub, "of_person": holder}
    if tx.run(models.REMOVE_FURTHER_SUB, **sub):
        return
    if not tx.run(models.REMOVE_FIRST_SUB, **sub):
        raise Overtaken("a sub was moved since: look at the history, and undo that first")
    if move.after is None:
        return
    for sector, text, origin, made_at in tx.all(models.FURTHER_SUBS_OF, of_person=holder):
        if sector == move.sector:  # the next is the first
            tx.run(models.REMOVE_FURTHER_SUB, of_sector=sector, of_sub=text, of_person=holder)
            further = replace(move, sub=text, origin_after=bytes(origin), made_at=made_at)
            _give_sub(tx, further, holder)
            return


def _give_sub(tx: Transaction, move: SubMove, holder: bytes | None, *, further: bool = False) -> None:
    """It is the one that portals of the sector are told, unless the person has one there."""
    has = further or any(row[0] == move.sector for row in tx.all(models.FIRST_SUBS_OF, of_person=holder))
    statement = models.ADD_FURTHER_SUB if has else models.ADD_FIRST_SUB
    origin = move.origin_after if has or move.origin_after != holder else None
    tx.run(
        statement, person_id=holder, sector=move.sector, sub=move.sub, origin=origin, made_at=move.made_at
    )  # fmt: skip


def _move_consent(tx: Transaction, move: ConsentMove) -> None:
    there = {row[0] for row in tx.all(models.CONSENTS_OF, of_person=move.after)}
    if move.client_id not in there:
        tx.run(models.MOVE_CONSENT, seen_person=move.before, new_person=move.after, of_client=move.client_id)
