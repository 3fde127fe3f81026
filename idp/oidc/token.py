"""`/token` (RFC 6749 section 3.2): a code, or what else was granted, for tokens, in one durable commit."""

from __future__ import annotations

from dataclasses import dataclass

from idp import errors
from idp.errors import Refused
from idp.oidc.client_authentication import Authenticated
from idp.oidc.http import Parameters, Request, Response
from idp.oidc.protocol import TokenServer


@dataclass(frozen=True)
class Token:
    """What the endpoint does for a client that proved itself; raises Refused."""

    server: TokenServer

    def __call__(self, request: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        if "grant_type" not in parameters.as_dict():
            raise Refused(errors.BAD_TOKEN_REQUEST, "grant_type is missing")
        return self.server.answer(request, parameters, authenticated)
