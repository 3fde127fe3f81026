"""What breaks things really breaks them, and what keeps processes starts them again."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.kept import Kept, Wire
from tests.servers import eventually


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_process_that_is_killed_dies_with_its_children_and_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = (
        "import subprocess; child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); child.wait()"
    )
    kept = Kept([sys.executable, "-c", program], environment=dict(os.environ), directory=tmp_path, log=log)
    try:
        eventually(lambda: len(log.read_text().split()) == 1)
        before, child = kept.pid, int(log.read_text())
        kept.kill()
        eventually(lambda: not is_alive(before) and not is_alive(child))
        eventually(lambda: len(log.read_text().split()) == 2)
        assert kept.pid != before
    finally:
        kept.stop()
    eventually(lambda: not any(is_alive(pid) for pid in (kept.pid, *map(int, log.read_text().split()))))


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket, socket.socket]]:
    """A wire, and the two who talk over it."""
    with contextlib.ExitStack() as at_the_end:
        listener = at_the_end.enter_context(socket.create_server(("127.0.0.1", 0)))
        wire = Wire(listener.getsockname()[1])
        at_the_end.callback(wire.close)
        near = at_the_end.enter_context(socket.create_connection(("127.0.0.1", wire.port)))
        far, _ = listener.accept()
        at_the_end.enter_context(far)
        near.settimeout(30)
        far.settimeout(30)
        yield wire, near, far


def test_what_goes_into_a_silent_wire_comes_out_when_it_is_mended(
    ends: tuple[Wire, socket.socket, socket.socket],
) -> None:
    wire, near, far = ends
    near.sendall(b"one")
    assert far.recv(10) == b"one"
    wire.silence()
    near.sendall(b"two")
    far.settimeout(0.3)
    with pytest.raises(TimeoutError):
        far.recv(10)
    wire.mend()
    far.settimeout(30)
    assert far.recv(10) == b"two"
