"""Processes of ours that serve: how to reach them, whether they could serve, and that none outlives its test."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

HOST = "idp.localhost"
PATIENCE_SECONDS = 60


class Connection(http.client.HTTPConnection):
    """To a port or to a local socket; begun anew when the server has said that it ends."""

    def __init__(self, address: tuple[str, int] | str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        super().__init__(HOST, timeout=patience_seconds)
        self._address = address

    def connect(self) -> None:
        if isinstance(self._address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._address)
        else:
            self.sock = socket.create_connection(self._address, self.timeout)


def is_ready(address: tuple[str, int] | str, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    connection = Connection(address, patience_seconds)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def killed_in_the_end(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """The process, begun in a session of its own; what is left of it and of its children in the end is killed."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
