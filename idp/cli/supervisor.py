"""Processes that live and die together.

Each is started in a group of its own, so that Ctrl-C reaches only the supervisor, which then ends them all. Should
the supervisor itself be killed, a keeper (a shell that waits at the end of a pipe) notices and ends the groups.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from idp import clock

POLL_SECONDS = 0.1
HEALTH_SECONDS = 2.0  # one question after a health; a process that is still starting may be slow to answer
GRACE_SECONDS = 6.0  # between SIGTERM and SIGKILL
LOG_LINES_SHOWN = 15
ASKED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_KEEPER = """
while read -r group; do [ "$group" = done ] && exit 0; groups="$groups -$group"; done
[ -n "$groups" ] || exit 0
kill -s TERM -- $groups; sleep 3; kill -s KILL -- $groups
"""


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, or a signal."""


class ChildFailed(Exception):
    """A process ended that should not have, or never became ready; the text shows the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """The address that answers 200 when the process is ready; asked on loopback with the host's own name."""

    host: str
    port: int
    path: str

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", self.path, headers={"Host": f"{self.host}:{self.port}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True, kw_only=True)
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]  # all of it: nothing is inherited
    log: Path
    health: Health | None = None  # None: ready as soon as it runs


class Supervisor:
    """Starts children, watches them, and has ended every one of them when its `with` block is left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory  # where children run
        self._running: dict[str, tuple[Child, subprocess.Popen[bytes]]] = {}
        # Words and no locks: a signal may come while this very thread holds what its handler would wait for.
        self._asked = self._impatient = False  # impatient: asked twice
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Supervisor:
        for number in ASKED_BY:
            self._former[number] = signal.signal(number, self._on_signal)
        reading, self._to_keeper = os.pipe()
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER], stdin=reading, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        os.close(reading)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _raised: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end_all()
        self._tell_keeper("done")
        os.close(self._to_keeper)
        self._keeper.wait()
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]

    def run(self, child: Child) -> None:
        """The child has ended well; otherwise raises ChildFailed, or Stopped."""
        process = self._spawn(child)
        while process.poll() is None:
            self._pause()
        del self._running[child.name]
        self._sweep(process)
        if process.returncode:
            raise ChildFailed(_obituary(child, process.returncode))

    def start(self, child: Child) -> None:
        """The child runs, until the end of the `with` block; its output goes to its log."""
        self._tell_keeper(str(self._spawn(child).pid))

    def _spawn(self, child: Child) -> subprocess.Popen[bytes]:
        self._pause(0)
        with child.log.open("wb") as log:
            try:
                process = subprocess.Popen(
                    list(child.command), env=dict(child.environment), cwd=self._directory, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            except OSError as problem:
                raise ChildFailed(f"{child.name} cannot be started: {problem.strerror}: {child.command[0]}") from None
        self._running[child.name] = (child, process)
        return process

    def wait_until_ready(self, patience_seconds: float, tell: Callable[[str, float], None]) -> None:
        """Every child answers; `tell(name, seconds)` is called as each one does. Raises ChildFailed or Stopped."""
        begun = clock.monotonic()
        waiting = [child for child, _ in self._running.values()]
        while waiting:
            for child in list(waiting):
                self._check_all_alive()
                if child.health is None or child.health.answers():
                    waiting.remove(child)
                    tell(child.name, clock.monotonic() - begun)
            if waiting and clock.monotonic() - begun > patience_seconds:
                raise ChildFailed(_not_ready(waiting[0], patience_seconds))
            self._pause()

    def watch(self) -> NoReturn:
        """Does not return: raises Stopped when asked to end, ChildFailed when a child does."""
        while True:
            self._check_all_alive()
            self._pause(2 * POLL_SECONDS)

    def _check_all_alive(self) -> None:
        for child, process in self._running.values():
            code = process.poll()
            if code is not None:
                raise ChildFailed(_obituary(child, code))

    def _pause(self, seconds: float = POLL_SECONDS) -> None:
        clock.pause(seconds)
        if self._asked:
            raise Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._impatient = self._asked
        self._asked = True

    def _end_all(self) -> None:
        processes = [process for _, process in self._running.values()]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        deadline = clock.monotonic() + GRACE_SECONDS
        while any(process.poll() is None for process in processes):
            if self._impatient or clock.monotonic() > deadline:
                break
            clock.pause(POLL_SECONDS / 2)
        for process in processes:
            self._sweep(process)
        self._running.clear()

    def _sweep(self, process: subprocess.Popen[bytes]) -> None:
        """Nothing is left of the child's group, whether the child had ended or not."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _tell_keeper(self, word: str) -> None:
        with suppress(OSError):  # a keeper that somebody ended is missed, not mourned
            os.write(self._to_keeper, f"{word}\n".encode())


def _obituary(child: Child, code: int) -> str:
    how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"{child.name} ended {how}. {_last_lines(child.log)}"


def _not_ready(child: Child, patience_seconds: float) -> str:
    return f"{child.name} did not become ready within {patience_seconds:.0f} seconds. {_last_lines(child.log)}"


def _last_lines(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    if not lines:
        return f"It wrote nothing to {log}"
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in lines)])
