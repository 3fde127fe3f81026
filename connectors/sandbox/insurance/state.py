"""Everything that the running gateway is made of; its endpoints find it with `insurance()`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from typing import cast

from flask import current_app

from connectors.sandbox.cast import ONE_TIME_CODE
from connectors.sandbox.clients import Clients
from connectors.sandbox.common import Common
from connectors.sandbox.insurance.faults import CATALOGUE, PATHS
from connectors.sandbox.insurance.records import InsuranceFile, Record
from connectors.sandbox.settings import Settings
from connectors.sandbox.shelf import Shelf, now

TOKEN_LIFETIME_SECONDS = 3600
CODE_LIFETIME_SECONDS = 300
TRIES_PER_CODE = 20
MESSAGES_KEPT = 200


@dataclass(frozen=True, kw_only=True)
class Session:
    """What a token stands for."""

    username: str
    id_token: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """A text message that would have been sent."""

    at: int
    phone: str  # masked
    code: str


class Transaction:
    """One code for one person: found, sent, tried, used."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._lock = threading.Lock()
        self._sent_at: int | None = None
        self._tries = 0
        self._used = False

    def send(self) -> None:
        with self._lock:
            self._sent_at = now()

    def redeem(self, code: str) -> str:
        """The business code: of any number of right tries one hears 000."""
        with self._lock:
            if self._used:
                return "924"
            if self._sent_at is None or now() - self._sent_at >= CODE_LIFETIME_SECONDS:
                return "923"
            self._tries += 1
            if self._tries > TRIES_PER_CODE:
                return "925"
            if not hmac.compare_digest(code.encode(), ONE_TIME_CODE.encode()):
                return "922"
            self._used = True
            return "000"


class Insurance(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths=PATHS)
        self.file = InsuranceFile(self.population, settings.seed)
        self.clients = Clients(settings.clients_file)
        self.sessions = Shelf[Session](TOKEN_LIFETIME_SECONDS)
        self.transactions = Shelf[Transaction](2 * CODE_LIFETIME_SECONDS)
        self._messages: deque[Message] = deque(maxlen=MESSAGES_KEPT)

    def knows(self, username: str, password: str) -> bool:
        """Whether `password` is the MD5 of this client's secret."""
        client = self.clients.get(username)
        secret = (client and client.client_secret) or ""
        expected = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
        return bool(secret) and hmac.compare_digest(expected.encode(), password.encode())

    def new_session(self, username: str) -> tuple[str, Session]:
        session = Session(username=username, id_token=secrets.token_urlsafe(32))
        return self.sessions.put(session), session

    def phone_name(self, phone: str) -> str:
        """An opaque, stable name of the telephone."""
        return hashlib.sha256(f"{self.settings.seed} phone {phone}".encode()).hexdigest()[:24]

    def deliver(self, phone: str) -> None:
        self._messages.appendleft(Message(at=now(), phone=masked(phone), code=ONE_TIME_CODE))

    def messages(self) -> list[Message]:
        """The last messages, newest first."""
        return list(self._messages)

    def forget_messages(self) -> None:
        self._messages.clear()


def masked(phone: str) -> str:
    return f"*******{phone[-3:]}"


def insurance() -> Insurance:
    """The gateway that answers the current request."""
    return cast(Insurance, current_app.extensions["sandbox"])
