"""`idp serve` and `idp worker`, as processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.cli.conftest import Terminal
from tests.demo.stand_ins import free_port_base
from tests.served import killed_in_the_end
from tests.servers import eventually


@contextmanager
def running(terminal: Terminal, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own; what is left of it in the end is killed."""
    with Path(terminal.home / "log").open("w") as log:
        process = subprocess.Popen(
            terminal.command(*words), env=terminal.process_environment(), cwd="/", stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
    with killed_in_the_end(process):
        yield process


def log_of(terminal: Terminal) -> str:
    return (terminal.home / "log").read_text("utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_cleanly_when_it_is_asked_to(terminal: Terminal, number: signal.Signals) -> None:
    with running(terminal, "worker") as process:
        eventually(lambda: "worker_started" in log_of(terminal))
        process.send_signal(number)
        assert process.wait(60) == 0
    assert "worker_stopped" in log_of(terminal)


def test_the_server_serves_replaces_a_dead_process_and_ends_cleanly(terminal: Terminal) -> None:
    terminal.does("keys", "ensure")
    port = free_port_base()
    address = f"http://127.0.0.1:{port}"

    def answers(path: str) -> str | None:
        try:
            answer = requests.get(address + path, headers={"Host": f"idp.localhost:{port}"}, timeout=10)
        except (requests.ConnectionError, requests.Timeout):  # nobody who could answer has started yet
            return None
        return answer.text if answer.ok else None

    with running(terminal, "serve", "--port", str(port), "--workers", "2") as process:
        eventually(lambda: answers("/health/ready"), 120)
        assert answers("/jwks")
        assert counted(answers("/metrics") or "", "oidc.jwks") == 1
        (metrics,) = metrics_of(process)
        assert metrics.stat().st_mode & 0o777 == 0o700
        victim, other = workers_of(process)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: answers("/health/ready"), 120)  # the other goes on
        eventually(lambda: len(workers_of(process) - {victim}) == 2, 120)
        assert other in workers_of(process)
        assert counted(answers("/metrics") or "", "oidc.jwks") == 1  # what the dead have counted still counts
        process.terminate()
        assert process.wait(60) == 0
    assert not metrics.exists()


@pytest.mark.parametrize("host", ["nonsense", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_told_in_one_sentence(terminal: Terminal, host: str) -> None:
    with running(terminal, "serve", "--host", host) as process:
        assert process.wait(60) == 2
    assert log_of(terminal).startswith(f"Error: {host} port 8400: ")
    assert log_of(terminal).count("\n") == 1


def counted(metrics: str, endpoint: str) -> int:
    found = re.findall(rf'^motcua_request_seconds_count{{endpoint="{endpoint}",status="200"}} (\S+)$', metrics, re.M)
    return sum(int(float(number)) for number in found)


def workers_of(process: subprocess.Popen[str]) -> set[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


def metrics_of(process: subprocess.Popen[str]) -> set[Path]:
    """The folder that the workers share for what they count."""
    environments = [Path(f"/proc/{worker}/environ").read_bytes().split(b"\0") for worker in workers_of(process)]
    name = b"PROMETHEUS_MULTIPROC_DIR="
    return {Path(os.fsdecode(v.removeprefix(name))) for each in environments for v in each if v.startswith(name)}
