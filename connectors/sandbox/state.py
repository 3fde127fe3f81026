"""Everything that one running source is made of; its endpoints find it with `sandbox()`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import cast

from flask import current_app

from connectors.sandbox.banking import Banking
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.clients import AssertionCheck, Clients
from connectors.sandbox.common import Common
from connectors.sandbox.fault_book import Fault
from connectors.sandbox.faults import CATALOGUE, PATHS
from connectors.sandbox.id_tokens import IdTokens
from connectors.sandbox.keys import KeyRing
from connectors.sandbox.register import Register
from connectors.sandbox.settings import Settings
from connectors.sandbox.shelf import Shelf, now
from connectors.sandbox.source import SESSION_LIFETIME_SECONDS, AuthorizationRequest, Grant, SignIn, Source

PUSHED_REQUEST_LIFETIME_SECONDS = 60  # RFC 9126 section 2.2 suggests 5 to 600
INTERACTION_LIFETIME_SECONDS = 600
CODE_LIFETIME_SECONDS = 60  # RFC 6749 section 4.1.2 allows up to 600
ACCESS_TOKEN_LIFETIME_SECONDS = 300

_SOURCES: dict[str, type[Source]] = {source.kind: source for source in (Banking, Register)}


@dataclass(frozen=True, kw_only=True)
class Access:
    """What an access token stands for; a lie told in the id_token goes on in userinfo."""

    grant: Grant
    claims_lie: Fault | None


class Sandbox(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths=PATHS)
        self.source = _SOURCES[settings.kind](settings, self.population)
        self.keys = KeyRing()
        self.id_tokens = IdTokens(self.source, self.keys)
        self.clients = Clients(settings.clients_file)
        self.assertions = AssertionCheck(self.clients, (settings.issuer, settings.url("/token"), settings.url("/par")))
        self.pushed = Shelf[AuthorizationRequest](PUSHED_REQUEST_LIFETIME_SECONDS)
        self.interactions = Shelf[AuthorizationRequest](INTERACTION_LIFETIME_SECONDS)
        self.sessions = Shelf[SignIn](SESSION_LIFETIME_SECONDS)
        self.codes = Shelf[Grant](CODE_LIFETIME_SECONDS)
        self.spent_codes = Shelf[str](ACCESS_TOKEN_LIFETIME_SECONDS)  # the access token that the code bought
        self.access_tokens = Shelf[Access](ACCESS_TOKEN_LIFETIME_SECONDS)

    def rotate_keys(self, *, keep_old: bool) -> list[str]:
        self.keys.rotate(keep_old=keep_old)
        return [key.kid for key in self.keys.published()]

    def sign_in(self, citizen: Citizen, level: int) -> tuple[str, SignIn]:
        """A new session, and the value for the browser's cookie; the session's public id is another value."""
        session = SignIn(
            session_id=secrets.token_urlsafe(16),
            citizen=citizen,
            level=min(level, self.source.account(citizen).highest_level),
            auth_time=now(),
        )
        return self.sessions.put(session), session


def sandbox() -> Sandbox:
    """The source that answers the current request."""
    return cast(Sandbox, current_app.extensions["sandbox"])
