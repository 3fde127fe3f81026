"""An application behind the gate of the provider that takes so long for each request that its capacity is known."""

from __future__ import annotations

from flask import Flask

from idp import clock, shedding, web
from idp.settings import load

SERVICE_SECONDS = 0.02  # with one thread: 50 requests a second
SETTINGS = load(
    mode="test", issuer="http://idp.localhost:8400", trusted_proxies=1, overload={"started_header": "X-Request-Start"}
)


def _create() -> Flask:
    app = Flask("sluggish")
    app.config["SETTINGS"] = SETTINGS
    web.register(app)
    app.add_url_rule("/health/live", "live", lambda: "live")
    app.add_url_rule("/<path:path>", "work", _work)
    app.wsgi_app = shedding.around(app)  # type: ignore[method-assign]
    return app


def _work(path: str) -> str:
    clock.pause(SERVICE_SECONDS)
    return path


app = _create()
