"""`/userinfo` (OpenID Connect Core section 5.3): what the grant entitles its portal to, as it stands now. One read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idp import errors
from idp.clients import Client, Clients
from idp.clients.keys import NoKey
from idp.errors import Refused
from idp.oidc.http import NOT_STORED, Request, Response, as_json
from idp.oidc.jose import Jose, algorithms_of
from idp.oidc.presented import MoreNeeded, Presented
from idp.oidc.remembered import unpacked
from idp.oidc.sealed import AccessToken
from idp.oidc.verification import Verification
from idp.oidc.verified_claims import names_to_tell
from idp.people import assurance, claims
from idp.sessions.grants import Entitled, Grants

OPENID = "openid"


@dataclass(frozen=True, kw_only=True)
class UserInfo:
    """A plain function from request to response."""

    presented: Presented
    clients: Clients
    grants: Grants
    jose: Jose
    verification: Verification
    issuer: str

    def __call__(self, request: Request) -> Response:
        return self.presented.answered(request, self._answer)

    def _answer(self, token: AccessToken) -> Response:
        client, entitled = self._entitled(token)
        return self._protected(client, self._released(token, client, entitled))

    def _entitled(self, token: AccessToken) -> tuple[Client, Entitled]:
        """Raises Refused unless the token and all that it names stand, and it is for a person's claims."""
        if token.grant_id is None or OPENID not in token.scopes:
            raise MoreNeeded(errors.NOT_A_PERSONS_TOKEN, scope=OPENID)
        entitled, client = self.grants.entitled(token.grant_id, token.id), self.clients.find(token.client_id)
        if entitled is None or client is None or entitled.client_id != client.id:
            raise Refused(errors.BAD_TOKEN)
        if entitled.level < client.minimum_level:
            raise MoreNeeded(errors.LEVEL_TOO_LOW, acr_values=assurance.acr(client.minimum_level))
        return client, entitled

    def _protected(self, client: Client, told: Mapping[str, Any]) -> Response:
        """JSON, or a JWT where the portal registered that (section 5.3.2); raises Refused."""
        signing, encryption = algorithms_of(client, "userinfo")
        if signing is None and encryption is None:
            return as_json(200, told)
        if signing is not None:
            told = {"iss": self.issuer, "aud": client.id, **told}
        try:
            body = self.jose.protect(told, client, "userinfo").encode("ascii")
        except NoKey:
            raise Refused(errors.NO_KEY_FOR_USERINFO) from None
        return Response(status=200, headers=(("Content-Type", "application/jwt"), *NOT_STORED), body=body)

    def _released(self, token: AccessToken, client: Client, entitled: Entitled) -> dict[str, Any]:
        names = _still(entitled.claim_names, token, client, entitled)
        told = {"sub": entitled.sub, **claims.released(names, entitled.release)}
        if not token.remembered:
            return told
        asked = unpacked(token.remembered).userinfo
        names = _still(() if asked is None else names_to_tell(asked), token, client, entitled)
        return told | self.verification.told(asked, names, entitled.release, entitled.checked_at)


def _still(names: Iterable[str], token: AccessToken, client: Client, entitled: Entitled) -> tuple[str, ...]:
    """Also without what an operator took from the portal since: a grant may last for months."""
    return claims.allowed(claims.narrowed(names, entitled.scopes, token.scopes), client.scopes)
