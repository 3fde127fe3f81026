"""`/token` (RFC 6749 section 3.2): a code for an access token and an id_token, in one durable commit."""

from __future__ import annotations

from idp import errors
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.oidc.http import Parameters, Request, Response, as_error
from idp.oidc.protocol import TokenServer
from idp.storage import ShortLived


class Token:
    """A plain function from request to response."""

    def __init__(
        self, *, server: TokenServer, short_lived: ShortLived, audit: Audit, failures_per_minute: int, characters: int
    ) -> None:
        self._server = server
        self._short_lived = short_lived
        self._audit = audit
        self._failures_per_minute = failures_per_minute
        self._characters = characters

    def __call__(self, request: Request) -> Response:
        claimed: str | None = None
        try:
            parameters = request.form()
            claimed = parameters.as_dict().get("client_id")
            self._refuse_malformed(request, parameters)
            return self._server.answer(request, parameters)
        except Refused as problem:
            return self._refusal(problem.failure, request, claimed)

    def _refuse_malformed(self, request: Request, parameters: Parameters) -> None:
        given = parameters.as_dict()
        if parameters.repeated() or any(len(value) > self._characters for value in given.values()):
            raise Refused(errors.BAD_TOKEN_REQUEST)
        if "authorization" in request.headers and "client_secret" in given:
            raise Refused(errors.BAD_TOKEN_REQUEST, "two ways of client authentication")  # RFC 6749 section 2.3
        if "grant_type" not in given:
            raise Refused(errors.BAD_TOKEN_REQUEST, "grant_type is missing")

    def _refusal(self, failure: Failure, request: Request, claimed: str | None) -> Response:
        self._audit.refused(failure)
        if failure is not errors.BAD_CLIENT_AUTHENTICATION:
            return as_error(failure)
        # Only failures are counted and slowed, so that nobody can lock a portal out by guessing in its name.
        if self._short_lived.count(f"failed:{(claimed or 'basic')[:64]}", 60) > self._failures_per_minute:
            return as_error(errors.TOO_MANY, ("Retry-After", "60"))
        tried_basic = "authorization" in request.headers
        return as_error(failure, *([("WWW-Authenticate", 'Basic realm="token"')] if tried_basic else []))
