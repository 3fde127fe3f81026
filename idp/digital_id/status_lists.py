"""Token Status Lists (IETF draft-ietf-oauth-status-list-21): arrays of bits, compressed, and signed as JWT or CWT.

Which index a card has is chance, and the caller's to draw; here is only what stands in a list and who signed it.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.utils import base64url_decode

from idp.digital_id import cbor, cose, jws, packing
from idp.digital_id.card import EXPIRES, ISSUED, ISSUER, SUBJECT, StatusReference
from idp.digital_id.reasons import Leniency, Reason, Unreadable
from idp.digital_id.trust import Signer, TrustedKey
from idp.digital_id.verification import LEEWAY_SECONDS, Status, Told

VALID, INVALID, SUSPENDED = 0, 1, 2
BITS = 2
PLACES = 2**20  # of a list of ours
SIZES = (1, 2, 4, 8)
TOKEN_BYTES = 16 * 1024 * 1024
ARRAY_BYTES = 32 * 1024 * 1024  # 134 million cards at two bits
JWT_TYPE, CWT_TYPE = "statuslist+jwt", "application/statuslist+cwt"
_LIST, _TTL = 65_533, 65_534
_MEANS = {VALID: Status.VALID, INVALID: Status.INVALID, SUSPENDED: Status.SUSPENDED}


class BadList(Exception):
    """This is no status list that we believe; the text says why."""


@dataclass(frozen=True, kw_only=True)
class StatusList:
    """`uri` is where it is published; `array` holds `bits` for each card, the first in the lowest (section 4.1)."""

    uri: str
    issuer: str | None
    bits: int
    array: bytes
    issued_at: int
    expires_at: int | None = None
    ttl_seconds: int | None = None

    def value_at(self, index: int) -> int | None:
        """What the list says about the card, or None if it has no such place."""
        byte, place = divmod(index * self.bits, 8)
        if not 0 <= byte < len(self.array):
            return None
        return self.array[byte] >> place & (1 << self.bits) - 1


class Lists:
    """The lists that a verifier has at hand, each by its issuer and address: a `Statuses`."""

    def __init__(self, lists: Iterable[StatusList]) -> None:
        self._lists = {(one.issuer, one.uri): one for one in lists}

    def told(self, reference: StatusReference, issuer: str | None, now: int) -> Told:
        """An expired list says no more that a card is valid; that one is not, it still says."""
        found = self._lists.get((issuer, reference.uri))
        if found is None:
            return Told(status=Status.UNKNOWN, as_of=None)
        value = found.value_at(reference.index)
        status = Status.RESERVED if value is None else _MEANS.get(value, Status.RESERVED)
        if status is Status.VALID and _expired(found.expires_at, now):
            status = Status.UNKNOWN
        return Told(status=status, as_of=found.issued_at)


def array_of(size: int, values: Mapping[int, int], bits: int = BITS) -> bytes:
    """The array for so many cards, all valid but those of `values`; raises ValueError."""
    if bits not in SIZES:
        raise ValueError(f"bits: one of {SIZES}")
    array = bytearray(-(-size * bits // 8))
    for index, value in values.items():
        if not 0 <= index < size or not 0 <= value < 1 << bits:
            raise ValueError("an index or a value outside of the list")
        byte, place = divmod(index * bits, 8)
        array[byte] = array[byte] & ~((1 << bits) - 1 << place) | value << place
    return bytes(array)


def compressed(array: bytes) -> bytes:
    return zlib.compress(array, packing.LEVEL)


# ---- signed ----


def as_jwt(of: StatusList, signer: Signer, key_id: str) -> str:
    """Section 5.1."""
    claims: dict[str, Any] = {"sub": of.uri, "iat": of.issued_at}
    claims |= _some({"iss": of.issuer, "exp": of.expires_at, "ttl": of.ttl_seconds})
    claims["status_list"] = {"bits": of.bits, "lst": jws.to_text(compressed(of.array))}
    return jws.signed(claims, JWT_TYPE, signer, key_id)


def as_cwt(of: StatusList, signer: Signer, key_id: bytes) -> bytes:
    """Section 5.2."""
    claims: dict[int, Any] = {SUBJECT: of.uri, ISSUED: of.issued_at}
    claims |= _some({ISSUER: of.issuer, EXPIRES: of.expires_at, _TTL: of.ttl_seconds})
    claims[_LIST] = {"bits": of.bits, "lst": compressed(of.array)}
    return cose.signed(cbor.encode(claims), signer, key_id, CWT_TYPE)


def read_jwt(token: str, keys: Collection[TrustedKey], now: int, uri: str) -> StatusList:
    """The list published at `uri`, signed by one of the keys and not expired (section 8.3); raises BadList."""
    if len(token) > TOKEN_BYTES:
        raise BadList("too large")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise BadList("not a JWT") from None
    if header.get("typ") != JWT_TYPE:
        raise BadList(f"typ is not {JWT_TYPE}")
    name = str(header.get("kid", "")).encode()
    for key in keys:
        if name not in key.ids or key.alg != header.get("alg") or key.withdrawn:
            continue
        claims = jws.verified(token, key, ("sub", "iat", "status_list"))
        if claims is not None:
            listed = claims.get("status_list")
            lst = listed.get("lst") if isinstance(listed, dict) else None
            return _checked(
                uri, now, key, subject=claims["sub"], issuer=claims.get("iss"), issued_at=claims["iat"],
                expires_at=claims.get("exp"), ttl=claims.get("ttl"), listed=listed, lst=_from_text(lst),
            )  # fmt: skip
    raise BadList("no trusted key signed it")


def read_cwt(token: bytes, keys: Collection[TrustedKey], now: int, uri: str) -> StatusList:
    """The same of a CWT; the tag is 18, and not 61. Raises BadList."""
    if len(token) > TOKEN_BYTES:
        raise BadList("too large")
    try:
        met: set[Leniency] = set()
        opened = cose.opened(token, met)
        if isinstance(opened, bytes) or Leniency.CWT_TAG in met:
            raise BadList("not a COSE_Sign1 with the tag 18 alone")
        if opened.kind != CWT_TYPE:
            raise BadList(f"type is not {CWT_TYPE}")
        key = cose.signer_of(opened, keys)
        if isinstance(key, Reason) or key.withdrawn:
            raise BadList("no trusted key signed it")
        claims = cbor.decode(opened.unverified_payload)
    except Unreadable as problem:
        raise BadList(problem.reason.value) from None
    if not isinstance(claims, dict):
        raise BadList("no claims")
    listed = claims.get(_LIST)
    return _checked(
        uri, now, key, subject=claims.get(SUBJECT), issuer=claims.get(ISSUER), issued_at=claims.get(ISSUED),
        expires_at=claims.get(EXPIRES), ttl=claims.get(_TTL), listed=listed,
        lst=listed.get("lst") if isinstance(listed, dict) else None,
    )  # fmt: skip


def _checked(
    uri: str, now: int, key: TrustedKey, *, subject: object, issuer: object, issued_at: object, expires_at: object,
    ttl: object, listed: object, lst: object,
) -> StatusList:  # fmt: skip
    if subject != uri:
        raise BadList("sub is not the address of the list")
    if issuer is not None and key.issuer is not None and issuer != key.issuer:
        raise BadList("another issuer's")
    bits = listed.get("bits") if isinstance(listed, dict) else None
    if not isinstance(bits, int) or isinstance(bits, bool) or bits not in SIZES or not isinstance(lst, bytes):
        raise BadList("status_list is not as it should be")
    issued = _instant(issued_at, "iat")
    expires = None if expires_at is None else _instant(expires_at, "exp")
    if _expired(expires, now):
        raise BadList("expired")
    if issued > now + LEEWAY_SECONDS:
        raise BadList("issued in the future")
    try:
        array = packing.inflated(lst, ARRAY_BYTES)
    except Unreadable as problem:
        raise BadList(problem.reason.value) from None
    return StatusList(
        uri=uri, issuer=key.issuer, bits=bits, array=array, issued_at=issued, expires_at=expires,
        ttl_seconds=None if ttl is None else _instant(ttl, "ttl"),
    )  # fmt: skip


def _expired(expires_at: int | None, now: int) -> bool:
    return expires_at is not None and now >= expires_at + LEEWAY_SECONDS


def _instant(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadList(f"{name} is not a whole number")
    return value


def _some(members: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in members.items() if value is not None}


def _from_text(text: object) -> bytes | None:
    try:
        return base64url_decode(text) if isinstance(text, str) else None
    except ValueError:
        return None
