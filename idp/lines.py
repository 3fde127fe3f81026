"""Lines of log, written together: a write for each would let go of the interpreter in the middle of every request.
And to which request they belong.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from typing import TextIO

from idp import clock

WAITING_LINES = 100_000  # while nobody reads what we write: the oldest go first
WRITTEN_EVERY_SECONDS = 0.05  # what a process that is killed can lose of its log; audit events are in the database

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")  # of the request under way in this thread


class StandardError:
    """Whatever standard error is when something is written: somebody may have put another in its place."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class Lines:
    """A text file for logs. What is written to it is in the file within a moment, and when the process ends."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: deque[str] = deque(maxlen=WAITING_LINES)
        self._writing = threading.Lock()
        self._some = threading.Event()
        atexit.register(self.write_out)
        threading.Thread(target=self._keep_writing, name="log lines", daemon=True).start()

    def write(self, text: str) -> None:
        self._waiting.append(text)
        if not self._some.is_set():
            self._some.set()

    def flush(self) -> None:
        """Whoever logs asks for this after each line; it is what is put off here."""

    def write_out(self) -> None:
        with self._writing:
            self._some.clear()
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            with suppress(OSError, ValueError):  # a full disk, a closed pipe: whom could we tell?
                self._file.write("".join(lines))
                self._file.flush()

    def _keep_writing(self) -> None:
        while self._some.wait():
            clock.pause(WRITTEN_EVERY_SECONDS)
            self.write_out()
