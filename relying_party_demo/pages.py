"""The portal's own pages: home, what it knows of the person, and its services."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from flask import Blueprint, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from . import visitor
from .failures import Failure
from .settings import sufficient_levels
from .words import CLAIM_LABELS

VIETNAM = timezone(timedelta(hours=7))  # no summer time since 1979
# Claims about the sign-in rather than the person; `acr`, `sub`, `source_kind` and `auth_time` have places of their own.
PROTOCOL_CLAIMS = {
    "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "sid",
    "acr", "amr", "auth_time", "source_kind",
}  # fmt: skip

pages = Blueprint("pages", __name__)


@pages.get("/health")
def health() -> Response:
    return Response("ok", mimetype="text/plain")


@pages.get("/")
def home() -> str:
    return render_template("home.html", services=visitor.settings().services)


@pages.get("/me")
def me() -> str | AnyResponse:
    session = visitor.session()
    if session is None:
        return redirect(url_for("sign_in.start"), 303)
    # Checked when it arrived; decoded here only to be shown.
    token = jwt.api_jwt.decode_complete(session.id_token, options={"verify_signature": False})
    return render_template(
        "me.html",
        claims=[(name, _label(name), _shown(value)) for name, value in _claims_about_the_person(session.claims)],
        auth_time=_moment(session.claims.get("auth_time")),
        claims_json=pretty(session.userinfo),
        id_token_header=pretty(token["header"]),
        id_token_payload=pretty(token["payload"]),
    )


@pages.get("/services/<service_id>")
def service(service_id: str) -> str | AnyResponse:
    wanted = visitor.settings().service(service_id)
    if wanted is None:
        raise Failure("not_found")
    session = visitor.session()
    if session is None or session.acr not in sufficient_levels(wanted.level):
        # Nobody is signed in, or not strongly enough for this service: the provider is asked for the level (step-up).
        return redirect(url_for("sign_in.start", service=service_id), 303)
    if wanted.organisation and not session.organisation_asked:
        return redirect(url_for("sign_in.start", service=service_id), 303)  # nobody has said yet for whom they act
    return render_template("service.html", service=wanted)


def _claims_about_the_person(claims: Any) -> list[tuple[str, Any]]:
    """Known claims in the order of their labels, then the others by name."""
    order = {name: position for position, name in enumerate(CLAIM_LABELS)}
    about = [(name, value) for name, value in claims.items() if name not in PROTOCOL_CLAIMS]
    return sorted(about, key=lambda claim: (order.get(claim[0], len(order)), claim[0]))


def _label(name: str) -> tuple[str, str]:
    return CLAIM_LABELS.get(name, (name, name))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(seconds: Any) -> dict[str, str] | None:
    if not isinstance(seconds, (int, float)):
        return None
    moment = datetime.fromtimestamp(seconds, VIETNAM)
    return {"machine": moment.isoformat(), "person": f"{moment:%H:%M:%S, %d/%m/%Y}"}


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
