"""From the service provider's request to the response in the browser's form: /sso, and the sign-in page behind it."""

from __future__ import annotations

import base64

from flask import Blueprint, Response, request

from connectors.sandbox.answers import be_unavailable_for, page
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.login import SESSION_COOKIE, WRONG, NotProved, keep_signed_in, login_page, still_open, who
from connectors.sandbox.source import SignIn
from connectors.sandbox.tax.faults import PERSON, TOLD
from connectors.sandbox.tax.messages import read_sign_on
from connectors.sandbox.tax.responses import refusal, response
from connectors.sandbox.tax.state import Wanted, office
from connectors.sandbox.tax.xml import STATUS

OWN_STATUS = "urn:x-tax:status:"  # what SAML has no code for

blueprint = Blueprint("sign_on", __name__)


@blueprint.route("/sso", methods=["GET", "POST"])
def sso() -> Response:
    wanted = read_sign_on(office(), request)
    session = office().sessions.get(request.cookies.get(SESSION_COOKIE, ""))
    if wanted.impossible:
        return _refused(wanted, f"{STATUS}Requester", f"{STATUS}NoAuthnContext")
    if session is not None and not wanted.force and (not wanted.levels or session.level >= min(wanted.levels)):
        return _refused_person(wanted, session.citizen) or _granted(wanted, session)
    if wanted.passive:
        return _refused(wanted, f"{STATUS}Responder", f"{STATUS}NoPassive")
    return Response(status=303, headers={"Location": f"/login?interaction={office().interactions.put(wanted)}"})


@blueprint.get("/login")
def ask() -> Response:
    interaction = request.args.get("interaction", "")
    still_open(office().interactions.get(interaction))
    return login_page(interaction)


@blueprint.post("/login")
def login() -> Response:
    """One of three forms: a number with a password, a citizen's button, or the cancel button."""
    interaction = request.form.get("interaction", "")
    wanted = still_open(office().interactions.get(interaction))
    if "cancel" in request.form:
        office().interactions.take(interaction)
        return _refused(wanted, f"{STATUS}Responder", f"{STATUS}AuthnFailed", f"{OWN_STATUS}cancelled")
    try:
        citizen, level = who(wanted.levels, office().population.find, stranger=WRONG)
    except NotProved as problem:
        return login_page(interaction, problem=problem.words)
    still_open(office().interactions.take(interaction))  # another click may have been faster
    if refused := _refused_person(wanted, citizen):
        return refused
    cookie, session = office().sign_in(citizen, level)
    answer = _granted(wanted, session)
    keep_signed_in(answer, cookie)
    return answer


def _refused_person(wanted: Wanted, citizen: Citizen) -> Response | None:
    """The person is known, and may not sign in: the service provider is told why."""
    be_unavailable_for(citizen, "sso")
    fault = office().faults.strike(PERSON, "sso", citizen)
    why = fault.fault if fault else ("locked" if citizen.locked else None)  # who has died, the office does not know
    if why is None:
        return None
    return _refused(wanted, f"{STATUS}Responder", f"{STATUS}AuthnFailed", f"{OWN_STATUS}{why}")


def _refused(wanted: Wanted, *codes: str) -> Response:
    return _posted(wanted, refusal(office(), wanted, *codes))


def _granted(wanted: Wanted, session: SignIn) -> Response:
    lie = office().faults.strike(TOLD, "sso", session.citizen)
    return _posted(wanted, response(office(), wanted, session, lie))


def _posted(wanted: Wanted, document: bytes) -> Response:
    """The page from which the browser posts the response (SAML bindings section 3.5.4), by itself where it may."""
    answer = page(
        "post.html",
        url=wanted.acs_url,
        response=base64.b64encode(document).decode(),
        relay_state=wanted.relay_state,
    )
    answer.headers["Content-Security-Policy"] += "; script-src 'self'"
    return answer
