"""Who is at the door: the two cookies, the session, the CSRF token and the language of this request.

Two cookies, because they live differently. `browser` marks the browser that began a sign-in and stays the same, so that
sign-ins in several tabs can all come home. `session` says who is signed in and is a new random value at every sign-in,
so that a value planted before is worth nothing after (session fixation).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import abort, current_app, g, request
from werkzeug.wrappers import Response

from .provider import Provider
from .settings import Settings
from .store import Session, Store
from .words import LANGUAGES


def settings() -> Settings:
    return current_app.extensions["portal_settings"]  # type: ignore[no-any-return]


def store() -> Store:
    return current_app.extensions["portal_store"]  # type: ignore[no-any-return]


def provider() -> Provider:
    return current_app.extensions["portal_provider"]  # type: ignore[no-any-return]


def _cookie_name(name: str) -> str:
    # With __Host- a browser takes the cookie only over https and only from this very host, no neighbour or subdomain.
    return f"__Host-portal-{name}" if settings().secure else f"portal-{name}"


def _set_cookie(response: Response, name: str, value: str) -> None:
    # Lax, not Strict: the way back from the provider is a navigation that begins on another site.
    response.set_cookie(_cookie_name(name), value, httponly=True, samesite="Lax", secure=settings().secure, path="/")


def browser() -> str:
    """A random value that this browser shows again when it comes back from the provider."""
    if "browser" not in g:
        g.browser = request.cookies.get(_cookie_name("browser")) or secrets.token_urlsafe(32)
    return str(g.browser)


def session() -> Session | None:
    """The session of the person at the door, or None."""
    if "session" not in g:
        cookie = request.cookies.get(_cookie_name("session"))
        g.session = store().session(cookie) if cookie else None
    return g.session  # type: ignore[no-any-return]


def sign_in(new: Session) -> None:
    """Sign this person in, in place of whoever was: the old session is gone, the new one has a value of its own."""
    sign_out()
    g.session_cookie = secrets.token_urlsafe(32)
    store().start_session(g.session_cookie, new)
    g.session = new


def sign_out() -> None:
    old = request.cookies.get(_cookie_name("session"))
    if old:
        store().end_session(old)
    g.session = None
    g.session_cookie = ""


def csrf_token() -> str:
    """A value that only pages of this session know; other sites can send the cookie, but cannot read this."""
    cookie = request.cookies.get(_cookie_name("session"), "")
    return hmac.new(settings().session_key, f"csrf {cookie}".encode(), hashlib.sha256).hexdigest()


def require_csrf_token() -> None:
    if not hmac.compare_digest(request.form.get("csrf_token", "").encode(), csrf_token().encode()):
        abort(400)


def language() -> str:
    """`vi` or `en`: as just chosen, as chosen before, as the browser prefers; Vietnamese if nothing is said."""
    for wish in (request.args.get("lang"), request.cookies.get("portal-language")):
        if wish in LANGUAGES:
            return wish
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def set_cookies(response: Response) -> Response:
    """Hand over what this request made new; registered to run after every request."""
    if "browser" in g and not request.cookies.get(_cookie_name("browser")):
        _set_cookie(response, "browser", g.browser)
    if "session_cookie" in g:
        if g.session_cookie:
            _set_cookie(response, "session", g.session_cookie)
        else:
            response.delete_cookie(
                _cookie_name("session"), path="/", httponly=True, samesite="Lax", secure=settings().secure
            )
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(
            "portal-language", language(), max_age=365 * 86400, httponly=True, samesite="Lax", secure=settings().secure
        )
    return response
