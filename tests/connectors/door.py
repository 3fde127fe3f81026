"""Our side of a sign-in as a connector sees it: a real way out, documents, time and chance; the core is played here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors.base import (
    Connector,
    Context,
    Documents,
    Done,
    Failed,
    Failure,
    Input,
    LoginRequest,
    OutboundError,
    Redirect,
    Step,
)  # fmt: skip
from idp.egress import Egress
from idp.settings import Outbound

LIMITS = Outbound(
    connect_seconds=2,
    total_seconds=10,
    answer_bytes=1_048_576,
    allow_loopback=True,
    certificate_authorities_file="",
    visits_at_once=2,
)


class LastGood(Documents):
    """Documents as the contract has them, in memory."""

    def __init__(self, http: Egress) -> None:
        self._http = http
        self._good: dict[str, bytes] = {}
        self.fetched: list[str] = []

    def forget(self) -> None:
        self._good.clear()

    def read(self, url: str, *, check: Callable[[bytes], None], newer_than_seconds: int | None = None) -> bytes:
        if url in self._good and newer_than_seconds is None:
            return self._good[url]
        try:
            self.fetched.append(url)
            answer = self._http.request("GET", url, idempotent=True)
            if answer.status != 200:
                raise OutboundError(Failure.UNREACHABLE, f"HTTP {answer.status}")
            try:
                check(answer.body)
            except ValueError as problem:
                raise OutboundError(Failure.BROKEN_ANSWER, str(problem)) from None
            self._good[url] = answer.body
        except OutboundError:
            if url not in self._good:
                raise
        return self._good[url]


class Door:
    """One provider's world: `secrets` are the source's credentials, `shift` moves the clock."""

    callback_url = "https://idp.example/callback/liar"

    def __init__(self, egress: Egress, **credentials: str) -> None:
        self.egress = egress
        self.documents = LastGood(egress)
        self.credentials = credentials
        self.shift = timedelta()
        self.spent: set[str] = set()
        self.counted: dict[str, int] = {}
        self.notes: list[tuple[str, dict[str, Any]]] = []

    @property
    def context(self) -> Context:
        return Context(
            http=self.egress,
            documents=self.documents,
            now=lambda: datetime.now(UTC) + self.shift,
            fresh_value=lambda: secrets.token_urlsafe(32),
            secret=lambda name: self.credentials[name],
            spend=self._spend,
            count=self._count,
            note=lambda event, **fields: self.notes.append((event, fields)),
        )

    def _spend(self, value: str, seconds: int) -> bool:
        assert 0 < seconds <= 86400 + 600
        first = value not in self.spent
        self.spent.add(value)
        return first

    def _count(self, name: str, seconds: int) -> int:
        assert 0 < seconds <= 86400
        self.counted[name] = self.counted.get(name, 0) + 1
        return self.counted[name]

    def begin(self, connector: Connector, **wishes: Any) -> Step:
        request = LoginRequest(
            handle=secrets.token_urlsafe(18), callback_url=self.callback_url, **{"level": 2, **wishes}
        )
        return connector.begin(self.context, request)

    def begun(self, connector: Connector, **wishes: Any) -> Redirect:
        step = self.begin(connector, **wishes)
        assert isinstance(step, Redirect), step
        return step

    def sign_in(self, connector: Connector, browse: Callable[[str], str], **wishes: Any) -> Step:
        """The whole of a sign-in; `browse` takes the person from the source's URL to the callback URL."""
        step = self.begin(connector, **wishes)
        if not isinstance(step, Redirect):
            return step
        return self.come_back(connector, step, browse(step.url))

    def come_back(self, connector: Connector, step: Redirect, returned_to: str) -> Step:
        assert returned_to.startswith(f"{self.callback_url}?"), returned_to
        return connector.resume(self.context, step.state, Input(method="GET", raw_query=urlsplit(returned_to).query))


def failure_of(step: Step) -> Failure:
    assert isinstance(step, Failed), step
    return step.failure


def done(step: Step) -> Any:
    assert isinstance(step, Done), step
    return step.assertion
