"""A card shown by a code that only we can check: who holds it has it on their screen now, and each code counts once.

Nothing is kept of a code but that it was spent. What leads from its handle to a card is in the short-lived store for
minutes; handles change every five, and the secret behind a code follows from its handle.
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.digital_id import Reason, Unreadable, online_presence
from idp.digital_id.online_presence import OnlineCode
from idp.digital_id.presence import ACCEPTED_SECONDS
from idp.seal import Sealer
from idp.storage import ShortLived

HANDLE_SECONDS = 300  # so long a holder's codes have one handle
KEPT_SECONDS = 600  # and so long it leads to the card
SPENT_SECONDS = ACCEPTED_SECONDS + 2 * online_presence.STEP_SECONDS  # as long as a code may be accepted anywhere


@dataclass(frozen=True, kw_only=True)
class Showings:
    short_lived: ShortLived
    sealer: Sealer

    def code(self, card_id: bytes, session_id: bytes, now: int) -> str:
        """The text of the code by which this card is shown at this moment, from this session."""
        period = f"{session_id.hex()}:{card_id.hex()}:{now // HANDLE_SECONDS}"
        handle = self.sealer.index("presence.handle", period)[: online_presence.HANDLE_BYTES]
        if self.short_lived.get(_key(handle)) is None:  # reading costs less, and is what nearly every code needs
            sealed = self.sealer.seal("presence.card", card_id, handle)
            self.short_lived.put_if_absent(_key(handle), sealed, KEPT_SECONDS)
        return online_presence.encode(handle, now, self._secret(handle))

    def redeem(self, text: str, now: int) -> bytes | Reason:
        """The id of the card that is shown by this code, which is spent now: of many callers, one gets it.

        A code that we never made, and one whose handle has been forgotten, are one answer.
        """
        try:
            code = online_presence.decode(text)
        except Unreadable as problem:
            return problem.reason
        if not code.is_by(self._secret(code.handle)):
            return Reason.PRESENCE_UNKNOWN
        return code.fault(now) or self._spent(code)

    def _spent(self, code: OnlineCode) -> bytes | Reason:
        sealed = self.short_lived.get(_key(code.handle))
        if sealed is None:
            return Reason.PRESENCE_UNKNOWN
        since = self.short_lived.spend(f"{_key(code.handle)}:{code.step}", SPENT_SECONDS)
        if since is None:
            return Reason.PRESENCE_SEEN
        if since > code.made_at:  # perhaps spent before the store lost its memory; the next code is seconds away
            return Reason.PRESENCE_OLD
        return self.sealer.open("presence.card", sealed, code.handle)

    def _secret(self, handle: bytes) -> bytes:
        return self.sealer.index("presence.secret", handle.hex())


def _key(handle: bytes) -> str:
    return f"presence:{handle.hex()}"
