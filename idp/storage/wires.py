"""Connections to Valkey that stay open, and what is asked over them: a command, and its answer.

redis-py makes them. Asked through its client, a trip costs us three times the CPU that it costs over one of them
directly (32 and 11 us, redis-py 8.1): each time it takes one from a pool, sees whether anything lies unread in it, and
keeps books of both. Here one that was cut while it lay idle is noticed by using it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import redis
from hiredis import pack_command


class Wires:
    """Connections to one server; each is one thread's at a time, and the one used last is used next."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool  # which knows how they are made; none of ours is in it
        self._idle: list[Any] = []
        self._process = os.getpid()

    def ask(self, *command: str | bytes | int) -> Any:
        """The server's answer; raises redis.RedisError.

        What a connection that breaks had been asked is asked again, once: it may be done twice, as with redis-py.
        """
        wire, packed = self._taken(), pack_command(command)  # type: ignore[arg-type]  # its stubs know only text
        if wire is not None:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                return self._answer(wire, packed)
        wire = self._pool.connection_class(**self._pool.connection_kwargs)
        wire.connect()  # patiently: redis-py tries for seconds
        return self._answer(wire, packed)

    def run(self, script: str, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """What the script answers; the server knows it by its hash, once it has seen it. Raises redis.RedisError."""
        given = (len(keys), *keys, *arguments)
        try:
            return self.ask("EVALSHA", _hash(script), *given)
        except redis.exceptions.NoScriptError:
            return self.ask("EVAL", script, *given)

    def _taken(self) -> Any:
        """A connection that lay idle, or None."""
        if self._process != os.getpid():  # our parent goes on using those that it had
            self._idle, self._process = [], os.getpid()
        with suppress(IndexError):
            return self._idle.pop()

    def _answer(self, wire: Any, packed: bytes) -> Any:
        """Whoever breaks on the way is closed by redis-py, and not used again."""
        wire.send_packed_command((packed,), check_health=False)
        try:
            answer = wire.read_response()
        except redis.ResponseError:
            self._idle.append(wire)
            raise
        self._idle.append(wire)
        return answer


@cache
def _hash(script: str) -> str:
    """As the server hashes it; nothing is kept secret or apart by it."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
