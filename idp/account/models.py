"""What a person sees and ends from their own page: their browsers, and what portals were granted."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from idp.sessions.models import GrantRow, SessionRow

SESSIONS = (
    select(SessionRow.id, SessionRow.source_id, SessionRow.level, SessionRow.opened_at, SessionRow.used_at)
    .where(
        SessionRow.person_id == bindparam("of_person"),
        SessionRow.ended_at.is_(None),
        SessionRow.expires_at > bindparam("now"),
        SessionRow.used_at > bindparam("idle_since"),
    )
    .order_by(SessionRow.used_at.desc(), SessionRow.id)
)
# Whatever is not revoked, whether or not its session still stands: an access token may outlive that for minutes.
END_GRANTS_AT = (
    update(GrantRow)
    .where(
        GrantRow.person_id == bindparam("of_person"),
        GrantRow.client_id == bindparam("of_client"),
        GrantRow.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(GrantRow.session_id)
)
