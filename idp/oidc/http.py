"""A request and a response as plain values: what the hot endpoints take and give, whoever carries them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from idp import errors
from idp.errors import Failure, Refused

FORM = "application/x-www-form-urlencoded"
NOT_STORED = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))  # RFC 6749 section 5.1
PLAIN = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)  # RFC 3986 section 2.3
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
FIELD_LIMIT = 50  # parameters in one request


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # lower-case names
    cookies: Mapping[str, str]
    body: bytes = b""
    network: str = ""  # the address that it came from
    server_certificate: str = ""  # PEM: what our own server says the client showed in its handshake

    def form(self) -> Parameters:
        """The parameters of a form-encoded body; raises Refused for another content type."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise Refused(errors.WRONG_CONTENT_TYPE)
        try:
            return Parameters.parse(self.body.decode("utf-8"))
        except UnicodeDecodeError:
            raise Refused(errors.MALFORMED, "the body is not UTF-8") from None


@dataclass(frozen=True, kw_only=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def adding(self, *headers: tuple[str, str]) -> Response:
        return replace(self, headers=(*self.headers, *headers)) if headers else self


@dataclass(frozen=True)
class Parameters:
    """Request parameters. A repeated one is never chosen from; an empty one counts as absent (RFC 6749 section 3.1)."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Parameters:
        """The parameters in a query or body; raises Refused for what is none or has too many."""
        parts = text.split("&")
        if len(parts) > FIELD_LIMIT:
            raise Refused(errors.MALFORMED, "too many parameters")
        try:
            pairs = [(_decoded(name), _decoded(value)) for name, _, value in (part.partition("=") for part in parts)]
        except UnicodeError:
            raise Refused(errors.MALFORMED, "parameters cannot be parsed") from None
        return cls(tuple(pair for pair in pairs if pair[1]))

    def as_dict(self) -> dict[str, str]:
        return dict(self.pairs)

    def repeated(self) -> set[str]:
        names = [name for name, _ in self.pairs]
        return {name for name in names if names.count(name) > 1} if len(set(names)) != len(names) else set()


def see_other(url: str, *headers: tuple[str, str]) -> Response:
    """303: whatever the method was, go on with GET (RFC 9700 section 4.12)."""
    return Response(status=303, headers=(("Location", url), *NOT_STORED, *headers))


def as_json(status: int, value: Mapping[str, Any], *headers: tuple[str, str]) -> Response:
    body = _JSON.encode(value).encode()
    return Response(status=status, headers=(("Content-Type", "application/json"), *NOT_STORED, *headers), body=body)


def as_error(failure: Failure, *headers: tuple[str, str]) -> Response:
    """The failure as RFC 6749 section 5.2 has it; the description begins with our code, for the support desk."""
    return as_json(failure.status, error_members(failure), *headers)


def error_members(failure: Failure) -> dict[str, str]:
    return {"error": failure.error, "error_description": f"{failure.code}: {failure.description}"}


def with_parameters(url: str, **parameters: str | None) -> str:
    """The URL with the parameters that have a value added to its query, whatever that holds already."""
    return url + ("&" if "?" in url else "?") + _encoded(parameters)


def with_fragment(url: str, **parameters: str | None) -> str:
    """The URL, which has no fragment, with the parameters that have a value as its fragment (Multiple Response Types
    section 2.1).
    """
    return f"{url}#{_encoded(parameters)}"


def _encoded(parameters: Mapping[str, str | None]) -> str:
    return "&".join(f"{name}={_quoted(value)}" for name, value in parameters.items() if value is not None)


def _quoted(value: str) -> str:
    """As a form writes it. Most of our values need nothing, and to see that costs a tenth of quoting them."""
    return value if PLAIN.fullmatch(value) else quote_plus(value)


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode("utf-8") if "%" in text else text
