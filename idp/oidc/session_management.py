"""OpenID Connect Session Management 1.0: a portal can ask a page of ours, in a frame, whether the session has changed.

The page reads a cookie that changes whenever the session does, and knows the portal by the origin that the browser
vouches for. Browsers that keep cookies of third parties back defeat this; the promise is the back channel.
"""

from __future__ import annotations

from hashlib import sha256

from flask import Response, render_template

from idp import entropy
from idp.clients import urls
from idp.sessions.cookies import browser_state

PATH = "/session-check"
CACHED_SECONDS = 300


def session_state(client_id: str, redirect_uri: str, session: str | None) -> str | None:
    """What the portal shows that page later (section 3): it tells nobody else anything, and has no space in it.

    None for an app on a device, which has no origin to ask from. `static/session.js` computes the same.
    """
    origin = urls.origin(redirect_uri)
    if origin is None or session is None:
        return None
    salt = entropy.short_handle()
    return f"{sha256(f'{client_id} {origin} {browser_state(session)} {salt}'.encode()).hexdigest()}.{salt}"


def check_page(cookie_name: str) -> Response:
    """The one page of ours that anybody may keep in a frame: nothing is shown on it, and nothing can be pressed."""
    response = Response(render_template("session_check.html", cookie_name=cookie_name), mimetype="text/html")
    response.headers.update(
        {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors *",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": f"public, max-age={CACHED_SECONDS}",
        }
    )
    return response
