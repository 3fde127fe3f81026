"""What `/token` and every other endpoint for clients have in common: a form is read, its sender proven, refusals told.

Around the function of an endpoint it makes a plain one from request to response (RFC 6749 sections 2.3, 3.2 and 5.2).
"""

from __future__ import annotations

from collections.abc import Callable

from idp import errors
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.oidc.client_authentication import Authenticated, ClientAuthentication
from idp.oidc.dpop import NONCE_HEADER, Proofs
from idp.oidc.http import Parameters, Request, Response, as_error
from idp.oidc.refusing import note_refusal
from idp.storage import ShortLived

Handler = Callable[[Request, Parameters, Authenticated], Response]
COUNTED_SECONDS = 60
TOKENS = frozenset({"client_assertion", "request"})  # as long as oidc.jose reads them


class ClientEndpoint:
    def __init__(
        self, *, authentication: ClientAuthentication, short_lived: ShortLived, audit: Audit,
        proofs: Proofs, failures_per_minute: int, characters: int,
    ) -> None:  # fmt: skip
        self._authentication = authentication
        self._short_lived = short_lived
        self._audit = audit
        self._failures_per_minute = failures_per_minute
        self._characters = characters
        self._proofs = proofs

    def around(self, handler: Handler, path: str) -> Callable[[Request], Response]:
        """The endpoint at `path`: `handler` is asked only for a well-formed request of a client that proved itself."""

        def answer(request: Request) -> Response:
            parameters = Parameters(())
            try:
                parameters = request.form()
                self._refuse_malformed(parameters)
                response = handler(request, parameters, self._authentication(request, parameters, path))
                return response.adding(*self._proofs.for_next(request))
            except Refused as problem:
                return self._refusal(problem, request, parameters)

        return answer

    def _refuse_malformed(self, parameters: Parameters) -> None:
        long = any(len(value) > self._characters and name not in TOKENS for name, value in parameters.pairs)
        if long or parameters.repeated():
            raise Refused(errors.BAD_TOKEN_REQUEST, "a parameter is repeated or too long")

    def _refusal(self, problem: Refused, request: Request, parameters: Parameters) -> Response:
        failure = problem.failure
        known = self._authentication.claimed(request, parameters)
        note_refusal(self._audit, failure, detail=problem.detail, client_id=known)
        if failure is errors.USE_DPOP_NONCE:
            return as_error(failure, (NONCE_HEADER, self._proofs.nonce()))
        if failure.error != errors.BAD_CLIENT_AUTHENTICATION.error:
            return as_error(failure)
        # Only failures are counted and slowed, so that nobody can lock a portal out by guessing in its name. Those in
        # the names of no portal are one count, so that nobody can fill the store with names.
        if self._short_lived.count(f"failed:{known or ''}", COUNTED_SECONDS) > self._failures_per_minute:
            return as_error(errors.TOO_MANY, ("Retry-After", str(COUNTED_SECONDS)))
        return as_error(failure, *([_challenge(failure)] if "authorization" in request.headers else []))


def _challenge(failure: Failure) -> tuple[str, str]:
    """RFC 6749 section 5.2. It says why, since client libraries tell their portal of it in place of the body."""
    said = f'error="{failure.error}", error_description="{failure.code}: {failure.description}"'
    return "WWW-Authenticate", f'Basic realm="token", {said}'
