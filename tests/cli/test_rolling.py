"""`idp serve` changes its processes under load, and nobody notices."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.cli.busy import FORM, busy, handed_over
from tests.cli.conftest import Terminal
from tests.cli.test_processes import log_of, running, workers_of
from tests.demo.stand_ins import free_port_base
from tests.served import Connection, is_ready
from tests.servers import eventually

CHANGED_WITHIN_SECONDS = 120


@pytest.fixture
def terminal(terminal: Terminal) -> Terminal:
    terminal.does("keys", "ensure")
    # All connections fail to prove a client that nobody knows, and come from one network.
    terminal.environment["IDP_LIMITS__FAILED_AUTHENTICATIONS_PER_CLIENT_PER_MINUTE"] = "1000000"
    return terminal


def test_all_processes_are_replaced_at_sighup_and_no_request_is_lost(terminal: Terminal) -> None:
    port = free_port_base()
    address = ("127.0.0.1", port)
    with running(terminal, "serve", "--port", str(port), "--workers", "2") as process:
        eventually(lambda: is_ready(address), CHANGED_WITHIN_SECONDS)
        with busy(address) as load:
            eventually(lambda: load.answered > 100)
            before = workers_of(process)
            assert len(before) == 2
            process.send_signal(signal.SIGHUP)
            eventually(lambda: len(workers_of(process) - before) == 2, CHANGED_WITHIN_SECONDS)
            eventually(lambda: not workers_of(process) & before, CHANGED_WITHIN_SECONDS)
            so_far = load.answered
            eventually(lambda: load.answered > so_far + 100)
        assert load.failed == []
        process.terminate()
        assert process.wait(60) == 0


def test_whose_request_is_half_said_when_a_process_leaves_still_gets_the_answer(terminal: Terminal) -> None:
    port = free_port_base()
    with running(terminal, "serve", "--port", str(port), "--workers", "1") as process:
        eventually(lambda: is_ready(("127.0.0.1", port)), CHANGED_WITHIN_SECONDS)
        (old,) = workers_of(process)
        with closing(Connection(("127.0.0.1", port))) as slow, closing(Connection(("127.0.0.1", port))) as other:
            slow.putrequest("POST", "/token")
            for name, value in (FORM | {"Content-Length": "19"}).items():
                slow.putheader(name, value)
            slow.endheaders(b"grant_type")

            def is_told_goodbye() -> bool:
                other.request("GET", "/health/live")
                answer = other.getresponse()
                return bool(answer.read()) and answer.getheader("Connection") == "close"

            assert not is_told_goodbye()
            process.send_signal(signal.SIGHUP)
            eventually(is_told_goodbye, CHANGED_WITHIN_SECONDS)
            assert not is_told_goodbye(), "the new connection leads to the successor"
            slow.send(b"=password")
            answer = slow.getresponse()
            assert (answer.status, answer.getheader("Connection")) == (401, "close")
            answer.read()
        eventually(lambda: old not in workers_of(process), CHANGED_WITHIN_SECONDS)


def has_loaded(worker: int) -> bool:
    """Whether the process has read its keys: the threads that serve come after that."""
    return len(list(Path(f"/proc/{worker}/task").iterdir())) > 1


def test_a_successor_that_does_not_become_ready_replaces_nobody(terminal: Terminal) -> None:
    port = free_port_base()
    with running(terminal, "serve", "--port", str(port), "--workers", "2") as process:
        eventually(lambda: is_ready(("127.0.0.1", port)), CHANGED_WITHIN_SECONDS)
        eventually(lambda: all(map(has_loaded, workers_of(process))), CHANGED_WITHIN_SECONDS)
        before = workers_of(process)
        assert len(before) == 2
        keys = terminal.home / "master.keys"
        keys.rename(terminal.home / "elsewhere")
        with busy(("127.0.0.1", port)) as load:
            process.send_signal(signal.SIGHUP)
            eventually(lambda: "worker_not_replaced" in log_of(terminal), CHANGED_WITHIN_SECONDS)
            assert workers_of(process) == before
            (terminal.home / "elsewhere").rename(keys)
            process.send_signal(signal.SIGHUP)  # put right, it does what it was asked to
            eventually(lambda: not workers_of(process) & before, CHANGED_WITHIN_SECONDS)
        assert load.failed == []


def test_a_restart_at_a_socket_of_systemd_s_loses_no_request(terminal: Terminal, tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(100)
        command, environment = terminal.command("serve", "--workers", "1"), terminal.process_environment()
        with ExitStack() as processes, busy(address) as load:
            first = processes.enter_context(handed_over(listening, command, environment, tmp_path / "log"))
            eventually(lambda: load.answered > 100, CHANGED_WITHIN_SECONDS)
            first.terminate()
            assert first.wait(60) == 0
            processes.enter_context(handed_over(listening, command, environment, tmp_path / "log"))
            so_far = load.answered
            eventually(lambda: load.answered > so_far + 100, CHANGED_WITHIN_SECONDS)
            load.end()
        assert load.failed == []
