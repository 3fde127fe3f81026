"""The short-lived store: small values that many workers share for minutes. Losing it loses sign-ins under way,
never what was granted, and never lets a thing be used twice: what must be spent once is spent in the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert  # the ON CONFLICT clause reads the same on PostgreSQL

from idp import clock
from idp.settings import UnsafeSettings
from idp.storage import trips
from idp.storage.database import Database, Transaction, Unreachable
from idp.storage.models import ShortLivedRow
from idp.storage.short_lived_file import ShortLivedFile

SINCE = "since"  # the key that holds when the store was empty last
SINCE_SECONDS = 10 * 365 * 86_400

# The moment counts for one run of the server: one that comes back with an older image of its memory, or another that
# takes over from it, may lack what was spent last, and gets another replication id.
SPEND = """
local run = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') .. ' '
local known = redis.call('GET', KEYS[1])
if not known or string.sub(known, 1, #run) ~= run then
    known = run .. ARGV[1]
    redis.call('SET', KEYS[1], known)
end
local spent = KEYS[2] and redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[2])
return {string.sub(known, #run + 1), spent and 1 or 0}
"""


class MayForget(Unreachable):
    """The store answers, and cannot be relied upon."""


class ShortLived(Protocol):
    """Values by key, each with its own expiry. Every call is one round trip and raises Unreachable without a store."""

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
        self._read_count = select(row.value, row.expires_at).where(row.key == bindparam("key"))
        self._write_count = adding.on_conflict_do_update(
            index_elements=[row.key], set_={"value": adding.excluded.value, "expires_at": adding.excluded.expires_at}
        )
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
        with self.database.write() as tx:
            if not self.database.is_sqlite:
                tx.one(self._lock, key=key)  # SQLite's write lock is already ours
            row = tx.one(self._read_count, key=key)
            so_far, expires_at = (int(bytes(row[0])), row[1]) if row and row[1] > now else (0, now + seconds)
            tx.run(self._write_count, key=key, value=str(so_far + 1).encode(), expires_at=expires_at)
        return so_far + 1

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


class InValkey:
    """The short-lived store in Valkey or Redis, shared by many machines."""

    database = None

    def __init__(self, url: str) -> None:
        import redis

        self._problem = redis.RedisError
        usual = url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1)
        self._server: Any = redis.Redis.from_url(usual, socket_timeout=2, socket_connect_timeout=2)
        self._spend: Any = self._server.register_script(SPEND)

    def get(self, key: str) -> bytes | None:
        value = self._ask("get", _named(key))
        return None if value is None else bytes(value)

    def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        return [None if value is None else bytes(value) for value in self._ask("mget", map(_named, keys))]

    def put_if_absent(self, key: str, value: bytes, seconds: int) -> bool:
        return bool(self._ask("set", _named(key), value, nx=True, ex=seconds))

    def take(self, key: str) -> bytes | None:
        value = self._ask("getdel", _named(key))
        return None if value is None else bytes(value)

    def count(self, key: str, seconds: int) -> int:
        trips.count("short_lived")
        try:
            with self._server.pipeline(transaction=True) as pipe:
                pipe.set(_named(key), 0, nx=True, ex=seconds)
                pipe.incr(_named(key))
                return int(pipe.execute()[1])
        except self._problem as problem:
            raise Unreachable(type(problem).__name__) from problem

    def spend(self, key: str, seconds: int) -> int | None:
        since, spent = self._remembered([_named(SINCE), _named(key)], seconds)
        return int(since) if spent else None

    def since(self) -> int:
        return int(self._remembered([_named(SINCE)])[0])

    def _remembered(self, keys: list[str], *seconds: int) -> Any:
        trips.count("short_lived")
        try:
            return self._spend(keys=keys, args=[clock.seconds(), *seconds])
        except self._problem as problem:
            raise Unreachable(type(problem).__name__) from problem

    def check(self) -> None:
        """Raises Unreachable unless the server answers, MayForget unless it keeps everything for its time."""
        memory = self._ask("info", "memory")
        self.since()
        if int(memory["maxmemory"]) and memory["maxmemory_policy"] != "noeviction":
            raise MayForget("this Valkey may evict what is needed still: set maxmemory-policy noeviction")

    def _ask(self, command: str, *parts: Any, **options: Any) -> Any:
        trips.count("short_lived")
        try:
            return getattr(self._server, command)(*parts, **options)
        except self._problem as problem:
            raise Unreachable(type(problem).__name__) from problem


def _named(key: str) -> str:
    return f"motcua:{key}"


def open_short_lived(url: str, database: Database) -> InDatabase | InValkey:
    """The store that `short_lived_url` names; raises UnsafeSettings for one we do not know."""
    if url == "database":
        return InDatabase(ShortLivedFile(database) if database.is_sqlite else database)
    if url.partition("://")[0] in ("valkey", "valkeys", "redis", "rediss", "unix"):
        return InValkey(url)
    raise UnsafeSettings("short_lived_url: must be `database`, or begin with valkey://, redis:// or unix://")
