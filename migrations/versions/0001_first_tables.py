"""First tables.

Ids are 16 bytes, instants whole seconds since 1970 in UTC, JSON is text; what is sealed or a fingerprint is bytes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    "short_lived", "spent", "outbox", "changes", "signing_keys", "audit_events", "clients", "people", "links",
    "subjects", "consents", "sources", "source_versions", "source_documents", "browser_sessions", "grants",
)  # fmt: skip


def upgrade() -> None:
    storage()
    keys_and_audit()
    portals()
    people()
    sources()
    sessions()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def storage() -> None:
    op.create_table(
        "short_lived",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_short_lived"),
    )
    op.create_index("ix_short_lived_expires_at", "short_lived", ["expires_at"])

    op.create_table(
        "spent",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_spent"),
    )
    op.create_index("ix_spent_expires_at", "spent", ["expires_at"])

    op.create_table(
        "outbox",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"])

    op.create_table(
        "changes",
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_changes"),
    )


def keys_and_audit() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("alg", sa.String(10), nullable=False),
        sa.Column("private", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("active_from", sa.BigInteger, nullable=False),
        sa.Column("published_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )

    op.create_table(
        "audit_events",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("person_id", sa.LargeBinary),
        sa.Column("session_id", sa.LargeBinary),
        sa.Column("client_id", sa.String(100)),
        sa.Column("source_id", sa.String(60)),
        sa.Column("details", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_person", "audit_events", ["person_id", "at"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])


def portals() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("enabled", sa.BigInteger, nullable=False),
        sa.Column("secret_fingerprint", sa.LargeBinary),
        sa.Column("registration", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )


def people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("number_index", sa.LargeBinary),
        sa.Column("attributes", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("number_index", name="uq_people_number_index"),
    )

    op.create_table(
        "links",
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("subject_index", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("evidence", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "subject_index", name="pk_links"),
    )
    op.create_index("ix_links_person_id", "links", ["person_id"])

    op.create_table(
        "subjects",
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("sector", sa.String(255), nullable=False),
        sa.Column("sub", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "sector", name="pk_subjects"),
        sa.UniqueConstraint("sector", "sub", name="uq_subjects_sector_sub"),
    )

    op.create_table(
        "consents",
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("agreed", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "client_id", name="pk_consents"),
    )
    op.create_index("ix_consents_client", "consents", ["client_id"])


def sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("enabled", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
    )

    op.create_table(
        "source_versions",
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name_vi", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("ceiling", sa.BigInteger, nullable=False),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "version", name="pk_source_versions"),
    )

    op.create_table(
        "source_documents",
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("url", sa.String(512), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "url", name="pk_source_documents"),
    )


def sessions() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("source_id", sa.String(60), nullable=False),
        sa.Column("source_kind", sa.String(40), nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("amr", sa.Text, nullable=False),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_browser_sessions"),
        sa.UniqueConstraint("fingerprint", name="uq_browser_sessions_fingerprint"),
    )
    op.create_index("ix_browser_sessions_person_id", "browser_sessions", ["person_id"])
    op.create_index("ix_browser_sessions_expires_at", "browser_sessions", ["expires_at"])

    op.create_table(
        "grants",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("sub", sa.String(64), nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("amr", sa.Text, nullable=False),
        sa.Column("source_kind", sa.String(40), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index("ix_grants_person_id", "grants", ["person_id"])
    op.create_index("ix_grants_issued_at", "grants", ["issued_at"])
    op.create_index("ix_grants_session_client", "grants", ["session_id", "client_id"])
