"""What the two kinds of source have in common, and where they differ."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import subject_seed
from connectors.sandbox.population import Population
from connectors.sandbox.settings import Settings

SESSION_LIFETIME_SECONDS = 8 * 3600


@dataclass(frozen=True, kw_only=True)
class Level:
    """One of a source's own levels of signing in, from 1 upwards, and its name in `acr_values`."""

    number: int
    acr: str
    means: tuple[str, ...]  # RFC 8176


@dataclass(frozen=True, kw_only=True)
class Account:
    """How a person stands with the source."""

    exists: bool = True
    refusal: str | None = None  # why, even with the right password, there is no sign-in: for `error_description`
    highest_level: int


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """What a client asked for, checked."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    nonce: str | None
    code_challenge: str | None
    prompt: frozenset[str]
    max_age: int | None
    levels: tuple[int, ...]  # of `acr_values`, those that this source has, in the order of preference
    login_hint: str


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Somebody proved themselves here: the source's own single sign-on session."""

    session_id: str
    citizen: Citizen
    level: int
    auth_time: int


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a code stands for."""

    request: AuthorizationRequest
    sign_in: SignIn


class Source(ABC):
    kind: ClassVar[str]
    signing_algorithm: ClassVar[str]
    client_authentication: ClassVar[str]
    requires_par: ClassVar[bool]
    requires_pkce: ClassVar[bool]
    levels: ClassVar[tuple[Level, ...]]
    claims_supported: ClassVar[tuple[str, ...]]

    def __init__(self, settings: Settings, population: Population) -> None:
        self.settings = settings
        self.population = population

    def subject(self, citizen: Citizen) -> str:
        """This source's own, stable name for the person; tells nothing."""
        seed = subject_seed(self.settings.seed, self.settings.name, citizen).hex()
        return f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}"

    def account(self, citizen: Citizen) -> Account:
        return Account(refusal="account_locked" if citizen.locked else None, highest_level=len(self.levels))

    def new_code(self) -> str:
        return secrets.token_urlsafe(32)

    def level(self, number: int) -> Level:
        return self.levels[number - 1]

    def levels_named(self, acr_values: str) -> tuple[int, ...]:
        """The levels in `acr_values` that this source has; what it does not know it ignores."""
        numbers = {level.acr: level.number for level in self.levels}
        return tuple(numbers[name] for name in acr_values.split() if name in numbers)

    @abstractmethod
    def id_token_claims(self, sign_in: SignIn) -> dict[str, Any]:
        """What the id_token says of the person and of the sign-in, beside the claims that every id_token has."""

    @abstractmethod
    def userinfo_claims(self, sign_in: SignIn) -> dict[str, Any]:
        """What userinfo says beside `sub`."""

    @abstractmethod
    def lower(self, claims: dict[str, Any]) -> None:
        """The claims now tell of the weakest sign-in that this source has."""
