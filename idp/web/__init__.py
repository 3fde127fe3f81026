"""The pages a person sees: their words, their look, their headers. `register(app)` makes an app able to show them."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Flask, Response, abort
from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from idp.web import language
from idp.web.headers import harden

STATIC_SECONDS = 31_536_000  # the address of a static file changes with its content
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DIGEST_CHARACTERS = 16


def register(app: Flask) -> None:
    """The app can show `idp.web.pages` and serves their files; `app.config["SETTINGS"]` must hold the Settings."""
    room = Blueprint("web", __name__, template_folder="templates")
    room.add_url_rule("/static/<digest>/<path:name>", "static_file", _static_file)
    app.register_blueprint(room)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals.update(
        t=_t, in_other=_in_other, format_date=_format_date, format_instant=_format_instant, static_url=static_url
    )


def static_url(name: str) -> str:
    """The address of a static file, with a digest of its content in it; raises KeyError for a name we do not have.

    Scripts in a folder name each other by relative addresses: there the digest is of all that is in the folder.
    """
    return f"/static/{_version(name)}/{name}"


def static_file(name: str) -> bytes:
    return _static_files()[name]


def static_names(folder: str) -> list[str]:
    return sorted(name for name in _static_files() if name.startswith(f"{folder}/"))


@cache
def _static_files() -> dict[str, bytes]:
    top = Path(__file__).parent / "static"
    return {file.relative_to(top).as_posix(): file.read_bytes() for file in top.rglob("*") if file.suffix in _TYPES}


@cache
def _version(name: str) -> str:
    folder, _, _ = name.rpartition("/")
    content = static_file(name)
    if folder:
        content = b"".join(sha256(static_file(other)).digest() for other in static_names(folder))
    return sha256(content).hexdigest()[:_DIGEST_CHARACTERS]


def _static_file(digest: str, name: str) -> Response:
    content = _static_files().get(name)
    if content is None:
        abort(404)
    response = Response(content, mimetype=_TYPES[Path(name).suffix])
    # A page of the release before still gets its file, only not one to keep under that address.
    lasting = digest == _version(name)
    response.headers["Cache-Control"] = f"public, max-age={STATIC_SECONDS}, immutable" if lasting else "no-cache"
    return harden(response)


@pass_context
def _t(context: Context, message_id: str, /, **values: object) -> Markup:
    return language.markup(context["language"], message_id, **values)


@pass_context
def _in_other(context: Context, message_id: str, /, **values: object) -> Markup:
    return language.markup(context["other_language"], message_id, **values)


@pass_context
def _format_date(context: Context, value: date) -> str:
    return language.format_date(context["language"], value)


@pass_context
def _format_instant(context: Context, value: datetime) -> str:
    return language.format_instant(context["language"], value)
