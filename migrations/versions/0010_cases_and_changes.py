"""Cases and changes.

What the rules leave open waits for a clerk in `cases`. What clerks change about who is who stands in `people_changes`,
row by row, so that it can be undone. A `sub` that was ever given out stays: `origin` is the person from whose id it was
made, where that is not the person who has it now; a person who has two in one sector has the second in
`further_subjects`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("links") as links:
        links.add_column(sa.Column("accepted", sa.LargeBinary))
    with op.batch_alter_table("subjects") as subjects:
        subjects.add_column(sa.Column("origin", sa.LargeBinary))
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("origin", sa.LargeBinary))
    op.create_table(
        "further_subjects",
        sa.Column("sector", sa.String(255), nullable=False),
        sa.Column("sub", sa.String(64), nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("origin", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sector", "sub", name="pk_further_subjects"),
    )
    op.create_index("ix_further_subjects_person_id", "further_subjects", ["person_id"])
    cases()
    changes()


def cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("source_id", sa.String(60)),
        sa.Column("subject_index", sa.LargeBinary),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("said", sa.LargeBinary, nullable=False),
        sa.Column("said_index", sa.LargeBinary, nullable=False),
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("alike", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("decided_by", sa.String(200)),
        sa.Column("approved_by", sa.String(200)),
        sa.Column("change_id", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    waiting = sa.text("state IN ('open', 'proposed')")
    op.create_index(
        "uq_cases_waiting", "cases", ["source_id", "subject_index"], unique=True, sqlite_where=waiting,
        postgresql_where=waiting,
    )  # fmt: skip
    op.create_index("ix_cases_request_id", "cases", ["request_id"])
    op.create_index("ix_cases_seen_at", "cases", ["seen_at"])
    op.create_index("ix_cases_state", "cases", ["state", "opened_at"])


def changes() -> None:
    op.create_table(
        "people_changes",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("operator", sa.String(200), nullable=False),
        sa.Column("approved_by", sa.String(200)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("moved", sa.LargeBinary, nullable=False),
        sa.Column("undone_at", sa.BigInteger),
        sa.Column("undone_by", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_people_changes"),
    )
    op.create_table(
        "changed_people",
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("change_id", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "change_id", name="pk_changed_people"),
    )


def downgrade() -> None:
    """Subs that a person had beside another in the same sector lead nowhere from then on, and open cases are gone."""
    for table in ("changed_people", "people_changes", "cases", "further_subjects"):
        op.drop_table(table)
    for name, column in (("grants", "origin"), ("subjects", "origin"), ("links", "accepted")):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
