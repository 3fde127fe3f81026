"""`/par` (RFC 9126): a client proves itself and leaves its request with us; the browser brings but the name of it."""

from __future__ import annotations

from dataclasses import dataclass

from idp.broker import Journey, Shelf
from idp.oidc.client_authentication import Authenticated
from idp.oidc.dpop import Proofs
from idp.oidc.http import Parameters, Request, Response, as_json
from idp.oidc.reading import PUSHED, Reader

PATH = "/par"


@dataclass(frozen=True, kw_only=True)
class PushedRequests:
    reader: Reader
    journey: Journey
    shelf: Shelf
    proofs: Proofs
    seconds: int

    def __call__(self, request: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        """The name of the request, which was checked in full, and for how long it is good; raises Refused.

        Whose key proves this request must redeem the code that answers it (RFC 9449 section 10.1).
        """
        client = authenticated.client
        if client.is_public:  # any other must have proven who it is before it can fill the store
            self.journey.count_network(request.network)
        given = self.reader.pushed(parameters, client, self.proofs.check(request))
        handle = self.shelf.keep_pushed(client.id, given, self.seconds)
        return as_json(201, {"request_uri": PUSHED + handle, "expires_in": self.seconds})
