"""Around every page: what goes wrong, told to a person."""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException

from idp import errors, observe, web
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.front import RETRY_AFTER
from idp.keys import CannotSign
from idp.oidc.wsgi import ENDPOINT, REQUEST_ID, check_utf8
from idp.storage.database import Unreachable
from idp.web import language, pages

_OF_STATUS = {
    404: errors.NOT_FOUND,
    405: errors.WRONG_METHOD,
    413: errors.TOO_LARGE,
    415: errors.WRONG_CONTENT_TYPE,
}
log = structlog.get_logger()


def show_with(app: Flask, audit: Audit) -> None:
    """The app can show pages, and a page for every failure."""
    # A double slash is another address; Werkzeug would redirect to the tidy one, at whatever host was named.
    app.url_map.merge_slashes = False
    web.register(app)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Refused, lambda problem: _refused(problem, audit))
    app.register_error_handler(Unreachable, _unreachable)
    app.register_error_handler(CannotSign, _cannot_sign)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unforeseen)
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


def _refused(problem: Refused, audit: Audit) -> Response:
    with suppress(Unreachable):  # the refusal stands, whether or not it can be written down
        audit.refused(problem.failure)
    log.info("refused", code=problem.failure.code, detail=problem.detail)
    return _told(problem.failure)


def _unreachable(problem: Unreachable) -> Response:
    log.error("unreachable", problem=str(problem))
    return _told(errors.STORE_UNREACHABLE, dict([RETRY_AFTER]))


def _cannot_sign(problem: CannotSign) -> Response:
    log.error("cannot_sign", problem=str(problem))
    return _told(errors.CANNOT_SIGN, dict([RETRY_AFTER]))


def _http_problem(problem: HTTPException) -> Response:
    status = problem.code or 500
    if status < 400:
        return Response(status=status, headers=dict(problem.get_headers()))
    headers = {name: value for name, value in problem.get_headers() if name in ("Allow", "Retry-After")}
    return _told(_OF_STATUS.get(status, errors.MALFORMED if status < 500 else errors.INTERNAL), headers)


def _unforeseen(problem: Exception) -> Response:
    log.exception("unforeseen", kind=type(problem).__name__)
    return _told(errors.INTERNAL)


def _told(failure: Failure, headers: dict[str, str] | None = None) -> Response:
    observe.REFUSALS.labels(failure.code).inc()
    response = pages.failure(failure, request.environ[REQUEST_ID], language.of_request())
    response.headers.extend(headers or {})
    return response


def _home() -> Response:
    return pages.home(language.of_request(), url_for("oidc.claims"))
