"""The load counts whole flows as flows, and everything else as bad: a benchmark that overlooks errors measures them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.benchmarks.load import Sample, Task, run, together
from tests.benchmarks.walkers import FLOW, Place

GOOD: dict[str, tuple[int, dict[str, Any]]] = {
    "authorize": (303, {}),
    "token": (200, {"access_token": "a", "id_token": "i", "refresh_token": "r"}),
    "userinfo": (200, {"sub": "s", "name": "n", "birthdate": "1992-08-05"}),
    "introspect": (200, {"active": True, "sub": "s", "client_id": "c"}),
}


class Answering(BaseHTTPRequestHandler):
    """Answers as its server's `answers` say; a Location carries a code and the request's state.

    Where its server's `fresh` is set, every access token is another one.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece, which nobody's kernel holds back

    def do_GET(self) -> None:
        server: Any = self.server
        time.sleep(server.seconds)
        parts = urlsplit(self.path)
        status, told = server.answers[parts.path.strip("/")]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if server.fresh and "access_token" in told:
            told = told | {"access_token": str(time.perf_counter_ns())}
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
        server.seconds, server.fresh = 0.0, True  # type: ignore[attr-defined]
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # the load hangs up in the middle
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def measured(
    server: Any, answers: dict[str, tuple[int, dict[str, Any]]], work: str = "sign-on", pace: float | None = None
) -> Sample:
    server.answers = answers
    place = Place(
        port=server.server_port, host="x", paths={step: f"/{step}" for step in (*FLOW, "introspect")},
        portals=[["c", "s", "http://portal/"]], cookies=["a=b"],
    )  # fmt: skip
    return run(Task(place=place, work=work, connections=2, warm_up_seconds=0, seconds=0.3, processes={}, pace=pace))


@pytest.mark.parametrize("work", ["sign-on", "userinfo", "introspection", "refresh", "client credentials"])
def test_whole_rounds_are_counted(server: Any, work: str) -> None:
    token = {"expires_in": 300} | GOOD["token"][1]
    sample = measured(server, GOOD | {"token": (200, token)}, work)
    assert sample.bad == []
    assert sample.flows == len(sample.milliseconds) > 0


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


@pytest.mark.parametrize(
    "work, step, answer",
    [
        ("userinfo", "userinfo", (200, {"sub": "s"})),
        ("introspection", "introspect", (200, {"active": False})),
        ("introspection", "introspect", (200, {"active": True, "sub": "s", "client_id": "somebody else"})),
        ("client credentials", "token", (200, {"access_token": "a"})),
        ("client credentials", "token", (401, {"error": "invalid_client"})),
    ],
)
def test_a_wrong_answer_of_one_endpoint_is_bad(
    server: Any, work: str, step: str, answer: tuple[int, dict[str, Any]]
) -> None:
    sample = measured(server, GOOD | {step: answer}, work)
    assert sample.flows == 0
    assert sample.bad


@pytest.mark.parametrize("work", ["refresh", "client credentials"])
def test_a_token_that_was_given_before_is_bad(server: Any, work: str) -> None:
    server.fresh = False
    token = {"expires_in": 300} | GOOD["token"][1]
    sample = measured(server, GOOD | {"token": (200, token)}, work)
    assert sample.bad


def test_at_a_pace_whoever_waits_is_timed_from_when_they_were_due(server: Any) -> None:
    """Three answers of a tenth of a second each: no flow can take less, and all that were due are waited for."""
    server.seconds = 0.1
    sample = measured(server, GOOD, pace=40)
    assert sample.bad == []
    assert sample.flows == len(sample.milliseconds) > 2  # more than there are connections at first
    assert min(sample.milliseconds) >= 300


def test_two_loads_side_by_side_add_up() -> None:
    watched = {"provider": 2.0}
    one = Sample(flows=3, seconds=1.0, milliseconds=[1, 2, 3], cpu_seconds=watched, load_cpu_seconds=0.5)
    other = Sample(flows=1, seconds=1.0, milliseconds=[4], bad=["x"], cpu_seconds=watched, load_cpu_seconds=0.25)
    both = together([one, other])
    assert (both.flows, both.rate, both.milliseconds, both.bad) == (4, 4.0, [1, 2, 3, 4], ["x"])
    assert both.milliseconds_of("provider") == 500  # what both watched was done once
    assert both.load_cpu_seconds == 0.75
