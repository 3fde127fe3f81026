"""The verifier's own small service, on the machine at the counter and for nobody else.

GET  /counter, /counter/worker.js, /static/…     the page, as the provider has it
GET  /trust-list, /status-lists/…                the issuer's news, as it was last fetched
POST /counter/decode                             a picture; {"text": …}, null where there is no code in it
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from idp import web
from idp.cards.publishing import TRUST_PATH, Form
from idp.counter.desk_news import DeskNews
from idp.counter.page import CounterPages
from idp.counter.pictures import PICTURE_BYTES, NotAPicture, Reader
from idp.digital_id.trust_lists import TYPE
from idp.settings import Settings
from idp.web.counter import SCOPE
from idp.web.headers import harden

DECODE = f"{SCOPE}/decode"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """`settings.issuer` is where the desk itself is reached, `issuer` whose cards are checked."""

    settings: Settings
    issuer: str
    news: DeskNews
    read_picture: Reader | None

    def app(self) -> Flask:
        app = Flask("desk", static_folder=None)
        app.config.update(SETTINGS=self.settings, MAX_CONTENT_LENGTH=PICTURE_BYTES)
        web.register(app)
        decode_url = DECODE if self.read_picture is not None else ""
        app.register_blueprint(CounterPages(issuer=self.issuer, decode_url=decode_url).blueprint())
        room = Blueprint("desk", __name__)
        room.get("/<path:path>", endpoint="news")(self.kept)
        if self.read_picture is not None:
            room.post(DECODE, endpoint="decode")(partial(_decoded, self.read_picture))
        app.register_blueprint(room)
        app.before_request(self._refuse_others)
        return app

    def kept(self, path: str) -> Response:
        token = self.news.token(f"/{path}")
        if token is None:
            abort(404)
        kind = f"application/{TYPE}" if f"/{path}" == TRUST_PATH else Form.CWT.value
        return harden(Response(token, content_type=kind))

    def _refuse_others(self) -> Response | None:
        """A page elsewhere can lead a name of its own to this machine, or send us something: neither is answered."""
        own = self.settings.issuer
        is_ours = f"{request.scheme}://{request.host}" == own and request.headers.get("Origin", own) == own
        return None if is_ours else _refused(403, "elsewhere")


def _decoded(read_picture: Reader) -> Response:
    try:
        return harden(jsonify(text=read_picture(request.get_data())))
    except NotAPicture:
        return _refused(415, "no_picture")
    except RequestEntityTooLarge:
        return _refused(413, "too_large")


def _refused(status: int, error: str) -> Response:
    answer = jsonify(error=error)
    answer.status_code = status
    return harden(answer)
