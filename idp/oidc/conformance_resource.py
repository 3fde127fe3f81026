"""`/conformance/resource`, for the conformance suite alone: an API of ours that systems call for themselves.

A client that asks by client_credentials gets a token that opens nobody's claims, so the suite needs something else that
such a token opens. It stands or falls as at userinfo, and what it opens is what it says itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from idp import entropy, errors
from idp.clients import Clients
from idp.errors import Refused
from idp.oidc.http import Request, Response, as_json
from idp.oidc.presented import Presented
from idp.oidc.sealed import AccessToken
from idp.sessions.grants import Grants

PATH = "/conformance/resource"
INTERACTION = "x-fapi-interaction-id"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ConformanceResource:
    """A plain function from request to response."""

    presented: Presented
    clients: Clients
    grants: Grants

    def __call__(self, request: Request) -> Response:
        return self.presented.answered(request, lambda token: self._answer(request, token))

    def _answer(self, request: Request, token: AccessToken) -> Response:
        """Raises Refused unless it is the token of a system, and both stand."""
        client = self.clients.find(token.client_id)
        if token.grant_id is not None or client is None or not client.enabled or self.grants.is_revoked(token.id):
            raise Refused(errors.BAD_TOKEN, "revoked, a person's, or its client is switched off")
        told = {"client_id": client.id, "scope": token.all_scopes}
        return as_json(200, told, (INTERACTION, _interaction_of(request)))


def _interaction_of(request: Request) -> str:
    """The client's name for this exchange, or one of ours (FAPI 1.0 Part 1 section 6.2.1, clauses 11 and 12)."""
    given = request.headers.get(INTERACTION, "")
    if _UUID.fullmatch(given):
        return given
    digits = entropy.chance(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"  # RFC 9562 section 5.4
