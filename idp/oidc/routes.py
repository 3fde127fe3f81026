"""The provider's addresses on Flask: each carries a request to its plain function and the response back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response as FlaskResponse

from idp import entropy, errors
from idp.broker import Journey, Shelf
from idp.clients import Client
from idp.errors import Refused
from idp.oidc.authorize import POSTED, POSTED_SECONDS, Authorize
from idp.oidc.discovery import Discovery
from idp.oidc.http import Parameters, Request, Response, see_other
from idp.oidc.logout import SIGNED_OUT, Logout, Wish
from idp.oidc.token import Token
from idp.oidc.userinfo import UserInfo
from idp.people import claims
from idp.seal import BadSeal, Sealer
from idp.sessions.cookies import Cookies
from idp.web import language, pages
from idp.web.words import ClaimLabel


@dataclass(frozen=True, kw_only=True)
class Routes:
    authorize: Authorize
    token: Token
    userinfo: UserInfo
    discovery: Discovery
    logout: Logout
    journey: Journey
    shelf: Shelf
    sealer: Sealer
    cookies: Cookies

    def blueprint(self) -> Blueprint:
        room = Blueprint("oidc", __name__)
        plain: list[tuple[str, str, list[str], Callable[[Request], Response]]] = [
            ("/token", "token", ["POST"], self.token),
            ("/userinfo", "userinfo", ["GET", "POST"], self.userinfo),
            ("/.well-known/openid-configuration", "configuration", ["GET"], self.discovery.configuration),
            ("/jwks", "jwks", ["GET"], self.discovery.jwks),
        ]
        for path, name, methods, function in plain:
            room.add_url_rule(path, name, _carried(function), methods=methods)
        room.add_url_rule("/authorize", "authorize", self._authorize, methods=["GET", "POST"])
        room.add_url_rule("/authorize/continue/<login_id>", "resume", self._resume)
        room.add_url_rule("/logout", "logout", self._logout, methods=["GET", "POST"])
        room.add_url_rule("/logout/confirm", "confirm_logout", self._confirm_logout, methods=["POST"])
        room.add_url_rule(SIGNED_OUT, "signed_out", self._left)
        room.add_url_rule("/claims", "claims", _claims_table)
        return room

    def _authorize(self) -> FlaskResponse:
        return to_flask(self.authorize(from_flask(), request.remote_addr or ""))

    def _resume(self, login_id: str) -> FlaskResponse:
        """The end of a journey. It was reached by a form, so the browser is sent on by a page, not by a redirect."""
        answer = self.authorize.resume(login_id, from_flask())
        login = self.journey.login(login_id, request.cookies)
        spoken = language.of_request(login.need.ui_locales)
        if not isinstance(answer, Response):
            return pages.finished(spoken, (answer.home_url, answer.name(spoken)))
        location = dict(answer.headers)["Location"]
        if location.startswith("/"):
            return to_flask(answer)
        client = self.journey.client_of(login)
        return pages.onward(location, client.name(spoken), spoken)

    def _logout(self) -> FlaskResponse:
        if request.method == "POST":  # cross-site, so without our Lax cookie: it comes back by GET
            wanted = self.logout.wanted(from_flask().form())
            self.journey.count_network(request.remote_addr or "")
            return to_flask(see_other(f"/logout?{POSTED}={self.shelf.keep_posted(wanted, POSTED_SECONDS)}"))
        wish = self.logout.read(self._logout_parameters())
        cookie = self.cookies.session(request.cookies)
        session_id = self.logout.open_session(cookie)
        if session_id is not None and not self.logout.is_meant(session_id, wish):
            return self._ask_to_sign_out(wish, cookie)
        back = None if wish.client is None or wish.return_url is None else (wish.client, wish.return_url)
        return self._signed_out(session_id, back, "the portal signed out")

    def _confirm_logout(self) -> FlaskResponse:
        cookie = self.cookies.session(request.cookies)
        if not entropy.same(request.form.get("form_token", ""), self.logout.form_token(cookie)):
            raise Refused(errors.BAD_FORM)
        back = self._sealed_return(request.args.get("next"))
        if request.form.get("decision") != "sign_out":
            return to_flask(see_other("/"))  # not to the portal's own "signed out": it would believe it
        return self._signed_out(self.logout.open_session(cookie), back, "the person signed out", after_form=True)

    def _ask_to_sign_out(self, wish: Wish, cookie: str | None) -> FlaskResponse:
        onward = ""
        if wish.return_url is not None and wish.client is not None:
            back = f"{wish.client.id} {wish.return_url}"
            onward = "?next=" + self.sealer.seal_text("logout.return", back.encode())
        page = pages.SignOutPage(
            action_url=f"/logout/confirm{onward}", form_token=self.logout.form_token(cookie),
            form_targets=wish.client.origins if wish.client else (),
        )  # fmt: skip
        return pages.sign_out_question(page, language.of_request())

    def _signed_out(
        self, session_id: bytes | None, back: tuple[Client, str] | None, reason: str, *, after_form: bool = False
    ) -> FlaskResponse:
        """The session is over; the browser goes on to the source to end that one's too, to the portal, or stays.

        After a form it is sent on by a page: see `_resume`. To a source always, since a portal's own sign-out is a form
        whose page expects to be led to us and to nobody else.
        """
        ended = None if session_id is None else self.logout.end(session_id, reason)
        spoken = language.of_request()
        way = None if back is None else (back[1], back[0].name(spoken))
        leave = None if ended is None else self.logout.at_source(ended, None if back is None else back[1])
        if leave is not None:
            way, after_form = (leave[0], leave[1].name(spoken)), True
        response: FlaskResponse
        if way is None:
            told = [] if ended is None else [(client.name_vi, client.name_en) for client in ended.told]
            response = pages.signed_out(_told(told), spoken)
        else:
            response = pages.onward(*way, spoken) if after_form else to_flask(see_other(way[0]))
        response.headers.add("Set-Cookie", self.cookies.clear_session())
        return response

    def _left(self) -> FlaskResponse:
        """Back from a source at which the person signed out. Ours had ended before."""
        left = self.logout.left(Parameters.parse(from_flask().query))
        return_url, told = left or (None, ())
        if return_url is not None:
            return to_flask(see_other(return_url))
        # Whoever opens this address may have got it from somebody else: it must not claim what is not so.
        if self.logout.open_session(self.cookies.session(request.cookies)) is not None:
            return to_flask(see_other("/"))
        if left is None:
            return pages.signed_out((), language.of_request())
        return pages.signed_out(_told(told), language.of_request(), at_source=True)

    def _logout_parameters(self) -> Parameters:
        handle = request.args.get(POSTED)
        if handle is None:
            return Parameters.parse(request.query_string.decode("latin-1"))
        return Parameters.parse(self.shelf.take_posted(handle) or "")

    def _sealed_return(self, sealed: str | None) -> tuple[Client, str] | None:
        """The portal that asked for the sign-out, and where it wants the person back."""
        if not sealed:
            return None
        try:
            client_id, _, url = self.sealer.open_text("logout.return", sealed).decode().partition(" ")
        except BadSeal:
            raise Refused(errors.BAD_FORM) from None
        client = self.logout.portal(client_id)
        return None if client is None else (client, url)


def _told(portals: Sequence[tuple[str, str]]) -> list[pages.PortalTold]:
    return [pages.PortalTold(name_vi=name_vi, name_en=name_en) for name_vi, name_en in portals]


def from_flask() -> Request:
    return Request(
        method=request.method, path=request.path, query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers}, cookies=request.cookies,
        body=request.get_data(cache=False) if request.method == "POST" else b"",
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
