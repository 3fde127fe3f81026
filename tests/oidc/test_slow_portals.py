"""Portals whose hosts are slow, met on the wire: whoever makes us ask them is told, and our threads stay free."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from idp.oidc.registration import SECTORS_PER_MINUTE
from tests.oidc.asserting import Asserting, asserting, jwks, let_in, public_jwk, turned_away
from tests.oidc.registering import OPEN, WISHES, Office, office
from tests.oidc.residents import fresh_name
from tests.world import Portal, listening

pytestmark = pytest.mark.usefixtures("nobody_has_failed")
Portals = Callable[..., Portal]


@dataclass
class Slow:
    """A portal's host that answers when it is let; every address of it shows the same document."""

    base: str
    document: Any
    seen: list[str] = field(default_factory=list)
    let: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.seen.append(Request(environ).path)
        self.let.wait(30)
        return Response(json.dumps(self.document), mimetype="application/json")(environ, start_response)


@contextmanager
def slow(document: Any) -> Iterator[Slow]:
    with listening(f"{fresh_name()}.localhost") as (base, server):
        server.app = host = Slow(base, document)
        try:
            yield host
        finally:
            host.let.set()


@pytest.fixture
def together() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("slow"), registration=OPEN) as opened:
        yield opened


# ---- keys ----


def publishing(portals: Portals, host: Slow) -> Asserting:
    return asserting(portals, jwks=None, jwks_uri=f"{host.base}/jwks.json")


def test_of_many_assertions_at_once_two_wait_for_the_keys_and_the_others_are_told(
    portals: Portals, together: ThreadPoolExecutor
) -> None:
    """Anybody can send them, and under as many key ids as they like."""
    with slow(jwks(public_jwk("ES256", kid="k1"))) as host:
        client = publishing(portals, host)
        asking = [together.submit(client.ask, client.signed({"kid": f"k{number}"})) for number in range(8)]
        for each in islice(as_completed(asking), 6):
            turned_away(each.result())
        host.let.set()
        for each in asking:
            each.result()
        assert host.seen == ["/jwks.json"]


def test_of_two_first_requests_of_a_portal_both_are_let_in(portals: Portals, together: ThreadPoolExecutor) -> None:
    with slow(jwks(public_jwk("ES256", kid="k1"))) as host:
        client = publishing(portals, host)
        asking = [together.submit(client.ask, client.signed()) for _ in range(2)]
        host.let.set()
        for each in asking:
            let_in(each.result())
        assert host.seen == ["/jwks.json"]


# ---- sectors ----


def wishes(host: Slow, number: int = 0) -> dict[str, Any]:
    return WISHES | {"sector_identifier_uri": f"{host.base}/{number}.json"}


def test_an_invitation_has_one_document_fetched_at_a_time(registry: Office, together: ThreadPoolExecutor) -> None:
    """Whatever hosts are named with it."""
    with slow(WISHES["redirect_uris"]) as host:
        invitation = registry.invite()
        asking = [together.submit(registry.post, wishes(host, number), invitation) for number in range(5)]
        for each in islice(as_completed(asking), 4):
            assert (each.result().status_code, each.result().json()["error_description"][:3]) == (429, "G06")
            assert each.result().headers["Retry-After"] == "60"
        host.let.set()
        assert sorted(each.result().status_code for each in asking) == [201] + [429] * 4
        assert len(host.seen) == 1


def test_documents_are_counted_by_invitation_and_by_portal(registry: Office) -> None:
    with slow(["https://elsewhere.example/"]) as host:
        host.let.set()
        invitation = registry.invite()
        answers = [registry.post(wishes(host, number), invitation).status_code for number in range(12)]
        assert answers == [400] * SECTORS_PER_MINUTE + [429] * (12 - SECTORS_PER_MINUTE)
        host.document = WISHES["redirect_uris"]
        land = registry.register(sector_identifier_uri=f"{host.base}/land.json")
        change = wishes(host, 1) | {"client_id": land.id}
        host.document = ["https://elsewhere.example/"]
        answers = [registry.ask("PUT", land.address, land.token, json=change).status_code for _ in range(12)]
        assert answers == [400] * SECTORS_PER_MINUTE + [429] * (12 - SECTORS_PER_MINUTE)
