"""Acting for.

Whom a session acts for at a portal, and what the source needs to see again when the person signs out.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "mandates",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("organisation", sa.LargeBinary),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mandates"),
        sa.UniqueConstraint("session_id", "client_id", name="uq_mandates_session_id_client_id"),
    )
    op.create_index("ix_mandates_until", "mandates", ["until"])
    with op.batch_alter_table("browser_sessions") as sessions:
        sessions.add_column(sa.Column("upstream", sa.LargeBinary))
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("mandate_id", sa.LargeBinary))


def downgrade() -> None:
    with op.batch_alter_table("grants") as grants:
        grants.drop_column("mandate_id")
    with op.batch_alter_table("browser_sessions") as sessions:
        sessions.drop_column("upstream")
    op.drop_table("mandates")
