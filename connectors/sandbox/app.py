"""What a source is made of, in reading order."""

from __future__ import annotations

from flask import Flask, Response, request

from connectors.sandbox import answers, authorize, control, logout, metadata, tokens
from connectors.sandbox.errors import PageProblem, ProtocolError, Unavailable
from connectors.sandbox.settings import Settings
from connectors.sandbox.state import Sandbox, sandbox

REQUEST_LIMIT_BYTES = 64 * 1024


def create_app(settings: Settings) -> Flask:
    """One source, ready to be served by several threads of one process; raises RefusesToStart."""
    app = Flask(__name__)
    app.extensions["sandbox"] = Sandbox(settings)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_LIMIT_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    for part in (metadata, authorize, tokens, logout, control):
        app.register_blueprint(part.blueprint)
    app.before_request(answers.be_unavailable)
    app.after_request(_note_request)
    app.register_error_handler(ProtocolError, answers.protocol_error)
    app.register_error_handler(PageProblem, answers.page_problem)
    app.register_error_handler(Unavailable, lambda fault: fault.response)
    return app


def _note_request(response: Response) -> Response:
    if not request.path.startswith((control.PREFIX, "/static/")):
        sandbox().log.note(request, response)
    return response
