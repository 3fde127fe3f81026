"""Everything that one running tax office is made of; its endpoints find it with `office()`."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import cast

from flask import current_app

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.common import Common
from connectors.sandbox.settings import Settings
from connectors.sandbox.shelf import Shelf, now
from connectors.sandbox.source import SESSION_LIFETIME_SECONDS, SignIn
from connectors.sandbox.tax.clients import Client, Clients
from connectors.sandbox.tax.faults import CATALOGUE, PATHS
from connectors.sandbox.tax.keys import KeyRing
from connectors.sandbox.tax.xml import CLASSES

INTERACTION_LIFETIME_SECONDS = 600
CONTEXT_CLASSES = {1: f"{CLASSES}PasswordProtectedTransport", 2: f"{CLASSES}MobileTwoFactorContract"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An AuthnRequest, checked."""

    client: Client
    request_id: str
    acs_url: str
    relay_state: str
    levels: tuple[int, ...]  # of those asked for, the ones that the office has; empty: any will do
    impossible: bool  # some were asked for, and the office has none of them
    force: bool
    passive: bool


class TaxOffice(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths=PATHS)
        self.keys = KeyRing(settings.name)
        self.clients = Clients(settings.clients_file)
        self.interactions = Shelf[Wanted](INTERACTION_LIFETIME_SECONDS)
        self.sessions = Shelf[SignIn](SESSION_LIFETIME_SECONDS)
        self.answered = Shelf[bool](INTERACTION_LIFETIME_SECONDS)  # ids of requests: each is answered once
        self._lock = threading.Lock()
        self._last: dict[str, bytes] = {}

    @property
    def entity_id(self) -> str:
        return self.settings.url("/metadata")

    def rotate_keys(self, *, keep_old: bool) -> list[str]:
        self.keys.rotate(keep_old=keep_old)
        return [pair.fingerprint for pair in self.keys.published()]

    def sign_in(self, citizen: Citizen, level: int) -> tuple[str, SignIn]:
        """A new session, and the value for the browser's cookie; the session's public index is another value."""
        session = SignIn(session_id=f"_{secrets.token_hex(16)}", citizen=citizen, level=level, auth_time=now())
        return self.sessions.put(session), session

    def remember(self, client: Client, response: bytes) -> None:
        with self._lock:
            self._last[client.entity_id] = response

    def last_response(self, client: Client) -> bytes | None:
        """The last honest response to this client, to be replayed."""
        with self._lock:
            return self._last.get(client.entity_id)


def office() -> TaxOffice:
    """The office that answers the current request."""
    return cast(TaxOffice, current_app.extensions["sandbox"])
