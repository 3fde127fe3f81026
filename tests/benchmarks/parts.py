"""The limit of the parts: what a sign-on costs if nothing is done but what has to be done.

Three requests through granian to an application that does nothing, one ES256 signature, two reads by key and one
durable commit of one row, each measured by itself, in CPU time of whoever computes for it: client and server.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from idp.storage.engines import cursor_of, make_engine, own_connection
from tests.benchmarks.contestants import START_LIMIT_SECONDS, Stores
from tests.benchmarks.load import Task, measure
from tests.benchmarks.processes import cpu_seconds, on_cores
from tests.benchmarks.rounds import Figures
from tests.benchmarks.walkers import Place
from tests.races.provider import free_port

ROOT = Path(__file__).parent.parent.parent
ROWS = 1000
ROW_BYTES = 300  # as much as a grant and its audit event
WRITERS = 4  # as many as a worker has threads: PostgreSQL makes commits that come together durable together
REQUESTS, READS = 3, 2


class Parts:
    """What to measure them with; `engines` are those whose stores count."""

    def __init__(self, kept: Stores, engines: list[str], port: int, pid: int) -> None:
        self._kept, self._port, self._pid = kept, port, pid
        self._engines = {engine: make_engine(kept.addresses(engine, "parts")[0]) for engine in engines}
        for engine in self._engines.values():
            with contextlib.closing(own_connection(engine)) as connection:
                binary = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
                connection.execute(f"CREATE TABLE parts (id {binary} PRIMARY KEY, value {binary})")
                cursor = cursor_of(connection, engine)
                for number in range(ROWS):
                    cursor.execute(_adding(engine), (number.to_bytes(16, "big"), bytes(ROW_BYTES)))

    def measure(self, seconds: float, core: int, other_core: int) -> Figures:
        """Microseconds of each part, and milliseconds of a whole sign-on made of them, by engine."""
        figures = {"request": self._request(seconds, other_core), "signature": _signature(seconds / 4, core)}
        for name, engine in self._engines.items():
            servers = [pid for pids in self._kept.pids(name).values() for pid in pids]
            each = seconds / 2
            figures[f"{name} read"] = _each(partial(_reading, engine), 1, each, core, servers)
            writers = 1 if name == "sqlite" else WRITERS
            figures[f"{name} commit"] = _each(partial(_writing, engine), writers, each, core, servers)
            figures[f"{name} flow"] = (
                REQUESTS * figures["request"] + figures["signature"] + READS * figures[f"{name} read"]
                + figures[f"{name} commit"]
            ) / 1000  # fmt: skip
        return figures

    def _request(self, seconds: float, other_core: int) -> float:
        place = Place(port=self._port, host="bare.localhost", paths={}, portals=[["", "", ""]], cookies=[])
        task = Task(
            place=place, work="bare", connections=16, warm_up_seconds=seconds / 4, seconds=seconds,
            processes={"provider": [self._pid]},
        )  # fmt: skip
        sample = measure(task, other_core)
        if sample.bad:
            sys.exit(f"a server that does nothing did something wrong: {sample.bad[0]}")
        return sample.milliseconds_of("provider") * 1000


@contextlib.contextmanager
def parts(kept: Stores, engines: list[str], core: int) -> Iterator[Parts]:
    port = free_port()
    command = [
        *(
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--no-ws",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ),
        *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "tests.benchmarks.bare:app"),
    ]
    with (kept.directory / "bare.log").open("wb") as log, on_cores(core):
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        _await(port)
        yield Parts(kept, engines, port, process.pid)
    finally:
        process.terminate()
        process.wait(START_LIMIT_SECONDS)


def _await(port: int) -> None:
    import socket

    until = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _signature(seconds: float, core: int) -> float:
    key, algorithm, message = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256()), secrets.token_bytes(500)

    def sign() -> Callable[[], Any]:
        return lambda: key.sign(message, algorithm)

    return _each(sign, 1, seconds, core, [])


def _each(begin: Callable[[], Callable[[], Any]], threads: int, seconds: float, core: int, servers: list[int]) -> float:
    """CPU microseconds of one call of what `begin` gives, here and in the servers; in so many threads at once."""

    def go_on() -> int:
        call, calls = begin(), 0
        while time.perf_counter() < until:
            call()
            calls += 1
        return calls

    with on_cores(core), ThreadPoolExecutor(threads) as pool:
        own, of_servers, until = time.process_time(), cpu_seconds(servers), time.perf_counter() + seconds
        calls = sum(pool.map(lambda _: go_on(), range(threads)))
        used = time.process_time() - own + cpu_seconds(servers) - of_servers
    return used * 1e6 / calls


def _reading(engine: Any) -> Callable[[], Any]:
    cursor = cursor_of(own_connection(engine), engine)
    mark = "?" if engine.dialect.name == "sqlite" else "$1"
    statement = f"SELECT value FROM parts WHERE id = {mark}"
    return lambda: cursor.execute(statement, (secrets.randbelow(ROWS).to_bytes(16, "big"),)).fetchall()


def _writing(engine: Any) -> Callable[[], Any]:
    cursor, statement = cursor_of(own_connection(engine), engine), _adding(engine)
    return lambda: cursor.execute(statement, (secrets.token_bytes(16), secrets.token_bytes(ROW_BYTES)))


def _adding(engine: Any) -> str:
    return f"INSERT INTO parts VALUES ({'?, ?' if engine.dialect.name == 'sqlite' else '$1, $2'})"
