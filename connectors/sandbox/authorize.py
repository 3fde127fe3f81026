"""From the client's request to the code: PAR, the authorization endpoint, and the sign-in page behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from connectors.sandbox import clients
from connectors.sandbox.answers import answer, be_unavailable_for
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.clients import Client
from connectors.sandbox.errors import PageProblem, ProtocolError
from connectors.sandbox.faults import PERSON, REDIRECT, FaultName
from connectors.sandbox.login import SESSION_COOKIE, NotProved, keep_signed_in, login_page, still_open, who
from connectors.sandbox.shelf import now
from connectors.sandbox.source import AuthorizationRequest, Grant, SignIn
from connectors.sandbox.state import PUSHED_REQUEST_LIFETIME_SECONDS, sandbox

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 section 2.2
S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
NO_ACCOUNT = ("Không tìm thấy tài khoản của người này.", "This person has no account here.")

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
def ask() -> Response:
    interaction = request.args.get("interaction", "")
    wanted = still_open(sandbox().interactions.get(interaction))
    return login_page(interaction, hint=wanted.login_hint)


@blueprint.post("/login")
def login() -> Response:
    """One of three forms: a number with a password, a citizen's button, or the cancel button."""
    interaction = request.form.get("interaction", "")
    wanted = still_open(sandbox().interactions.get(interaction))
    if "cancel" in request.form:
        sandbox().interactions.take(interaction)
        return _redirect_error(wanted, "access_denied", "cancelled_by_user")
    try:
        citizen, level = who(wanted.levels, _account_holder, stranger=NO_ACCOUNT)
    except NotProved as problem:
        return login_page(interaction, hint=wanted.login_hint, problem=problem.words)
    still_open(sandbox().interactions.take(interaction))  # another click may have been faster
    if refused := _refused(wanted, citizen):
        return refused
    cookie, session = sandbox().sign_in(citizen, level)
    response = _granted(wanted, session)
    keep_signed_in(response, cookie)
    return response


def _account_holder(number: str) -> Citizen | None:
    citizen = sandbox().population.find(number)
    return citizen if citizen is not None and sandbox().source.account(citizen).exists else None


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
