"""From the service provider's request to the response in the browser's form: /sso, and the sign-in page behind it."""

from __future__ import annotations

import base64

from flask import Blueprint, Response, request

from connectors.sandbox.answers import be_unavailable_for, page
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.errors import PageProblem
from connectors.sandbox.source import SignIn
from connectors.sandbox.tax.faults import PERSON, TOLD
from connectors.sandbox.tax.messages import read_sign_on
from connectors.sandbox.tax.responses import refusal, response
from connectors.sandbox.tax.state import SESSION_LIFETIME_SECONDS, USUAL_LEVEL, Wanted, office
from connectors.sandbox.tax.xml import STATUS

SESSION_COOKIE = "sandbox_session"
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
def login_page() -> Response:
    return _login_page(request.args.get("interaction", ""))


def _login_page(interaction: str, problem: tuple[str, str] | None = None) -> Response:
    _interaction(interaction)
    return page(
        "login.html",
        422 if problem else 200,
        interaction=interaction,
        cast=CAST,
        problem=problem,
        number=request.form.get("number", ""),
        password=PASSWORD,
        one_time_code=ONE_TIME_CODE,
    )


def _interaction(interaction: str) -> Wanted:
    wanted = office().interactions.get(interaction)
    if wanted is None:
        vietnamese = "Trang đăng nhập này đã hết hạn hoặc đã dùng rồi. Hãy quay lại dịch vụ và đăng nhập lại."
        raise PageProblem("expired", vietnamese, "This sign-in has expired or was used. Go back and start again.")
    return wanted


@blueprint.post("/login")
def login() -> Response:
    """One of three forms: a number with a password, a citizen's button, or the cancel button."""
    interaction = request.form.get("interaction", "")
    wanted = _interaction(interaction)
    if "cancel" in request.form:
        office().interactions.take(interaction)
        return _refused(wanted, f"{STATUS}Responder", f"{STATUS}AuthnFailed", f"{OWN_STATUS}cancelled")
    citizen, level, problem = _who(wanted)
    if citizen is None or problem is not None:
        return _login_page(interaction, problem or ("Không tìm thấy người này.", "There is no such person."))
    if office().interactions.take(interaction) is None:
        return _login_page(interaction)  # another click was faster: says so
    if refused := _refused_person(wanted, citizen):
        return refused
    cookie, session = office().sign_in(citizen, level)
    answer = _granted(wanted, session)
    answer.set_cookie(
        SESSION_COOKIE, cookie, max_age=SESSION_LIFETIME_SECONDS, httponly=True, samesite="Lax",
        secure=office().settings.issuer.startswith("https:"),
    )  # fmt: skip
    return answer


def _who(wanted: Wanted) -> tuple[Citizen | None, int, tuple[str, str] | None]:
    """Who proved themselves, and at what level; or what to say instead, in Vietnamese and English."""
    level = wanted.levels[0] if wanted.levels else USUAL_LEVEL
    quick = "citizen" in request.form
    citizen = office().population.find(request.form["citizen"] if quick else request.form.get("number", ""))
    if quick:
        return citizen, level, None
    if citizen is None or request.form.get("password") != PASSWORD:
        return None, 0, ("Số định danh hoặc mật khẩu không đúng.", "The number or the password is wrong.")
    code = request.form.get("otp", "")
    if code == ONE_TIME_CODE:
        return citizen, USUAL_LEVEL, None
    if code or min(wanted.levels, default=1) > 1:
        return None, 0, (f"Hãy nhập mã xác thực {ONE_TIME_CODE}.", f"Enter the one-time code {ONE_TIME_CODE}.")
    return citizen, 1, None


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
