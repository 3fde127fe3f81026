"""Is this code genuine? Three answers: genuine, genuine with an old status, refused; each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from idp.digital_id import cose, online_presence, packing, presence
from idp.digital_id.card import STATUS, Card, StatusReference
from idp.digital_id.cose import Signed
from idp.digital_id.presence import Presence, Seen
from idp.digital_id.reading import read_card
from idp.digital_id.reasons import Leniency, Reason, Unreadable
from idp.digital_id.trust import TrustedKey

LEEWAY_SECONDS = 60  # by how much two clocks may differ
FRESH_STATUS_SECONDS = 86_400


class Answer(Enum):
    GENUINE = "genuine"
    GENUINE_STATUS_OLD = "genuine_status_old"  # or not known at all
    REFUSED = "refused"


class Status(Enum):
    """What a Token Status List says (section 7 of the draft), or `UNKNOWN` where there is no list to ask."""

    VALID = "valid"
    INVALID = "invalid"
    SUSPENDED = "suspended"
    RESERVED = "reserved"  # another value, or no such place in the list
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Told:
    """`as_of`: when the list was signed that says so; None where there is none."""

    status: Status
    as_of: int | None


class Statuses(Protocol):
    def told(self, reference: StatusReference, issuer: str | None, now: int) -> Told:
        """What lists of this issuer, and of no other, say about the place."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """A text that could be read; nothing of it is verified. `signed` is None if it was encrypted only."""

    card: Card
    signed: Signed | None
    leniencies: frozenset[Leniency]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`genuine` says that a trusted issuer signed this, that it is in force, and that no list that we have revokes it.

    `reason` is None for a plain yes; if `genuine`, it says what is wanting of the status. `fingerprint` is the same for
    every text of one code: remember codes by it, and not by their text. `shown_at` is there if the code is a presence
    code: then the holder's own phone made it for this moment, by its clock. Without it, anybody may show a copy.
    """

    decodes: bool
    genuine: bool
    reason: Reason | None
    card: Card | None = None
    leniencies: frozenset[Leniency] = frozenset()
    status: Status | None = None
    status_as_of: int | None = None
    fingerprint: bytes | None = None
    shown_at: int | None = None

    @property
    def answer(self) -> Answer:
        if not self.genuine:
            return Answer.REFUSED
        return Answer.GENUINE if self.reason is None else Answer.GENUINE_STATUS_OLD


def read(text: str, decryption_keys: Sequence[bytes] = ()) -> Read:
    """What the text holds, without a word on whether it is true; raises Unreadable. Of a presence code, the card."""
    compressed, _ = _parts(text)
    return _read(compressed, decryption_keys)


def card_binding(text: str) -> bytes:
    """By what presence codes name the card of this text; raises Unreadable."""
    signed = read(text).signed
    if signed is None:
        raise Unreadable(Reason.NOT_SIGNED)
    return signed.fingerprint[: presence.BINDING_BYTES]


def verify(
    text: str, trusted_keys: Collection[TrustedKey], now: int, statuses: Statuses | None = None, *,
    fresh_status_seconds: int = FRESH_STATUS_SECONDS, decryption_keys: Sequence[bytes] = (), seen: Seen | None = None,
) -> Verdict:  # fmt: skip
    """Whether the code is genuine at `now` (seconds since 1970), and what it says; never raises for what it is given.

    Checked in this order: that it can be read within bounds; the signature, by a trusted key and by the one algorithm
    of that key; that the key is not withdrawn and is its issuer's; for keys of strict issuers, the strict form; expiry
    (which must be there), beginning and date of issue, with a leeway; the status. Of a presence code all this of its
    card; then that the holder's key signed it for this card and just now (`presence.fault`), and by `seen`, without
    which none is accepted, that it was not shown here before.
    """
    try:
        compressed, shown = _parts(text)
        found = _read(compressed, decryption_keys)
    except Unreadable as problem:
        return Verdict(decodes=False, genuine=False, reason=problem.reason)
    verdict = _of_card(found, trusted_keys, now, statuses, fresh_status_seconds)
    return verdict if shown is None or not verdict.genuine else _with_presence(verdict, shown, now, seen)


def _parts(text: str) -> tuple[bytes, Presence | None]:
    """The card, compressed, and the presence code that it stood in, if it did; raises Unreadable."""
    data = packing.decoded(text)
    if online_presence.is_one(data):
        raise Unreadable(Reason.PRESENCE_ONLINE)
    shown = presence.read(data)
    return (data, None) if shown is None else (shown.compressed_card, shown)


def _read(compressed: bytes, decryption_keys: Sequence[bytes]) -> Read:
    data, is_plain = packing.opened(compressed)
    met = set() if is_plain else {Leniency.PADDED}
    opened = cose.opened(data, met, decryption_keys)
    if isinstance(opened, bytes):
        return Read(card=read_card(opened, met), signed=None, leniencies=frozenset(met))
    card = read_card(opened.unverified_payload, met)
    kind = {} if opened.kind is None else {f"protected/{cose.TYPE}": opened.kind}  # a card is of none
    card = replace(card, unknown=opened.unknown | kind | dict(card.unknown))
    return Read(card=card, signed=opened, leniencies=frozenset(met))


def _of_card(
    found: Read, trusted_keys: Collection[TrustedKey], now: int, statuses: Statuses | None, fresh_seconds: int
) -> Verdict:
    verdict = Verdict(
        decodes=True, genuine=False, reason=Reason.NOT_SIGNED, card=found.card, leniencies=found.leniencies
    )
    if found.signed is None:
        return verdict
    verdict = replace(verdict, fingerprint=found.signed.fingerprint)
    key = cose.signer_of(found.signed, trusted_keys)
    if isinstance(key, Reason):
        return replace(verdict, reason=key)
    reason = _not_its_issuers(found, key) or _not_in_force(found.card, now)
    if reason is not None:
        return replace(verdict, reason=reason)
    return _with_status(verdict, found.card, key, now, statuses, fresh_seconds)


def _with_presence(verdict: Verdict, shown: Presence, now: int, seen: Seen | None) -> Verdict:
    """The verdict on the card if the holder's phone is here; only then is the code spent."""
    holder_key = None if verdict.card is None else verdict.card.holder_key
    reason = presence.fault(shown, holder_key, verdict.fingerprint or b"", now)
    if reason is None and seen is None:
        reason = Reason.PRESENCE_NOT_REMEMBERED
    if reason is None and seen is not None:
        is_first = seen.is_first(shown.signed.fingerprint, now=now, until=shown.remember_until)
        reason = None if is_first else Reason.PRESENCE_SEEN
    if reason is not None:
        return replace(verdict, genuine=False, reason=reason)
    return replace(verdict, shown_at=shown.issued_at)


def _not_its_issuers(found: Read, key: TrustedKey) -> Reason | None:
    if key.withdrawn:
        return Reason.WITHDRAWN_KEY
    if key.issuer is not None and found.card.issuer != key.issuer:
        return Reason.WRONG_ISSUER
    if key.strict and found.card.unknown:
        return Reason.UNKNOWN_CLAIMS
    if key.strict and found.leniencies:
        return Reason.NOT_STRICT
    return None


def _not_in_force(card: Card, now: int) -> Reason | None:
    if card.expires_at is None:
        return Reason.NO_EXPIRY
    if now >= card.expires_at + LEEWAY_SECONDS:
        return Reason.EXPIRED
    if card.not_before is not None and now < card.not_before - LEEWAY_SECONDS:
        return Reason.NOT_YET_VALID
    if card.issued_at is not None and now < card.issued_at - LEEWAY_SECONDS:
        return Reason.ISSUED_AHEAD
    return None


def _with_status(
    verdict: Verdict, card: Card, key: TrustedKey, now: int, statuses: Statuses | None, fresh_seconds: int
) -> Verdict:
    if card.status is None:
        told_otherwise = any(name.split("/")[0] == str(STATUS) for name in card.unknown)
        return replace(verdict, genuine=True, reason=Reason.STATUS_NOT_KNOWN if told_otherwise else None)
    told = Told(status=Status.UNKNOWN, as_of=None)
    if statuses is not None:
        told = statuses.told(card.status, key.issuer, now)
    refused = _REFUSED.get(told.status)
    reason = refused or _doubt(told, now, fresh_seconds)
    return replace(verdict, genuine=refused is None, reason=reason, status=told.status, status_as_of=told.as_of)


_REFUSED = {
    Status.INVALID: Reason.REVOKED,
    Status.SUSPENDED: Reason.SUSPENDED,
    Status.RESERVED: Reason.UNKNOWN_STATUS,
}


def _doubt(told: Told, now: int, fresh_seconds: int) -> Reason | None:
    if told.status is Status.UNKNOWN or told.as_of is None:
        return Reason.STATUS_NOT_KNOWN
    if not -LEEWAY_SECONDS <= now - told.as_of <= fresh_seconds:
        return Reason.STATUS_OLD
    return None
