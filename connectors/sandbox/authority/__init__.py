"""A certification authority, and the plug-in that asks for the PIN of a USB token and signs with it."""

from __future__ import annotations

from flask import Flask

from connectors.sandbox import answers
from connectors.sandbox.authority import pages, revocation, state
from connectors.sandbox.errors import PageProblem
from connectors.sandbox.settings import Settings


def furnish(app: Flask, settings: Settings) -> state.AuthorityState:
    """The endpoints stand on the app; what is behind them is given back."""
    for part in (pages, revocation):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(PageProblem, answers.page_problem)
    return state.AuthorityState(settings)
