"""Grants that last.

A grant keeps its scopes, its source, its refresh tokens' number and key, and whether it outlives its session; a person
was told, or not, that it does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBERS = ("scopes", "offline", "expires_at", "generation")


def upgrade() -> None:
    with op.batch_alter_table("grants") as grants:
        for name in NUMBERS:
            grants.add_column(sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
        grants.add_column(sa.Column("source_id", sa.String(60), nullable=False, server_default=""))
        grants.add_column(sa.Column("refreshed_at", sa.BigInteger))
        grants.add_column(sa.Column("binding", sa.LargeBinary))
        grants.add_column(sa.Column("resource", sa.String(512)))
    op.execute("UPDATE grants SET expires_at = issued_at")
    op.execute(
        "UPDATE grants SET source_id ="
        " COALESCE((SELECT s.source_id FROM browser_sessions s WHERE s.id = grants.session_id), '')"
    )
    op.drop_index("ix_grants_issued_at", "grants")
    op.create_index("ix_grants_expires_at", "grants", ["expires_at"])
    with op.batch_alter_table("consents") as consents:
        consents.add_column(sa.Column("offline", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("consents") as consents:
        consents.drop_column("offline")
    op.drop_index("ix_grants_expires_at", "grants")
    op.create_index("ix_grants_issued_at", "grants", ["issued_at"])
    with op.batch_alter_table("grants") as grants:
        for name in ("resource", "binding", "refreshed_at", "source_id", *reversed(NUMBERS)):
            grants.drop_column(name)
