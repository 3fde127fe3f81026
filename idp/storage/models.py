"""The tables of storage itself: short-lived values, what was spent, the outbox, and the number of each change."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage.base import Base


class ShortLivedRow(Base):
    __tablename__ = "short_lived"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[int] = mapped_column(index=True)


class SpentRow(Base):
    """What may be used once, and was: durable, since a replay must fail after a crash as well."""

    __tablename__ = "spent"
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[int] = mapped_column(index=True)


class OutboxRow(Base):
    """A message that must leave after the commit that caused it."""

    __tablename__ = "outbox"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[int]
    due_at: Mapped[int]
    attempts: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))  # waiting, done, given_up
    problem: Mapped[str]
    __table_args__ = (Index("ix_outbox_due", "state", "due_at"),)


class ChangeRow(Base):
    """A number that grows with every change of something that workers cache."""

    __tablename__ = "changes"
    topic: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int]
