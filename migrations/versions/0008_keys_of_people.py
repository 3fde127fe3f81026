"""Keys of people.

By what somebody may be meant: every number they have or had, name with birth date, phone. Each is a keyed index, so
that the table tells nothing. It takes the place of number_aliases; keys of people who are there already, beside their
numbers, come with their next sign-in or `idp people index`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "person_keys",
        sa.Column("key_index", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key_index", "person_id", name="pk_person_keys"),
    )
    op.create_index("ix_person_keys_person_id", "person_keys", ["person_id"])
    op.execute(
        "INSERT INTO person_keys (key_index, person_id) "
        "SELECT number_index, id FROM people WHERE number_index IS NOT NULL "
        "UNION SELECT number_index, person_id FROM number_aliases"
    )
    op.drop_table("number_aliases")


def downgrade() -> None:
    """Numbers of before are lost but for those of people who have another now."""
    op.create_table(
        "number_aliases",
        sa.Column("number_index", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number_index", name="pk_number_aliases"),
    )
    op.create_index("ix_number_aliases_person_id", "number_aliases", ["person_id"])
    op.drop_table("person_keys")
