"""Whom a source lets in: a file that the operator writes, read again when it changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

C = TypeVar("C", bound=BaseModel)

logger = logging.getLogger(__name__)


class ClientsFile(Generic[C]):
    """The clients in the file as it is now; a file that is not there yet has none, a broken one changes nothing."""

    def __init__(self, file: Path | None, content: TypeAdapter[list[C]], name_of: Callable[[C], str]) -> None:
        self._file = file
        self._content = content
        self._name_of = name_of
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._clients: dict[str, C] = {}

    def get(self, name: str) -> C | None:
        with self._lock:
            self._read_if_changed()
            return self._clients.get(name)

    def _read_if_changed(self) -> None:
        if self._file is None:
            return
        try:
            status = self._file.stat()
            if self._seen == (status.st_mtime_ns, status.st_size):
                return
            clients = self._content.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return
        except ValidationError as problem:
            # The inputs are left out: they may hold a client's secret.
            logger.warning("clients file is not valid: %s", problem.errors(include_input=False, include_url=False))
            return
        self._seen = (status.st_mtime_ns, status.st_size)
        self._clients = {self._name_of(client): client for client in clients}
