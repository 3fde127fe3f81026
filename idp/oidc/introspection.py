"""`/introspect` (RFC 7662): what a token is good for, told to whom it was issued and to the API that it is for.

Whoever else asks learns nothing, not even that there is such a token. Signed where that is asked for (RFC 9701).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import clock, errors
from idp.clients import Client, Clients
from idp.errors import Refused
from idp.oidc.access_tokens import AccessTokens
from idp.oidc.client_authentication import Authenticated
from idp.oidc.http import NOT_STORED, Parameters, Request, Response, as_json
from idp.oidc.jose import Jose
from idp.oidc.sealed import REFRESH_PREFIX, AccessToken, Unreadable, jti_of, read_refresh_token
from idp.people import assurance, claims
from idp.sessions.grants import Entitled, Grants

JWT_TYPE = "application/token-introspection+jwt"
_NOTHING: Mapping[str, Any] = {"active": False}


@dataclass(frozen=True, kw_only=True)
class Introspection:
    clients: Clients
    grants: Grants
    access_tokens: AccessTokens
    jose: Jose
    issuer: str

    def __call__(self, request: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        client, text = authenticated.client, parameters.as_dict().get("token")
        if client.is_public:
            raise Refused(errors.BAD_CLIENT_AUTHENTICATION, "a client that cannot prove who it is")
        if text is None:
            raise Refused(errors.NO_TOKEN_NAMED)
        about = self._refresh_token if text.startswith(REFRESH_PREFIX) else self._access_token
        said = about(text, client)
        if JWT_TYPE not in request.headers.get("accept", ""):
            return as_json(200, said)
        told = {"iss": self.issuer, "aud": client.id, "iat": clock.seconds(), "token_introspection": dict(said)}
        body = self.jose.protect(told, client, "introspection").encode()
        return Response(status=200, headers=(("Content-Type", JWT_TYPE), *NOT_STORED), body=body)

    def _access_token(self, text: str, client: Client) -> Mapping[str, Any]:
        try:
            token = self.access_tokens.read(text)
        except Unreadable:
            return _NOTHING
        is_for_client = token.resource is not None and token.resource in client.resource_uris
        issued_to = self.clients.find(token.client_id)
        if not (token.client_id == client.id or is_for_client) or issued_to is None or not issued_to.enabled:
            return _NOTHING
        if token.grant_id is None:
            return _NOTHING if self.grants.is_revoked(token.id) else self._about(token) | {"sub": token.client_id}
        return self._of_person(token, client, token.grant_id)

    def _of_person(self, token: AccessToken, client: Client, grant_id: bytes) -> Mapping[str, Any]:
        entitled = self.grants.entitled(grant_id, token.id)
        if entitled is None or not (token.exchanged or entitled.client_id == token.client_id):
            return _NOTHING
        api = None if token.resource is None else self.clients.by_resource(token.resource)
        if api is not None and entitled.level < api.minimum_level:
            return _NOTHING
        return self._agreed(token, client, entitled) | self._about(token) | {
            "sub": self._sub_at(client, entitled),
            "auth_time": entitled.auth_time, "acr": assurance.acr(entitled.level),
        }  # fmt: skip

    def _sub_at(self, client: Client, entitled: Entitled) -> str:
        """Of whoever asks: an API's would give two portals something to compare, and a portal's two APIs."""
        if entitled.client_id == client.id:
            return entitled.sub
        return self.access_tokens.people.sub_in(client.sector, entitled.origin)

    def _agreed(self, token: AccessToken, client: Client, entitled: Entitled) -> dict[str, Any]:
        """By what else an API may recognise whom an exchanged token is about: what its own scopes allow, and of that
        only what the portal may read as well, so that the person was told of it."""
        if not token.exchanged or token.resource not in client.resource_uris:
            return {}
        names = claims.personal(claims.allowed(entitled.claim_names, client.scopes))
        return dict(claims.released(names, entitled.release))

    def _about(self, token: AccessToken) -> dict[str, Any]:
        said: dict[str, Any] = {
            "active": True, "iss": self.issuer, "client_id": token.client_id, "aud": token.resource or self.issuer,
            "token_type": token.type, "iat": token.issued_at, "exp": token.expires_at, "jti": jti_of(token),
        }  # fmt: skip
        if token.all_scopes:
            said["scope"] = token.all_scopes
        if token.binding is not None:
            said["cnf"] = token.binding.as_cnf()
        if token.exchanged:
            said["act"] = {"sub": token.client_id}
        return said

    def _refresh_token(self, text: str, client: Client) -> Mapping[str, Any]:
        """Of one's own alone: nobody else has any use for it."""
        try:
            token = read_refresh_token(self.access_tokens.sealer, text)
        except Unreadable:
            return _NOTHING
        found = self.grants.refreshable(token.grant_id, token.generation, client)
        if found is None:
            return _NOTHING
        return {
            "active": True, "iss": self.issuer, "client_id": client.id, "sub": found.granted.sub,
            "scope": " ".join(found.scopes),
        }  # fmt: skip
