"""Where things are kept: the durable database, the short-lived store, the outbox."""

from idp.storage.base import Base, db
from idp.storage.database import Database, Transaction
from idp.storage.short_lived import ShortLived

__all__ = ["Base", "Database", "ShortLived", "Transaction", "db"]
