"""The portals in force, cached in every worker and dropped within a second or two of a change."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import structlog

from idp import clock, entropy
from idp.clients import models
from idp.clients.client import Client
from idp.clients.registration import Registration
from idp.seal import Sealer
from idp.storage import Database, Transaction
from idp.storage.changes import Changes

TOPIC = "clients"
APIS_TOPIC = "clients.apis"  # which name is whose: an operator's to say, so that no portal's change of its own moves it
SECRET_PURPOSE = "clients.secret"
CACHED_CLIENTS = 10_000
CLIENT_ID_LIMIT_CHARACTERS = 64
CLIENT_ID = re.compile(rf"[A-Za-z0-9._~-]{{1,{CLIENT_ID_LIMIT_CHARACTERS}}}", re.ASCII)

log = structlog.get_logger()


class UnknownClient(LookupError):
    """No portal has this id."""


class ChangedMeanwhile(RuntimeError):
    """The portal is not any more what somebody wanted to change."""


class Clients:
    def __init__(self, database: Database, changes: Changes, sealer: Sealer) -> None:
        self._database = database
        self._changes = changes
        self._sealer = sealer
        self._number = -1
        self._known: dict[str, Client] = {}
        self._apis: tuple[int, dict[str, str]] = (-1, {})

    def find(self, client_id: str) -> Client | None:
        """The portal with this id, switched on or off, or None: also for one that this release cannot read."""
        number = self._changes.number(TOPIC)
        if number != self._number or len(self._known) > CACHED_CLIENTS:
            self._known, self._number = {}, number
        cache = self._known  # what is read now belongs to this number: it must not outlive it in the next one's cache
        known = cache.get(client_id) or self.read(client_id)
        if known is not None:
            cache[client_id] = known
        return known

    def read(self, client_id: str) -> Client | None:
        """As `find`, but as it is this moment: for whoever will change it."""
        if not CLIENT_ID.fullmatch(client_id):
            return None  # whoever asks may write anything; only what can be an id reaches the database
        row = self._database.one(models.FIND, client_id=client_id)
        return None if row is None else _client_or_none(row)

    def by_resource(self, resource: str) -> Client | None:
        """The API that answers to this name, switched on or off, or None."""
        number = self._changes.number(APIS_TOPIC)
        if number != self._apis[0]:
            self._apis = (number, {name: client.id for client in self.all() for name in client.resource_uris})
        client_id = self._apis[1].get(resource)
        return None if client_id is None else self.find(client_id)

    def all(self) -> list[Client]:
        """Every portal, switched on or off, by id; without those that this release cannot read."""
        return [client for row in self._database.all(models.FIND_ALL) if (client := _client_or_none(row)) is not None]

    def unreadable(self) -> list[str]:
        """The ids of portals whose registration this release refuses: they are as good as switched off."""
        return [row[0] for row in self._database.all(models.FIND_ALL) if _client_or_none(row) is None]

    def add(self, tx: Transaction, client_id: str, registration: Registration) -> str | None:
        """The portal is registered and on; returns its secret, which is shown this once, or None if it has none.

        Raises ValueError for an id that cannot be one, Conflict (from the transaction) for one that is taken.
        """
        if not CLIENT_ID.fullmatch(client_id):
            raise ValueError(f"id: letters, digits and . _ ~ -, {CLIENT_ID_LIMIT_CHARACTERS} at most")
        secret = entropy.opaque_value() if registration.has_secret else None
        kept, sealed = self._kept_of(client_id, registration, secret)
        tx.run(
            models.ADD, id=client_id, enabled=1, registration=registration.model_dump_json(), made_at=clock.seconds(),
            changed_at=clock.seconds(), secret_fingerprint=kept, sealed_secret=sealed,
        )  # fmt: skip
        self._changes.bump(tx, TOPIC)
        if registration.resource_uris:
            self._changes.bump(tx, APIS_TOPIC)
        return secret

    def change(self, tx: Transaction, client_id: str, before: Registration, after: Registration) -> str | None:
        """The portal's registration is another; returns its new secret, if it needs one that it did not have.

        A secret that is only compared is kept as a fingerprint, so that a portal which begins to sign with its secret
        gets a new one. Raises UnknownClient, and ChangedMeanwhile for a portal that is not `before` any more.
        """
        row = tx.one(models.FIND, client_id=client_id)
        if row is None:
            raise UnknownClient(client_id)
        if _said(_client(row)) != _said(before) or not tx.run(
            models.CHANGE, client_id=client_id, old_registration=row[4], new_registration=after.model_dump_json(),
            now=clock.seconds(),
        ):  # fmt: skip
            raise ChangedMeanwhile(client_id)
        self._changes.bump(tx, TOPIC)
        if after.resource_uris != before.resource_uris:
            self._changes.bump(tx, APIS_TOPIC)
        if after.has_secret and (not before.has_secret or after.signs_with_secret != before.signs_with_secret):
            return self._give_secret(tx, client_id, after)
        if before.has_secret and not after.has_secret:
            self._keep_secret(tx, client_id, after, None)
        return None

    def set_enabled(self, tx: Transaction, client_id: str, enabled: bool) -> None:
        """The portal is on or off, in every worker within seconds; raises UnknownClient."""
        if not tx.run(models.SET_ENABLED, client_id=client_id, on=int(enabled), now=clock.seconds()):
            raise UnknownClient(client_id)
        self._changes.bump(tx, TOPIC)

    def new_secret(self, tx: Transaction, client_id: str) -> str:
        """The portal has a new secret, and the old one is void; raises UnknownClient."""
        row = tx.one(models.FIND, client_id=client_id)
        if row is None:
            raise UnknownClient(client_id)
        self._changes.bump(tx, TOPIC)
        return self._give_secret(tx, client_id, _client(row))

    def secret_of(self, client: Client) -> str | None:
        """The secret of a portal that signs with it (client_secret_jwt), which alone is kept so that it can be read."""
        if client.sealed_secret is None or not client.signs_with_secret:
            return None
        return self._sealer.open(SECRET_PURPOSE, client.sealed_secret, client.id.encode()).decode()

    def _give_secret(self, tx: Transaction, client_id: str, registration: Registration) -> str:
        secret = entropy.opaque_value()
        self._keep_secret(tx, client_id, registration, secret)
        return secret

    def _keep_secret(self, tx: Transaction, client_id: str, registration: Registration, secret: str | None) -> None:
        kept, sealed = self._kept_of(client_id, registration, secret)
        tx.run(models.SET_SECRET, client_id=client_id, new_fingerprint=kept, new_sealed=sealed, now=clock.seconds())

    def _kept_of(
        self, client_id: str, registration: Registration, secret: str | None
    ) -> tuple[bytes | None, bytes | None]:
        """How the secret is kept: by its fingerprint, or sealed where a signature made with it must be checked."""
        if secret is None:
            return None, None
        if registration.signs_with_secret:
            return None, self._sealer.seal(SECRET_PURPOSE, secret.encode(), client_id.encode())
        return entropy.fingerprint(secret), None


def _said(portal: Registration) -> dict[str, Any]:
    return portal.model_dump(include=set(Registration.model_fields))


def _client_or_none(row: Sequence[Any]) -> Client | None:
    """The portal; None, and a line in the log, for one that this release cannot read: it must not stop others."""
    try:
        return _client(row)
    except (TypeError, ValueError) as problem:
        log.error("client_unreadable", client_id=row[0], problem=type(problem).__name__)
        return None


def _client(row: Sequence[Any]) -> Client:
    client_id, enabled, secret_fingerprint, sealed_secret, registration, registered_itself = row
    kept, sealed = (None if value is None else bytes(value) for value in (secret_fingerprint, sealed_secret))
    return Client(
        **json.loads(registration), id=client_id, enabled=bool(enabled), secret_fingerprint=kept, sealed_secret=sealed,
        registered_itself=bool(registered_itself),
    )  # fmt: skip
