"""What the portal is made of: the routes, the words on its pages, the headers of every answer."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from . import back_channel, pages, sign_in, sign_out, visitor
from .failures import Failure
from .provider import Provider
from .settings import Settings, sufficient_levels
from .store import Store
from .words import FAILURES, LANGUAGES, LEVEL_WORDS, SOURCE_KINDS, say

REQUEST_LIMIT_BYTES = 64 * 1024  # the largest thing anybody sends us is a logout token

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_LIMIT_BYTES
    app.extensions["portal_settings"] = settings
    app.extensions["portal_store"] = Store(settings.data, settings.session_key)
    app.extensions["portal_provider"] = Provider(app, settings)
    for part in (pages, sign_in, sign_out, back_channel):
        app.register_blueprint(part.pages)
    app.register_error_handler(Failure, _show_failure)
    app.register_error_handler(HTTPException, _show_http_failure)
    app.register_error_handler(Exception, _show_our_fault)
    app.context_processor(_for_every_page)
    app.after_request(visitor.set_cookies)
    app.after_request(_set_headers)
    return app


def _for_every_page() -> dict[str, Any]:
    """What templates may use. Asking for `browser()` makes its cookie exist before the first sign-in needs it."""
    visitor.browser()
    mine = visitor.language()
    other = LANGUAGES[1 - LANGUAGES.index(mine)]
    return {
        "portal": visitor.settings(),
        "session": visitor.session(),
        "csrf_token": visitor.csrf_token,
        "language": mine,
        "other_language": other,
        "other_language_url": _same_page_in(other),
        "pick": lambda pair: pair[LANGUAGES.index(mine)],
        "pick_other": lambda pair: pair[LANGUAGES.index(other)],
        "say": lambda key: say(key, mine),
        "say_other": lambda key: say(key, other),
        "source_kinds": SOURCE_KINDS,
        "level_words": LEVEL_WORDS,
        "sufficient_levels": sufficient_levels,
        "failure_words": FAILURES,
    }


def _same_page_in(language: str) -> str:
    # Only these can be opened again by their address; a callback, say, works once, and its query is no one's business.
    if request.endpoint in {"pages.home", "pages.me", "pages.service"}:
        return url_for(request.endpoint, lang=language, **(request.view_args or {}))
    return url_for("pages.home", lang=language)


def _show_failure(failure: Failure) -> tuple[str, int]:
    can_retry = failure.code not in {"not_found", "bad_request"}
    retry = url_for("sign_in.start", service=failure.service_id) if can_retry else None
    return render_template("failure.html", failure=failure, retry=retry), failure.status


def _show_http_failure(error: HTTPException) -> tuple[str, int] | HTTPException:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error  # a redirect of the router's own
    failure = Failure("not_found" if error.code == HTTPStatus.NOT_FOUND else "bad_request")
    return render_template("failure.html", failure=failure, retry=None), error.code


def _show_our_fault(error: Exception) -> tuple[str, int]:
    # The kind of error and where it happened, not its message: that may quote what a person or the provider sent.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("internal error: %s at %s", type(error).__name__, place)
    return render_template("failure.html", failure=Failure("internal"), retry=None), 500


def _set_headers(response: Response) -> Response:
    settings = visitor.settings()
    issuer = urlsplit(settings.issuer)
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        # The sign-out form is answered with a redirect to the provider, which browsers count as the form's target.
        "form-action": f"'self' {issuer.scheme}://{issuer.netloc}",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"  # a callback's address holds a code: not for other sites
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if settings.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"  # pages show a person's data; the back button must ask again
    return response
