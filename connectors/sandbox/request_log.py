"""What the source was asked lately: names of parameters, never their values."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from flask import Request, Response

KEPT = 500
_ARRIVED = "sandbox.arrived"


class RequestLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._cleared = 0

    def arrived(self, request: Request) -> None:
        """One that is answered only after the log was cleared belongs to what was before that."""
        request.environ[_ARRIVED] = self._cleared

    def note(self, request: Request, response: Response) -> None:
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        too_large = response.status_code == 413  # its form cannot be read
        entry = {
            "method": request.method,
            "path": request.path,
            "query": sorted(request.args),
            "form": [] if too_large else sorted(request.form),
            "content_type": request.mimetype or None,
            "authorization": scheme or None,
            "status": response.status_code,
        }
        with self._lock:
            if request.environ.get(_ARRIVED) == self._cleared:
                self._entries.append(entry)

    def all(self) -> list[dict[str, Any]]:
        """The last requests, oldest first."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._cleared += 1
