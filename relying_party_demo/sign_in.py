"""Signing in: the authorization code flow of OpenID Connect, from the button to the session.

/sign-in    remember a new sign-in, send the browser to the provider
/callback   the browser comes back: check, redeem the code, check what it brought, start a session
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from . import visitor
from .failures import OF_AUTHORIZATION, Failure
from .provider import SignIn
from .settings import sufficient_levels
from .store import Session

log = logging.getLogger(__name__)
pages = Blueprint("sign_in", __name__)


def owed_level(service_id: str | None) -> str:
    """The level that this sign-in owes: the service's, or the portal's own where no service is meant."""
    service = visitor.settings().service(service_id) if service_id else None
    return service.level if service else visitor.settings().level


def destination(service_id: str | None) -> Response:
    # Built from our own routes, never from an address in the request: no open redirect.
    address = url_for("pages.service", service_id=service_id) if service_id else url_for("pages.home")
    return redirect(address, 303)


@pages.get("/sign-in")
def start() -> Response:
    service_id = request.args.get("service")
    service = visitor.settings().service(service_id) if service_id else None
    if service_id and service is None:
        raise Failure("not_found")
    organisation = service is not None and service.organisation
    try:
        begun = visitor.provider().begin(
            level=owed_level(service_id), ui_locales=_ui_locales(), organisation=organisation,
            ask_again=organisation and "again" in request.args,
        )  # fmt: skip
    except Failure as failure:
        raise Failure(failure.code, service_id=service_id) from failure
    details: dict[str, Any] = {"nonce": begun.nonce, "code_verifier": begun.code_verifier, "service_id": service_id}
    details["organisation"] = organisation
    visitor.store().begin(begun.state, visitor.browser(), details)
    return redirect(begun.url, 303)


def _ui_locales() -> str:
    return "vi en" if visitor.language() == "vi" else "en vi"


@pages.get("/callback")
def callback() -> Response:
    # Taken, not read: a state works once. Bound to the browser: another person's callback address, slipped to this
    # one, must not sign them in as that person (login CSRF).
    begun = visitor.store().take(request.args.get("state", ""), visitor.browser())
    if begun is None:
        return _callback_of_nothing()
    service_id = begun["service_id"]
    try:
        _sign_in_from_answer(begun)
    except Failure as failure:
        raise Failure(failure.code, service_id=service_id) from failure
    return destination(service_id)


def _callback_of_nothing() -> Response:
    """The back button, a reload, or a sign-in older than we remember: whoever is signed in just goes on."""
    if visitor.session():
        return destination(None)
    raise Failure("sign_in_expired")


def _sign_in_from_answer(begun: Mapping[str, Any]) -> None:
    # RFC 9207: with this a second provider cannot pass its code off as this one's (mix-up). Errors carry it as well.
    if not hmac.compare_digest(request.args.get("iss", "").encode(), visitor.settings().issuer.encode()):
        raise Failure("untrusted_answer")
    if "error" in request.args:
        raise Failure(OF_AUTHORIZATION.get(request.args["error"], "request_refused"))
    if not request.args.get("code"):
        raise Failure("untrusted_answer")
    answer = visitor.provider().finish(
        code=request.args["code"], nonce=begun["nonce"], code_verifier=begun["code_verifier"]
    )
    # We asked for the level as essential; that the provider kept to it is for us to check, who rely on it.
    if answer.id_token_claims.get("acr") not in sufficient_levels(owed_level(begun["service_id"])):
        raise Failure("level_not_reached")
    visitor.sign_in(_session(answer, organisation_asked=begun["organisation"]))
    log.info("signed in at %s", answer.id_token_claims["acr"])


def _session(answer: SignIn, *, organisation_asked: bool) -> Session:
    claims = {**answer.id_token_claims, **answer.userinfo}
    return Session(
        sub=answer.id_token_claims["sub"],
        sid=answer.id_token_claims.get("sid"),
        acr=answer.id_token_claims["acr"],
        claims=claims,
        userinfo=answer.userinfo,
        organisation_asked=organisation_asked,
        id_token=answer.id_token,
    )
