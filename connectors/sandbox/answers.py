"""How answers leave: pages and JSON, late, broken or not at all where a fault says so."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flask import Response, render_template, request

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.common import common
from connectors.sandbox.errors import PageProblem, ProtocolError, Unavailable
from connectors.sandbox.fault_book import AVAILABILITY, SLOW, Fault
from connectors.sandbox.faults import BODY, PATHS, Endpoint, FaultName

HUGE_BODY_BYTES = 3 * 1024 * 1024
GARBAGE = b"\x1f\x8b\x00\xff<html><title>H\xe1\xbb\x87 th\xe1\xbb\x91ng b\xe1\xba\xadn</title>"

_PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page in the look of this source, never kept by the browser."""
    html = render_template(template, settings=common().settings, **values)
    response = Response(html, status=status, mimetype="text/html")
    # No form-action: browsers hold it against redirects too, and signing in ends at a client's address.
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def answer(
    payload: Mapping[str, Any], endpoint: Endpoint, citizen: Citizen | None = None, status: int = 200
) -> Response:
    """The payload as JSON, unless a fault spoils this answer's body."""
    fault = common().faults.strike(BODY, endpoint, citizen)
    if fault is not None:
        status = 200 if fault.fault == FaultName.ERROR_IN_200 else status
    response = Response(_body(payload, fault), status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _body(payload: Mapping[str, Any], fault: Fault | None) -> bytes:
    name = fault.fault if fault else None
    if name == FaultName.GARBAGE:
        return GARBAGE
    if name == FaultName.ERROR_IN_200:
        return b'{"error": "server_error", "error_description": "maKetQua 501", "maKetQua": "501"}'
    if name == FaultName.HUGE_BODY:
        payload = {**payload, "padding": "0" * HUGE_BODY_BYTES}
    body = json.dumps(payload, ensure_ascii=False).encode()
    return body[: len(body) // 2] if name == FaultName.TRUNCATED_JSON else body


def protocol_error(problem: ProtocolError) -> Response:
    """RFC 6749 section 5.2."""
    endpoint = PATHS[request.path]
    payload = {"error": problem.error, "error_description": problem.description}
    response = answer(payload, endpoint, status=problem.status)
    if problem.status == 401 and endpoint == "userinfo":
        response.headers["WWW-Authenticate"] = f'Bearer error="{problem.error}"'  # RFC 6750 section 3
    return response


def page_problem(problem: PageProblem) -> Response:
    return page("problem.html", 400, problem=problem)


def be_unavailable() -> None:
    """Before a request is looked at: the faults that were set for everybody."""
    if endpoint := common().paths.get(request.path):
        faults = common().faults
        for name in AVAILABILITY:
            _suffer(faults.strike((name,), endpoint))


def be_unavailable_for(citizen: Citizen, endpoint: str) -> None:
    """Once it is known whose request this is: the faults that were set for this person."""
    faults = common().faults
    for name in AVAILABILITY:
        _suffer(faults.strike_person((name,), endpoint, citizen))


def _suffer(fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.fault == SLOW:
        time.sleep(fault.seconds)
    elif fault.close:
        hang_up()
    else:
        raise Unavailable(Response("503", status=503, mimetype="text/plain", headers={"Retry-After": "30"}))


def hang_up() -> NoReturn:
    """The connection ends before there was a whole answer."""
    if own := request.environ.get("werkzeug.socket"):
        own.shutdown(socket.SHUT_RDWR)  # this server would keep the connection, and the client waiting
    raise Unavailable(Response(_NothingMore(), headers={"Content-Length": "1"}))


class _NothingMore(Iterator[bytes]):
    """A body that never comes: Granian then closes the connection."""

    def __next__(self) -> bytes:
        raise ConnectionAbortedError("closed on purpose, by a fault")
