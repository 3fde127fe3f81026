"""What verifiers fetch. Nobody has to say who they are, and nothing asked for tells who is being checked.

GET /trust-list           the keys of cards, and where the status lists are: a JWS
GET /status-lists         the addresses of all status lists (draft-ietf-oauth-status-list section 9: aggregation)
GET /status-lists/<n>     one of them, as CWT or JWT, whichever is asked for
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, jsonify, request
from werkzeug.wrappers import Response

from idp.cards import Form, Publishing
from idp.cards.publishing import LISTS_PATH, TRUST_PATH
from idp.digital_id.trust_lists import TYPE

HELD_SECONDS = 10  # by caches


@dataclass(frozen=True, kw_only=True)
class ListRoutes:
    publishing: Publishing

    def blueprint(self) -> Blueprint:
        room = Blueprint("lists", __name__)
        room.get(LISTS_PATH, endpoint="all")(self.all)
        room.get(f"{LISTS_PATH}/<int:number>", endpoint="one")(self.one)
        room.get(TRUST_PATH, endpoint="trust")(self.trust)
        return room

    def trust(self) -> Response:
        return _open(Response(self.publishing.trust_list(), content_type=f"application/{TYPE}"))

    def all(self) -> Response:
        return _open(jsonify(status_lists=self.publishing.uris()))

    def one(self, number: int) -> Response:
        wished = request.accept_mimetypes.best_match([form.value for form in Form], default=Form.CWT.value)
        listed = self.publishing.status_list(number, Form(wished))
        if listed is None:
            abort(404)
        answer = _open(Response(listed, content_type=wished))
        answer.vary.add("Accept")
        return answer


def _open(answer: Response) -> Response:
    """Any page may read it (section 8.1 of the draft), and a cache may hold it for a moment."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = f"public, max-age={HELD_SECONDS}"
    return answer
