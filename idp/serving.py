"""Around every page: what goes wrong, told to a person."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException

from idp import errors, observe, web
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.oidc.refusing import failure_of
from idp.oidc.wsgi import ENDPOINT, REQUEST_ID, check_utf8
from idp.web import language, pages

_OF_STATUS = {
    404: errors.NOT_FOUND,
    405: errors.WRONG_METHOD,
    413: errors.TOO_LARGE,
    415: errors.WRONG_CONTENT_TYPE,
}


def show_with(app: Flask, audit: Audit) -> None:
    """The app can show pages, and a page for every failure."""
    # A double slash is another address; Werkzeug would redirect to the tidy one, at whatever host was named.
    app.url_map.merge_slashes = False
    web.register(app)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, lambda problem: _told(*failure_of(problem, audit)))
    app.add_url_rule("/", "home", _home)


def _begin() -> None:
    request.environ[ENDPOINT] = request.endpoint or "none"
    try:
        check_utf8(request.environ.get("QUERY_STRING", ""))
    except Refused:
        request.query_string = b""  # Werkzeug would trip over it again while the refusal is being told
        raise


def _finish(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _http_problem(problem: HTTPException) -> Response:
    status = problem.code or 500
    if status < 400:
        return Response(status=status, headers=dict(problem.get_headers()))
    headers = [(name, value) for name, value in problem.get_headers() if name in ("Allow", "Retry-After")]
    return _told(_OF_STATUS.get(status, errors.MALFORMED if status < 500 else errors.INTERNAL), headers)


def _told(failure: Failure, headers: Sequence[tuple[str, str]] = ()) -> Response:
    observe.REFUSALS.labels(failure.code).inc()
    response = pages.failure(failure, request.environ[REQUEST_ID], language.of_request())
    response.headers.extend(headers)
    return response


def _home() -> Response:
    return pages.home(language.of_request(), url_for("oidc.claims"))
