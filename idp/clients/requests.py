"""What a portal asks for: the authentication request (OpenID Connect Core section 3.1.2.1), validated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AuthenticationRequest:
    """A valid request of a known portal. `owed_level` must be reached, `wished_level` would be nice."""

    client_id: str
    redirect_uri: str
    state: str | None
    nonce: str | None
    code_challenge: str | None  # S256
    scopes: tuple[str, ...]
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    owed_level: int = 1
    wished_level: int = 1
    hinted_person_id: str | None = None  # hexadecimal: whom id_token_hint names
    ui_locales: tuple[str, ...] = ()
    requested_at: int = 0
    response_mode: str = "query"
    dpop_jkt: str | None = None  # the key to which the code is bound (RFC 9449 section 10)
    resource: str | None = None  # the API that the access token is for; None: our userinfo
    device: str | None = None  # hexadecimal id of the device that asks, where no browser brought the request
    binding_message: str = ""  # for a device: what it is for, in the portal's own words to the person
    remembered: str = ""  # what of it is kept beside the names of claims, as `oidc` packs it
    told_claims: tuple[str, ...] = ()  # of which the person is told because of that
    pushed: str | None = None  # the handle of the request that was pushed: spent when the answer is given

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> AuthenticationRequest:
        values: dict[str, Any] = json.loads(text)
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        return cls(**values)
