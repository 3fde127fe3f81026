"""Around every request: its id, its log line, its time; what goes wrong, told three ways; health and metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, g, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from idp import clock, entropy, errors, observe, web
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.keys import CannotSign
from idp.settings import Settings
from idp.storage.database import Unreachable
from idp.web import language, pages

REQUEST_ID = "motcua.request_id"
# What libraries call answers JSON; everybody else is a person and gets a page.
JSON_PATHS = frozenset({
    "/token", "/userinfo", "/introspect", "/revoke", "/par", "/device_authorization", "/register", "/jwks",
    "/.well-known/openid-configuration", "/health/live", "/health/ready", "/metrics", "/conformance/resource",
})  # fmt: skip
OF_REGISTRATIONS = "/register/"
_OF_STATUS = {
    404: errors.NOT_FOUND,
    405: errors.WRONG_METHOD,
    413: errors.TOO_LARGE,
    415: errors.WRONG_CONTENT_TYPE,
}
log = structlog.get_logger()


def serve_with(app: Flask, audit: Audit, ready: Sequence[Callable[[], None]], measure: Callable[[], None]) -> None:
    """The app has pages, health, metrics, request ids, and an answer to every failure.

    `ready` are questions that raise Unreachable while this worker cannot serve; `measure` brings up to date what is
    measured when somebody looks.
    """
    settings: Settings = app.config["SETTINGS"]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=0, x_host=0)  # type: ignore[method-assign]
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
    app.add_url_rule("/health/live", "live", lambda: _healthy("live", settings))
    app.add_url_rule("/health/ready", "ready", lambda: _ready(ready, settings))
    app.add_url_rule("/metrics", "metrics", lambda: _metrics(settings, measure))


def _begin() -> None:
    g.began = clock.monotonic()
    request_id = entropy.short_handle()
    request.environ[REQUEST_ID] = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        request.query_string.decode("utf-8")
    except UnicodeDecodeError:
        request.query_string = b""  # Werkzeug would trip over it again while the refusal is being told
        raise Refused(errors.MALFORMED, "the query is not UTF-8") from None


def _finish(response: Response) -> Response:
    seconds, endpoint = clock.monotonic() - g.began, request.endpoint or "none"
    observe.REQUEST_SECONDS.labels(endpoint, str(response.status_code)).observe(seconds)
    log.info("request", endpoint=endpoint, method=request.method, status=response.status_code,
             milliseconds=round(seconds * 1000, 2))  # fmt: skip
    response.headers["X-Request-Id"] = request.environ[REQUEST_ID]
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _refused(problem: Refused, audit: Audit) -> Response:
    with suppress(Unreachable):  # the refusal stands, whether or not it can be written down
        audit.refused(problem.failure)
    log.info("refused", code=problem.failure.code, detail=problem.detail)
    return _told(problem.failure)


def _unreachable(problem: Unreachable) -> Response:
    log.error("unreachable", problem=str(problem))
    return _told(errors.STORE_UNREACHABLE, {"Retry-After": "5"})


def _cannot_sign(problem: CannotSign) -> Response:
    log.error("cannot_sign", problem=str(problem))
    return _told(errors.CANNOT_SIGN, {"Retry-After": "5"})


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
    """The failure to whoever asked: JSON for a library, a page for a person."""
    observe.REFUSALS.labels(failure.code).inc()
    if request.path in JSON_PATHS or request.path.startswith(OF_REGISTRATIONS):
        told: Any = {"error": failure.error, "error_description": f"{failure.code}: {failure.description}"}
        response = Response(json.dumps(told), failure.status, {"Cache-Control": "no-store"}, "application/json")
    else:
        response = pages.failure(failure, request.environ.get(REQUEST_ID, ""), language.of_request())
    response.headers.extend(headers or {})
    return response


def _home() -> Response:
    return pages.home(language.of_request(), url_for("oidc.claims"))


def _healthy(word: str, settings: Settings) -> Response:
    more = " (conformance mode: anybody can sign in as a test person)" if settings.lets_test_people_in else ""
    return Response(f"{word}{more}\n", mimetype="text/plain")


def _ready(questions: Sequence[Callable[[], None]], settings: Settings) -> Response:
    """Whether this worker can serve: both stores answer, and there are keys to sign with."""
    for ask in questions:
        ask()
    return _healthy("ready", settings)


def _metrics(settings: Settings, measure: Callable[[], None]) -> Response:
    if settings.metrics_token_file:
        token = Path(settings.metrics_token_file).read_text("utf-8").strip()
        if not entropy.same(request.headers.get("Authorization", ""), f"Bearer {token}"):
            raise Refused(errors.NOT_FOUND)
    elif request.remote_addr not in ("127.0.0.1", "::1"):
        raise Refused(errors.NOT_FOUND)
    with suppress(Unreachable):  # what else is measured can be told all the same
        measure()
    return Response(observe.metrics(), mimetype="text/plain; version=0.0.4")
