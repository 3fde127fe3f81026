"""Processes that are started again whenever they end, as an init system does; and a wire that can fall silent."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.processes import _trees

AGAIN_SECONDS = 1.0  # between an end and the next start


class Kept:
    """A process and all that descend from it; whoever makes one has to `stop` it."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path, log: Path,
        user: str | None = None,
    ) -> None:  # fmt: skip
        self._command, self.environment, self._user = list(command), dict(environment), user
        self._directory, self._log = directory, log
        self._stopped = threading.Event()
        self.process = self._started()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """All of its processes are dead at one blow; it will be started again."""
        kill_trees([self.pid])

    def stop(self) -> None:
        """It is dead with all that descend from it, and stays so: nothing of it is needed any more."""
        self._stopped.set()
        while self._keeper.is_alive():  # which may be about to start it once more
            self.kill()
            self._keeper.join(0.1)

    def last_lines(self) -> str:
        return "\n".join(self._log.read_text("utf-8", errors="replace").splitlines()[-15:])

    def _keep(self) -> None:
        while True:
            self.process.wait()
            if self._stopped.wait(AGAIN_SECONDS):
                return
            self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, env=self.environment, cwd=self._directory, user=self._user, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


def kill_trees(roots: Sequence[int]) -> None:
    """These processes and all that descend from them are dead, none of them warned by another's death."""
    kill_all(_trees(roots))


def kill_all(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Wire:
    """A port on loopback that leads to another one; what goes over it can be held back, late or for good."""

    def __init__(self, port: int) -> None:
        self._far_port = port
        self._passes = threading.Event()
        self._passes.set()
        self._late_seconds = 0.0
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> None:
        """Nothing gets through any more, and nobody is told, as when packets are lost."""
        self._passes.clear()

    def slow_down(self, seconds: float) -> None:
        """Whatever is sent arrives so much later, in both directions."""
        self._late_seconds = seconds

    def mend(self) -> None:
        self._late_seconds = 0.0
        self._passes.set()

    def close(self) -> None:
        self._passes.set()
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # of the closed listener
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._far_port))
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                if self._late_seconds:
                    threading.Event().wait(self._late_seconds)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            self._passes.wait()
            sink.shutdown(socket.SHUT_WR)
