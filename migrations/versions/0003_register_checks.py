"""Register checks.

What the population register said of people and when, how far its feed was read, what contract checks found.
"""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
