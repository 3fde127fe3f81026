"""Presence codes that are checked without network: a card, and beside it what its holder's phone has just signed.

    text = base45( [card, shown] )      new every 15 seconds, accepted for 45

A copy of a card is that card; a copy of this is worthless a minute later, and before that at every verifier who saw it
once. The layout, and what it cannot stop, stand in docs/digital-id.md. Browsers make these codes, no Python of ours.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from idp.digital_id import cbor, cose, trust
from idp.digital_id.card import CODE_ID, CONFIRMATION, EXPIRES, ISSUED
from idp.digital_id.cose import Signed
from idp.digital_id.reading import LATEST_INSTANT
from idp.digital_id.reasons import Leniency, Reason, Unreadable
from idp.digital_id.trust import TrustedKey

INTERVAL_SECONDS = 15  # how often a new one is made
ACCEPTED_SECONDS = 45
LIFE_SECONDS = 30  # what it says of itself; the rest of the 45 is for the way from one screen to the other camera
AHEAD_SECONDS = 60  # by how much the phone's clock may be fast
REMEMBERED_SECONDS = ACCEPTED_SECONDS + AHEAD_SECONDS  # after `iat`: also for a clock that is put back by the leeway
CODE_ID_BYTES = 8
BINDING = -65_537  # our claim, of the numbers for private use (RFC 8392 section 9.1)
BINDING_BYTES = 16  # the first of SHA-256 over what the issuer of the card signed
FIRST_BYTE = 0x82  # an array of two; the text of a card begins with zlib's 0x?8
_COSE_KEY = 1  # of `cnf` (RFC 8747 section 3.2)
_KEY = {1: 2, -1: 1}  # kty: EC2, crv: P-256 (RFC 9053 section 7.1.1)
_X, _Y, _X_BYTES = -2, -3, 32
_EXPECTED = frozenset({Leniency.NO_KEY_ID})  # the key itself is in it


class Seen(Protocol):
    """What one verifier remembers."""

    def is_first(self, fingerprint: bytes, *, now: int, until: int) -> bool:
        """Whether this was not shown before; it is remembered until then."""


class Remembered:
    """A memory of this process: two of them accept one code twice."""

    def __init__(self) -> None:
        self._until: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def is_first(self, fingerprint: bytes, *, now: int, until: int) -> bool:
        with self._lock:
            self._until = {known: end for known, end in self._until.items() if now < end}
            if fingerprint in self._until:
                return False
            self._until[fingerprint] = until
            return True


@dataclass(frozen=True, kw_only=True)
class Presence:
    """A presence code that could be read; nothing of it is verified. `compressed_card` is what a card's text holds."""

    compressed_card: bytes
    signed: Signed
    key: ec.EllipticCurvePublicKey
    issued_at: int
    binding: bytes
    strict: bool

    @property
    def remember_until(self) -> int:
        return self.issued_at + REMEMBERED_SECONDS


def read(data: bytes) -> Presence | None:
    """What the bytes of a code hold; None if that is no presence code. Raises Unreadable for one that is broken."""
    if data[:1] != bytes([FIRST_BYTE]):
        return None
    parts = cbor.decode(data)
    if not all(isinstance(part, bytes) for part in parts):
        raise Unreadable(Reason.NOT_COSE)
    card, shown = parts
    met: set[Leniency] = set()
    signed = cose.opened(shown, met)
    if isinstance(signed, bytes):
        raise Unreadable(Reason.NOT_COSE)
    strict = met == _EXPECTED and not signed.unknown and signed.kind is None and cbor.encode(parts) == data
    claims = cbor.decode(signed.unverified_payload)
    issued_at = _checked(claims)
    return Presence(
        compressed_card=card, signed=signed, key=_key(claims[CONFIRMATION]), issued_at=issued_at,
        binding=claims[BINDING], strict=strict and cbor.encode(claims) == signed.unverified_payload,
    )  # fmt: skip


def fault(shown: Presence, holder_key: bytes | None, card_fingerprint: bytes, now: int) -> Reason | None:
    """Why the code does not prove that the holder's phone is here; the card itself must have been verified.

    Checked in this order: the strict form; that the key is the one whose thumbprint the card bears, and signed this;
    that it was signed for this card; the time. Whether it was shown before is not asked here.
    """
    if not shown.strict:
        return Reason.NOT_STRICT
    key = TrustedKey(public=shown.key)
    is_holders = holder_key is not None and trust.thumbprint(shown.key) == holder_key
    if not is_holders or shown.signed.alg != key.alg or not key.verifies(shown.signed.signature, shown.signed.message):
        return Reason.PRESENCE_NOT_HOLDER
    if shown.binding != card_fingerprint[:BINDING_BYTES]:
        return Reason.PRESENCE_NOT_THIS_CARD
    if now < shown.issued_at - AHEAD_SECONDS:
        return Reason.ISSUED_AHEAD
    return Reason.PRESENCE_OLD if now >= shown.issued_at + ACCEPTED_SECONDS else None


def _checked(claims: Any) -> int:
    """When it was made, by the phone's clock; raises Unreadable unless the claims are those, and of their types."""
    if not isinstance(claims, dict) or claims.keys() != {EXPIRES, ISSUED, CODE_ID, CONFIRMATION, BINDING}:
        raise Unreadable(Reason.BAD_CLAIM)
    issued_at = claims[ISSUED]
    if type(issued_at) is not int or not 0 <= issued_at < LATEST_INSTANT or type(claims[EXPIRES]) is not int:
        raise Unreadable(Reason.BAD_CLAIM)
    sized = ((claims[CODE_ID], CODE_ID_BYTES), (claims[BINDING], BINDING_BYTES))
    if claims[EXPIRES] != issued_at + LIFE_SECONDS or not all(_is_bytes(value, size) for value, size in sized):
        raise Unreadable(Reason.BAD_CLAIM)
    return issued_at


def _key(confirmation: Any) -> ec.EllipticCurvePublicKey:
    """The key, of which y is told by its sign alone (RFC 9053 section 7.1.1); raises Unreadable."""
    key = confirmation.get(_COSE_KEY) if isinstance(confirmation, dict) and len(confirmation) == 1 else None
    if not isinstance(key, dict) or key.keys() != {*_KEY, _X, _Y}:
        raise Unreadable(Reason.BAD_CLAIM)
    if not all(type(key[name]) is int and key[name] == value for name, value in _KEY.items()):
        raise Unreadable(Reason.BAD_CLAIM)
    if not _is_bytes(key[_X], _X_BYTES) or type(key[_Y]) is not bool:
        raise Unreadable(Reason.BAD_CLAIM)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes([2 | key[_Y]]) + key[_X])
    except ValueError:  # no point of the curve has such an x
        raise Unreadable(Reason.BAD_CLAIM) from None


def _is_bytes(value: Any, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size
