"""The WSGI application itself: around every request its id, its time and its line of log; within, two kinds of answer.

What programs call (`/token`, `/userinfo`, …) is answered here by plain functions, without Flask: its dispatch costs as
much as our whole work. What people see is a page, and Flask shows those. `/authorize` is both: the function says what
becomes of the request, and where that has to be shown, Flask is handed what it said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from idp import clock, entropy, errors, observe
from idp.audit import Audit
from idp.errors import Failure
from idp.oidc.http import Response, as_error
from idp.oidc.refusing import failure_of
from idp.oidc.wsgi import ENDPOINT, OUTCOME, REQUEST_ID, Endpoint, Environ, StartResponse, request_of, send

NOT_SNIFFED = ("X-Content-Type-Options", "nosniff")


@dataclass(frozen=True, kw_only=True)
class Front:
    pages: Callable[[Environ, StartResponse], Any]  # Flask
    endpoints: Mapping[str, Endpoint]  # by path; one that ends in "/" has everything just below it
    before: Callable[[], None]  # raises while nobody may be served
    audit: Audit
    longest_bytes: int

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        began, request_id, status = clock.monotonic(), entropy.short_handle(), 0
        environ[REQUEST_ID] = request_id
        observe.begin(request_id)

        def begin(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, [*headers, ("X-Request-Id", request_id)], *more)

        endpoint = self._at(environ["PATH_INFO"])
        if endpoint is None or (endpoint.on_pages and not endpoint.takes(environ["REQUEST_METHOD"])):
            body = self.pages(environ, begin)
        else:
            environ[ENDPOINT] = endpoint.name
            body = self._answered(endpoint, environ, begin)
        seconds = clock.monotonic() - began
        observe.request(request_id, environ.get(ENDPOINT, "none"), environ["REQUEST_METHOD"], status, seconds)
        return body

    def _at(self, path: str) -> Endpoint | None:
        return self.endpoints.get(path) or self.endpoints.get(path[: path.rfind("/") + 1])

    def _answered(self, endpoint: Endpoint, environ: Environ, begin: StartResponse) -> Any:
        try:
            response = self._asked(endpoint, environ)
        except Exception as problem:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            if endpoint.on_pages:
                environ[OUTCOME] = problem
                return self.pages(environ, begin)
            failure, headers = failure_of(problem, self.audit)
            response = _told(failure, *headers)
        if isinstance(response, Response):
            return send(response, environ, begin, NOT_SNIFFED)
        environ[OUTCOME] = response
        return self.pages(environ, begin)

    def _asked(self, endpoint: Endpoint, environ: Environ) -> object:
        if not endpoint.takes(environ["REQUEST_METHOD"]):
            return _told(errors.WRONG_METHOD, ("Allow", ", ".join(endpoint.methods)))
        request = request_of(environ, self.longest_bytes)
        if not endpoint.always:
            self.before()
        return endpoint.answer(request)


def _told(failure: Failure, *headers: tuple[str, str]) -> Response:
    observe.REFUSALS.labels(failure.code).inc()
    return as_error(failure, *headers)
