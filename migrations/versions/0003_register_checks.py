"""Register checks.

What the population register said of people and when, how far its feed was read, what contract checks found.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("checked_at", sa.BigInteger))
        people.add_column(sa.Column("check_owed", sa.BigInteger, nullable=False, server_default="0"))
    owed = sa.text("check_owed <> 0")
    op.create_index("ix_people_owing", "people", ["id"], sqlite_where=owed, postgresql_where=owed)

    op.create_table(
        "number_aliases",
        sa.Column("number_index", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number_index", name="pk_number_aliases"),
    )
    op.create_index("ix_number_aliases_person_id", "number_aliases", ["person_id"])

    op.create_table(
        "register_feeds",
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("cursor", sa.String(500), nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_register_feeds"),
    )

    op.create_table(
        "source_reports",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("passed", sa.BigInteger, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source_reports"),
    )
    op.create_index("ix_source_reports_source", "source_reports", ["source_id", "made_at"])


def downgrade() -> None:
    for table in ("source_reports", "register_feeds", "number_aliases"):
        op.drop_table(table)
    op.drop_index("ix_people_owing", "people")
    with op.batch_alter_table("people") as people:
        people.drop_column("check_owed")
        people.drop_column("checked_at")
