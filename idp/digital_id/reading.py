"""A card from the claims of a CWT, whether in the strict form or as others write it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from idp.digital_id import card as layout
from idp.digital_id import cbor
from idp.digital_id.card import Biometric, Card, StatusReference
from idp.digital_id.reasons import Leniency, Reason, Unreadable

LATEST_INSTANT = 253_402_300_799  # the end of the year 9999
_DIGITS = "0123456789"
_CWT_NAMES = {layout.ISSUER: "issuer", layout.SUBJECT: "subject"}
_INSTANTS = {layout.EXPIRES: "expires_at", layout.NOT_BEFORE: "not_before", layout.ISSUED: "issued_at"}


def read_card(payload: bytes, met: set[Leniency]) -> Card:
    """The card that the payload of a CWT holds; adds to `met` how it is not strict. Raises Unreadable."""
    claims = cbor.decode(payload)
    if not isinstance(claims, dict):
        raise Unreadable(Reason.BAD_CLAIM)
    if cbor.encode(claims) != payload:
        met.add(Leniency.NOT_DETERMINISTIC)
    return _Reader(met).card(claims)


class _Reader:
    def __init__(self, met: set[Leniency]) -> None:
        self._met = met
        self._unknown: dict[str, Any] = {}

    def card(self, claims: dict[Any, Any]) -> Card:
        if layout.IDENTITY not in claims:
            raise Unreadable(Reason.NO_IDENTITY)
        known = self._claims(claims) | self._attributes(self._identity(claims[layout.IDENTITY]))
        if not {"issuer", "expires_at", "issued_at"} <= known.keys():
            self._met.add(Leniency.MISSING_CLAIM)
        return Card(**known, unknown=self._unknown)

    def _claims(self, claims: dict[Any, Any]) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for key, value in claims.items():
            if key in _CWT_NAMES:
                known[_CWT_NAMES[key]] = _text(value)
            elif key in _INSTANTS:
                known[_INSTANTS[key]] = _whole(value, 0, LATEST_INSTANT)
            elif key == layout.CODE_ID:
                known["code_id"] = _bytes(value)
            elif key == layout.CONFIRMATION:
                known["holder_key"] = self._holder_key(value)
            elif key == layout.STATUS:
                known["status"] = self._status(value)
            elif key != layout.IDENTITY:
                self._unknown[str(key)] = value
        return known

    def _holder_key(self, value: object) -> bytes | None:
        members = _map(value)
        self._others(str(layout.CONFIRMATION), members, layout.THUMBPRINT)
        return _bytes(members[layout.THUMBPRINT]) if layout.THUMBPRINT in members else None

    def _status(self, value: object) -> StatusReference | None:
        """A status told otherwise than by a list is unknown, which is not the same as none: see `Verdict`."""
        members = _map(value)
        self._others(str(layout.STATUS), members, layout.STATUS_LIST)
        if layout.STATUS_LIST not in members:
            return None
        reference = _map(members[layout.STATUS_LIST])
        self._others(f"{layout.STATUS}/{layout.STATUS_LIST}", reference, layout.INDEX, layout.URI)
        return StatusReference(
            index=_whole(reference.get(layout.INDEX), 0, 2**63), uri=_text(reference.get(layout.URI))
        )

    def _identity(self, value: object) -> dict[Any, Any]:
        if isinstance(value, bytes):
            self._met.add(Leniency.WRAPPED_CLAIM)
            value = cbor.decode(value)
        return _map(value)

    def _attributes(self, attributes: dict[Any, Any]) -> dict[str, Any]:
        known: dict[str, Any] = {}
        biometrics: dict[int, tuple[Biometric, ...]] = {}
        for key, value in attributes.items():
            if key in layout.TEXTS:
                known[layout.TEXTS[key]] = _text(value)
            elif key in layout.CHOICES:
                name, most = layout.CHOICES[key]
                known[name] = self._number(value, 1, most)
            elif key == layout.PHOTO:
                known["photo"] = self._photo(value)
            elif key == layout.BEST_FINGERS:
                known["best_fingers"] = tuple(self._number(finger, 0, 10) for finger in _list(value))
            elif key in layout.BIOMETRICS:
                biometrics[key] = self._biometrics(key, value)
            else:
                self._unknown[f"{layout.IDENTITY}/{key}"] = value
        return known | {"biometrics": biometrics}

    def _biometrics(self, number: int, value: object) -> tuple[Biometric, ...]:
        if isinstance(value, dict):
            self._met.add(Leniency.SINGLE_BIOMETRIC)
            value = [value]
        return tuple(self._biometric(number, _map(one)) for one in _list(value))

    def _biometric(self, number: int, members: dict[Any, Any]) -> Biometric:
        known = (layout.DATA, layout.FORMAT, layout.SUBFORMAT, layout.BIOMETRIC_ISSUER)
        self._others(f"{layout.IDENTITY}/{number}", members, *known)
        kind, sub, issuer = members.get(layout.FORMAT), members.get(layout.SUBFORMAT), members.get(known[-1])
        return Biometric(
            data=_bytes(members.get(layout.DATA)),
            format=None if kind is None else self._number(kind, 0, 3),
            subformat=None if sub is None else self._number(sub, 0, 200),
            issuer=None if issuer is None else _text(issuer),
        )

    def _photo(self, value: object) -> bytes:
        if isinstance(value, str):
            self._met.add(Leniency.PHOTO_AS_TEXT)
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise Unreadable(Reason.BAD_CLAIM) from None
        return _bytes(value)

    def _number(self, value: object, least: int, most: int) -> int:
        if isinstance(value, str) and 0 < len(value) <= 3 and all(letter in _DIGITS for letter in value):
            self._met.add(Leniency.NUMBER_AS_TEXT)
            value = int(value)
        return _whole(value, least, most)

    def _others(self, place: str, members: dict[Any, Any], *known: object) -> None:
        self._unknown |= {f"{place}/{key}": value for key, value in members.items() if key not in known}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable(Reason.BAD_CLAIM)
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise Unreadable(Reason.BAD_CLAIM)
    return value


def _whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Unreadable(Reason.BAD_CLAIM)
    return value


def _map(value: object) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Unreadable(Reason.BAD_CLAIM)
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable(Reason.BAD_CLAIM)
    return value
