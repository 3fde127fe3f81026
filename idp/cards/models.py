"""The table of cards. What is on a card is sealed; its place in a status list is chance."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base
from idp.storage.expiry import MOMENT, outlived

_NOT_VALID = text("state <> 0")


class CardRow(Base):
    __tablename__ = "cards"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)  # the card's own, as it stands on it
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    profile: Mapped[str] = mapped_column(String(10))
    state: Mapped[int]  # as in a status list: 0 valid, 1 invalid, 2 suspended
    why: Mapped[str | None] = mapped_column(String(20))  # it is not valid
    text: Mapped[bytes] = mapped_column(LargeBinary)  # sealed: the text of the code
    holder_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # thumbprint of a key on the holder's device
    issued_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)
    changed_at: Mapped[int]
    list_number: Mapped[int]
    list_index: Mapped[int]
    __table_args__ = (
        UniqueConstraint("list_number", "list_index"),
        Index("ix_cards_not_valid", "list_number", sqlite_where=_NOT_VALID, postgresql_where=_NOT_VALID),
    )


_KEPT = (
    CardRow.id, CardRow.number, CardRow.person_id, CardRow.profile, CardRow.state, CardRow.why, CardRow.text,
    CardRow.holder_key, CardRow.issued_at, CardRow.expires_at, CardRow.changed_at, CardRow.list_number,
    CardRow.list_index,
)  # fmt: skip
_INVALID: Any = literal_column("1")
_OF_CARD = CardRow.id == bindparam("of_card")
_OF_PERSON = CardRow.person_id == bindparam("of_person")


def _add(insert: Any) -> Any:
    """Nothing is returned where the number, or the place in the list, is another card's."""
    return insert(CardRow).on_conflict_do_nothing().returning(CardRow.id)


ADD = {True: _add(sqlite_insert), False: _add(postgres_insert)}
FIND = select(*_KEPT).where(_OF_CARD)
FIND_BY_NUMBER = select(*_KEPT).where(CardRow.number == bindparam("of_number"))
OF_PERSON = (
    select(*_KEPT)
    .where(_OF_PERSON, or_(CardRow.state != _INVALID, CardRow.changed_at > bindparam("ended_after")))
    .order_by(CardRow.issued_at.desc(), CardRow.id.desc())
)
IN_FORCE = (
    select(func.count())
    .select_from(CardRow)
    .where(_OF_PERSON, CardRow.state != _INVALID, CardRow.expires_at > bindparam("now"))
)
MADE_SINCE = select(func.count()).select_from(CardRow).where(_OF_PERSON, CardRow.issued_at > bindparam("made_after"))
NEWEST_LIST = select(func.coalesce(func.max(CardRow.list_number), literal_column("1")))  # it is there before any card
IS_TAKEN = select(CardRow.id).where(
    CardRow.list_number == bindparam("of_list"), CardRow.list_index == bindparam("of_index")
)
# An ended card stays ended, and nothing is changed to what it is.
CHANGE_STATE = (
    update(CardRow)
    .where(_OF_CARD, _OF_PERSON, CardRow.state == bindparam("seen_state"))
    .values(state=bindparam("new_state"), why=bindparam("new_why"), changed_at=bindparam("now"))
)
HOLD_ALL = select(CardRow.id).where(_OF_PERSON).order_by(CardRow.id).with_for_update()
END_ALL = (
    update(CardRow)
    .where(_OF_PERSON, CardRow.state != _INVALID)
    .values(state=_INVALID, why=bindparam("new_why"), changed_at=bindparam("now"))
    .returning(CardRow.id)
)
NOT_VALID = select(CardRow.list_index, CardRow.state).where(
    CardRow.list_number == bindparam("of_list"), CardRow.state != literal_column("0")
)
OUTLIVED_CARDS = outlived(CardRow.id, CardRow.expires_at <= MOMENT)
