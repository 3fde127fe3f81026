"""The short-lived store in Valkey or Redis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import redis

from idp import clock, entropy
from idp.storage import trips
from idp.storage.database import Unreachable
from idp.storage.short_lived import SINCE, MayForget
from idp.storage.wires import Wires

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

# By the server's own clock, so that it does not matter whose clock of those who ask is right.
TAKE_PLACE = """
local now, seconds = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%d', now + seconds), '+inf')
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + seconds, ARGV[3])
redis.call('EXPIRE', KEYS[1], seconds)
return 1
"""

COUNT = """
redis.call('SET', KEYS[1], 0, 'NX', 'EX', ARGV[1])
return redis.call('INCR', KEYS[1])
"""


class InValkey:
    """The short-lived store in Valkey or Redis, shared by many machines.

    Everything in it expires by the server's clock; ours may be wrong without any effect here. While the server's own
    runs ahead, what was put before is gone too early; after it was put back, what was put meanwhile stays too long, for
    as long as it had been ahead. An operator who cannot wait deletes `motcua:*`, which ends sign-ins under way.
    """

    database = None

    def __init__(self, url: str) -> None:
        usual = url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1)
        self._client: Any = redis.Redis.from_url(usual, socket_timeout=2, socket_connect_timeout=2)
        self._wires = Wires(self._client)

    def get(self, key: str) -> bytes | None:
        return self._ask("GET", _named(key))  # type: ignore[no-any-return]

    def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        return self._ask("MGET", *map(_named, keys))  # type: ignore[no-any-return]

    def put_if_absent(self, key: str, value: bytes, seconds: int) -> bool:
        return self._ask("SET", _named(key), value, "NX", "EX", seconds) is not None

    def take(self, key: str) -> bytes | None:
        return self._ask("GETDEL", _named(key))  # type: ignore[no-any-return]

    def count(self, key: str, seconds: int) -> int:
        return int(self._run(COUNT, [key], seconds))

    def counted(self, key: str, seconds: int) -> int:  # noqa: ARG002 - the server knows how long it lives
        return int(self.get(key) or 0)

    def take_place(self, key: str, most: int, seconds: int) -> str | None:
        name = entropy.short_handle()
        return name if self._run(TAKE_PLACE, [key], most, seconds, name) else None

    def give_back(self, key: str, name: str) -> None:
        self._ask("ZREM", _named(key), name)

    def spend(self, key: str, seconds: int) -> int | None:
        since, spent = self._run(SPEND, [SINCE, key], clock.seconds(), seconds)
        return int(since) if spent else None

    def since(self) -> int:
        return int(self._run(SPEND, [SINCE], clock.seconds())[0])

    def check(self) -> None:
        """Raises Unreachable unless the server answers, MayForget unless it keeps everything for its time."""
        memory = self._told(self._client.info, "memory")
        self.since()
        if int(memory["maxmemory"]) and memory["maxmemory_policy"] != "noeviction":
            raise MayForget("this Valkey may evict what is needed still: set maxmemory-policy noeviction")

    def _ask(self, *command: str | bytes | int) -> Any:
        return self._told(self._wires.ask, *command)

    def _run(self, script: str, keys: Sequence[str], *arguments: str | int) -> Any:
        return self._told(self._wires.run, script, [_named(key) for key in keys], *arguments)

    def _told(self, ask: Callable[..., Any], *what: Any) -> Any:
        """The server's answer, for one trip; raises Unreachable."""
        trips.count("short_lived")
        try:
            return ask(*what)
        except redis.RedisError as problem:
            raise Unreachable(type(problem).__name__) from problem


def _named(key: str) -> str:
    return f"motcua:{key}"
