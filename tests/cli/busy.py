"""Connections as a proxy keeps them to a provider, few of them idle for long, and every answer that was not one."""

from __future__ import annotations

import http.client
import itertools
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.served import HOST, Connection, killed_in_the_end

RESTS_SECONDS = (0.01, 0.1, 0.1, 0.1)  # between two requests; if nobody rested, no process could start beside them
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Host": HOST}


@dataclass
class Busy:
    """What came of the requests so far. Nothing is tried twice: a connection that ends with a request on it is told."""

    address: tuple[str, int] | str  # of a local socket, a path
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)

    def go(self, rests_seconds: float) -> None:
        connection = Connection(self.address)
        while not self.over.wait(rests_seconds):
            try:
                connection.request("GET", "/jwks", headers={"Host": HOST})
                self._count(connection, 200)
                # No proxy may send this a second time by itself.
                connection.request("POST", "/token", "grant_type=authorization_code&client_id=nobody", FORM)
                self._count(connection, 401)
            except (OSError, http.client.HTTPException) as problem:
                with self.lock:
                    self.failed.append(repr(problem))
                connection.close()
        connection.close()

    def end(self) -> None:
        """Every request has its answer, and there will be no other."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _count(self, connection: Connection, expected: int) -> None:
        response = connection.getresponse()
        body = response.read()
        with self.lock:
            self.answered += 1
            if response.status != expected:
                self.failed.append(f"{response.status} {body[:200]!r}")


@contextmanager
def busy(address: tuple[str, int] | str, connections: int = 20) -> Iterator[Busy]:
    """So many connections with one request after the other on them, until the block ends."""
    found = Busy(address)
    rests = itertools.islice(itertools.cycle(RESTS_SECONDS), connections)
    found.threads += [threading.Thread(target=found.go, args=(rest,)) for rest in rests]
    for thread in found.threads:
        thread.start()
    try:
        yield found
    finally:
        found.end()


@contextmanager
def handed_over(
    listening: socket.socket, command: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, at a socket that somebody else keeps open, as systemd hands it over."""
    script = f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{listening.fileno()}'
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command], stderr=log, cwd="/", env=environment,
            pass_fds=(listening.fileno(),), start_new_session=True,
        )  # fmt: skip
    with killed_in_the_end(process):
        yield process
