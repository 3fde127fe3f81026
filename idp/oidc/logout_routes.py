"""The addresses of signing out on Flask.

GET, POST /logout          from a portal, or from anywhere (OpenID Connect RP-Initiated Logout 1.0)
POST      /logout/confirm  the person has said whether they want to
GET       /signed-out      back from a source that has signed them out as well
GET       /session-check   the page that portals keep in a frame (OpenID Connect Session Management 1.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response

from idp import entropy, errors
from idp.broker import Journey, Shelf
from idp.clients import Client
from idp.errors import Refused
from idp.oidc.authorize import POSTED, POSTED_SECONDS
from idp.oidc.http import Parameters, see_other
from idp.oidc.logout import SIGNED_OUT, Logout, Wish
from idp.oidc.routes import from_flask, to_flask
from idp.oidc.session_management import PATH as SESSION_CHECK
from idp.oidc.session_management import check_page
from idp.seal import BadSeal, Sealer
from idp.sessions.cookies import Cookies
from idp.web import language, leaving, pages


@dataclass(frozen=True, kw_only=True)
class Asker:
    """The portal that asked for the sign-out, and where it wants the person back."""

    client: Client
    return_url: str | None


@dataclass(frozen=True, kw_only=True)
class LogoutRoutes:
    logout: Logout
    journey: Journey
    shelf: Shelf
    sealer: Sealer
    cookies: Cookies

    def blueprint(self) -> Blueprint:
        room = Blueprint("logout", __name__)
        room.add_url_rule("/logout", "logout", self._logout, methods=["GET", "POST"])
        room.add_url_rule("/logout/confirm", "confirm", self._confirm, methods=["POST"])
        room.add_url_rule(SIGNED_OUT, "signed_out", self._left)
        room.add_url_rule(SESSION_CHECK, "session_check", lambda: check_page(self.cookies.state_name))
        return room

    def _logout(self) -> Response:
        if request.method == "POST":  # cross-site, so without our Lax cookie: it comes back by GET
            wanted = self.logout.wanted(from_flask().form())
            self.journey.count_network(request.remote_addr or "")
            return to_flask(see_other(f"/logout?{POSTED}={self.shelf.keep_posted(wanted, POSTED_SECONDS)}"))
        wish = self.logout.read(self._parameters())
        cookie = self.cookies.session(request.cookies)
        session_id = self.logout.open_session(cookie)
        if session_id is not None and not self.logout.is_meant(session_id, wish):
            return self._question(wish, cookie)
        asker = None if wish.client is None else Asker(client=wish.client, return_url=wish.return_url)
        return self._signed_out(session_id, asker, "the portal signed out", language.of_request(wish.ui_locales))

    def _confirm(self) -> Response:
        cookie = self.cookies.session(request.cookies)
        if not entropy.same(request.form.get("form_token", ""), self.logout.form_token(cookie)):
            raise Refused(errors.BAD_FORM)
        asker = self._sealed_asker(request.args.get("next"))
        if request.form.get("decision") != "sign_out":
            return to_flask(see_other("/"))  # not to the portal's own "signed out": it would believe it
        session_id = self.logout.open_session(cookie)
        return self._signed_out(session_id, asker, "the person signed out", language.of_request(), after_form=True)

    def _question(self, wish: Wish, cookie: str | None) -> Response:
        onward = ""
        if wish.client is not None:
            asker = f"{wish.client.id} {wish.return_url or ''}"
            onward = "?next=" + self.sealer.seal_text("logout.return", asker.encode())
        page = leaving.SignOutPage(
            action_url=f"/logout/confirm{onward}", form_token=self.logout.form_token(cookie),
            form_targets=wish.client.origins if wish.client else (),
        )  # fmt: skip
        return leaving.sign_out_question(page, language.of_request(wish.ui_locales))

    def _signed_out(
        self, session_id: bytes | None, asker: Asker | None, reason: str, spoken: language.Language, *,
        after_form: bool = False,
    ) -> Response:  # fmt: skip
        """The session is over; the browser tells the portals that want it so, and goes on to the source to end that
        one's too, to the portal, or stays.

        After a form it is sent on by a page: see `Routes._resume`. To a source always, since a portal's own sign-out is
        a form whose page expects to be led to us and to nobody else.
        """
        ended = None if session_id is None else self.logout.end(session_id, reason)
        return_url = None if asker is None else asker.return_url
        way = None if asker is None or return_url is None else (return_url, asker.client.name(spoken))
        leave = None if ended is None else self.logout.at_source(ended, return_url)
        if leave is not None:
            way, after_form = (leave[0], leave[1].name(spoken)), True
        frames = () if ended is None else self.logout.frames(ended)
        response: Response
        if way is None or frames:
            told = [] if ended is None else [(client.name_vi, client.name_en) for client in ended.portals]
            back = None if way is not None or asker is None else self._link_to(asker.client, spoken)
            page = leaving.SignedOutPage(told=_told(told), frames=frames, onward=way, return_link=back)
            response = leaving.signed_out(page, spoken)
        else:
            response = pages.onward(*way, spoken) if after_form else to_flask(see_other(way[0]))
        for cookie in self.cookies.clear_session():
            response.headers.add("Set-Cookie", cookie)
        return response

    def _left(self) -> Response:
        """Back from a source at which the person signed out. Ours had ended before."""
        left = self.logout.left(Parameters.parse(from_flask().query))
        return_url, told = left or (None, ())
        if return_url is not None:
            return to_flask(see_other(return_url))
        # Whoever opens this address may have got it from somebody else: it must not claim what is not so.
        if self.logout.open_session(self.cookies.session(request.cookies)) is not None:
            return to_flask(see_other("/"))
        return leaving.signed_out(
            leaving.SignedOutPage(told=_told(told), at_source=left is not None), language.of_request()
        )

    def _parameters(self) -> Parameters:
        handle = request.args.get(POSTED)
        if handle is None:
            return Parameters.parse(request.query_string.decode("latin-1"))
        return Parameters.parse(self.shelf.take_posted(handle) or "")

    def _sealed_asker(self, sealed: str | None) -> Asker | None:
        if not sealed:
            return None
        try:
            client_id, _, url = self.sealer.open_text("logout.return", sealed).decode().partition(" ")
        except BadSeal:
            raise Refused(errors.BAD_FORM) from None
        client = self.logout.portal(client_id)
        return None if client is None else Asker(client=client, return_url=url or None)

    def _link_to(self, client: Client, spoken: language.Language) -> pages.Link | None:
        address = self.logout.entrance(client)
        return None if address is None else (address, client.name(spoken))


def _told(portals: Sequence[tuple[str, str]]) -> tuple[leaving.PortalTold, ...]:
    return tuple(leaving.PortalTold(name_vi=name_vi, name_en=name_en) for name_vi, name_en in portals)
