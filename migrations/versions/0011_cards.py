"""Cards.

The digital IDs that people have, each with its place in a status list.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "cards",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("profile", sa.String(10), nullable=False),
        sa.Column("state", sa.BigInteger, nullable=False),
        sa.Column("why", sa.String(20)),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("holder_key", sa.LargeBinary),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("list_number", sa.BigInteger, nullable=False),
        sa.Column("list_index", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cards"),
        sa.UniqueConstraint("number", name="uq_cards_number"),
        sa.UniqueConstraint("list_number", "list_index", name="uq_cards_list_number_list_index"),
    )
    op.create_index("ix_cards_person_id", "cards", ["person_id"])
    op.create_index("ix_cards_expires_at", "cards", ["expires_at"])
    not_valid = sa.text("state <> 0")
    op.create_index("ix_cards_not_valid", "cards", ["list_number"], sqlite_where=not_valid, postgresql_where=not_valid)


def downgrade() -> None:
    """Cards that were made stay genuine until they expire, and nobody can revoke them any more."""
    op.drop_table("cards")
