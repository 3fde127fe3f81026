"""The table of audit events: append only, nothing in it that names a person but our own random ids."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String, bindparam, func, insert, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base
from idp.storage.expiry import MOMENT, outlived


class AuditRow(Base):
    __tablename__ = "audit_events"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[int]
    event: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[bytes | None] = mapped_column(LargeBinary)
    session_id: Mapped[bytes | None] = mapped_column(LargeBinary)
    client_id: Mapped[str | None] = mapped_column(String(100))
    source_id: Mapped[str | None] = mapped_column(String(60))
    details: Mapped[str]
    __table_args__ = (Index("ix_audit_events_person", "person_id", "at"), Index("ix_audit_events_at", "at"))


ADD = insert(AuditRow)
EXPORT = (
    select(
        AuditRow.id, AuditRow.at, AuditRow.event, AuditRow.request_id, AuditRow.person_id, AuditRow.session_id,
        AuditRow.client_id, AuditRow.source_id, AuditRow.details,
    )
    .where(AuditRow.id > bindparam("after"), AuditRow.at >= bindparam("since"))
    .order_by(AuditRow.id)
    .limit(bindparam("most"))
)  # fmt: skip
LOGOUTS_TOLD = (
    select(AuditRow.client_id, AuditRow.event, func.count())
    .where(
        or_(AuditRow.event == "logout_delivered", AuditRow.event == "logout_given_up"),
        AuditRow.at >= bindparam("since"),
    )
    .group_by(AuditRow.client_id, AuditRow.event)
)
OUTLIVED = outlived(AuditRow.id, AuditRow.at <= MOMENT)
