"""`granian --interface wsgi --workers 1 connectors.sandbox.serve:app`: one source, as its environment says.

The application is made when `app` is first looked up, so that importing this module does nothing.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from connectors.sandbox.app import create_app
from connectors.sandbox.settings import RefusesToStart, from_environment

if TYPE_CHECKING:
    from flask import Flask

    app: Flask

_lock = threading.Lock()


def __getattr__(name: str) -> Flask:
    if name != "app":
        raise AttributeError(name)
    with _lock:
        if "app" not in globals():
            globals()["app"] = _made_from_environment()
    made: Flask = globals()["app"]
    return made


def _made_from_environment() -> Flask:
    try:
        return create_app(from_environment(os.environ))
    except RefusesToStart as refusal:
        raise SystemExit(str(refusal)) from None
