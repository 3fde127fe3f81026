"""What a source publishes (metadata, keys): fetched when needed, and the last good copy kept for bad days."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from connectors.base import Failure, Http, OutboundError
from idp import clock
from idp.sources import models
from idp.storage import Database

FRESH_SECONDS = 300
ASK_AGAIN_SECONDS = 30  # after a failure, and between two fetches for a key id that nobody has seen
STALE_SECONDS = 7 * 86_400  # a source silent for longer must be looked at by an operator

log = structlog.get_logger()


class Documents:
    """The documents of one source, as `connectors.base.Documents` has it. Shared by all threads."""

    def __init__(self, database: Database, http: Http, source_id: str) -> None:
        self._database = database
        self._http = http
        self._source_id = source_id
        self._lock = threading.Lock()
        self._known: dict[str, tuple[bytes, int]] = {}
        self._asked_at: dict[str, float] = {}
        self._fetching: dict[str, threading.Lock] = {}

    def read(self, url: str, *, check: Callable[[bytes], None], newer_than_seconds: int | None = None) -> bytes:
        kept = self._known.get(url) or self._from_database(url)
        wanted_age = FRESH_SECONDS if newer_than_seconds is None else newer_than_seconds
        if kept is not None and clock.seconds() - kept[1] < wanted_age:
            return kept[0]
        if newer_than_seconds is None:
            return self._as_fetched(url, check, kept)
        # Keys have changed: of those who come at that moment one fetches, and the others wait for what it gets.
        with self._fetching.setdefault(url, threading.Lock()):
            return self._as_fetched(url, check, self._known.get(url) or kept)

    def _as_fetched(self, url: str, check: Callable[[bytes], None], kept: tuple[bytes, int] | None) -> bytes:
        if kept is not None and not self._may_ask(url):
            return kept[0]
        try:
            return self._fetched(url, check)
        except OutboundError as problem:
            if kept is None or clock.seconds() - kept[1] > STALE_SECONDS:
                raise
            log.warning("last_good_document", source=self._source_id, failure=problem.failure.value)
            return kept[0]

    def _may_ask(self, url: str) -> bool:
        now = clock.monotonic()
        with self._lock:
            if now - self._asked_at.get(url, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
                return False
            self._asked_at[url] = now
            return True

    def _from_database(self, url: str) -> tuple[bytes, int] | None:
        row = self._database.one(models.FIND_DOCUMENT, source_id=self._source_id, url=url)
        if row is None:
            return None
        kept = self._known[url] = (bytes(row[0]), row[1])
        return kept

    def _fetched(self, url: str, check: Callable[[bytes], None]) -> bytes:
        answer = self._http.request("GET", url, headers={"Accept": "application/json"}, idempotent=True)
        if answer.status in (429, 503):
            raise OutboundError(Failure.OVERLOADED, f"status {answer.status}")
        if answer.status != 200:
            raise OutboundError(Failure.BROKEN_ANSWER, f"status {answer.status}")
        try:
            check(answer.body)
        except ValueError as problem:
            raise OutboundError(Failure.BROKEN_ANSWER, str(problem)) from None
        self._keep(url, answer.body)
        return answer.body

    def _keep(self, url: str, body: bytes) -> None:
        fetched_at = clock.seconds()
        self._known[url] = (body, fetched_at)
        with self._database.write() as tx:
            tx.run(
                models.KEEP_DOCUMENT[self._database.is_sqlite],
                source_id=self._source_id, url=url, body=body, fetched_at=fetched_at,
            )  # fmt: skip
