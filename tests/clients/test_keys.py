"""Keys that a portal publishes: fetched over real sockets, kept for bad days, and never from where we must not ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.base import HttpAnswer
from idp import clock
from idp.clients import Client
from idp.clients.fetching import Fetching
from idp.clients.keys import ASK_AGAIN_SECONDS, FRESH_SECONDS, STALE_SECONDS, UNASKED_SECONDS, ClientKeys, NoKey
from idp.egress import Egress
from idp.oidc.documents import Documents
from tests.clients.key_sets import certificate, jwk, key_set, served, x5c
from tests.clients.test_registration import GOOD
from tests.egress.asking import limits
from tests.egress.sockets import Server
from tests.servers import eventually

FIRST, SECOND = jwk("P-256", kid="first"), jwk("P-256", 1, kid="second")


@pytest.fixture
def egress() -> Iterator[Egress]:
    egress = Egress(limits(total_seconds=0.6))
    yield egress
    egress.close()


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


@pytest.fixture
def keys(egress: Egress, fetching: Fetching) -> ClientKeys:
    return ClientKeys(egress, fetching)


def portal(client_id: str = "portal", **registration: Any) -> Client:
    method = {"token_endpoint_auth_method": "private_key_jwt"}
    return Client(**(GOOD | method | registration), id=client_id, enabled=True, secret_fingerprint=None)


def at(server: Server) -> Client:
    return portal(f"at-{server.port}", jwks_uri=server.url("/jwks.json"))


def kids(keys: ClientKeys, client: Client, kid: str | None = None, alg: str = "ES256") -> int:
    return len(keys.verification_keys(client, kid=kid, alg=alg))


def test_registered_keys_are_chosen_by_id_and_algorithm(keys: ClientKeys) -> None:
    client = portal(jwks=key_set(FIRST, SECOND, jwk("RSA", kid="first")))
    assert (kids(keys, client, "first"), kids(keys, client, "first", "RS256"), kids(keys, client)) == (1, 1, 2)
    assert (kids(keys, client, "third"), kids(keys, client, ""), kids(keys, client, "first", "HS256")) == (0, 0, 0)


def test_keys_that_were_registered_anew_take_effect_at_once(keys: ClientKeys) -> None:
    assert kids(keys, portal(jwks=key_set(FIRST)), "second") == 0
    assert kids(keys, portal(jwks=key_set(SECOND)), "second") == 1
    assert kids(keys, portal(jwks=key_set(SECOND)), "first") == 0


def test_a_portal_without_keys_has_none(keys: ClientKeys) -> None:
    client = portal(token_endpoint_auth_method="client_secret_basic")
    assert kids(keys, client) == 0
    assert keys.certificates(client) == []
    with pytest.raises(NoKey):
        keys.encryption_key(client, "RSA-OAEP-256")


def test_published_keys_are_fetched_once_for_minutes(keys: ClientKeys, serve: Callable[..., Server]) -> None:
    server = serve(served(key_set(FIRST)))
    assert [kids(keys, at(server), "first") for _ in range(5)] == [1] * 5
    assert len(server.requests) == 1
    assert server.requests[0].startswith(b"GET /jwks.json HTTP/1.1\r\n")


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves monotonic time on; the one thing that may be patched is time."""
    ahead = [0.0]
    real = time.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: real() + ahead[0])

    def move(seconds: float) -> None:
        ahead[0] += seconds

    return move


def test_a_key_id_that_nobody_has_seen_is_asked_for_but_not_at_every_request(
    keys: ClientKeys, serve: Callable[..., Server], moved: Callable[[float], None]
) -> None:
    """The portal changed its keys; or somebody sends any key id, so that we ask and ask."""
    server = serve(served(key_set(FIRST)), served(key_set(FIRST, SECOND)))
    assert kids(keys, at(server), "first") == 1
    assert [kids(keys, at(server), f"any {number}") for number in range(50)] == [0] * 50
    assert len(server.requests) == 1
    moved(ASK_AGAIN_SECONDS)
    assert kids(keys, at(server), "second") == 1
    assert len(server.requests) == 2


def test_a_key_that_was_withdrawn_is_believed_no_more(
    keys: ClientKeys, serve: Callable[..., Server], moved: Callable[[float], None]
) -> None:
    server = serve(served(key_set(FIRST)), served(key_set(SECOND)))
    assert kids(keys, at(server), "first") == 1
    moved(FRESH_SECONDS)
    assert (kids(keys, at(server), "first"), kids(keys, at(server), "second")) == (0, 1)


@pytest.mark.parametrize(
    "trouble",
    [served(b"broken"), served({}, status=b"500 Internal Server Error"), served(key_set(jwk("weak"))), Server.RESET,
     served(key_set(SECOND), status=b"302 Found", headers=b"Location: /other\r\n")],
    ids=["no json", "status 500", "a weak key", "reset", "redirect"],
)  # fmt: skip
def test_what_was_fetched_last_stays_good_while_its_host_is_in_trouble_for_a_day(
    keys: ClientKeys, serve: Callable[..., Server], moved: Callable[[float], None], trouble: object
) -> None:
    server = serve(served(key_set(FIRST)), trouble)
    assert kids(keys, at(server), "first") == 1
    for seconds in (FRESH_SECONDS, 2 * UNASKED_SECONDS):
        moved(seconds)
        assert kids(keys, at(server), "first") == 1
    moved(STALE_SECONDS)
    assert kids(keys, at(server), "first") == 0


def test_a_key_that_was_withdrawn_lives_on_for_minutes_while_others_have_every_turn(
    keys: ClientKeys, fetching: Fetching, serve: Callable[..., Server], moved: Callable[[float], None]
) -> None:
    """Its host would tell, if only we asked: a day is for hosts that are silent."""
    server = serve(served(key_set(FIRST)), served(key_set(SECOND)))
    assert kids(keys, at(server), "first") == 1
    with fetching.turn("one", "https://one.example/"), fetching.turn("another", "https://another.example/"):
        moved(FRESH_SECONDS)
        assert kids(keys, at(server), "first") == 1
        moved(UNASKED_SECONDS - FRESH_SECONDS)
        assert kids(keys, at(server), "first") == 0
    assert len(server.requests) == 1
    assert (kids(keys, at(server), "first"), kids(keys, at(server), "second")) == (0, 1)


def test_while_its_host_is_asked_again_what_was_fetched_last_is_good_for_all_but_who_waits(
    keys: ClientKeys, fetching: Fetching, serve: Callable[..., Server], moved: Callable[[float], None]
) -> None:
    """However long ago that was: the first sign-ins of a morning come together."""
    server = serve(served(key_set(FIRST)), b"HTTP/1.1 200 OK\r\n", drip=b"X", pause_seconds=0.05)
    assert kids(keys, at(server), "first") == 1
    moved(2 * UNASKED_SECONDS)
    with ThreadPoolExecutor(2) as pool:
        before = [pool.submit(kids, keys, at(server), "first") for _ in range(2)]
        eventually(lambda: any(fetch.awaited for fetch in list(fetching._under_way.values())))
        assert kids(keys, at(server), "first") == 1
        assert [each.result() for each in before] == [1, 1]


def test_one_portal_with_many_slow_addresses_keeps_nobody_from_having_their_keys_read(
    keys: ClientKeys, egress: Egress, fetching: Fetching, serve: Callable[..., Server]
) -> None:
    """Anybody's browser can name the addresses of its request objects, two at a time."""
    slow, good = serve(b"HTTP/1.1 200 OK\r\n", drip=b"X", pause_seconds=0.05), serve(served(key_set(FIRST)))
    documents = Documents(egress, fetching)

    def named(browser: int) -> None:
        for number in range(3):
            documents.read("stranger", slow.url(f"/{browser}/{number}"))

    with ThreadPoolExecutor(2) as pool:
        attack = [pool.submit(named, browser) for browser in range(2)]
        eventually(lambda: slow.connections == 1)
        assert kids(keys, at(good), "first") == 1
        eventually(lambda: slow.connections == 2)
        assert kids(keys, portal("never-asked", jwks_uri=good.url("/others.json")), "first") == 1
        for each in attack:
            each.result()
    assert slow.connections <= 4, "never two at once"


@pytest.mark.parametrize(
    "answer",
    [served(key_set(FIRST), status=b"302 Found", headers=b"Location: /jwks.json\r\n"),
     served(key_set(FIRST), status=b"201 Created"), served(b'{"keys": ' + b" " * 65_536 + b"[]}"),
     served(b"a" * 200_000), served(key_set(jwk("P-256", private=True))), served(key_set())],
    ids=["redirect", "another status", "too long", "far too long", "private", "none"],
)  # fmt: skip
def test_an_answer_that_is_no_key_set_gives_no_keys(
    keys: ClientKeys, serve: Callable[..., Server], answer: bytes
) -> None:
    server = serve(answer)
    assert kids(keys, at(server)) == 0
    assert len(server.requests) == 1, "it was asked, and nobody else was"


def test_a_slow_host_is_given_up_and_holds_up_nobody_who_has_keys(
    keys: ClientKeys, serve: Callable[..., Server]
) -> None:
    slow, good = serve(b"HTTP/1.1 200 OK\r\n", drip=b"X", pause_seconds=0.05), serve(served(key_set(FIRST)))
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: kids(keys, at(slow)), range(8))) == 0
    assert time.monotonic() - began < 5
    assert slow.connections == 1, "one asks, one waits for it, the others are told"
    assert kids(keys, at(good)) == 1


class Counted(Egress):
    """The way out, which notes how many are on it at most."""

    def __init__(self) -> None:
        super().__init__(limits(total_seconds=0.4))
        self._counting, self._inside, self.most = threading.Lock(), 0, 0

    def request(self, *what: Any, **how: Any) -> HttpAnswer:
        with self._counting:
            self._inside += 1
            self.most = max(self.most, self._inside)
        try:
            return super().request(*what, **how)
        finally:
            with self._counting:
                self._inside -= 1


def test_portals_with_slow_hosts_hold_two_threads_and_no_more(serve: Callable[..., Server]) -> None:
    slow = [serve(b"HTTP/1.1 200 OK\r\n", drip=b"X", pause_seconds=0.05) for _ in range(6)]
    way_out = Counted()
    keys = ClientKeys(way_out, Fetching())
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda server: kids(keys, at(server)), slow))
    assert way_out.most == 2


PLACES = [
    "https://127.0.0.1/jwks", "https://127.0.0.1:{port}/jwks", "https://10.0.0.1/jwks", "https://169.254.169.254/latest",
    "https://192.168.0.1/jwks", "https://localhost:{port}/jwks", "http://portal.localhost:{port}/jwks",
    "https://0.0.0.0:{port}/", "https://100.100.100.200/",
]  # fmt: skip


@pytest.mark.parametrize("url", PLACES)
def test_no_host_is_asked_that_is_not_public(serve: Callable[..., Server], url: str) -> None:
    server = serve(served(key_set(FIRST)))
    keys = ClientKeys(Egress(limits(allow_loopback=False)), Fetching())
    assert kids(keys, portal(jwks_uri=url.format(port=server.port))) == 0
    assert server.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "169.254.169.254", "fd00::1"])
def test_a_public_name_for_a_host_that_is_not_public_is_not_asked(serve: Callable[..., Server], address: str) -> None:
    server = serve(served(key_set(FIRST)))
    keys = ClientKeys(Egress(limits(allow_loopback=False), resolver=lambda _: [address]), Fetching())
    assert kids(keys, portal(jwks_uri=f"https://keys.portal.example:{server.port}/jwks")) == 0
    assert server.connections == 0


def test_answers_are_encrypted_to_the_key_that_is_meant_for_it(
    keys: ClientKeys, serve: Callable[..., Server], moved: Callable[[float], None]
) -> None:
    first, second = jwk("P-256", kid="signs", use="sig"), jwk("P-256", 1, kid="reads", use="enc")
    server = serve(served(key_set(first)), served(key_set(first, second)))
    with pytest.raises(NoKey, match="no key for ECDH-ES"):
        keys.encryption_key(at(server), "ECDH-ES")
    moved(ASK_AGAIN_SECONDS)
    key, kid = keys.encryption_key(at(server), "ECDH-ES")
    assert (kid, key.as_dict(private=False)["x"]) == ("reads", second["x"])


def test_certificates_come_with_the_keys(keys: ClientKeys, serve: Callable[..., Server]) -> None:
    der = certificate("P-256")
    published = key_set(jwk("P-256", x5c=x5c(der)), SECOND)
    assert keys.certificates(portal(jwks=published)) == [der]
    assert keys.certificates(at(serve(served(published)))) == [der]
