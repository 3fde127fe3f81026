"""A portal that is slow to take note of sign-outs holds up no other: one worker, real portals, real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from idp.oidc.turns import LONGEST_PAUSE_SECONDS
from idp.sessions import LOGOUT_NOTICE
from idp.worker import SENDERS, Worker
from tests.oidc.receivers import Receiver
from tests.oidc.residents import seconds_later
from tests.servers import eventually
from tests.world import Portal, World

Portals = Callable[..., Portal]
Receivers = Callable[[], Receiver]
AT_ONCE_SECONDS = 4  # on a busy machine, and less than the time after which a slow portal is left


def owe(country: World, *portals: Portal) -> None:
    house = country.house
    with house.database.write() as tx:
        for portal in portals:
            body = {"client_id": portal.id, "sub": "sub", "sid": "sid", "session_id": "00" * 16}
            house.outbox.add(tx, LOGOUT_NOTICE, body)


@contextmanager
def at_work(country: World) -> Iterator[None]:
    worker = Worker(country.house)
    senders = [threading.Thread(target=worker._repeat, args=("send", worker.send)) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        worker.stop()
        for sender in senders:
            sender.join()


@pytest.mark.parametrize("known", [False, True], ids=["met for the first time", "known to be slow"])
def test_while_one_portal_takes_half_a_minute_the_others_are_told_at_once(
    country: World, portals: Portals, receivers: Receivers, known: bool
) -> None:
    slow, *fast = ears = [receivers() for _ in range(4)]
    lagging, *prompt = [portals(backchannel_logout_uri=ear.address) for ear in ears]
    slow.open.clear()
    assert country.settings.outbound.total_seconds > AT_ONCE_SECONDS
    with at_work(country):
        if known:
            owe(country, lagging)
            eventually(lambda: has_failed(country, lagging))
        owe(country, *[lagging] * 40, *prompt * 5)  # whoever is slow stands in front
        began = time.monotonic()
        eventually(lambda: [len(ear.posts) for ear in fast] == [5, 5, 5])
        assert time.monotonic() - began < AT_ONCE_SECONDS
        assert 1 <= len(slow.posts) <= 3
        slow.open.set()
    settle(country)


def has_failed(country: World, portal: Portal) -> bool:
    waiting = country.house.outbox.waiting(LOGOUT_NOTICE)
    return any(one.problem for one in waiting if one.message.body["client_id"] == portal.id)


def settle(country: World) -> None:
    """Nothing of this test is left for the next."""
    with seconds_later(LONGEST_PAUSE_SECONDS * 2):
        while country.house.outbox.deliver({LOGOUT_NOTICE: lambda _: None}):
            pass
