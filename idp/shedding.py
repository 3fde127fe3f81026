"""Too much at once: who would wait too long is told so at once, while those who are let in are served as on any day.

A queue that only grows is the end of everybody: each answer comes after its reader has gone. How long a request has
waited, the proxy in front tells: it writes into a header when it passed the request on, and all that lies between then
and now is our queue. The clocks of the two need not agree. What counts is how much more time has passed than with the
quickest request before; and should a clock be put forward, everybody seems to be late, nobody is let in, and after two
seconds of that it is the clocks that are disbelieved.

Who begins something is turned away first, and who is in the middle of a sign-in much later: their work is half done,
and would be lost. Nobody is turned away from health and metrics.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Flask

from idp import clock, errors, observe
from idp.lines import REQUEST_ID
from idp.oidc.http import Response, as_error
from idp.oidc.refusing import RETRY_AFTER
from idp.oidc.wsgi import Environ, StartResponse, send
from idp.settings import Settings
from idp.web import language, pages

BEGINNINGS = frozenset({"/", "/authorize", "/par", "/device_authorization", "/register"})
ALWAYS = frozenset({"/health/live", "/health/ready", "/metrics"})
DRIFT = 0.0001  # how much faster one clock may run than the other: a hundred parts in a million
DISBELIEVED_AFTER_SECONDS = 2.0
TOLD_EVERY_SECONDS = 10.0  # in the log
log = structlog.get_logger()


class Gate:
    """How long requests have waited, and who is let in; safe among threads."""

    def __init__(self, *, beginning_seconds: float, under_way_seconds: float) -> None:
        self._beginning, self._under_way = beginning_seconds, under_way_seconds
        self._lock = threading.Lock()
        self._apart, self._apart_at = float("inf"), 0.0  # of the clocks, by the quickest request
        self._refusing_since: float | None = None
        self._least = 0.0  # apart, among those refused since then

    def admits(self, path: str, started: float) -> bool:
        """Whether this request is to be served; `started` is when it was passed on, in seconds on the proxy's clock."""
        if path in ALWAYS:
            return True
        now = clock.milliseconds() / 1000
        apart = now - started
        limit = self._beginning if path in BEGINNINGS else self._under_way
        with self._lock:
            self._apart = min(apart, self._apart + DRIFT * max(0.0, now - self._apart_at))
            self._apart_at = now
            if apart - self._apart <= limit:
                self._refusing_since = None
                return True
            return self._are_the_clocks(now, apart)

    def _are_the_clocks(self, now: float, apart: float) -> bool:
        """Whether nobody was let in for so long that no queue explains it: refusing empties one in no time."""
        if self._refusing_since is None:
            self._refusing_since, self._least = now, apart
        self._least = min(self._least, apart)
        if now - self._refusing_since < DISBELIEVED_AFTER_SECONDS:
            return False
        log.warning("clocks_disbelieved", apart_seconds=round(self._least - self._apart, 1))
        self._apart, self._refusing_since = self._least, None
        return True


def around(app: Flask) -> Any:
    """The app, with a gate before it where the settings name the proxy's header."""
    settings: Settings = app.config["SETTINGS"]
    overload = settings.overload
    if not overload.started_header:
        return app.wsgi_app
    gate = Gate(
        beginning_seconds=overload.refuse_beginnings_after_seconds,
        under_way_seconds=overload.refuse_everything_after_seconds,
    )
    return Shedding(app, gate, overload.started_header)


class Shedding:
    def __init__(self, app: Flask, gate: Gate, header: str) -> None:
        self._app, self._gate = app.wsgi_app, gate
        self._variable = "HTTP_" + header.upper().replace("-", "_")
        self._answers = _answers(app)  # made once: to refuse has to cost next to nothing
        self._told_at, self._untold, self._lock = 0.0, 0, threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = _seconds(environ.get(self._variable, ""))
        if started is None or self._gate.admits(environ["PATH_INFO"], started):
            return self._app(environ, start_response)
        observe.REFUSALS.labels(errors.OVERLOADED.code).inc()
        self._tell()
        return send(self._answers[_reader(environ)], environ, start_response)

    def _tell(self) -> None:
        """One line for many: a log that grows with the load would be one more load."""
        with self._lock:
            self._untold += 1
            now = clock.monotonic()
            if now - self._told_at < TOLD_EVERY_SECONDS:
                return
            refused, self._untold, self._told_at = self._untold, 0, now
        REQUEST_ID.set("")  # what stands there is of the request before, on this thread
        log.warning("overloaded", refused=refused)


def _seconds(header: str) -> float | None:
    """Seconds since 1970 as proxies write them, with `t=` before or without; None for anything else."""
    number = header.removeprefix("t=")
    return float(number) if len(number) <= 20 and number.replace(".", "", 1).isdecimal() else None


def _reader(environ: Environ) -> str:
    """A language for whoever takes pages; "json" for programs."""
    if "text/html" not in environ.get("HTTP_ACCEPT", ""):
        return "json"
    return language.choose(None, None, (), environ.get("HTTP_ACCEPT_LANGUAGE", "")[:200])


def _answers(app: Flask) -> dict[str, Response]:
    answers = {"json": as_error(errors.OVERLOADED, RETRY_AFTER)}
    with app.test_request_context():
        for each in language.LANGUAGES:
            page = pages.overloaded(each)
            kept = [(name, value) for name, value in page.headers if name != "Content-Length"]
            answers[each] = Response(status=page.status_code, headers=(*kept, RETRY_AFTER), body=page.get_data())
    return answers
