"""The tables of single sign-on: a browser's session, and what portals were granted within it.

The statements of the hot path stand here whole: each is the one trip that its endpoint makes.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String, and_, bindparam, func, insert, literal_column, select, update
from sqlalchemy.orm import Mapped, mapped_column

from idp.clients.models import ClientRow
from idp.people.models import ConsentRow, PersonRow, SubjectRow
from idp.storage import Base


class SessionRow(Base):
    __tablename__ = "browser_sessions"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # `sid` on the wire, in hexadecimal
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # of the cookie's value, new at each sign-in
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    source_id: Mapped[str] = mapped_column(String(60))
    source_kind: Mapped[str] = mapped_column(String(40))
    level: Mapped[int]
    amr: Mapped[str]  # space-separated
    auth_time: Mapped[int]
    opened_at: Mapped[int]
    used_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)
    ended_at: Mapped[int | None]
    upstream: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed: what the source wants to see at sign-out


class GrantRow(Base):
    """What one redeemed code bought. Its id was in the code, so that a second redemption finds the row taken."""

    __tablename__ = "grants"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    client_id: Mapped[str] = mapped_column(String(100))
    sub: Mapped[str] = mapped_column(String(64))
    claims: Mapped[int]
    level: Mapped[int]
    amr: Mapped[str]
    source_kind: Mapped[str] = mapped_column(String(40))
    issued_at: Mapped[int] = mapped_column(index=True)
    revoked_at: Mapped[int | None]
    __table_args__ = (Index("ix_grants_session_client", "session_id", "client_id"),)


_ALIVE = and_(
    SessionRow.ended_at.is_(None),
    SessionRow.expires_at > bindparam("now"),
    PersonRow.status == literal_column("'active'"),
)

STANDING = (
    select(
        SessionRow.id, SessionRow.person_id, SessionRow.level, SessionRow.auth_time, SessionRow.source_id,
        SessionRow.source_kind, SessionRow.used_at, ConsentRow.claims, ConsentRow.agreed, SubjectRow.sub,
    )
    .join(PersonRow, PersonRow.id == SessionRow.person_id)
    .outerjoin(
        ConsentRow, and_(ConsentRow.person_id == SessionRow.person_id, ConsentRow.client_id == bindparam("client_id"))
    )
    .outerjoin(
        SubjectRow, and_(SubjectRow.person_id == SessionRow.person_id, SubjectRow.sector == bindparam("sector"))
    )
    .where(SessionRow.fingerprint == bindparam("fingerprint"), _ALIVE, SessionRow.used_at > bindparam("idle_since"))
)  # fmt: skip

# The redemption: the row is made only while the session is alive, the person active and the sub minted.
GRANT = (
    insert(GrantRow)
    .from_select(
        ["id", "session_id", "person_id", "client_id", "sub", "claims", "level", "amr", "source_kind", "issued_at"],
        select(
            bindparam("grant_id", type_=LargeBinary), SessionRow.id, SessionRow.person_id,
            bindparam("client_id", type_=String), SubjectRow.sub, bindparam("claims", type_=GrantRow.claims.type),
            bindparam("level", type_=GrantRow.level.type), SessionRow.amr, SessionRow.source_kind,
            bindparam("issued_at", type_=GrantRow.issued_at.type),
        )
        .join(PersonRow, PersonRow.id == SessionRow.person_id)
        .join(SubjectRow, and_(SubjectRow.person_id == SessionRow.person_id, SubjectRow.sector == bindparam("sector")))
        .where(SessionRow.id == bindparam("session_id"), _ALIVE),
    )
    .returning(GrantRow.sub, GrantRow.amr, GrantRow.source_kind)
)  # fmt: skip

# Whether the four that a token names still stand: grant, session, person, client; and what userinfo needs of them.
ENTITLED = (
    select(
        GrantRow.client_id, GrantRow.sub, GrantRow.claims, GrantRow.level, GrantRow.source_kind,
        PersonRow.id, PersonRow.status, PersonRow.version, PersonRow.attributes,
    )
    .join(SessionRow, SessionRow.id == GrantRow.session_id)
    .join(PersonRow, PersonRow.id == GrantRow.person_id)
    .join(ClientRow, ClientRow.id == GrantRow.client_id)
    .where(
        GrantRow.id == bindparam("grant_id"), GrantRow.revoked_at.is_(None), SessionRow.ended_at.is_(None),
        PersonRow.status == literal_column("'active'"), ClientRow.enabled == literal_column("1"),
    )
)  # fmt: skip

REVOKE_GRANT = (
    update(GrantRow)
    .where(
        GrantRow.id == bindparam("of_grant"),
        GrantRow.client_id == bindparam("of_client"),
        GrantRow.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(GrantRow.session_id)
)

ADD_SESSION = insert(SessionRow)
FIND_OPEN = select(SessionRow.id, SessionRow.person_id).where(
    SessionRow.fingerprint == bindparam("of_fingerprint"), SessionRow.ended_at.is_(None)
)
RENEW = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("of_session"), SessionRow.ended_at.is_(None))
    .values(
        fingerprint=bindparam("new_fingerprint"), source_id=bindparam("new_source"), source_kind=bindparam("new_kind"),
        level=bindparam("new_level"), amr=bindparam("new_amr"), auth_time=bindparam("new_auth_time"),
        used_at=bindparam("now"), expires_at=bindparam("new_expiry"), upstream=bindparam("new_upstream"),
    )
)  # fmt: skip
TOUCH = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("of_session"), SessionRow.ended_at.is_(None))
    .values(used_at=bindparam("now"))
)
END = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("of_session"), SessionRow.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
    .returning(SessionRow.person_id, SessionRow.source_id, SessionRow.upstream)
)
OPEN_OF_PERSON = select(SessionRow.id).where(
    SessionRow.person_id == bindparam("of_person"), SessionRow.ended_at.is_(None)
)
# Everybody who was granted something in a session; one row a portal.
PORTALS_OF_SESSION = (
    select(GrantRow.client_id, func.min(GrantRow.sub))
    .where(GrantRow.session_id == bindparam("of_session"))
    .group_by(GrantRow.client_id)
)
