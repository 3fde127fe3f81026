"""From the client's request to the code: PAR, the authorization endpoint, and the sign-in page behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from connectors.sandbox import clients
from connectors.sandbox.answers import answer, be_unavailable_for, page
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.clients import Client
from connectors.sandbox.errors import PageProblem, ProtocolError
from connectors.sandbox.faults import PERSON, REDIRECT, FaultName
from connectors.sandbox.shelf import now
from connectors.sandbox.source import AuthorizationRequest, Grant, SignIn
from connectors.sandbox.state import PUSHED_REQUEST_LIFETIME_SECONDS, SESSION_LIFETIME_SECONDS, sandbox

SESSION_COOKIE = "sandbox_session"
REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 section 2.2
S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

blueprint = Blueprint("authorize", __name__)


class _TellClient(Exception):
    """The client is told of the error by a redirect."""

    def __init__(self, wanted: AuthorizationRequest, error: str, description: str) -> None:
        super().__init__(error)
        self.wanted, self.error, self.description = wanted, error, description


def one_each(values: MultiDict[str, str]) -> dict[str, str]:
    """The parameters; raises ProtocolError where one is repeated (RFC 6749 section 3.1)."""
    if repeated := sorted(name for name, given in values.lists() if len(given) > 1):
        raise ProtocolError("invalid_request", f"repeated: {', '.join(repeated)}")
    return {name: value for name, value in values.items() if value}


def require_form() -> None:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise ProtocolError("invalid_request", "send application/x-www-form-urlencoded", 415)


def authenticated_client(form: Mapping[str, str]) -> Client:
    if sandbox().source.client_authentication == "private_key_jwt":
        return sandbox().assertions.client(form)
    return clients.by_secret(sandbox().clients, form)


def _redirect_uri(client: Client, values: Mapping[str, str]) -> str:
    uri = values.get("redirect_uri", "")
    if uri not in client.redirect_uris:
        raise ProtocolError("invalid_request", "redirect_uri is not registered")
    return uri


def _checked(client: Client, values: Mapping[str, str]) -> tuple[AuthorizationRequest, ProtocolError | None]:
    """The request, and what is wrong with it; raises ProtocolError when it is not even known whom to tell."""
    max_age = values.get("max_age", "")
    wanted = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=_redirect_uri(client, values),
        scope=values.get("scope", ""),
        state=values.get("state"),
        nonce=values.get("nonce"),
        code_challenge=values.get("code_challenge"),
        prompt=frozenset(values.get("prompt", "").split()),
        max_age=int(max_age) if max_age.isascii() and max_age.isdigit() else None,
        levels=sandbox().source.levels_named(values.get("acr_values", "")),
        login_hint=values.get("login_hint", ""),
    )
    return wanted, _fault_of(wanted, values)


def _fault_of(wanted: AuthorizationRequest, values: Mapping[str, str]) -> ProtocolError | None:
    challenge = wanted.code_challenge
    plain = values.get("code_challenge_method") != "S256" or not S256_CHALLENGE.fullmatch(challenge or "")
    rules = (
        (values.get("response_type") != "code", "unsupported_response_type", "only code"),
        ("openid" not in wanted.scope.split(), "invalid_scope", "scope must contain openid"),
        ("request" in values, "request_not_supported", "no request objects"),
        ("request_uri" in values, "request_uri_not_supported", "no request_uri here"),
        (values.get("response_mode", "query") != "query", "invalid_request", "only response_mode query"),
        (challenge is None and sandbox().source.requires_pkce, "invalid_request", "code_challenge is required"),
        (challenge is not None and plain, "invalid_request", "code_challenge_method must be S256"),
        ("max_age" in values and wanted.max_age is None, "invalid_request", "max_age must be a number of seconds"),
        ("none" in wanted.prompt and len(wanted.prompt) > 1, "invalid_request", "prompt none stands alone"),
    )
    return next((ProtocolError(error, why) for broken, error, why in rules if broken), None)


@blueprint.post("/par")
def par() -> Response:
    """RFC 9126; only where the source requires it."""
    if not sandbox().source.requires_par:
        raise ProtocolError("invalid_request", "this source takes no pushed requests", 404)
    require_form()
    form = one_each(request.form)
    client = authenticated_client(form)
    wanted, problem = _checked(client, form)
    if problem is not None:
        raise problem
    handle = sandbox().pushed.put(wanted)
    payload = {"request_uri": f"{REQUEST_URI_PREFIX}{handle}", "expires_in": PUSHED_REQUEST_LIFETIME_SECONDS}
    return answer(payload, "par", status=201)


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorize() -> Response:
    try:
        wanted = _wanted()
        session = sandbox().sessions.get(request.cookies.get(SESSION_COOKIE, ""))
        if session is not None and _good_enough(session, wanted):
            return _refused(wanted, session.citizen) or _granted(wanted, session)
        if "none" in wanted.prompt:
            raise _TellClient(wanted, "login_required", "nobody is signed in well enough")
        return _see_other(f"/login?interaction={sandbox().interactions.put(wanted)}")
    except _TellClient as telling:
        return _redirect_error(telling.wanted, telling.error, telling.description)


def _wanted() -> AuthorizationRequest:
    try:
        values = one_each(request.args if request.method == "GET" else request.form)
        client = sandbox().clients.get(values.get("client_id", ""))
        if client is None:
            raise ProtocolError("invalid_client", "unknown client_id")
        if sandbox().source.requires_par:
            return _pushed(client, values)
        wanted, problem = _checked(client, values)
    except ProtocolError as refused:
        vietnamese = "Yêu cầu đăng nhập không hợp lệ. Hãy quay lại dịch vụ và thử lại."
        raise PageProblem(refused.error, vietnamese, refused.description) from refused
    if problem is not None:
        raise _TellClient(wanted, problem.error, problem.description)
    return wanted


def _pushed(client: Client, values: Mapping[str, str]) -> AuthorizationRequest:
    handle = values.get("request_uri", "")
    if not handle.startswith(REQUEST_URI_PREFIX):
        raise ProtocolError("invalid_request", "requests must be pushed first (PAR)")
    wanted = sandbox().pushed.take(handle.removeprefix(REQUEST_URI_PREFIX))
    if wanted is None or wanted.client_id != client.client_id:
        raise ProtocolError("invalid_request_uri", "request_uri is unknown, used or too old")
    return wanted


def _good_enough(session: SignIn, wanted: AuthorizationRequest) -> bool:
    """Whether the source's own single sign-on may answer, without asking the person again."""
    if wanted.prompt & {"login", "select_account"}:
        return False
    if wanted.max_age is not None and now() - session.auth_time >= wanted.max_age:
        return False
    return not wanted.levels or session.level >= min(wanted.levels)


@blueprint.get("/login")
def login_page() -> Response:
    return _login_page(request.args.get("interaction", ""))


def _login_page(interaction: str, problem: tuple[str, str] | None = None) -> Response:
    wanted = _interaction(interaction)
    return page(
        "login.html",
        422 if problem else 200,
        interaction=interaction,
        cast=CAST,
        problem=problem,
        number=request.form.get("number", wanted.login_hint),
        password=PASSWORD,
        one_time_code=ONE_TIME_CODE,
    )


def _interaction(interaction: str) -> AuthorizationRequest:
    wanted = sandbox().interactions.get(interaction)
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
        sandbox().interactions.take(interaction)
        return _redirect_error(wanted, "access_denied", "cancelled_by_user")
    citizen, level, problem = _who(wanted)
    if citizen is None or problem is not None:
        return _login_page(interaction, problem or ("Không tìm thấy người này.", "There is no such person."))
    if sandbox().interactions.take(interaction) is None:
        return _login_page(interaction)  # another click was faster: says so
    if refused := _refused(wanted, citizen):
        return refused
    cookie, session = sandbox().sign_in(citizen, level)
    response = _granted(wanted, session)
    _set_session_cookie(response, cookie)
    return response


def _who(wanted: AuthorizationRequest) -> tuple[Citizen | None, int, tuple[str, str] | None]:
    """Who proved themselves, and at what level; or what to say instead, in Vietnamese and English."""
    level = wanted.levels[0] if wanted.levels else sandbox().source.usual_level
    quick = "citizen" in request.form
    citizen = sandbox().population.find(request.form["citizen" if quick else "number"])
    if not quick and request.form.get("password") != PASSWORD:
        return None, 0, ("Số định danh hoặc mật khẩu không đúng.", "The number or the password is wrong.")
    if citizen is None or not sandbox().source.account(citizen).exists:
        return None, 0, ("Không tìm thấy tài khoản của người này.", "This person has no account here.")
    if quick:
        return citizen, level, None
    code = request.form.get("otp", "")
    if code == ONE_TIME_CODE:
        return citizen, max(level, 2), None
    if code or min(wanted.levels, default=1) > 1:
        return None, 0, (f"Hãy nhập mã xác thực {ONE_TIME_CODE}.", f"Enter the one-time code {ONE_TIME_CODE}.")
    return citizen, 1, None


def _refused(wanted: AuthorizationRequest, citizen: Citizen) -> Response | None:
    """The person is known, and may not sign in: the client is told why."""
    be_unavailable_for(citizen, "authorize")
    fault = sandbox().faults.strike(PERSON, "authorize", citizen)
    told = {FaultName.LOCKED: "account_locked", FaultName.DECEASED: "person_deceased"}
    refusal = told[FaultName(fault.fault)] if fault else sandbox().source.account(citizen).refusal
    return None if refusal is None else _redirect_error(wanted, "access_denied", refusal)


def _granted(wanted: AuthorizationRequest, session: SignIn) -> Response:
    code = sandbox().codes.put(Grant(request=wanted, sign_in=session), sandbox().source.new_code())
    return _redirect(wanted, {"code": code}, session.citizen)


def _redirect_error(wanted: AuthorizationRequest, error: str, description: str) -> Response:
    return _redirect(wanted, {"error": error, "error_description": description}, None)


def _redirect(wanted: AuthorizationRequest, values: dict[str, str], citizen: Citizen | None) -> Response:
    """Back to the client with state and iss (RFC 9207); a code's `+` is sent as it is."""
    values |= {"state": wanted.state} if wanted.state is not None else {}
    values["iss"] = sandbox().settings.issuer
    lie = sandbox().faults.strike(REDIRECT, "authorize", citizen)
    told = lie.fault if lie else None
    if told == FaultName.WRONG_STATE:
        values["state"] = f"{wanted.state or ''}x"
    elif told == FaultName.WRONG_ISS_PARAMETER:
        values["iss"] = "https://another-source.example"
    elif told == FaultName.MISSING_ISS_PARAMETER:
        del values["iss"]
    query = "&".join(f"{name}={quote(value, safe='+' if name == 'code' else '')}" for name, value in values.items())
    return _see_other(f"{wanted.redirect_uri}{'&' if '?' in wanted.redirect_uri else '?'}{query}")


def _see_other(location: str) -> Response:
    return Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def _set_session_cookie(response: Response, value: str) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        value,
        max_age=SESSION_LIFETIME_SECONDS,
        secure=sandbox().settings.issuer.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
