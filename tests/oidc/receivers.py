"""The back channels of portals as tests play them: real servers that keep what they are told."""

from __future__ import annotations

import threading
from typing import Any

from werkzeug.wrappers import Request, Response

PATIENCE_SECONDS = 30


class Receiver:
    """The back channel of a portal: keeps what it is told and answers as it is told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.status = 200
        self.posts: list[Request] = []
        self.tokens: list[str] = []
        self.open = threading.Event()  # while it is not set, nobody gets an answer
        self.open.set()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.tokens += request.form.getlist("logout_token")
        self.posts.append(request)
        self.open.wait(PATIENCE_SECONDS)
        return Response("", self.status)(environ, start_response)
