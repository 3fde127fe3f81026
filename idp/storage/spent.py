"""What may be used once: spent in the database, in the commit that uses it, so that a crash cannot give it back."""

from __future__ import annotations

from sqlalchemy import insert

from idp import clock, entropy
from idp.storage.database import Conflict, Database, Transaction
from idp.storage.models import SpentRow

_SPEND = insert(SpentRow)


def spend(tx: Transaction, value: str, seconds: int) -> None:
    """The value cannot be spent again for so many seconds, once `tx` commits; raises Conflict if it was already."""
    tx.run(_SPEND, key=entropy.fingerprint(value), expires_at=clock.seconds() + seconds)


def spend_now(database: Database, value: str, seconds: int) -> bool:
    """Whether this call spent the value: of any number of callers in any number of workers, one hears True."""
    try:
        with database.write() as tx:
            spend(tx, value, seconds)
    except Conflict:
        return False
    return True
