"""id_tokens (OpenID Connect Core section 2): facts of the sign-in always, claims only if they were asked for here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import clock, errors
from idp.clients import Client
from idp.clients.keys import NoKey
from idp.errors import Refused
from idp.oidc.jose import Jose
from idp.people.assurance import AcrWords
from idp.seal import to_text
from idp.sessions import Sessions
from idp.sessions.grants import Granted

# EdDSA is Ed25519 here, which hashes with SHA-512 (RFC 8032 section 5.1), so that is what at_hash is the half of.
_HASHES = {"RS256": hashlib.sha256, "PS256": hashlib.sha256, "ES256": hashlib.sha256, "EdDSA": hashlib.sha512}


@dataclass(frozen=True, kw_only=True)
class IdTokens:
    jose: Jose
    sessions: Sessions
    words: AcrWords
    issuer: str
    lifetime_seconds: int

    def check(self, client: Client) -> None:
        """Raises Refused for a client whose id_tokens are to be encrypted and that shows no key: before it has spent
        anything."""
        if client.id_token_encrypted_response_alg is not None:
            try:
                self.jose.client_keys.encryption_key(client, client.id_token_encrypted_response_alg)
            except NoKey:
                raise Refused(errors.NO_KEY_FOR_TOKEN) from None

    def made(
        self, client: Client, granted: Granted, session_id: bytes, access_token: str, *, nonce: str | None = None,
        asked: Mapping[str, Any] | None = None, acr_series: int = 0,
    ) -> str:  # fmt: skip
        """The id_token, signed and encrypted as the client registered. One that is made at a refresh says of the
        sign-in what the first one said (section 12.2), in the same words. Raises NoKey where `check` would have.
        """
        now = clock.seconds()
        facts: dict[str, Any] = {
            "iss": self.issuer, "sub": granted.sub, "aud": client.id, "iat": now, "exp": now + self.lifetime_seconds,
            "auth_time": granted.auth_time, "acr": self.words.word(granted.level, acr_series),
            "sid": self.sessions.sid(session_id, client), "source_kind": granted.source_kind,
            "at_hash": half_hash(access_token, client.id_token_signed_response_alg),
        }  # fmt: skip
        if granted.amr:
            facts["amr"] = list(granted.amr)
        if nonce is not None:
            facts["nonce"] = nonce
        return self.jose.protect(dict(asked or {}) | facts, client, "id_token")


def half_hash(value: str, alg: str) -> str:
    """at_hash (section 3.1.3.6): the left half of the hash that goes with the signature's algorithm."""
    digest = _HASHES[alg](value.encode("ascii")).digest()
    return to_text(digest[: len(digest) // 2])
