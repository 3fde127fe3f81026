"""What the running authority is made of; its endpoints find it with `authority()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.faults import CATALOGUE, PATHS, FaultName
from connectors.sandbox.authority.tokens import Tokens
from connectors.sandbox.businesses import BUSINESS_CAST, Business, Firm
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.common import Common
from connectors.sandbox.settings import Settings
from connectors.sandbox.shelf import Shelf

INTERACTION_LIFETIME_SECONDS = 600
LAST_SIGNATURE_LIFETIME_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class SigningRequest:
    """What somebody is asked to sign, and where the signature goes."""

    challenge: bytes
    return_url: str
    relay_state: str


class AuthorityState(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths=PATHS)
        self.root = hierarchy.root(settings.seed)
        self.tokens = Tokens(settings.seed, settings.issuer)
        self.interactions = Shelf[SigningRequest](INTERACTION_LIFETIME_SECONDS)
        self.last_signatures = Shelf[bytes](LAST_SIGNATURE_LIFETIME_SECONDS)  # by personal number

    def rotate_keys(self, *, keep_old: bool) -> list[str]:  # noqa: ARG002  an authority never takes back what it issued
        return [self.tokens.roll_over()]

    def employer(self, citizen: Citizen) -> Business | None:
        """ORDINARY_SECOND has her certificate from the business that she directs; everybody else one of their own."""
        return BUSINESS_CAST[Firm.ORDINARY_SECOND] if citizen == CAST[Part.ORDINARY_SECOND] else None

    def is_set(self, name: FaultName) -> bool:
        return any(fault["fault"] == name for fault in self.faults.all())

    def is_revoked(self, holder: str, endpoint: str) -> bool:
        """Whether what this holder has is revoked, as far as this endpoint says."""
        return any(
            fault["fault"] == FaultName.REVOKED
            and fault.get("endpoint", endpoint) == endpoint
            and fault.get("citizen", holder) == holder
            for fault in self.faults.all()
        )


def authority() -> AuthorityState:
    """The authority that answers the current request."""
    return cast(AuthorityState, current_app.extensions["sandbox"])
