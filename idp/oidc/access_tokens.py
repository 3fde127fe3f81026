"""Access tokens: made as their client registered them, opaque or JWT (RFC 9068), and read again whatever they are.

What a reader gets was ours and has not expired. Whether it was revoked is asked of `Grants` each time, of both kinds:
a JWT's `jti` holds the token's id and its grant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import clock, entropy
from idp.clients import Binding, Client, Clients
from idp.keys import ACCESS_TOKEN_TYPE, Keys, NotOurs
from idp.oidc.sealed import TOKEN_PREFIX, AccessToken, Unreadable, jti_of, open_access_token, seal_access_token
from idp.people import People, assurance, claims
from idp.seal import Sealer, from_text, to_text

LONGEST_SECONDS = 300  # of a token that somebody may believe without asking us
ID_BYTES = 16
JWT_LIMIT_CHARACTERS = 4096
REMEMBERED = "asked"  # our own: what userinfo is asked for, for nobody else to read


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The person whom a token is about, as its client knows them."""

    origin: bytes  # from whose id the subs at APIs are made
    sub: str
    auth_time: int
    level: int


@dataclass(frozen=True, kw_only=True)
class AccessTokens:
    sealer: Sealer
    keys: Keys
    clients: Clients
    people: People
    issuer: str
    lifetime_seconds: int

    def seconds(self, client: Client, *, exchanged: bool = False) -> int:
        """For how long a token of this client is good."""
        if exchanged or client.access_token_format == "jwt":
            return min(self.lifetime_seconds, LONGEST_SECONDS)
        return self.lifetime_seconds

    def made(self, token: AccessToken, client: Client, subject: Subject | None) -> str:
        """The token as text; without a subject it is its client's own."""
        if client.access_token_format == "opaque":
            return seal_access_token(self.sealer, token)
        return self.keys.sign(
            self._as_jwt(token, client, subject), client.id_token_signed_response_alg, ACCESS_TOKEN_TYPE
        )

    def fresh(
        self, client: Client, *, grant_id: bytes | None, binding: Binding | None, resource: str | None = None,
        scopes: tuple[str, ...] = (), api_scopes: tuple[str, ...] = (), exchanged: bool = False,
        remembered: bytes = b"",
    ) -> AccessToken:  # fmt: skip
        now = clock.seconds()
        return AccessToken(
            id=entropy.random_id(), grant_id=grant_id, client_id=client.id, issued_at=now,
            expires_at=now + self.seconds(client, exchanged=exchanged), scopes=scopes, api_scopes=api_scopes,
            binding=binding, resource=resource, exchanged=exchanged,
            remembered=remembered if resource is None else b"",  # an API has nothing to ask userinfo
        )  # fmt: skip

    def read(self, text: str) -> AccessToken:
        """The token, if it is ours and has not expired; raises Unreadable."""
        if text.startswith(TOKEN_PREFIX):
            return open_access_token(self.sealer, text)
        if len(text) > JWT_LIMIT_CHARACTERS or not text.isascii() or text.count(".") != 2:
            raise Unreadable
        try:
            token = self._from_jwt(self.keys.open_access_token(text))
        except NotOurs:
            raise Unreadable from None
        if token.expires_at <= clock.seconds():  # our own clock set it, so nothing is allowed for another one
            raise Unreadable
        return token

    def _sub_within(self, token: AccessToken, client: Client, subject: Subject) -> str:
        """The sub in a JWT for an API: portal and API can both read it (RFC 9068 section 6), so only their two sectors
        share it. By the API's own, two portals could compare whom they serve; that one is told to it at /introspect."""
        api = None if token.resource is None else self.clients.by_resource(token.resource)
        if api is None:
            return subject.sub
        shared = client.sector if client.sector == api.sector else f"{client.sector} {api.sector}"
        return self.people.sub_in(shared, subject.origin)

    def _as_jwt(self, token: AccessToken, client: Client, subject: Subject | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "iss": self.issuer, "aud": token.resource or self.issuer, "client_id": token.client_id,
            "sub": token.client_id, "iat": token.issued_at, "exp": token.expires_at, "jti": jti_of(token),
        }  # fmt: skip
        if token.all_scopes:
            said["scope"] = token.all_scopes
        if subject is not None:
            said["sub"] = self._sub_within(token, client, subject)
            said |= {"auth_time": subject.auth_time, "acr": assurance.acr(subject.level)}
        if token.binding is not None:
            said["cnf"] = token.binding.as_cnf()
        if token.exchanged:
            said["act"] = {"sub": token.client_id}  # RFC 8693 section 4.1
        if token.remembered:
            said[REMEMBERED] = to_text(token.remembered)
        return said

    def _from_jwt(self, said: Mapping[str, Any]) -> AccessToken:
        ids = from_text(said["jti"])
        words = said.get("scope", "").split()
        known = tuple(word for word in words if word in claims.SCOPE_POSITIONS)
        return AccessToken(
            id=ids[:ID_BYTES], grant_id=ids[ID_BYTES:] or None, client_id=said["client_id"], issued_at=said["iat"],
            expires_at=said["exp"], scopes=known, api_scopes=tuple(word for word in words if word not in known),
            binding=_binding(said.get("cnf")), resource=None if said["aud"] == self.issuer else said["aud"],
            exchanged="act" in said, remembered=from_text(said.get(REMEMBERED, "")),
        )  # fmt: skip


def _binding(cnf: Mapping[str, str] | None) -> Binding | None:
    if cnf is None:
        return None
    if "jkt" in cnf:
        return Binding("jkt", from_text(cnf["jkt"]))
    return Binding("x5t#S256", from_text(cnf["x5t#S256"]))
