"""A card that its holder shows just now, for whoever scanned the code of it and asks us whose it is.

POST /presence    {"code": text}: 200 {"card": text of the card's own code, "checked_at": seconds}, or {"error": name}

Whoever asks has seen the holder's screen and says nothing of themselves; the card has to be verified like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response

from idp import clock, errors
from idp.audit import Audit
from idp.broker.journey import customer_of
from idp.cards import Book, Kept, State
from idp.cards.showing import Showings
from idp.digital_id import Reason
from idp.errors import Refused
from idp.oidc import strict_json
from idp.oidc.http import as_error, as_json
from idp.oidc.refusing import failure_of
from idp.oidc.routes import to_flask
from idp.storage import Database, ShortLived

PATH = "/presence"
COUNTED_SECONDS = 60
PREFLIGHT_SECONDS = 600
_FAILURES = {
    Reason.BAD_TEXT: errors.NO_PRESENCE_CODE, Reason.TOO_LONG: errors.NO_PRESENCE_CODE,
    Reason.PRESENCE_UNKNOWN: errors.PRESENCE_UNKNOWN, Reason.PRESENCE_SEEN: errors.PRESENCE_SEEN,
    # One that we made and that comes before its time was made by a machine of ours whose clock is wrong.
    Reason.PRESENCE_OLD: errors.PRESENCE_OLD, Reason.ISSUED_AHEAD: errors.PRESENCE_OLD,
}  # fmt: skip
_STATES = {State.SUSPENDED: errors.SHOWN_SUSPENDED, State.INVALID: errors.SHOWN_REVOKED}
_HEADERS = (("Access-Control-Allow-Origin", "*"), ("X-Content-Type-Options", "nosniff"))


@dataclass(frozen=True, kw_only=True)
class PresenceRoutes:
    database: Database
    short_lived: ShortLived
    showings: Showings
    book: Book
    audit: Audit
    codes_per_network_per_minute: int

    def blueprint(self) -> Blueprint:
        room = Blueprint("presence", __name__)
        room.post(PATH, endpoint="redeem", provide_automatic_options=False)(self._redeem)
        room.add_url_rule(PATH, "preflight", _preflight, methods=["OPTIONS"])
        return room

    def _redeem(self) -> Response:
        try:
            card = self._shown(customer_of(request.remote_addr or ""))
        except Exception as problem:  # noqa: BLE001 -- told as JSON, also to pages elsewhere; failure_of notes what it was
            failure, headers = failure_of(problem, self.audit)
            return to_flask(as_error(failure, *headers, *_HEADERS))
        return to_flask(as_json(200, {"card": card.text, "checked_at": clock.seconds()}, *_HEADERS))

    def _shown(self, network: str) -> Kept:
        """The card that is shown, and that this was so is on record; raises Refused."""
        if self.short_lived.count(f"presence-codes:{network}", COUNTED_SECONDS) > self.codes_per_network_per_minute:
            raise Refused(errors.TOO_MANY, "presence codes from one network")
        redeemed = self.showings.redeem(_code(request.get_data()), clock.seconds())
        if isinstance(redeemed, Reason):
            raise Refused(_FAILURES[redeemed])
        card = self.book.find(redeemed)
        if card is None:
            raise Refused(errors.SHOWN_REVOKED, "it is there no more")
        if card.state in _STATES:
            raise Refused(_STATES[card.state])
        with self.database.write() as tx:
            self.audit.card_shown(tx, person_id=card.person_id, card_id=card.id)
        return card


def _code(body: bytes) -> str:
    """The member `code`; raises Refused."""
    try:
        code = strict_json.read_object(body).get("code")
    except ValueError as problem:
        raise Refused(errors.NO_PRESENCE_CODE, str(problem)) from None
    if not isinstance(code, str):
        raise Refused(errors.NO_PRESENCE_CODE, "no text named code")
    return code


def _preflight() -> Response:
    """What a page of another site asks before it sends JSON (Fetch section 4.8)."""
    answer = Response(status=204, headers=[*_HEADERS, ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS))])
    answer.headers["Access-Control-Allow-Methods"] = "POST"
    answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return answer
