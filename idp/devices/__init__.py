"""Devices without a keyboard that wait until somebody has signed in for them elsewhere (RFC 8628).

A device is known by two codes: a long one that it keeps to itself and asks with, and a short one that a person types.
Both are kept so that whoever reads the table knows neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from idp import clock, entropy, observe
from idp.audit import Audit
from idp.devices import models
from idp.devices.numbers import DIGITS
from idp.seal import Sealer
from idp.storage import Database, Transaction
from idp.storage.database import Conflict

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1: no vowels, so no words, and nothing that looks like a digit
USER_CODE_LETTERS = 8  # 34 bits, with the limits on trying
TRIES = 4  # to draw a user code that nobody has at the moment
GRACE_SECONDS = 1  # instants are whole seconds: who waits exactly as long as told must not come too soon


class Waiting(StrEnum):
    """Why a device gets nothing yet, or ever."""

    PENDING = "pending"
    TOO_SOON = "too_soon"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Begun:
    device_code: str
    user_code: str


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that waits, as the person is to see it."""

    id: bytes
    client_id: str
    request: str
    user_code: str
    network: str
    began_at: int


class Devices:
    def __init__(self, database: Database, sealer: Sealer, audit: Audit) -> None:
        self._database = database
        self._sealer = sealer
        self._audit = audit

    def begin(self, client_id: str, request: str, network: str, *, seconds: int, wait_seconds: int) -> Begun:
        """The device waits for so many seconds, with codes that nobody else has."""
        for _ in range(TRIES - 1):
            try:
                return self._begun(client_id, request, network, seconds, wait_seconds)
            except Conflict:  # one user code in billions is somebody else's
                continue
        return self._begun(client_id, request, network, seconds, wait_seconds)

    def _begun(self, client_id: str, request: str, network: str, seconds: int, wait_seconds: int) -> Begun:
        now, device_id = clock.seconds(), entropy.ordered_id()
        begun = Begun(device_code=entropy.opaque_value(), user_code=entropy.letters(LETTERS, USER_CODE_LETTERS))
        origin = json.dumps({"user_code": begun.user_code, "network": network}).encode()
        with self._database.write() as tx:
            tx.run(
                models.ADD, id=device_id, fingerprint=entropy.fingerprint(begun.device_code),
                user_code_index=self._index(begun.user_code), client_id=client_id, request=request,
                origin=self._sealer.seal("device.origin", origin, device_id), began_at=now, expires_at=now + seconds,
                wait_seconds=wait_seconds, asked_at=0, decided_at=None, decided_by=None, code=None,
            )  # fmt: skip
        # Not on record for years: anybody can begin. What is decided is, and a beginning is counted.
        observe.DEVICES_BEGUN.inc()
        return begun

    def by_user_code(self, typed: str) -> Device | None:
        """The open device that shows this code, however it was typed; None for any other, whatever is wrong."""
        code = _plain(typed)
        if len(code) != USER_CODE_LETTERS or not set(code) <= set(LETTERS):
            return None
        return self._device(
            self._database.one(models.FIND_BY_USER_CODE, of_user_code=self._index(code), now=clock.seconds())
        )

    def open_one(self, device_id: bytes) -> Device | None:
        """The device, as long as nobody has decided about it and it waits."""
        return self._device(self._database.one(models.FIND_OPEN, of_device=device_id, now=clock.seconds()))

    def approve(self, device: Device, login_id: str, code: str, *, person_id: bytes, session_id: bytes) -> None:
        """The device is let in with this sealed code, unless somebody decided about it before."""
        with self._database.write() as tx:
            if self._decide(tx, device, login_id, code):
                self._audit.device_approved(tx, person_id=person_id, session_id=session_id, client_id=device.client_id)

    def decline(self, device: Device, login_id: str) -> None:
        """The device is turned away, unless somebody decided about it before."""
        with self._database.write() as tx:
            if self._decide(tx, device, login_id, None):
                self._audit.device_declined(tx, client_id=device.client_id)

    def decided(self, device_id: bytes, login_id: str) -> bool | None:
        """Whether this sign-in let the device in; None if it has not decided, or if another did."""
        row = self._database.one(models.FIND_DECISION, of_device=device_id, of_login=login_id)
        return None if row is None else bool(row[0])

    def code(self, device_code: str, client_id: str) -> str | Waiting:
        """What was granted to this client's device, sealed; or why it gets nothing (RFC 8628 section 3.5).

        It is not spent by this: whoever redeems it spends it.
        """
        row = self._database.one(
            models.FIND_ASKING, of_code=entropy.fingerprint(device_code), of_client=client_id
        )  # fmt: skip
        if row is None:
            return Waiting.UNKNOWN
        device_id, expires_at, decided_at, code = row
        if expires_at <= clock.seconds():
            return Waiting.EXPIRED
        if decided_at is None:
            return self._asked(bytes(device_id))
        return Waiting.DECLINED if code is None else str(code)

    def number(self, device_id: bytes, login_id: str) -> str:
        """What the person who let the device in by this sign-in is shown, to be typed at the device.

        Nobody can tell it from the codes of the device, nor before it was decided who lets it in.
        """
        mark = self._sealer.index("device.number", f"{device_id.hex()}:{login_id}")
        return f"{int.from_bytes(mark, 'big') % 10**DIGITS:0{DIGITS}}"

    def approval(self, device_code: str) -> tuple[bytes, str] | None:
        """The device that was let in, and the number that was shown for it; None for any other."""
        row = self._database.one(models.FIND_APPROVAL, of_code=entropy.fingerprint(device_code))
        return None if row is None else (bytes(row[0]), self.number(bytes(row[0]), row[1]))

    def withdraw(self, device_id: bytes) -> None:
        """The device is turned away after all."""
        with self._database.write() as tx:
            tx.run(models.WITHDRAW, of_device=device_id)

    def _decide(self, tx: Transaction, device: Device, login_id: str, code: str | None) -> bool:
        now = clock.seconds()
        return tx.one(models.DECIDE, of_device=device.id, now=now, login_id=login_id, sealed_code=code) is not None

    def _asked(self, device_id: bytes) -> Waiting:
        now = clock.seconds()
        with self._database.write() as tx:
            if tx.one(models.ASK_IN_TIME, of_device=device_id, now=now, latest=now + GRACE_SECONDS) is not None:
                return Waiting.PENDING
            tx.run(models.ASK_TOO_SOON, of_device=device_id, now=now)
        return Waiting.TOO_SOON

    def _device(self, row: Any) -> Device | None:
        if row is None:
            return None
        device_id, client_id, request, sealed, began_at = row
        origin = json.loads(self._sealer.open("device.origin", bytes(sealed), bytes(device_id)))
        return Device(
            id=bytes(device_id), client_id=client_id, request=request, user_code=shown(origin["user_code"]),
            network=origin["network"], began_at=began_at,
        )  # fmt: skip

    def _index(self, code: str) -> bytes:
        return self._sealer.index("device.user_code", code)


def shown(user_code: str) -> str:
    """The code in two halves, as people read it: BCDF-GHJK."""
    half = USER_CODE_LETTERS // 2
    return f"{user_code[:half]}-{user_code[half:]}"


def _plain(typed: str) -> str:
    """The letters of what was typed: small ones, spaces and dashes of any kind are not held against anybody."""
    return "".join(letter for letter in typed[:100].upper() if letter.isalnum())
