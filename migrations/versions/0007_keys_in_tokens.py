"""Keys in tokens.

Which token holds a signing key whose private half is not in the database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("signing_keys") as keys:
        keys.add_column(sa.Column("held_by", sa.String(32)))


def downgrade() -> None:
    with op.batch_alter_table("signing_keys") as keys:
        keys.drop_column("held_by")
