"""Who is at the account in this browser, and whether a form of ours brought what comes from there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from werkzeug.wrappers import Response

from idp import entropy, errors
from idp.broker.desk import see_other
from idp.broker.journey import Journey
from idp.broker.steps import Need
from idp.errors import Refused
from idp.seal import Sealer, to_text
from idp.sessions import Standing
from idp.sessions.cookies import Cookies

# Since somebody proved themselves: whoever walks up to a screen that was left, or was let in by a phone, adds nothing
# of theirs and takes nothing along that outlives the session.
FRESH_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Door:
    journey: Journey
    sealer: Sealer
    cookies: Cookies

    def standing(self) -> Standing | None:
        return self.journey.standing(self.journey.own, request.cookies)

    def sure(self, level: int) -> Standing | None:
        """Whoever is at the account, if they are signed in at this level at least."""
        standing = self.standing()
        return standing if standing is not None and standing.level >= level else None

    def form_token(self, nonce: str = "") -> str:
        """What a form must bring back: known only to this browser and to us, and bound to the form's nonce."""
        cookie = self.cookies.session(request.cookies) or ""
        return to_text(self.sealer.index("form.account", f"{cookie}\n{nonce}"))

    def check_form(self, nonce: str = "") -> None:
        """Raises Refused for a form that is not this browser's own."""
        if not entropy.same(request.form.get("form_token", ""), self.form_token(nonce)):
            raise Refused(errors.BAD_FORM)

    def begun(self, need: Need) -> Response:
        """The way to sign in begins in this browser."""
        started = self.journey.start(need, "", request.cookies, request.remote_addr or "")
        response = see_other(url_for("broker.choose", login_id=started.login_id))
        for cookie in started.cookies:
            response.headers.add("Set-Cookie", cookie)
        return response
