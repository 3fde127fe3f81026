"""What a source is made of, in reading order."""

from __future__ import annotations

from importlib import import_module

from flask import Flask, Response, request

from connectors.sandbox import answers, control
from connectors.sandbox.common import Common, common
from connectors.sandbox.errors import Unavailable
from connectors.sandbox.settings import Settings

REQUEST_LIMIT_BYTES = 64 * 1024
_MODULES = {
    "banking": "openid",
    "population": "openid",
    "population_register": "population_register",
    "business": "business_register",
    "insurance": "insurance",
    "authority": "authority",
    "tax": "tax",
}


def create_app(settings: Settings) -> Flask:
    """One source, ready to be served by several threads of one process; raises RefusesToStart."""
    app = Flask(__name__)
    app.extensions["sandbox"] = _furnished(app, settings)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_LIMIT_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.register_blueprint(control.blueprint)
    app.before_request(lambda: common().log.arrived(request))
    app.before_request(answers.be_unavailable)
    app.after_request(_note_request)
    app.register_error_handler(Unavailable, lambda fault: fault.response)
    return app


def _furnished(app: Flask, settings: Settings) -> Common:
    """The source of that kind, with its endpoints on the app; each kind loads only what it speaks."""
    furnished: Common = import_module(f"connectors.sandbox.{_MODULES[settings.kind]}").furnish(app, settings)
    return furnished


def _note_request(response: Response) -> Response:
    if not request.path.startswith((control.PREFIX, "/static/")):
        common().log.note(request, response)
    return response
