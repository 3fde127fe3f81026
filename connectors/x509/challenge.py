"""What somebody is asked to sign: bound to our address, to this sign-in, to chance and to a time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from connectors.answers import Refusal
from connectors.base import STATE_LIMIT_BYTES, Context, Failure, LoginRequest

PURPOSE = "MotCua sign-in challenge 1"  # first in what is signed, so that it can be taken for no other document


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a sign-in in progress remembers; `callback_url` names our origin and the source."""

    handle: str
    callback_url: str
    nonce: str
    expires_at: int

    def sealed_later(self) -> bytes:
        state = json.dumps(asdict(self), separators=(",", ":")).encode()
        if len(state) > STATE_LIMIT_BYTES:
            raise Refusal(Failure.MISCONFIGURED, "the callback address is too long")
        return state

    @property
    def challenge(self) -> bytes:
        """The bytes to sign: lines that a person can read in their token's window."""
        until = datetime.fromtimestamp(self.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = (PURPOSE, f"for: {self.callback_url}", f"sign-in: {self.handle}", f"nonce: {self.nonce}")
        return "\n".join((*lines, f"until: {until}", "")).encode()


def begun(context: Context, request: LoginRequest, lifetime_seconds: int) -> Begun:
    return Begun(
        handle=request.handle,
        callback_url=request.callback_url,
        nonce=context.fresh_value(),
        expires_at=int(context.now().timestamp()) + lifetime_seconds,
    )


def read_state(state: bytes) -> Begun:
    return Begun(**json.loads(state))
