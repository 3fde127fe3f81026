"""The suite's own addresses on a real socket: what it publishes there, and what we send it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.servers import eventually
from tests.world import listening


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class SuiteServer:
    """`documents` are served by GET at their paths (with media type and body); everything that comes is kept."""

    base_url: str
    alias: str
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """What the addresses of this run of the suite begin with: `.../callback` and others follow."""
        return f"{self.base_url}/test/a/{self.alias}"

    def publish(self, name: str, body: bytes, media_type: str = "application/json") -> str:
        """The document can be fetched at the address that is returned."""
        path = f"/test/a/{self.alias}/{name}"
        self.documents[path] = (media_type, body)
        return self.base_url + path

    def at(self, name: str) -> list[Received]:
        return [one for one in self.received if one.path == f"/test/a/{self.alias}/{name}"]

    def wait_for(self, name: str, condition: Callable[[Received], bool] = lambda _: True) -> Received:
        """What came, or comes within a minute, to this address."""
        eventually(lambda: any(condition(one) for one in self.at(name)))
        return next(one for one in self.at(name) if condition(one))

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        query, form = ({name: values[0] for name, values in parse_qs(text).items()}
                       for text in (environ["QUERY_STRING"], body))  # fmt: skip
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        with self._lock:
            self.received.append(Received(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, form, headers))
        media_type, content = self.documents.get(environ["PATH_INFO"], ("text/plain", b""))
        start("200 OK", [("Content-Type", media_type), ("Content-Length", str(len(content)))])
        return [content]


@contextmanager
def suite_server(alias: str = "motcua") -> Iterator[SuiteServer]:
    with listening("suite.localhost") as (base_url, server):
        server.app = found = SuiteServer(base_url, alias)
        yield found
