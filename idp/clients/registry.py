"""The portals in force, cached in every worker and dropped within a second or two of a change."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from idp import clock, entropy
from idp.clients import models
from idp.clients.client import Client, Registration
from idp.storage import Database, Transaction
from idp.storage.changes import Changes

TOPIC = "clients"
CACHED_CLIENTS = 10_000
CLIENT_ID_LIMIT_CHARACTERS = 64
CLIENT_ID = re.compile(rf"[A-Za-z0-9._~-]{{1,{CLIENT_ID_LIMIT_CHARACTERS}}}", re.ASCII)


class UnknownClient(LookupError):
    """No portal has this id."""


class Clients:
    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._number = -1
        self._known: dict[str, Client] = {}

    def find(self, client_id: str) -> Client | None:
        """The portal with this id, switched on or off, or None."""
        if not CLIENT_ID.fullmatch(client_id):
            return None  # whoever asks may write anything; only what can be an id reaches the database
        number = self._changes.number(TOPIC)
        if number != self._number or len(self._known) > CACHED_CLIENTS:
            self._known, self._number = {}, number
        cache = self._known  # what is read now belongs to this number: it must not outlive it in the next one's cache
        known = cache.get(client_id)
        if known is None:
            row = self._database.one(models.FIND, client_id=client_id)
            if row is None:
                return None
            known = cache[client_id] = _client(row)
        return known

    def all(self) -> list[Client]:
        return [_client(row) for row in self._database.all(models.FIND_ALL)]

    def add(self, tx: Transaction, client_id: str, registration: Registration) -> str | None:
        """The portal is registered and on; returns its secret, which is shown this once, or None for a public client.

        Raises ValueError for an id that cannot be one, Conflict (from the transaction) for one that is taken.
        """
        if not CLIENT_ID.fullmatch(client_id):
            raise ValueError(f"id: letters, digits and . _ ~ -, {CLIENT_ID_LIMIT_CHARACTERS} at most")
        secret = None if registration.token_endpoint_auth_method == "none" else entropy.opaque_value()
        tx.run(
            models.ADD, id=client_id, enabled=1, registration=registration.model_dump_json(), made_at=clock.seconds(),
            changed_at=clock.seconds(), secret_fingerprint=entropy.fingerprint(secret) if secret else None,
        )  # fmt: skip
        self._changes.bump(tx, TOPIC)
        return secret

    def set_enabled(self, tx: Transaction, client_id: str, enabled: bool) -> None:
        """The portal is on or off, in every worker within seconds; raises UnknownClient."""
        if not tx.run(models.SET_ENABLED, client_id=client_id, on=int(enabled), now=clock.seconds()):
            raise UnknownClient(client_id)
        self._changes.bump(tx, TOPIC)

    def new_secret(self, tx: Transaction, client_id: str) -> str:
        """The portal has a new secret, and the old one is void; raises UnknownClient."""
        secret = entropy.opaque_value()
        found = tx.run(
            models.SET_SECRET, client_id=client_id, new_fingerprint=entropy.fingerprint(secret), now=clock.seconds()
        )
        if not found:
            raise UnknownClient(client_id)
        self._changes.bump(tx, TOPIC)
        return secret


def _client(row: Sequence[Any]) -> Client:
    client_id, enabled, secret_fingerprint, registration = row
    kept = None if secret_fingerprint is None else bytes(secret_fingerprint)
    return Client(**json.loads(registration), id=client_id, enabled=bool(enabled), secret_fingerprint=kept)
