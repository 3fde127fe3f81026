"""What the operators see: structured logs with the request's id, and metrics. No token, no personal data, in either."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from idp import clock
from idp.lines import REQUEST_ID, Lines, StandardError
from idp.storage import trips
from idp.storage.outbox import STATES

MULTIPROCESS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name; `idp serve` sets it
REQUEST_SECONDS = Histogram(
    "motcua_request_seconds", "Time to answer, by endpoint and status", ["endpoint", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
REFUSALS = Counter("motcua_refusals_total", "Requests refused, by the code of the failure", ["code"])
SOURCE_CALLS = Counter(
    "motcua_source_calls_total", "Calls to sources, by how they went", ["source", "operation", "outcome"]
)
SOURCE_SECONDS = Histogram(
    "motcua_source_seconds", "Time that a source took, by what it was asked", ["source", "operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
SOURCE_CLOSED_OFF = Gauge(
    "motcua_source_closed_off", "1 while a source's breaker is open, as last met", ["source", "operation"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
OUTBOX = Gauge(
    "motcua_outbox_messages", "Messages to portals by state, as asked for these metrics", ["state"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
OUTBOX_OLDEST = Gauge(
    "motcua_outbox_oldest_waiting_seconds", "Age of the oldest message that waits, 0 if none does",
    multiprocess_mode="mostrecent",
)  # fmt: skip
DEVICES_BEGUN = Counter("motcua_devices_begun_total", "Devices without a keyboard that began to wait")
STORE_TRIPS = Counter("motcua_store_trips_total", "Round trips to stores, by kind", ["kind"])

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})  # anybody can send any word
_request_lines: Lines | StandardError | None = None  # where each request gets its line, if anywhere

# A last net under what the code already keeps out of the logs: our tokens, JWTs, and 12- or 9-digit numbers.
_SECRET = re.compile(r"mc_at_[\w-]+|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<!\d)(?:\d{12}|\d{9})(?!\d)")


def configure(level: str, *, together: bool = False) -> None:
    """Logs go to standard error, one JSON object a line; `together` for a process that writes many."""
    global _request_lines
    lines: Any = Lines(sys.stderr) if together else StandardError()
    _request_lines = lines if logging.getLevelName(level) <= logging.INFO else None
    logging.basicConfig(level=level, stream=sys.stderr, format="%(message)s", force=True)
    logging.getLogger("authlib").setLevel(logging.WARNING)  # at DEBUG it prints tokens
    for chatty in ("urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            _of_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    if not trips.listeners:
        trips.listeners.append(lambda kind: _trips_of(kind).inc())


def begin(request_id: str) -> None:
    """What is logged from now on, in this thread, belongs to this request."""
    REQUEST_ID.set(request_id)


def request(request_id: str, endpoint: str, method: str, status: int, seconds: float) -> None:
    """A request was answered. Its line is put together here, since the usual way costs a tenth of a sign-on."""
    _seconds_of(endpoint, status).observe(seconds)
    if _request_lines is not None:
        _request_lines.write(
            f'{{"endpoint": "{endpoint}", "method": "{method if method in _METHODS else "other"}", "status": {status}, '
            f'"milliseconds": {seconds * 1000:.2f}, "event": "request", "request_id": "{request_id}", '
            f'"level": "info", "timestamp": "{clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"}}\n'
        )


@cache
def _seconds_of(endpoint: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(endpoint, str(status))


@cache
def _trips_of(kind: str) -> Counter:
    return STORE_TRIPS.labels(kind)


def outbox(standing: Mapping[str, tuple[int, int]]) -> None:
    """The outbox is measured: of each state, how many messages are in it, and when the oldest was written."""
    for state in STATES:
        OUTBOX.labels(state).set(standing.get(state, (0, 0))[0])
    oldest = standing.get("waiting")
    OUTBOX_OLDEST.set(0 if oldest is None else max(0, clock.seconds() - oldest[1]))


def metrics() -> bytes:
    """Everything measured, of all workers where they share a directory, in Prometheus' text format."""
    if not os.environ.get(MULTIPROCESS_DIRECTORY):
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return generate_latest(shared)


def _of_request(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET.sub("[redacted]", value)
    return event
