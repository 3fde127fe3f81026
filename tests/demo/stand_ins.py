"""A demo of stand-in processes: small plans, and a driver that starts them as `./run demo` would."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30

# Answers its health address after `delay` seconds, and has a child of its own, as a server with workers does.
SERVER = """
import http.server, os, pathlib, subprocess, sys, time
port, delay, pids = int(sys.argv[1]), float(sys.argv[2]), pathlib.Path(sys.argv[3])
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with pids.open("a") as file:
    file.write(f"{os.getpid()}\\n{worker.pid}\\n")
print("IDP_MODE" in os.environ, os.environ.get("GREETING"), flush=True)
time.sleep(delay)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass
class Demo:
    """One plan in a directory of its own, and what became of it."""

    home: Path
    prepare: list[dict[str, Any]] = field(default_factory=list)
    processes: list[dict[str, Any]] = field(default_factory=list)
    seeds: dict[str, str] = field(default_factory=dict)
    patience_seconds: int = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        self.port_base = free_port_base()
        self.data = self.home / "data"
        self.pids = self.home / "pids"

    def server(self, name: str, offset: int, delay: float = 0, **more: Any) -> Demo:
        command = ["${python}", "-c", SERVER, f"${{{name}.port}}", str(delay), str(self.pids)]
        plan = {"name": name, "host": f"{name}.localhost", "port": offset, "health": "/health", "command": command}
        self.processes.append(plan | more)
        return self

    def arguments(self, *more: str) -> list[str]:
        plan = self.home / "plan.toml"
        for name, text in self.seeds.items():
            (self.home / name).write_text(text, "utf-8")
        lines = [f"patience_seconds = {self.patience_seconds}", f"seeds = {json.dumps(list(self.seeds))}"]
        for table, rows in (("prepare", self.prepare), ("process", self.processes)):
            for row in rows:
                lines += [f"[[{table}]]", *(f"{key} = {_toml(value)}" for key, value in row.items())]
        plan.write_text("\n".join(lines), "utf-8")
        here = ["--plan", str(plan), "--data", str(self.data), "--port-base", str(self.port_base)]
        return [sys.executable, "-m", "idp.cli.demo", *here, *more]

    @contextmanager
    def running(self, *more: str, until: str = "ready") -> Iterator[subprocess.Popen[str]]:
        """The demo, once it has said `until` on a line of its own; ended if the test has not."""
        process = self.popen(*more)
        try:
            lines = []
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if line.rstrip("\n") == until:
                    break
            else:
                raise AssertionError(f"the demo never said {until!r}: {''.join(lines)} {process.communicate()[1]}")
            process.said = lines  # type: ignore[attr-defined]
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)

    def popen(self, *more: str) -> subprocess.Popen[str]:
        environment = os.environ | {"IDP_MODE": "leaked"}
        return subprocess.Popen(
            self.arguments(*more), cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def to_its_end(self, *more: str) -> subprocess.CompletedProcess[str]:
        process = self.popen(*more)
        said, complained = process.communicate(timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

    def started(self) -> list[int]:
        """The process ids of every server that started, and of its child."""
        return [int(line) for line in self.pids.read_text().split()] if self.pids.exists() else []

    def survivors(self, within_seconds: float = 0) -> list[int]:
        """Which of them still live, after waiting for them at most so long."""
        deadline = time.monotonic() + within_seconds
        while (alive := [pid for pid in self.started() if lives(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        return alive


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def free_port_base(count: int = 3) -> int:
    """A port that is free, as are those after it; below those that the system hands out to whoever asks for any."""
    while True:
        base = random.randrange(10_000, 32_000)
        if all(_free(base + offset) for offset in range(count)):
            return base


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + "}"
    return json.dumps(value)
