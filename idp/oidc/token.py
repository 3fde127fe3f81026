"""`/token` (RFC 6749 section 3.2): a code for an access token and an id_token, in one durable commit."""

from __future__ import annotations

from idp import errors
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.oidc.http import Parameters, Request, Response, as_error
from idp.oidc.protocol import TokenServer
from idp.oidc.refusing import note_refusal
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
        claimed = ""
        try:
            parameters = request.form()
            claimed = parameters.as_dict().get("client_id", "")
            claimed = request.basic_client_id() or claimed
            self._refuse_malformed(request, parameters, claimed)
            return self._server.answer(request, parameters)
        except Refused as problem:
            return self._refusal(problem, request, claimed)

    def _refuse_malformed(self, request: Request, parameters: Parameters, claimed: str) -> None:
        given = parameters.as_dict()
        if parameters.repeated() or any(len(value) > self._characters for value in given.values()):
            raise Refused(errors.BAD_TOKEN_REQUEST, "a parameter is repeated or too long")
        if "authorization" in request.headers and "client_secret" in given:
            raise Refused(errors.BAD_TOKEN_REQUEST, "two ways of client authentication")  # RFC 6749 section 2.3
        if given.get("client_id", claimed) != claimed:
            raise Refused(errors.BAD_TOKEN_REQUEST, "two client ids")
        if "grant_type" not in given:
            raise Refused(errors.BAD_TOKEN_REQUEST, "grant_type is missing")

    def _refusal(self, problem: Refused, request: Request, claimed: str) -> Response:
        failure = problem.failure
        known = claimed if claimed and self._server.query_client(claimed) else None
        note_refusal(self._audit, failure, detail=problem.detail, client_id=known)
        if failure is not errors.BAD_CLIENT_AUTHENTICATION:
            return as_error(failure)
        # Only failures are counted and slowed, so that nobody can lock a portal out by guessing in its name. Those in
        # the names of no portal are one count, so that nobody can fill the store with names.
        if self._short_lived.count(f"failed:{known or ''}", 60) > self._failures_per_minute:
            return as_error(errors.TOO_MANY, ("Retry-After", "60"))
        return as_error(failure, *([_challenge(failure)] if "authorization" in request.headers else []))


def _challenge(failure: Failure) -> tuple[str, str]:
    """RFC 6749 section 5.2. It says why, since client libraries tell their portal of it in place of the body."""
    said = f'error="{failure.error}", error_description="{failure.code}: {failure.description}"'
    return "WWW-Authenticate", f'Basic realm="token", {said}'
