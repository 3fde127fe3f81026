"""The provider's addresses on Flask: each carries a request to its plain function and the response back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response as FlaskResponse

from idp.broker import Journey
from idp.oidc.answering import Delivery
from idp.oidc.authorize import Authorize
from idp.oidc.conformance_resource import PATH as RESOURCE
from idp.oidc.conformance_resource import ConformanceResource
from idp.oidc.device import PATH as DEVICE_AUTHORIZATION
from idp.oidc.discovery import Discovery
from idp.oidc.http import Request, Response, see_other
from idp.oidc.par import PATH as PAR
from idp.oidc.registration import PATH as REGISTER
from idp.oidc.registration import Registering
from idp.oidc.userinfo import UserInfo
from idp.people import claims
from idp.web import language, pages
from idp.web.words import ClaimLabel


@dataclass(frozen=True, kw_only=True)
class Routes:
    authorize: Authorize
    token: Callable[[Request], Response]
    par: Callable[[Request], Response]
    device_authorization: Callable[[Request], Response]
    introspect: Callable[[Request], Response]
    revoke: Callable[[Request], Response]
    userinfo: UserInfo
    conformance_resource: ConformanceResource | None  # None: there is no such address
    discovery: Discovery
    journey: Journey

    def blueprint(self) -> Blueprint:
        room = Blueprint("oidc", __name__)
        plain: list[tuple[str, str, list[str], Callable[[Request], Response]]] = [
            ("/token", "token", ["POST"], self.token),
            (PAR, "par", ["POST"], self.par),
            (DEVICE_AUTHORIZATION, "device_authorization", ["POST"], self.device_authorization),
            ("/introspect", "introspect", ["POST"], self.introspect),
            ("/revoke", "revoke", ["POST"], self.revoke),
            ("/userinfo", "userinfo", ["GET", "POST"], self.userinfo),
            ("/.well-known/openid-configuration", "configuration", ["GET"], self.discovery.configuration),
            ("/jwks", "jwks", ["GET"], self.discovery.jwks),
        ]
        if self.conformance_resource is not None:
            plain.append((RESOURCE, "conformance_resource", ["GET", "POST"], self.conformance_resource))
        for path, name, methods, function in plain:
            room.add_url_rule(path, name, _carried(function), methods=methods)
        room.add_url_rule("/authorize", "authorize", self._authorize, methods=["GET", "POST"])
        room.add_url_rule("/authorize/continue/<login_id>", "resume", self._resume)
        room.add_url_rule("/claims", "claims", _claims_table)
        return room

    def _authorize(self) -> FlaskResponse:
        answer = self.authorize(from_flask())
        if isinstance(answer, Response):
            return to_flask(answer)
        if answer.fields is None:
            return to_flask(see_other(answer.url))
        return _posted_on(answer, answer.fields, language.of_request())

    def _resume(self, login_id: str) -> FlaskResponse:
        """The end of a journey. It was reached by a form, so the browser is sent on by a page, not by a redirect."""
        answer = self.authorize.resume(login_id, from_flask())
        if isinstance(answer, Response):
            return to_flask(answer)
        spoken = language.of_request(self.journey.login(login_id, request.cookies).need.ui_locales)
        if not isinstance(answer, Delivery):
            return pages.finished(spoken, (self.journey.entrance(answer), answer.name(spoken)))
        if answer.fields is not None:
            return _posted_on(answer, answer.fields, spoken)
        return pages.onward(answer.url, answer.client.name(spoken), spoken)


def _posted_on(answer: Delivery, fields: tuple[tuple[str, str], ...], spoken: language.Language) -> FlaskResponse:
    """The answer as a form (OAuth 2.0 Form Post Response Mode). Where the portal leads on is held against form-action
    by Chromium, so the page allows all the portal's addresses.
    """
    client = answer.client
    targets = (*client.origins, client.home_url)
    return pages.auto_post(
        pages.AutoPostPage(url=answer.url, fields=fields, to=client.name(spoken), form_targets=targets), spoken
    )


def registration(registering: Registering) -> Blueprint:
    """The addresses of portals that register themselves, for where that is switched on."""
    room = Blueprint("registration", __name__)

    def manage(client_id: str) -> FlaskResponse:
        return to_flask(registering.manage(from_flask(), client_id))

    room.add_url_rule(REGISTER, "register", _carried(registering.register), methods=["POST"])
    room.add_url_rule(f"{REGISTER}/<client_id>", "manage", manage, methods=["GET", "PUT", "DELETE"])
    return room


def from_flask() -> Request:
    return Request(
        method=request.method, path=request.path, query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers}, cookies=request.cookies,
        body=request.get_data(cache=False) if request.method in ("POST", "PUT") else b"",
        network=request.remote_addr or "", server_certificate=request.environ.get("SSL_CLIENT_CERT", ""),
    )  # fmt: skip


def to_flask(response: Response) -> FlaskResponse:
    return FlaskResponse(response.body, response.status, list(response.headers))


def _carried(function: Callable[[Request], Response]) -> Callable[[], FlaskResponse]:
    return lambda: to_flask(function(from_flask()))


def _claims_table() -> FlaskResponse:
    """Which claims stand behind which scope: the page for those who build portals."""
    labels = {label.value: label for label in ClaimLabel}
    rows = [
        pages.ClaimRow(
            scope=scope, claim=claim.name, label_id=labels.get(f"claim.{claim.name}", ClaimLabel.NAME),
            by_operator=scope in claims.GUARDED_SCOPES or claim.also_needs is not None,
        )
        for scope in claims.SCOPES
        for claim in claims.CLAIMS
        if scope in claim.scopes
    ]  # fmt: skip
    return pages.claims_table(rows, language.of_request())
