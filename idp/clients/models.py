"""The table of portals, and those by which portals register themselves.

What the portal registered is one JSON text, validated by `clients.Client` both ways.
"""

from __future__ import annotations

from sqlalchemy import LargeBinary, String, bindparam, exists, insert, literal_column, select, update
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base


class ClientRow(Base):
    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    enabled: Mapped[int]
    secret_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # where it must be known: client_secret_jwt
    registration: Mapped[str]
    made_at: Mapped[int]
    changed_at: Mapped[int]


class InvitationRow(Base):
    """An initial access token (RFC 7591 section 1.2), and the terms that its maker set."""

    __tablename__ = "invitations"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    terms: Mapped[str]
    uses_left: Mapped[int]
    made_at: Mapped[int]
    expires_at: Mapped[int]


class SelfRegistrationRow(Base):
    """A portal that registered itself: with which invitation, and the token by which it may look after itself."""

    __tablename__ = "self_registrations"
    client_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    invitation_id: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    software: Mapped[str]
    made_at: Mapped[int]


ADD = insert(ClientRow)
_KNOWN = select(
    ClientRow.id, ClientRow.enabled, ClientRow.secret_fingerprint, ClientRow.sealed_secret, ClientRow.registration,
    exists().where(SelfRegistrationRow.client_id == ClientRow.id).label("registered_itself"),
)  # fmt: skip
FIND = _KNOWN.where(ClientRow.id == bindparam("client_id"))
FIND_ALL = _KNOWN.order_by(ClientRow.id)
SET_ENABLED = (
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"))
    .values(enabled=bindparam("on"), changed_at=bindparam("now"))
)
SET_SECRET = (
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"))
    .values(
        secret_fingerprint=bindparam("new_fingerprint"),
        sealed_secret=bindparam("new_sealed"),
        changed_at=bindparam("now"),
    )
)
CHANGE = (  # of two who change what they both read, one does
    update(ClientRow)
    .where(ClientRow.id == bindparam("client_id"), ClientRow.registration == bindparam("old_registration"))
    .values(registration=bindparam("new_registration"), changed_at=bindparam("now"))
)

ADD_INVITATION = insert(InvitationRow)
_INVITATION = select(
    InvitationRow.id, InvitationRow.terms, InvitationRow.uses_left, InvitationRow.made_at, InvitationRow.expires_at
)
FIND_INVITATION_OF_TOKEN = _INVITATION.where(InvitationRow.fingerprint == bindparam("fingerprint"))
FIND_INVITATIONS = _INVITATION.order_by(InvitationRow.id)
USE_INVITATION = (
    update(InvitationRow)
    .where(
        InvitationRow.id == bindparam("invitation_id"), InvitationRow.uses_left > literal_column("0"),
        InvitationRow.expires_at > bindparam("now"),
    )
    .values(uses_left=InvitationRow.uses_left - literal_column("1"))
)  # fmt: skip
WITHDRAW_INVITATION = (
    update(InvitationRow).where(InvitationRow.id == bindparam("invitation_id")).values(uses_left=literal_column("0"))
)

ADD_SELF_REGISTRATION = insert(SelfRegistrationRow)
_SELF_REGISTRATION = select(
    SelfRegistrationRow.client_id, SelfRegistrationRow.invitation_id, SelfRegistrationRow.fingerprint,
    SelfRegistrationRow.software, SelfRegistrationRow.made_at,
)  # fmt: skip
FIND_SELF_REGISTRATION = _SELF_REGISTRATION.where(SelfRegistrationRow.client_id == bindparam("client_id"))
FIND_SELF_REGISTRATIONS = _SELF_REGISTRATION.order_by(SelfRegistrationRow.client_id)
CHANGE_SELF_REGISTRATION = (  # of two who come with one token, one changes it
    update(SelfRegistrationRow)
    .where(
        SelfRegistrationRow.client_id == bindparam("client_id"),
        SelfRegistrationRow.fingerprint == bindparam("old_fingerprint"),
    )
    .values(fingerprint=bindparam("new_fingerprint"), software=bindparam("new_software"))
)
VOID_SELF_REGISTRATION = (
    update(SelfRegistrationRow)
    .where(
        SelfRegistrationRow.client_id == bindparam("client_id"),
        SelfRegistrationRow.fingerprint != bindparam("no_fingerprint"),
    )
    .values(fingerprint=bindparam("no_fingerprint"))
)
