"""What somebody is asked to sign: bound to our address, to this sign-in, to chance and to a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.base import Context, LoginRequest
from connectors.state import State

PURPOSE = "MotCua sign-in challenge 1"  # first in what is signed, so that it can be taken for no other document


@dataclass(frozen=True, kw_only=True)
class Begun(State):
    """What a sign-in in progress remembers; `callback_url` names our origin and the source."""

    handle: str
    callback_url: str
    nonce: str
    expires_at: int

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
