"""The short-lived store: small values that many workers share for minutes. Losing it loses sign-ins under way,
never what was granted, and never lets a thing be used twice: what must be spent once is spent in the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert  # the ON CONFLICT clause reads the same on PostgreSQL

from idp import clock, entropy
from idp.settings import UnsafeSettings
from idp.storage import trips
from idp.storage.database import Database, Row, Transaction, Unreachable
from idp.storage.models import ShortLivedRow
from idp.storage.short_lived_file import ShortLivedFile

SINCE = "since"  # the key that holds when the store was empty last
SINCE_SECONDS = 10 * 365 * 86_400

# A clock that ran ahead, and was put right, leaves rows that end later than any that are made now. What only limits is
# begun anew then, or people would be turned away for as long as the clock had been ahead; what was spent or taken stays
# so. By up to so much, clocks of several machines may differ from each other without a limit being begun anew.
CLOCKS_APART_SECONDS = 30


class MayForget(Unreachable):
    """The store answers, and cannot be relied upon."""


class ShortLived(Protocol):
    """Values by key, each with its own expiry. Every call is one round trip and raises Unreachable without a store.

    Whoever counts with a key, or takes places of one, says the same `seconds` as everybody else who does.
    """

    @property
    def database(self) -> Database | None:
        """From which expired values must be removed; None where they go by themselves."""
        ...

    def get(self, key: str) -> bytes | None: ...

    def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of these keys, in their order."""
        ...

    def put_if_absent(self, key: str, value: bytes, seconds: int) -> bool:
        """Whether the value is now there because of this call: of many callers, one hears True."""
        ...

    def take(self, key: str) -> bytes | None:
        """The value, which is gone now: of many callers, one gets it."""
        ...

    def count(self, key: str, seconds: int) -> int:
        """How often this was called for this key since the first call, `seconds` ago at most."""
        ...

    def counted(self, key: str, seconds: int) -> int:
        """What `count` returned last for this key, 0 if its time is over."""
        ...

    def take_place(self, key: str, most: int, seconds: int) -> str | None:
        """The name under which one of so many places is now the caller's, for `seconds` at most; None if all are taken.

        A place comes back with `give_back`, or by itself when its time is over.
        """
        ...

    def give_back(self, key: str, name: str) -> None: ...

    def spend(self, key: str, seconds: int) -> int | None:
        """Since when the store remembers, in seconds since 1970, if this call alone spent the key; else None.

        What may have been spent before that moment, the store cannot know.
        """
        ...

    def since(self) -> int: ...

    def check(self) -> None:
        """Raises Unreachable unless the store answers, MayForget if it could lose what is not expired."""
        ...


def _postgres_or_sqlite(database: Database) -> Any:
    if database.is_sqlite:
        return insert
    from sqlalchemy.dialects.postgresql import insert as postgres_insert

    return postgres_insert


@lru_cache
def _of(number: int) -> Select[str, bytes]:
    """What reads so many keys."""
    keys: list[Any] = [bindparam(f"key_{position}") for position in range(number)]
    return select(ShortLivedRow.key, ShortLivedRow.value).where(
        ShortLivedRow.key.in_(keys), ShortLivedRow.expires_at > bindparam("now")
    )


class InDatabase:
    """The short-lived store as a table: on SQLite that of a file of its own, on PostgreSQL one among the others."""

    def __init__(self, database: Database) -> None:
        self.database = database
        row, make = ShortLivedRow, _postgres_or_sqlite(database)
        values: dict[str, Any] = {
            "key": bindparam("key"),
            "value": bindparam("value"),
            "expires_at": bindparam("expires_at"),
        }
        adding = make(row).values(values)
        self._get = select(row.value).where(row.key == bindparam("key"), row.expires_at > bindparam("now"))
        self._put = adding.on_conflict_do_update(
            index_elements=[row.key],
            set_={"value": adding.excluded.value, "expires_at": adding.excluded.expires_at},
            where=row.expires_at <= bindparam("now"),
        ).returning(row.key)
        self._take = delete(row).where(row.key == bindparam("key")).returning(row.value, row.expires_at)
        self._look = select(row.value, row.expires_at).where(row.key == bindparam("key"))
        self._set = adding.on_conflict_do_update(
            index_elements=[row.key], set_={"value": adding.excluded.value, "expires_at": adding.excluded.expires_at}
        )
        self._begin_anew = delete(row).where(row.key == bindparam("key"), row.expires_at > bindparam("latest"))
        self._lock = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("key"))))

    def get(self, key: str) -> bytes | None:
        trips.count("short_lived")
        row = self.database.one(self._get, key=key, now=clock.seconds())
        return bytes(row[0]) if row else None

    def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        trips.count("short_lived")
        asked = {f"key_{number}": key for number, key in enumerate(keys)}
        found = {row[0]: bytes(row[1]) for row in self.database.all(_of(len(keys)), now=clock.seconds(), **asked)}
        return [found.get(key) for key in keys]

    def put_if_absent(self, key: str, value: bytes, seconds: int) -> bool:
        trips.count("short_lived")
        now = clock.seconds()
        with self.database.write() as tx:
            return tx.one(self._put, key=key, value=value, expires_at=now + seconds, now=now) is not None

    def take(self, key: str) -> bytes | None:
        trips.count("short_lived")
        with self.database.write() as tx:
            row = tx.one(self._take, key=key)
        return bytes(row[0]) if row and row[1] > clock.seconds() else None

    def count(self, key: str, seconds: int) -> int:
        trips.count("short_lived")
        now = clock.seconds()
        with self._alone_with(key) as (tx, row):
            lives = row is not None and now < row[1] <= _latest(now, seconds)
            so_far, expires_at = (int(bytes(row[0])), row[1]) if row and lives else (0, now + seconds)
            tx.run(self._set, key=key, value=str(so_far + 1).encode(), expires_at=expires_at)
        return so_far + 1

    def counted(self, key: str, seconds: int) -> int:
        trips.count("short_lived")
        row, now = self.database.one(self._look, key=key), clock.seconds()
        if row is None or row[1] <= now:
            return 0
        if row[1] <= _latest(now, seconds):
            return int(bytes(row[0]))
        with self.database.write() as tx:  # or it would begin to count once the clock has come there again
            tx.run(self._begin_anew, key=key, latest=_latest(now, seconds))
        return 0

    def take_place(self, key: str, most: int, seconds: int) -> str | None:
        trips.count("short_lived")
        now = clock.seconds()
        with self._alone_with(key) as (tx, row):
            taken = {name: until for name, until in _places(row).items() if now < until <= _latest(now, seconds)}
            if len(taken) >= most:
                return None
            name = entropy.short_handle()
            taken[name] = now + seconds
            tx.run(self._set, key=key, value=json.dumps(taken).encode(), expires_at=now + seconds)
        return name

    def give_back(self, key: str, name: str) -> None:
        trips.count("short_lived")
        with self._alone_with(key) as (tx, row):
            taken = _places(row)
            if row is not None and taken.pop(name, None) is not None:
                tx.run(self._set, key=key, value=json.dumps(taken).encode(), expires_at=row[1])

    @contextmanager
    def _alone_with(self, key: str) -> Iterator[tuple[Transaction, Row | None]]:
        """A transaction in which nobody else changes what the key leads to: the value, and when it expires."""
        with self.database.write() as tx:
            if not self.database.is_sqlite:
                tx.one(self._lock, key=key)  # SQLite's write lock is already ours
            yield tx, tx.one(self._look, key=key)

    def spend(self, key: str, seconds: int) -> int | None:
        trips.count("short_lived")
        now = clock.seconds()
        with self.database.write() as tx:
            since = self._since(tx, now)
            spent = tx.one(self._put, key=key, value=b"", expires_at=now + seconds, now=now) is not None
        return since if spent else None

    def since(self) -> int:
        trips.count("short_lived")
        row = self.database.one(self._get, key=SINCE, now=clock.seconds())
        if row is not None:
            return int(bytes(row[0]))
        with self.database.write() as tx:
            return self._since(tx, clock.seconds())

    def _since(self, tx: Transaction, now: int) -> int:
        row = tx.one(self._get, key=SINCE, now=now)
        if row is None:
            tx.one(self._put, key=SINCE, value=str(now).encode(), expires_at=now + SINCE_SECONDS, now=now)
            row = tx.one(self._get, key=SINCE, now=now)  # perhaps another worker was quicker
        return now if row is None else int(bytes(row[0]))

    def check(self) -> None:
        self.database.check()


def _latest(now: int, seconds: int) -> int:
    """When at the latest expires what was put to live for so many seconds."""
    return now + seconds + CLOCKS_APART_SECONDS


def _places(row: Row | None) -> dict[str, int]:
    """Until when each place is taken, by the name of who has it."""
    return {} if row is None else dict(json.loads(bytes(row[0])))


def open_short_lived(url: str, database: Database) -> ShortLived:
    """The store that `short_lived_url` names; raises UnsafeSettings for one we do not know."""
    if url == "database":
        return InDatabase(ShortLivedFile(database) if database.is_sqlite else database)
    if url.partition("://")[0] in ("valkey", "valkeys", "redis", "rediss", "unix"):
        from idp.storage.short_lived_valkey import InValkey  # which loads the driver

        return InValkey(url)
    raise UnsafeSettings("short_lived_url: must be `database`, or begin with valkey://, redis:// or unix://")
