"""The tables of single sign-on: a browser's session, and what portals were granted within it.

The statements of the hot path stand here whole: each is the one trip that its endpoint makes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from idp.audit.models import ADD as RECORD
from idp.clients.models import ClientRow
from idp.people.models import ConsentRow, PersonRow, SubjectRow
from idp.sources.models import SourceRow
from idp.storage import Base
from idp.storage.chains import Chain
from idp.storage.expiry import MOMENT, outlived
from idp.storage.models import SpentRow


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


class MandateRow(Base):
    """For whom the person of a session acts at one portal; without an organisation for themselves."""

    __tablename__ = "mandates"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[bytes] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(String(100))
    organisation: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed JSON
    until: Mapped[int] = mapped_column(index=True)  # it counts before this instant
    made_at: Mapped[int]
    __table_args__ = (UniqueConstraint("session_id", "client_id"),)


class GrantRow(Base):
    """What one redeemed code bought. Its id was in the code, so that a second redemption finds the row taken.

    An offline one (OpenID Connect Core section 11) goes on when the session has ended, until it expires.
    """

    __tablename__ = "grants"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    client_id: Mapped[str] = mapped_column(String(100))
    sub: Mapped[str] = mapped_column(String(64))
    claims: Mapped[int]
    scopes: Mapped[int]
    level: Mapped[int]
    auth_time: Mapped[int]
    amr: Mapped[str]
    source_id: Mapped[str] = mapped_column(String(60))
    source_kind: Mapped[str] = mapped_column(String(40))
    issued_at: Mapped[int]
    revoked_at: Mapped[int | None]
    mandate_id: Mapped[bytes | None] = mapped_column(LargeBinary)
    offline: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)  # of an offline one; any other is its session's
    generation: Mapped[int]  # how many refresh tokens were replaced
    refreshed_at: Mapped[int | None]
    binding: Mapped[bytes | None] = mapped_column(LargeBinary)  # the DPoP key that a refresh must be made with
    resource: Mapped[str | None] = mapped_column(String(512))  # the API that was asked for, and no other
    origin: Mapped[bytes | None] = mapped_column(LargeBinary)  # from whose id its subs are made; None: its person's
    __table_args__ = (Index("ix_grants_session_client", "session_id", "client_id"),)


# A source that is switched off takes the sessions that it vouched for with it.
_SOURCE = and_(SourceRow.id == SessionRow.source_id, SourceRow.enabled == literal_column("0"))
_OPEN = SessionRow.ended_at.is_(None)
_ALIVE = and_(
    _OPEN, SessionRow.expires_at > bindparam("now"), PersonRow.status == literal_column("'active'"),
    ~exists().where(_SOURCE),
)  # fmt: skip

STANDING = (
    select(
        SessionRow.id, SessionRow.person_id, SessionRow.level, SessionRow.auth_time, SessionRow.source_id,
        SessionRow.source_kind, ConsentRow.claims, ConsentRow.agreed, SubjectRow.sub,
        PersonRow.check_owed, PersonRow.checked_at, PersonRow.number_index.is_not(None), MandateRow.id,
        MandateRow.organisation, ConsentRow.offline,
    )
    .join(PersonRow, PersonRow.id == SessionRow.person_id)
    .outerjoin(
        ConsentRow, and_(ConsentRow.person_id == SessionRow.person_id, ConsentRow.client_id == bindparam("client_id"))
    )
    .outerjoin(
        SubjectRow, and_(SubjectRow.person_id == SessionRow.person_id, SubjectRow.sector == bindparam("sector"))
    )
    .outerjoin(
        MandateRow,
        and_(
            MandateRow.session_id == SessionRow.id, MandateRow.client_id == bindparam("client_id"),
            MandateRow.until > bindparam("now"),
        ),
    )
    .where(SessionRow.fingerprint == bindparam("fingerprint"), _ALIVE, SessionRow.used_at > bindparam("idle_since"))
)  # fmt: skip

# What a live session says of its sign-in, to vouch for another browser: it neither ends nor changes before the commit.
VOUCHING = (
    select(
        SessionRow.person_id, SessionRow.source_id, SessionRow.source_kind, SessionRow.level, SessionRow.amr,
        SessionRow.auth_time, SessionRow.expires_at,
    )
    .join(PersonRow, PersonRow.id == SessionRow.person_id)
    .where(SessionRow.id == bindparam("of_session"), _ALIVE, SessionRow.used_at > bindparam("idle_since"))
    .with_for_update(key_share=True, of=[SessionRow, PersonRow])
)  # fmt: skip

# The redemption: the row is made only while the session is alive and no weaker than the code says, the person active,
# the portal switched on and the sub minted. What it says of the sign-in is the session's, all of one moment. On
# PostgreSQL it waits for whoever is just ending the session or barring the person, so that they see it or stop it.
_MANDATE_ID = cast(bindparam("mandate_id"), LargeBinary)  # PostgreSQL cannot tell the type of a bare NULL
_MANDATE = and_(
    MandateRow.id == _MANDATE_ID, MandateRow.session_id == SessionRow.id,
    MandateRow.client_id == bindparam("client_id"), MandateRow.until > bindparam("now"),
)  # fmt: skip
_redeemed = (
    select(
        bindparam("grant_id", type_=LargeBinary), SessionRow.id, SessionRow.person_id, ClientRow.id, SubjectRow.sub,
        bindparam("claims", type_=GrantRow.claims.type), bindparam("scopes", type_=GrantRow.scopes.type),
        SessionRow.level, SessionRow.auth_time, SessionRow.amr, SessionRow.source_id, SessionRow.source_kind,
        bindparam("issued_at", type_=GrantRow.issued_at.type), _MANDATE_ID,
        bindparam("offline", type_=GrantRow.offline.type), bindparam("expires_at", type_=GrantRow.expires_at.type),
        literal_column("0"), cast(bindparam("binding"), LargeBinary), cast(bindparam("resource"), String(512)),
        SubjectRow.origin,
    )
    .join(PersonRow, PersonRow.id == SessionRow.person_id)
    .join(SubjectRow, and_(SubjectRow.person_id == SessionRow.person_id, SubjectRow.sector == bindparam("sector")))
    .join(ClientRow, and_(ClientRow.id == bindparam("client_id"), ClientRow.enabled == literal_column("1")))
    .where(
        SessionRow.id == bindparam("session_id"), _ALIVE, SessionRow.level >= bindparam("level"),
        SessionRow.auth_time >= bindparam("auth_time"), or_(_MANDATE_ID.is_(None), exists().where(_MANDATE)),
    )
    .with_for_update(key_share=True, of=[SessionRow, PersonRow])
)  # fmt: skip
_GRANT_COLUMNS = [
    "id", "session_id", "person_id", "client_id", "sub", "claims", "scopes", "level", "auth_time", "amr", "source_id",
    "source_kind", "issued_at", "mandate_id", "offline", "expires_at", "generation", "binding", "resource",
    "origin",
]  # fmt: skip
# That the session was used is noted once in a while.
_TOUCHED = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("session_id"), _OPEN, SessionRow.used_at <= bindparam("touched_before"))
    .values(used_at=bindparam("now"))
)
_ORIGIN = func.coalesce(GrantRow.origin, GrantRow.person_id)
# With the grant goes the event that tells of it.
GRANT = Chain(
    insert(GrantRow)
    .from_select(_GRANT_COLUMNS, _redeemed)
    .returning(GrantRow.sub, GrantRow.level, GrantRow.auth_time, GrantRow.amr, GrantRow.source_kind, _ORIGIN),
    RECORD,
    _TOUCHED,
)

# What a grant stands on besides its session: the grant itself, its person, client and source, and the mandate that it
# was given under. A source that is switched off takes with it what it vouched for.
_SOURCE_OFF = exists().where(SourceRow.id == GrantRow.source_id, SourceRow.enabled == literal_column("0"))
_IS_OFFLINE = GrantRow.offline == literal_column("1")
# Whether all that a token stands on stands still, and what userinfo needs of it. One token can be revoked by itself.
ENTITLED = (
    select(
        GrantRow.client_id, GrantRow.sub, GrantRow.claims, GrantRow.level, GrantRow.source_kind,
        PersonRow.id, PersonRow.status, PersonRow.version, PersonRow.attributes, MandateRow.id, MandateRow.organisation,
        GrantRow.scopes, GrantRow.auth_time, GrantRow.session_id, PersonRow.checked_at, _ORIGIN,
    )
    .outerjoin(SessionRow, and_(SessionRow.id == GrantRow.session_id, SessionRow.ended_at.is_(None)))
    .join(PersonRow, PersonRow.id == GrantRow.person_id)
    .join(ClientRow, ClientRow.id == GrantRow.client_id)
    .outerjoin(MandateRow, and_(MandateRow.id == GrantRow.mandate_id, MandateRow.until > bindparam("now")))
    .where(
        GrantRow.id == bindparam("grant_id"), GrantRow.revoked_at.is_(None),
        or_(_IS_OFFLINE, SessionRow.id.is_not(None)),
        PersonRow.status == literal_column("'active'"), ClientRow.enabled == literal_column("1"), ~_SOURCE_OFF,
        or_(GrantRow.mandate_id.is_(None), MandateRow.id.is_not(None)),
        ~exists().where(SpentRow.key == bindparam("token_mark")),
    )
)  # fmt: skip
IS_SPENT = select(SpentRow.key).where(SpentRow.key == bindparam("mark"))

# Whether a refresh token of a grant is good: as above, and an offline grant neither too old nor left unused for too
# long; any other as long as the browser's session goes on.
_REFRESHABLE = and_(
    GrantRow.id == bindparam("of_grant"),
    GrantRow.client_id == bindparam("of_client"),
    GrantRow.revoked_at.is_(None),
    exists().where(PersonRow.id == GrantRow.person_id, PersonRow.status == literal_column("'active'")),
    exists().where(ClientRow.id == GrantRow.client_id, ClientRow.enabled == literal_column("1")),
    ~_SOURCE_OFF,
    or_(
        GrantRow.mandate_id.is_(None),
        exists().where(MandateRow.id == GrantRow.mandate_id, MandateRow.until > bindparam("now")),
    ),
    or_(
        and_(
            _IS_OFFLINE,
            GrantRow.expires_at > bindparam("now"),
            func.coalesce(GrantRow.refreshed_at, GrantRow.issued_at) > bindparam("unused_since"),
        ),
        exists().where(
            GrantRow.offline == literal_column("0"),
            SessionRow.id == GrantRow.session_id,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > bindparam("now"),
            SessionRow.used_at > bindparam("idle_since"),
        ),
    ),
)
_REFRESHED = (
    GrantRow.sub, GrantRow.session_id, GrantRow.person_id, GrantRow.scopes, GrantRow.level,
    GrantRow.auth_time, GrantRow.amr, GrantRow.source_kind, GrantRow.resource, GrantRow.binding, GrantRow.generation,
    GrantRow.refreshed_at, _ORIGIN,
)  # fmt: skip
# Of many who replace one token (step 1) one wins; one that is not replaced (step 0) is used any number of times.
REFRESH = Chain(
    update(GrantRow)
    .where(_REFRESHABLE, GrantRow.generation == bindparam("presented"))
    .values(refreshed_at=bindparam("now"), generation=GrantRow.generation + cast(bindparam("step"), BigInteger))
    .returning(*_REFRESHED),
    RECORD,
)
FIND_REFRESHABLE = select(*_REFRESHED).where(_REFRESHABLE)

FIND_GRANT = select(GrantRow.id).where(GrantRow.id == bindparam("of_grant"))
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
# For operators, who look and end: what portals may still use of a person, also while somebody is switched off.
LIVE_GRANTS = (
    select(GrantRow.id, GrantRow.client_id, GrantRow.issued_at, GrantRow.offline, GrantRow.refreshed_at)
    .where(
        GrantRow.person_id == bindparam("of_person"),
        GrantRow.revoked_at.is_(None),
        or_(
            and_(_IS_OFFLINE, GrantRow.expires_at > bindparam("now")),
            exists().where(
                SessionRow.id == GrantRow.session_id,
                SessionRow.ended_at.is_(None),
                SessionRow.expires_at > bindparam("now"),
            ),
        ),
    )
    .order_by(GrantRow.id)
)
END_GRANT = (
    update(GrantRow)
    .where(
        GrantRow.id == bindparam("of_grant"),
        GrantRow.person_id == bindparam("of_person"),
        GrantRow.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(GrantRow.session_id, GrantRow.client_id)
)

ADD_SESSION = insert(SessionRow)
FIND_OPEN = select(SessionRow.id, SessionRow.person_id).where(
    SessionRow.fingerprint == bindparam("of_fingerprint"), _OPEN
)
RENEW = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("of_session"), _OPEN)
    .values(
        fingerprint=bindparam("new_fingerprint"), source_id=bindparam("new_source"), source_kind=bindparam("new_kind"),
        level=bindparam("new_level"), amr=bindparam("new_amr"), auth_time=bindparam("new_auth_time"),
        used_at=bindparam("now"), expires_at=bindparam("new_expiry"), upstream=bindparam("new_upstream"),
    )
)  # fmt: skip
END = (
    update(SessionRow)
    .where(SessionRow.id == bindparam("of_session"), _OPEN)
    .values(ended_at=bindparam("now"), upstream=None)
    .returning(SessionRow.person_id)
)
FIND_UPSTREAM = select(SessionRow.source_id, SessionRow.upstream).where(SessionRow.id == bindparam("of_session"), _OPEN)
OPEN_OF_PERSON = select(SessionRow.id).where(SessionRow.person_id == bindparam("of_person"), _OPEN)
# Everybody who was granted something in a session; one row a portal.
PORTALS_OF_SESSION = (
    select(GrantRow.client_id, func.min(GrantRow.sub))
    .where(GrantRow.session_id == bindparam("of_session"))
    .group_by(GrantRow.client_id)
)

FIND_MANDATE = select(MandateRow.id, MandateRow.organisation).where(
    MandateRow.id == bindparam("mandate_id"), MandateRow.until > bindparam("now")
)


def _keep_mandate(make: Any) -> Any:
    names = ("id", "session_id", "person_id", "client_id", "organisation", "until", "made_at")
    adding = make(MandateRow).values({name: bindparam(name) for name in names})
    changed = {name: getattr(adding.excluded, name) for name in ("id", "organisation", "until", "made_at")}
    return adding.on_conflict_do_update(index_elements=[MandateRow.session_id, MandateRow.client_id], set_=changed)


KEEP_MANDATE = {True: _keep_mandate(sqlite_insert), False: _keep_mandate(postgres_insert)}

# No session ends later than it would have expired. Its grants go after it: while there is a session, the portals that
# must be told of its end are known.
OUTLIVED_SESSIONS = outlived(SessionRow.id, SessionRow.expires_at <= MOMENT)
OUTLIVED_GRANTS = outlived(
    GrantRow.id, GrantRow.expires_at <= MOMENT, ~exists().where(SessionRow.id == GrantRow.session_id)
)
OUTLIVED_MANDATES = outlived(MandateRow.id, MandateRow.until <= MOMENT)
