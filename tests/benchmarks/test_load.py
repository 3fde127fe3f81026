"""The load counts whole flows as flows, and everything else as bad: a benchmark that overlooks errors measures them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.benchmarks.load import FLOW, Sample, Task, run

GOOD: dict[str, tuple[int, dict[str, Any]]] = {
    "authorize": (303, {}),
    "token": (200, {"access_token": "a", "id_token": "i"}),
    "userinfo": (200, {"sub": "s", "name": "n", "birthdate": "1992-08-05"}),
}


class Answering(BaseHTTPRequestHandler):
    """Answers as its server's `answers` say; a Location carries a code and the request's state."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, told = self.server.answers[parts.path.strip("/")]  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(told).encode()
        self.send_response(status)
        if status == 303:
            self.send_header("Location", f"http://portal/?code=c&state={parse_qs(parts.query)['state'][0]}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # the load hangs up in the middle
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def measured(server: Any, answers: dict[str, tuple[int, dict[str, Any]]]) -> Sample:
    server.answers = answers
    return run(Task(
        port=server.server_port, host="x", paths={step: f"/{step}" for step in FLOW}, client_id="c", client_secret="s",
        redirect_uri="http://portal/", cookies=["a=b"], connections=2, warm_up_seconds=0, seconds=0.3, processes={},
    ))  # fmt: skip


def test_whole_flows_are_counted(server: Any) -> None:
    sample = measured(server, GOOD)
    assert sample.bad == []
    assert sample.flows == len(sample.milliseconds) > 0
    assert sample.id_token == "i"


@pytest.mark.parametrize(
    "step, answer",
    [
        ("authorize", (200, {})),
        ("authorize", (500, {})),
        ("token", (400, {"error": "invalid_grant"})),
        ("token", (200, {"access_token": "a"})),
        ("userinfo", (401, {})),
        ("userinfo", (200, {"sub": "s"})),
    ],
)
def test_every_other_answer_is_bad(server: Any, step: str, answer: tuple[int, dict[str, Any]]) -> None:
    sample = measured(server, GOOD | {step: answer})
    assert sample.flows == 0
    assert sample.bad and all(problem.startswith(f"{step}: ") for problem in sample.bad)
