"""What machines ask that watch over this one: whether it lives, whether it can serve, and what it measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from idp import entropy, errors, observe
from idp.errors import Refused
from idp.oidc.http import Request, Response
from idp.oidc.wsgi import Endpoint
from idp.settings import Settings
from idp.storage.database import Unreachable

LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    settings: Settings
    questions: Sequence[Callable[[], None]]  # each raises Unreachable while this worker cannot serve
    measure: Callable[[], None]  # brings up to date what is measured when somebody looks

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            f"/{path}": Endpoint(name=name, methods=("GET",), answer=answer, always=True)
            for path, name, answer in (
                ("health/live", "live", lambda _: self._healthy("live")),
                ("health/ready", "ready", self._ready),
                ("metrics", "metrics", self._metrics),
            )
        }

    def _healthy(self, word: str) -> Response:
        test = " (conformance mode: anybody can sign in as a test person)" if self.settings.lets_test_people_in else ""
        return _text(f"{word}{test}\n".encode())

    def _ready(self, _: Request) -> Response:
        """Whether this worker can serve: both stores answer, and there are keys to sign with."""
        for ask in self.questions:
            ask()
        return self._healthy("ready")

    def _metrics(self, request: Request) -> Response:
        if self.settings.metrics_token_file:
            token = Path(self.settings.metrics_token_file).read_text("utf-8").strip()
            if not entropy.same(request.headers.get("authorization", ""), f"Bearer {token}"):
                raise Refused(errors.NOT_FOUND)
        elif request.network not in LOOPBACK:
            raise Refused(errors.NOT_FOUND)
        with suppress(Unreachable):  # what else is measured can be told all the same
            self.measure()
        return _text(observe.metrics(), "; version=0.0.4")


def _text(body: bytes, more: str = "; charset=utf-8") -> Response:
    return Response(status=200, headers=(("Content-Type", f"text/plain{more}"),), body=body)
