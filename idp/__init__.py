"""Một Cửa: one door to every public service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """The provider for `flask --app idp`, with some of `idp`'s commands; nothing is loaded before the call."""
    from idp.app import create_app
    from idp.cli.flask_commands import people, source

    app = create_app()
    app.cli.add_command(source)
    app.cli.add_command(people)
    return app
