"""The table of portals. What the portal registered is one JSON text, validated by `clients.Client` both ways."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base


class ClientRow(Base):
    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    enabled: Mapped[int]
    secret_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    registration: Mapped[str]
    made_at: Mapped[int]
    changed_at: Mapped[int]


ADD = insert(ClientRow)
FIND = select(ClientRow.id, ClientRow.enabled, ClientRow.secret_fingerprint, ClientRow.registration).where(
    ClientRow.id == bindparam("client_id")
)
FIND_ALL = select(ClientRow.id, ClientRow.enabled, ClientRow.secret_fingerprint, ClientRow.registration).order_by(
    ClientRow.id
)
SET_ENABLED = (
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"))
    .values(enabled=bindparam("on"), changed_at=bindparam("now"))
)
SET_SECRET = (
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"))
    .values(secret_fingerprint=bindparam("new_fingerprint"), changed_at=bindparam("now"))
)
CHANGE = (
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"))
    .values(registration=bindparam("new_registration"), changed_at=bindparam("now"))
)
