"""The table of feeds: how far each register's changes were read; and who vouches for a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from idp.people.models import LinkRow, PersonRow
from idp.storage import Base


class FeedRow(Base):
    __tablename__ = "register_feeds"
    source_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    cursor: Mapped[str] = mapped_column(String(500))  # as the register gave it; "" is the beginning
    last_at: Mapped[int]  # when the latest change that we were told of happened
    read_at: Mapped[int]


FIND_FEED = select(FeedRow.cursor, FeedRow.last_at).where(FeedRow.source_id == bindparam("source_id"))
# Of two workers with the same page one moves the cursor, and applies the page in the same transaction.
MOVE = (
    update(FeedRow)
    .where(FeedRow.source_id == bindparam("of_source"), FeedRow.cursor == bindparam("seen"))
    .values(cursor=bindparam("next_cursor"), last_at=bindparam("new_last_at"), read_at=bindparam("now"))
)

# The sources that a person is linked to, by which rules, and when the population register last agreed.
FIND_VOUCHERS = (
    select(LinkRow.source_id, LinkRow.rule, PersonRow.checked_at)
    .join(PersonRow, PersonRow.id == LinkRow.person_id)
    .where(LinkRow.person_id == bindparam("of_person"))
)


def _start(make: Any) -> Any:
    adding = make(FeedRow).values(source_id=bindparam("source_id"), cursor="", last_at=0, read_at=bindparam("read_at"))
    return adding.on_conflict_do_nothing(index_elements=[FeedRow.source_id])


START = {True: _start(sqlite_insert), False: _start(postgres_insert)}
