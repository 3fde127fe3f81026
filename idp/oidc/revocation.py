"""`/revoke` (RFC 7009): a client gives back a token of its own. Whatever it names, the answer is the same.

An access token goes by itself; with a refresh token goes all that its grant bought (section 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from idp import errors
from idp.clients import Client
from idp.errors import Refused
from idp.oidc.access_tokens import AccessTokens
from idp.oidc.client_authentication import Authenticated
from idp.oidc.http import NOT_STORED, Parameters, Request, Response
from idp.oidc.sealed import REFRESH_PREFIX, Unreadable, read_refresh_token
from idp.sessions.grants import Grants


@dataclass(frozen=True, kw_only=True)
class Revocation:
    grants: Grants
    access_tokens: AccessTokens

    def __call__(self, _: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        text = parameters.as_dict().get("token")
        if text is None:
            raise Refused(errors.NO_TOKEN_NAMED)
        self._revoke(text, authenticated.client)
        return Response(status=200, headers=NOT_STORED)  # an unknown token is one that is void (section 2.2)

    def _revoke(self, text: str, client: Client) -> None:
        try:
            if text.startswith(REFRESH_PREFIX):
                refresh = read_refresh_token(self.access_tokens.sealer, text)
                self.grants.revoke(refresh.grant_id, client, "its refresh token was given back")
                return
            token = self.access_tokens.read(text)
        except Unreadable:
            return
        if token.client_id == client.id:
            self.grants.revoke_token(token.id, client, token.expires_at)
