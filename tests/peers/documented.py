"""Runs the lines of a document as a portal in Python, listening on a port: `python documented.py FILE PORT`.

A Flask app is served as it is, Django's addresses within a project that has nothing but sessions. Python asks the
system's resolver for *.localhost, which may not know it; browsers do not ask.
"""

from __future__ import annotations

import os
import runpy
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from werkzeug.serving import make_server

from tests.quiet import Quiet

_resolve = socket.getaddrinfo


def _resolved(host: Any, *rest: Any, **options: Any) -> Any:
    return _resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **options)


def _django() -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY=os.environ["SESSION_SECRET"], ROOT_URLCONF="documented_urls", ALLOWED_HOSTS=[".localhost"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"], USE_TZ=True,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    )  # fmt: skip
    django.setup()


def application(file: str) -> Any:
    """What the file serves."""
    if "urlpatterns" not in Path(file).read_text("utf-8"):
        return runpy.run_path(file)["app"]
    _django()
    addresses = ModuleType("documented_urls")
    sys.modules[addresses.__name__] = addresses
    addresses.__dict__.update(runpy.run_path(file))
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def main(file: str, port: int) -> None:
    socket.getaddrinfo = _resolved
    server = make_server("127.0.0.1", port, application(file), threaded=True, request_handler=Quiet)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
