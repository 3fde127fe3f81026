"""Presence codes that are checked by whoever made them: the quarter of a minute, a handle, and what proves both.

    text = base45( 02 | step (4) | handle (16) | mac (16) )      56 characters, version 3 at level M

What is chance does not stand first: a text that begins with a space is half lost where a scanner types. The handle
leads to a card at the issuer alone, and nothing in the code is of a person. `mac` is the first half of HMAC-SHA256 by a
secret that the issuer keeps with the handle.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from idp.digital_id import base45, packing
from idp.digital_id.presence import ACCEPTED_SECONDS, INTERVAL_SECONDS
from idp.digital_id.reasons import Reason, Unreadable

STEP_SECONDS = INTERVAL_SECONDS
HANDLE_BYTES = 16
CHARACTERS = 56
_KIND = 0x02  # no zlib stream and no array begins so
_STEP_BYTES, _MAC_BYTES = 4, 16
_HANDLE_AT = 1 + _STEP_BYTES
_MAC_AT = _HANDLE_AT + HANDLE_BYTES
_BYTES = _MAC_AT + _MAC_BYTES
_PURPOSE = b"motcua presence"


@dataclass(frozen=True, kw_only=True)
class OnlineCode:
    """A code as it was read; `mac` is not checked. It was made in the 15 seconds that begin with `made_at`."""

    handle: bytes
    step: int
    mac: bytes

    @property
    def made_at(self) -> int:
        return self.step * STEP_SECONDS

    def is_by(self, secret: bytes) -> bool:
        return hmac.compare_digest(self.mac, _mac(self.handle, self.step, secret))

    def fault(self, now: int) -> Reason | None:
        """Why it is no good at this time; two machines that make and check codes may differ by one step."""
        if now < self.made_at - STEP_SECONDS:
            return Reason.ISSUED_AHEAD
        return Reason.PRESENCE_OLD if now >= self.made_at + ACCEPTED_SECONDS else None


def encode(handle: bytes, now: int, secret: bytes) -> str:
    """The text of the code for this quarter of a minute: the same for all of it."""
    step = now // STEP_SECONDS
    return base45.encode(bytes([_KIND]) + _message(handle, step) + _mac(handle, step, secret))


def decode(text: str) -> OnlineCode:
    """The code; raises Unreadable."""
    data = packing.decoded(text)
    if not is_one(data) or len(data) != _BYTES:
        raise Unreadable(Reason.BAD_TEXT)
    step, handle, mac = data[1:_HANDLE_AT], data[_HANDLE_AT:_MAC_AT], data[_MAC_AT:]
    return OnlineCode(handle=handle, step=int.from_bytes(step, "big"), mac=mac)


def is_one(data: bytes) -> bool:
    """Whether these bytes of a code are of this sort, and no card."""
    return data[:1] == bytes([_KIND])


def _message(handle: bytes, step: int) -> bytes:
    return step.to_bytes(_STEP_BYTES, "big") + handle


def _mac(handle: bytes, step: int, secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + _message(handle, step), "sha256")[:_MAC_BYTES]
