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
from idp.oidc.userinfo import UserInfo
from idp.oidc.wsgi import OUTCOME, Endpoint, request_of
from idp.people import claims
from idp.web import language, pages
from idp.web.words import ClaimLabel

AUTHORIZE = "/authorize"


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

    def endpoints(self) -> dict[str, Endpoint]:
        """What answers without a page, by path."""
        plain: list[tuple[str, str, tuple[str, ...], Callable[[Request], Response]]] = [
            ("/token", "token", ("POST",), self.token),
            (PAR, "par", ("POST",), self.par),
            (DEVICE_AUTHORIZATION, "device_authorization", ("POST",), self.device_authorization),
            ("/introspect", "introspect", ("POST",), self.introspect),
            ("/revoke", "revoke", ("POST",), self.revoke),
            ("/userinfo", "userinfo", ("GET", "POST"), self.userinfo),
            ("/.well-known/openid-configuration", "configuration", ("GET",), self.discovery.configuration),
            ("/jwks", "jwks", ("GET",), self.discovery.jwks),
        ]
        if self.conformance_resource is not None:
            plain.append((RESOURCE, "conformance_resource", ("GET", "POST"), self.conformance_resource))
        found = {path: Endpoint(name=f"oidc.{name}", methods=methods, answer=answer)
                 for path, name, methods, answer in plain}  # fmt: skip
        asked = Endpoint(name="oidc.authorize", methods=("GET", "POST"), answer=self._authorized, on_pages=True)
        return found | {AUTHORIZE: asked}

    def blueprint(self) -> Blueprint:
        """The pages."""
        room = Blueprint("oidc", __name__)
        room.add_url_rule(AUTHORIZE, "authorize", _shown, methods=["GET", "POST"])
        room.add_url_rule("/authorize/continue/<login_id>", "resume", self._resume)
        room.add_url_rule("/claims", "claims", _claims_table)
        return room

    def _authorized(self, request: Request) -> Response | Delivery:
        answer = self.authorize(request)
        return see_other(answer.url) if isinstance(answer, Delivery) and answer.fields is None else answer

    def _resume(self, login_id: str) -> FlaskResponse:
        """The end of a journey. It was reached by a form, so the browser is sent on by a page, not by a redirect."""
        login = self.journey.login(login_id, request.cookies)
        answer = self.authorize.resume(login, from_flask())
        if isinstance(answer, Response):
            return to_flask(answer)
        spoken = language.of_request(login.need.ui_locales)
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


def _shown() -> FlaskResponse:
    """What the front door has to show of a request to /authorize: why it cannot be answered, or an answer as a form."""
    outcome = request.environ[OUTCOME]
    if isinstance(outcome, Exception):
        raise outcome
    return _posted_on(outcome, outcome.fields, language.of_request())


def from_flask() -> Request:
    """The request that Flask shows a page for, with its body unless Flask has read it."""
    return request_of(request.environ, request.max_content_length)


def to_flask(response: Response) -> FlaskResponse:
    return FlaskResponse(response.body, response.status, list(response.headers))


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
