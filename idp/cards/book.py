"""Which cards there are, and what became of them. A card that has ended never comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from idp import clock
from idp.audit import Audit
from idp.cards import models
from idp.seal import Sealer
from idp.storage import Database, Transaction
from idp.storage.changes import Changes

ENDED_SHOWN_SECONDS = 30 * 86_400
SEALED = "cards.text"
TOPIC = "cards"


class State(IntEnum):
    """As it stands in a status list (draft-ietf-oauth-status-list, section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A card. `text` is that of its code; `why` tells in a word why it is not valid, for operators and translations."""

    id: bytes
    number: str
    person_id: bytes
    profile: str
    state: State
    why: str | None
    text: str
    holder_key: bytes | None
    issued_at: int
    expires_at: int
    changed_at: int
    list_number: int
    list_index: int

    def is_good_at(self, instant: int) -> bool:
        """Whether it is neither suspended nor ended nor expired then."""
        return self.state is State.VALID and instant < self.expires_at


class Book:
    def __init__(self, database: Database, sealer: Sealer, changes: Changes, audit: Audit) -> None:
        self._database = database
        self._sealer = sealer
        self._changes = changes
        self._audit = audit

    def of_person(self, person_id: bytes) -> list[Kept]:
        """The cards of this person, newest first, with those that ended in the last thirty days."""
        ended_after = clock.seconds() - ENDED_SHOWN_SECONDS
        return [self._kept(row) for row in self._database.all(
            models.OF_PERSON, of_person=person_id, ended_after=ended_after
        )]  # fmt: skip

    def find(self, card_id: bytes) -> Kept | None:
        row = self._database.one(models.FIND, of_card=card_id)
        return None if row is None else self._kept(row)

    def by_number(self, number: str) -> Kept | None:
        row = self._database.one(models.FIND_BY_NUMBER, of_number=number)
        return None if row is None else self._kept(row)

    def in_force(self, tx: Transaction, person_id: bytes) -> int:
        """How many cards of this person have neither ended nor expired, suspended ones among them."""
        row = tx.one(models.IN_FORCE, of_person=person_id, now=clock.seconds())
        return 0 if row is None else int(row[0])

    def made_since(self, tx: Transaction, person_id: bytes, instant: int) -> int:
        """How many cards were made for this person after that, whatever became of them."""
        row = tx.one(models.MADE_SINCE, of_person=person_id, made_after=instant)
        return 0 if row is None else int(row[0])

    def add(self, tx: Transaction, card: Kept) -> bool:
        """The card is there; False where its number or its place in the list is another's by now."""
        added = tx.one(
            models.ADD[self._database.is_sqlite], id=card.id, number=card.number, person_id=card.person_id,
            profile=card.profile, state=int(card.state), why=None, holder_key=card.holder_key,
            text=self._sealer.seal(SEALED, card.text.encode(), card.id), issued_at=card.issued_at,
            expires_at=card.expires_at, changed_at=card.changed_at, list_number=card.list_number,
            list_index=card.list_index,
        )  # fmt: skip
        if added is not None:
            self._audit.card_changed(tx, person_id=card.person_id, card_id=card.id, change="made")
        return added is not None

    def suspend(self, tx: Transaction, person_id: bytes, card_id: bytes, why: str) -> bool:
        """The card is refused until it is resumed; False where it is not valid, or not this person's."""
        return self._change(tx, person_id, card_id, (State.VALID, State.SUSPENDED), why, "suspended")

    def hold_back(self, tx: Transaction, person_id: bytes, card_id: bytes, why: str) -> bool:
        """As `suspend`, also of a card that is suspended: from now on for this reason."""
        return any(
            self._change(tx, person_id, card_id, (before, State.SUSPENDED), why, "suspended")
            for before in (State.VALID, State.SUSPENDED)
        )

    def resume(self, tx: Transaction, person_id: bytes, card_id: bytes) -> bool:
        """The card is valid again; False where it is not suspended, or not this person's."""
        return self._change(tx, person_id, card_id, (State.SUSPENDED, State.VALID), None, "resumed")

    def end(self, tx: Transaction, person_id: bytes, card_id: bytes, why: str) -> bool:
        """The card is refused for good; False where it was already, or is not this person's."""
        return any(
            self._change(tx, person_id, card_id, (before, State.INVALID), why, "ended")
            for before in (State.VALID, State.SUSPENDED)
        )

    def hold_all_of(self, tx: Transaction, person_id: bytes) -> None:
        """Nobody changes a card of this person until the transaction has ended.

        For whoever ends the cards of several: what tells the workers of a change is locked by the first, and a holder
        who has a card of the second would wait for it.
        """
        tx.all(models.HOLD_ALL, of_person=person_id)

    def end_all_of(self, tx: Transaction, person_id: bytes, why: str) -> int:
        """No card of this person is valid any more, or ever again; returns how many were not ended yet."""
        ended = tx.all(models.END_ALL, of_person=person_id, new_why=why, now=clock.seconds())
        if ended:
            self._changes.bump(tx, TOPIC)
        for row in ended:
            self._audit.card_changed(tx, person_id=person_id, card_id=bytes(row[0]), change="ended", why=why)
        return len(ended)

    def _change(
        self, tx: Transaction, person_id: bytes, card_id: bytes, states: tuple[State, State], why: str | None,
        change: str,
    ) -> bool:  # fmt: skip
        before, after = states
        done = tx.run(
            models.CHANGE_STATE, of_card=card_id, of_person=person_id, seen_state=int(before), new_state=int(after),
            new_why=why, now=clock.seconds(),
        )  # fmt: skip
        if not done:
            return False
        self._changes.bump(tx, TOPIC)
        self._audit.card_changed(tx, person_id=person_id, card_id=card_id, change=change, why=why)
        return True

    def _kept(self, row: Sequence[Any]) -> Kept:
        return Kept(
            id=bytes(row[0]), number=row[1], person_id=bytes(row[2]), profile=row[3], state=State(row[4]), why=row[5],
            text=self._sealer.open(SEALED, bytes(row[6]), bytes(row[0])).decode(),
            holder_key=None if row[7] is None else bytes(row[7]), issued_at=row[8], expires_at=row[9],
            changed_at=row[10], list_number=row[11], list_index=row[12],
        )  # fmt: skip


__all__ = ["Book", "Kept", "State"]
