"""The load: browsers and a portal on connections that stay open, all in one thread, each going round the sign-on path.

`python -m tests.benchmarks.load` reads a `Task` as JSON, warms up, measures, and prints a `Sample` as JSON. It reads as
much of HTTP/1.1 as the two sides of this benchmark speak.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tests.benchmarks.processes import cpu_seconds, on_core

ROOT = Path(__file__).parent.parent.parent
SILENCE_SECONDS = 10
FLOW = ("authorize", "token", "userinfo")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Whom to ask, as whom, for how long; `processes` are those whose CPU time is to be measured, by name."""

    port: int
    host: str
    paths: dict[str, str]  # of the endpoints in FLOW
    client_id: str
    client_secret: str
    redirect_uri: str
    cookies: list[str]
    connections: int
    warm_up_seconds: float
    seconds: float
    processes: dict[str, list[int]]


@dataclass(kw_only=True)
class Sample:
    flows: int = 0
    seconds: float = 0.0
    bad: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)  # of each flow
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    load_cpu_seconds: float = 0.0
    id_token: str = ""  # one of them, with the nonce that it must hold
    nonce: str = ""


def measure(task: Task, core: int) -> Sample:
    """What a process of its own measured, on this core."""
    command = [sys.executable, "-m", "tests.benchmarks.load"]
    with on_core(core):
        result = subprocess.run(command, cwd=ROOT, input=json.dumps(asdict(task)), capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"the load failed:\n{result.stderr[-3000:]}")
    return Sample(**json.loads(result.stdout))


class Walker:
    """One connection, and the flow that goes over it."""

    def __init__(self, task: Task, number: int) -> None:
        self._task = task
        self._cookie = number
        self._step = 0
        self._buffer = b""
        basic = base64.b64encode(f"{quote(task.client_id)}:{quote(task.client_secret)}".encode()).decode()
        self._token_head = (
            f"POST {task.paths['token']} HTTP/1.1\r\nHost: {task.host}\r\nAuthorization: Basic {basic}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        )
        self._authorize_query = urlencode({
            "response_type": "code", "client_id": task.client_id, "redirect_uri": task.redirect_uri,
            "scope": "openid profile", "code_challenge_method": "S256",
        })  # fmt: skip
        self._redirect = urlencode({"grant_type": "authorization_code", "redirect_uri": task.redirect_uri})
        self.nonce = self.id_token = self._verifier = self._state = ""
        self.began = 0.0
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._task.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def begin(self) -> None:
        """A new flow: the next browser, a fresh state, nonce and verifier."""
        self._step, self.began = 0, time.perf_counter()
        self._cookie = (self._cookie + self._task.connections) % len(self._task.cookies)
        self._verifier, self._state, self.nonce = secrets.token_urlsafe(32), secrets.token_hex(8), secrets.token_hex(16)
        digest = hashlib.sha256(self._verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        query = f"{self._authorize_query}&state={self._state}&nonce={self.nonce}&code_challenge={challenge}"
        self._send(
            f"GET {self._task.paths['authorize']}?{query} HTTP/1.1\r\nHost: {self._task.host}\r\n"
            f"Cookie: {self._task.cookies[self._cookie]}\r\n\r\n"
        )

    def go_on(self) -> bool:
        """Reads what came; True when the flow is complete. Raises ValueError for a bad answer."""
        data = self.socket.recv(65536)
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not data:
            raise ValueError(f"{FLOW[self._step]}: the connection ended")
        if not found or not _is_whole(head.lower(), body):
            return False
        self._buffer = b""
        status = int(head[9:12])
        (self._got_code, self._got_token, self._got_claims)[self._step](status, head, body)
        self._step += 1
        return self._step == len(FLOW)

    def _got_code(self, status: int, head: bytes, body: bytes) -> None:
        location = _header(head, b"location")
        told = parse_qs(urlsplit(location).query)
        if status not in (302, 303) or "code" not in told or told.get("state") != [self._state]:
            raise ValueError(f"authorize: {status} {location} {body[:300]!r}")
        form = f"{self._redirect}&code={quote(told['code'][0])}&code_verifier={self._verifier}"
        self._send(f"{self._token_head}{len(form)}\r\n\r\n{form}")

    def _got_token(self, status: int, _head: bytes, body: bytes) -> None:
        told = json.loads(body) if status == 200 else {}
        if "access_token" not in told or "id_token" not in told:
            raise ValueError(f"token: {status} {body[:300]!r}")
        self.id_token = told["id_token"]
        self._send(
            f"GET {self._task.paths['userinfo']} HTTP/1.1\r\nHost: {self._task.host}\r\n"
            f"Authorization: Bearer {told['access_token']}\r\n\r\n"
        )

    def _got_claims(self, status: int, _head: bytes, body: bytes) -> None:
        told = json.loads(body) if status == 200 else {}
        if not {"sub", "name", "birthdate"} <= told.keys():
            raise ValueError(f"userinfo: {status} {body[:300]!r}")

    def _send(self, request: str) -> None:
        self.socket.sendall(request.encode())

    def anew(self) -> None:
        """A new connection in place of one that has gone bad."""
        self.socket.close()
        self._buffer = b""
        self.socket = self._connected()


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        if line[: len(name)].lower() == name:
            return line.partition(b":")[2].strip().decode("latin-1")
    return ""


def _is_whole(head: bytes, body: bytes) -> bool:
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        return b"\r\ntransfer-encoding: chunked" not in head or body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head[start + 17 :].split(b"\r\n", 1)[0])


def run(task: Task) -> Sample:
    sample, walkers = Sample(), [Walker(task, number) for number in range(task.connections)]
    selector = selectors.DefaultSelector()
    for walker in walkers:
        selector.register(walker.socket, selectors.EVENT_READ, walker)
        walker.begin()
    _walk(selector, Sample(), time.perf_counter() + task.warm_up_seconds)
    before = {name: cpu_seconds(pids) for name, pids in task.processes.items()}
    began, own = time.perf_counter(), time.process_time()
    _walk(selector, sample, began + task.seconds)
    sample.seconds, sample.load_cpu_seconds = time.perf_counter() - began, time.process_time() - own
    sample.cpu_seconds = {name: cpu_seconds(pids) - before[name] for name, pids in task.processes.items()}
    for walker in walkers:
        walker.socket.close()
    return sample


def _walk(selector: selectors.BaseSelector, sample: Sample, until: float) -> None:
    while (now := time.perf_counter()) < until:
        ready: list[Any] = selector.select(min(SILENCE_SECONDS, until - now))
        for key, _ in ready:
            walker: Walker = key.data
            try:
                if not walker.go_on():
                    continue
                sample.flows += 1
                sample.milliseconds.append((time.perf_counter() - walker.began) * 1000)
                sample.id_token, sample.nonce = walker.id_token, walker.nonce
            except (ValueError, OSError) as problem:
                sample.bad.append(str(problem))
                selector.unregister(walker.socket)
                walker.anew()
                selector.register(walker.socket, selectors.EVENT_READ, walker)
            walker.begin()


if __name__ == "__main__":
    print(json.dumps(asdict(run(Task(**json.load(sys.stdin))))))
