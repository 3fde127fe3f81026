"""Devices.

What devices without a keyboard ask for, until somebody has signed in for them on another one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("user_code_index", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("origin", sa.LargeBinary, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("wait_seconds", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("decided_by", sa.String(40)),
        sa.Column("code", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("fingerprint", name="uq_devices_fingerprint"),
        sa.UniqueConstraint("user_code_index", name="uq_devices_user_code_index"),
    )
    op.create_index("ix_devices_expires_at", "devices", ["expires_at"])


def downgrade() -> None:
    op.drop_table("devices")
