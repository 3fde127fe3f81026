"""Signing out here, and then at the provider (OpenID Connect RP-Initiated Logout)."""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from . import visitor
from .failures import Failure

pages = Blueprint("sign_out", __name__)


@pages.post("/sign-out")
def sign_out() -> Response | str:
    visitor.require_csrf_token()
    session = visitor.session()
    visitor.sign_out()  # first, so that it holds whatever happens next
    if session is None:
        return render_template("signed_out.html", everywhere=False)
    state = secrets.token_urlsafe(32)
    try:
        address = visitor.provider().sign_out_url(id_token=session.id_token, state=state, ui_locales=visitor.language())
    except Failure:
        # The provider does not answer: this portal is left all the same, and the page says what may still be open.
        return render_template("signed_out.html", everywhere=False)
    visitor.store().begin(state, visitor.browser(), {"signed_out": True})
    return redirect(address, 303)


@pages.get("/signed-out")
def signed_out() -> str:
    begun = visitor.store().take(request.args.get("state", ""), visitor.browser())
    # Without the state of a sign-out begun here, somebody just opened this address: it must not claim what is not so.
    if begun is None and visitor.session():
        raise Failure("bad_request")
    return render_template("signed_out.html", everywhere=begun is not None)
