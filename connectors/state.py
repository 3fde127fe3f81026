"""What a sign-in in progress remembers between `begin` and `resume`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from connectors.answers import Refusal
from connectors.base import STATE_LIMIT_BYTES, Failure, LoginRequest


@dataclass(frozen=True, kw_only=True)
class State:
    """What is remembered; each protocol adds its fields, of types that JSON has."""

    def sealed_later(self) -> bytes:
        """A step's `state`, which the core seals; raises Refusal where it is longer than the core keeps."""
        state = json.dumps(asdict(self), separators=(",", ":")).encode()
        if len(state) > STATE_LIMIT_BYTES:
            raise Refusal(Failure.MISCONFIGURED, "the callback address or the handle is too long")
        return state

    @classmethod
    def read(cls, state: bytes) -> Self:
        """What `sealed_later` wrote."""
        return cls(**json.loads(state))


def oldest_auth_time(request: LoginRequest, started_at: float) -> float | None:
    """The earliest instant at which the person may have proved themselves; None: any will do. Seconds since 1970."""
    if request.force:
        return started_at
    return None if request.max_age_seconds is None else started_at - request.max_age_seconds
