"""Registered by themselves.

Invitations of operators, which portals register themselves with, and what such a portal manages itself by; the secret
of a portal that signs with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("clients") as clients:
        clients.add_column(sa.Column("sealed_secret", sa.LargeBinary))
    op.create_table(
        "invitations",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("uses_left", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("fingerprint", name="uq_invitations_fingerprint"),
    )
    op.create_table(
        "self_registrations",
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("invitation_id", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_self_registrations"),
    )


def downgrade() -> None:
    op.drop_table("self_registrations")
    op.drop_table("invitations")
    with op.batch_alter_table("clients") as clients:
        clients.drop_column("sealed_secret")
