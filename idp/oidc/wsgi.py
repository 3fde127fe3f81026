"""Requests and responses as WSGI carries them (PEP 3333), to and from the plain values of `http`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.http import parse_cookie
from werkzeug.wsgi import get_input_stream

from idp import errors
from idp.errors import Refused
from idp.oidc.http import Request, Response

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# What rooms leave for each other in the environment of a request.
REQUEST_ID = "motcua.request_id"
ENDPOINT = "motcua.endpoint"  # what stands at the address, for log and metrics
OUTCOME = "motcua.outcome"  # what a page has to show: a value, or an exception

_WITH_BODY = frozenset({"POST", "PUT"})
_NO_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What stands at one address; `answer` gives a Response, or with `on_pages` whatever Flask's view there shows."""

    name: str
    methods: tuple[str, ...]
    answer: Callable[[Request], object]
    on_pages: bool = False
    always: bool = False  # also while nobody may be served

    def takes(self, method: str) -> bool:
        return method in self.methods or (method == "HEAD" and "GET" in self.methods)


@lru_cache(maxsize=256)
def _variable(header: str) -> str:
    return _NO_PREFIX.get(header) or "HTTP_" + header.upper().replace("-", "_")


class Headers(Mapping[str, str]):
    """The headers of a request by their names in lower case; each is looked up only when somebody asks for it."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_variable(name)]
        return value

    def __iter__(self) -> Iterator[str]:
        for key in self._environ:
            if key.startswith("HTTP_") or key in _NO_PREFIX.values():
                yield key.removeprefix("HTTP_").replace("_", "-").lower()

    def get(self, name: str, default: Any = None) -> Any:
        return self._environ.get(_variable(name), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _variable(name) in self._environ

    def __len__(self) -> int:
        return sum(1 for _ in self)


def request_of(environ: Environ, longest_bytes: int | None) -> Request:
    """The request with its whole body; raises Refused for a query that is not UTF-8 and for a body that is too long."""
    query = environ.get("QUERY_STRING", "")
    check_utf8(query)
    method, cookies = environ["REQUEST_METHOD"], environ.get("HTTP_COOKIE")
    return Request(
        method=method, path=environ["PATH_INFO"], query=query, headers=Headers(environ),
        cookies=parse_cookie(cookies) if cookies else {},
        body=_body(environ, longest_bytes) if method in _WITH_BODY else b"", network=environ.get("REMOTE_ADDR", ""),
        server_certificate=environ.get("SSL_CLIENT_CERT", ""),
    )  # fmt: skip


def send(response: Response, environ: Environ, start_response: StartResponse, *more: tuple[str, str]) -> list[bytes]:
    """The response is begun; returns its body, as a WSGI application does."""
    headers = [*response.headers, *more, ("Content-Length", str(len(response.body)))]
    for _, value in headers:
        if not value.isascii() or not value.isprintable():  # a line break here would be the next header
            raise ValueError("a header that cannot be sent")
    start_response(_STATUS_LINES[response.status], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def check_utf8(query: str) -> None:
    """Raises Refused for a query that is not UTF-8, as WSGI hands it on: each byte a character."""
    if query.isascii():
        return
    try:
        query.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Refused(errors.MALFORMED, "the query is not UTF-8") from None


def _body(environ: Environ, longest_bytes: int | None) -> bytes:
    try:
        return get_input_stream(environ, max_content_length=longest_bytes).read()
    except RequestEntityTooLarge:
        raise Refused(errors.TOO_LARGE) from None
    except ClientDisconnected:
        raise Refused(errors.MALFORMED, "the body ended before it was whole") from None
