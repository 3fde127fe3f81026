"""Acting for.

Whom a session acts for at a portal, and what the source needs to see again when the person signs out.
"""

from __future__ import annotations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
