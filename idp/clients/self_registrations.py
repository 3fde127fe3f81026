"""Portals that registered themselves, and the token by which each looks after its registration (RFC 7592)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp import entropy
from idp.clients import models
from idp.storage import Database, Transaction

TOKEN_CHARACTERS = 256
NO_FINGERPRINT = b""  # of no token


@dataclass(frozen=True, kw_only=True)
class SelfRegistration:
    """`software` is what the portal said of its software: it is shown again and means nothing to us."""

    client_id: str
    invitation_id: bytes
    fingerprint: bytes
    software: Mapping[str, str]
    made_at: int

    def knows_token(self, token: str) -> bool:
        return len(token) <= TOKEN_CHARACTERS and entropy.same(entropy.fingerprint(token), self.fingerprint)


class SelfRegistrations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, client_id: str) -> SelfRegistration | None:
        row = self._database.one(models.FIND_SELF_REGISTRATION, client_id=client_id)
        return None if row is None else _read(row)

    def all(self) -> list[SelfRegistration]:
        return [_read(row) for row in self._database.all(models.FIND_SELF_REGISTRATIONS)]

    def add(
        self, tx: Transaction, client_id: str, invitation_id: bytes, software: Mapping[str, str], *, made_at: int
    ) -> str:
        """The portal looks after itself; returns the token, which is kept as a fingerprint."""
        token = entropy.opaque_value()
        tx.run(
            models.ADD_SELF_REGISTRATION, client_id=client_id, invitation_id=invitation_id,
            fingerprint=entropy.fingerprint(token), software=json.dumps(dict(software)), made_at=made_at,
        )  # fmt: skip
        return token

    def change(self, tx: Transaction, known: SelfRegistration, software: Mapping[str, str]) -> str | None:
        """The portal's next token, the old one being void; None if another change came first."""
        token = entropy.opaque_value()
        return token if self._replaced(tx, known, entropy.fingerprint(token), software) else None

    def end(self, tx: Transaction, known: SelfRegistration) -> bool:
        """Whether no token is the portal's any more; False if another change came first."""
        return self._replaced(tx, known, NO_FINGERPRINT, known.software)

    def void(self, tx: Transaction, client_id: str) -> bool:
        """No token is the portal's any more; whether one was, of a portal that registered itself."""
        return tx.run(models.VOID_SELF_REGISTRATION, client_id=client_id, no_fingerprint=NO_FINGERPRINT) == 1

    def _replaced(self, tx: Transaction, known: SelfRegistration, new: bytes, software: Mapping[str, str]) -> bool:
        changed = tx.run(
            models.CHANGE_SELF_REGISTRATION, client_id=known.client_id, old_fingerprint=known.fingerprint,
            new_fingerprint=new, new_software=json.dumps(dict(software)),
        )  # fmt: skip
        return changed == 1


def _read(row: Sequence[Any]) -> SelfRegistration:
    client_id, invitation_id, fingerprint, software, made_at = row
    return SelfRegistration(
        client_id=client_id, invitation_id=bytes(invitation_id), fingerprint=bytes(fingerprint),
        software=json.loads(software), made_at=made_at,
    )  # fmt: skip
