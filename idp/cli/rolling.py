"""What `idp serve` runs: granian, made to change its processes one after the other without losing a request.

By itself granian gives every process a socket of its own, and ends an old one a second after a new one was begun: who
waits at the old socket is lost, and so is everybody where the new process needs longer. Here

- all processes accept at one socket, so that whoever waits there is let in by the next who can;
- an old process stays until its successor has loaded everything and both stores have answered it; if that never comes
  to be, the old one stays, and the log says so;
- an old process leaves in two steps. First it lets nobody in any more, and tells whoever is connected, with the next
  answer, to connect anew. Only when proxies have given up the connections that were idle does it end.

systemd may have opened the socket for us (LISTEN_FDS); then nobody is lost while all of us are restarted either.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterable
from functools import partial
from multiprocessing import get_context
from typing import Any

import structlog
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer as _MPServer
from werkzeug.test import EnvironBuilder, run_wsgi_app

from idp import clock
from idp.oidc.wsgi import Application, Environ, StartResponse

WAITING_CONNECTIONS = 2048  # that the system holds for us while every thread is busy
GRACE_SECONDS = 20  # between SIGTERM and SIGKILL: longer than any request may take
READY_SECONDS = 60  # that a successor has
LEAVING_SECONDS = 3.0  # longer than a proxy may keep an idle connection to us: keepalive_timeout in nginx.conf
LEAVE = signal.SIGUSR1
LISTEN_FDS_START = 3  # sd_listen_fds(3)

MPServer: Any = _MPServer  # what is overridden below has no types
log = structlog.get_logger()


def listen(host: str, port: int) -> tuple[socket.socket, bool]:
    """The socket to serve at, and whether it outlives us; raises OSError for an address that is not to be had."""
    if os.environ.pop("LISTEN_PID", "") == str(os.getpid()) and int(os.environ.pop("LISTEN_FDS", "0")) >= 1:
        return socket.socket(fileno=LISTEN_FDS_START), True
    listening = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=WAITING_CONNECTIONS
    )
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # whoever is accepted has it from here
    return listening, False


class RollingServer(MPServer):  # type: ignore[misc]  # of Any
    def __init__(self, listening: socket.socket, *, outlives: bool, workers: int, threads: int) -> None:
        """It serves at `listening`; `outlives` says whether somebody else keeps that open when we have ended."""
        super().__init__(
            "idp.serve:app", interface=Interfaces.WSGI, http=HTTPModes.http1, websockets=False, workers=workers,
            blocking_threads=threads, backlog=WAITING_CONNECTIONS, respawn_failed_workers=True,
            workers_kill_timeout=GRACE_SECONDS, log_level=LogLevels.warning,
        )  # fmt: skip
        self._listening, self._outlives = listening, outlives
        self._successor: Any = None  # the event that the process which is being begun sets

    def _init_shared_socket(self) -> None:
        self._ssp, self._sso = None, self._listening
        self._sso.set_inheritable(True)
        number, is_local = self._sso.fileno(), self._sso.family == socket.AF_UNIX
        holder: Any = SocketHolder  # its constructor is not in its stubs
        self._shd = holder(number, is_local, WAITING_CONNECTIONS)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # noqa: ARG002
        loader = partial(_begun, self._listening.fileno(), self._successor)
        return super()._spawn_worker(idx=idx, target=target, callback_loader=loader)

    def _respawn_workers(self, workers: Any, spawn_target: Any, target_loader: Any, delay: float = 0) -> None:  # noqa: ARG002
        """One after the other; those that have died are replaced at once."""
        for number in workers:
            if self.wrks[number].is_alive():
                if not self._succeed(number, spawn_target, target_loader):
                    break
            else:
                super()._respawn_workers([number], spawn_target, target_loader, 0)
        if self.interrupt_signal:  # it may have come while granian had its back turned
            self.main_loop_interrupt.set()

    def _succeed(self, number: int, spawn_target: Any, target_loader: Any) -> bool:
        """Whether the process has a successor that is ready, and has ended; if not, it serves on."""
        old, ready = self.wrks[number], get_context("spawn").Event()
        self._successor = ready
        try:
            new = self._spawn_worker(idx=number, target=spawn_target, callback_loader=target_loader)
        finally:
            self._successor = None
        new.interrupt_by_parent = True  # until it is ready, its end is nobody's emergency
        new.start()
        deadline = clock.monotonic() + READY_SECONDS
        while not ready.wait(0.1):
            if self.interrupt_signal or not new.is_alive() or clock.monotonic() > deadline:
                new.kill()
                new.join()
                log.error("worker_not_replaced", worker=number + 1, meaning="its successor did not become ready")
                return False
        new.interrupt_by_parent = False
        self.wrks[number] = new
        self._leave([old])
        old.terminate()
        old.join(GRACE_SECONDS)
        if old.is_alive():
            old.kill()
            old.join()
        log.info("worker_replaced", worker=number + 1)
        return True

    def _stop_workers(self) -> None:
        if self._outlives:
            self._leave([worker for worker in self.wrks if worker.is_alive()])
        super()._stop_workers()

    def _leave(self, workers: list[Any]) -> None:
        for worker in workers:
            worker.interrupt_by_parent = True
            os.kill(worker._id(), LEAVE)
        clock.pause(LEAVING_SECONDS)


def _begun(listening: int, ready: Any, *_: Any) -> Application:
    """In the new process: the application. One that is to succeed another serves only when it could do so well."""
    from idp.serve import app

    leaving = Leaving(app)
    signal.signal(LEAVE, lambda *_: leaving.begin(listening))
    if ready is not None:
        while not _is_ready(app):
            clock.pause(0.2)
        ready.set()
    return leaving


def _is_ready(app: Application) -> bool:
    _, status, _ = run_wsgi_app(app, EnvironBuilder("/health/ready").get_environ(), buffered=True)
    return status.startswith("200")


class Leaving:
    """The application, which from a certain moment on says goodbye with every answer."""

    def __init__(self, app: Application) -> None:
        self._app, self._has_begun = app, False

    def begin(self, listening: int) -> None:
        """This process accepts nobody any more: the number of its socket leads to another, at which nobody calls.

        Granian knows no way to stop accepting but to stop altogether, and closing the number would not be noticed.
        """
        nobody = socket.socket(socket.AF_UNIX)
        nobody.bind("")  # at a name that the system makes up
        nobody.listen(1)
        nobody.setblocking(False)
        os.dup2(nobody.fileno(), listening)
        nobody.close()
        self._has_begun = True

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def begin(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if self._has_begun:  # it may have begun since we were asked
                headers = [*headers, ("Connection", "close")]
            return start_response(line, headers, *more)

        return self._app(environ, begin)
