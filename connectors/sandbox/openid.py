"""A source that speaks OpenID Connect: a bank, or the population register's own sign-in."""

from __future__ import annotations

from flask import Flask

from connectors.sandbox import answers, authorize, logout, metadata, tokens
from connectors.sandbox.errors import PageProblem, ProtocolError
from connectors.sandbox.settings import Settings
from connectors.sandbox.state import Sandbox


def furnish(app: Flask, settings: Settings) -> Sandbox:
    """The endpoints stand on the app; what is behind them is given back."""
    for part in (metadata, authorize, tokens, logout):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(ProtocolError, answers.protocol_error)
    app.register_error_handler(PageProblem, answers.page_problem)
    return Sandbox(settings)
