"""Signing out at the source (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import jwt
from flask import Blueprint, Response, request

from connectors.sandbox.answers import page
from connectors.sandbox.login import SESSION_COOKIE
from connectors.sandbox.state import sandbox

blueprint = Blueprint("logout", __name__)


@blueprint.route("/logout", methods=["GET", "POST"])
def logout() -> Response:
    """The person is signed out here; asked first, unless a client shows an id_token of theirs."""
    values = request.form if request.method == "POST" else request.args
    client_id, session_id = _hinted(values)
    cookie = request.cookies.get(SESSION_COOKIE, "")
    session = sandbox().sessions.get(cookie)
    confirmed = request.method == "POST" and "confirm" in values
    if session is not None and session.session_id != session_id and not confirmed:
        return page("logout.html", values={name: values[name] for name in _PASSED_ON if name in values})
    sandbox().sessions.take(cookie)
    response = _back_to_client(client_id, values) or page("signed_out.html")
    response.delete_cookie(SESSION_COOKIE)
    return response


_PASSED_ON = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


def _hinted(values: Mapping[str, str]) -> tuple[str, str | None]:
    """The client and the session that the id_token names; one that is not ours names only what `client_id` says."""
    for key in sandbox().keys.published():
        try:
            claims = jwt.decode(
                values.get("id_token_hint", ""),
                key.private.public_key(),
                algorithms=[key.algorithm],
                issuer=sandbox().settings.issuer,
                # An old id_token still says who is signing out (section 2); its audience is what we want to learn.
                options={"verify_exp": False, "verify_aud": False, "require": ["iss", "sub", "aud"]},
            )
        except jwt.PyJWTError:
            continue
        if values.get("client_id", claims["aud"]) == claims["aud"]:
            return claims["aud"], claims.get("sid")
    return values.get("client_id", ""), None


def _back_to_client(client_id: str, values: Mapping[str, str]) -> Response | None:
    client, uri = sandbox().clients.get(client_id), values.get("post_logout_redirect_uri", "")
    if client is None or uri not in client.post_logout_redirect_uris:
        return None
    state = values.get("state")
    query = "" if state is None else f"{'&' if '?' in uri else '?'}state={quote(state, safe='')}"
    return Response(status=303, headers={"Location": f"{uri}{query}", "Cache-Control": "no-store"})
