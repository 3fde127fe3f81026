"""The least that granian can be asked to serve: what its requests cost is what any provider on it must pay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

BODY = b'{"sub":"of nobody in particular","name":"a body as long as userinfo\'s are"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(_environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return (BODY,)
