"""One small country for a worker's tests of the wire; every test has portals and people of its own in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.egress.sockets import serve
from tests.oidc.receivers import Receiver
from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Browser, Portal, World, listening, world

__all__ = ["serve"]


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # All tests come from one network.
    limits = {"logins_per_network_per_minute": 1_000_000, "device_codes_per_network_per_minute": 1_000_000}
    with world(tmp_path_factory.mktemp("country"), limits=limits) as country:
        yield country


@pytest.fixture
def nobody_has_failed(country: World) -> None:
    """Failures in the names of no portal are one count for all tests: it begins anew for those that make many."""
    country.house.short_lived.take("failed:")


@pytest.fixture
def browser(country: World) -> Browser:
    return country.browser()


@pytest.fixture
def portal(country: World) -> Portal:
    return country.portal(fresh_name())


@pytest.fixture
def portals(country: World) -> Callable[..., Portal]:
    """Makes further portals, registered as told."""
    return lambda **registration: country.portal(fresh_name(), **registration)


@pytest.fixture
def residents(country: World) -> Callable[..., Resident]:
    """Makes further people who are signed in; `portals` are those that they were told about."""
    return lambda *portals, **sign_in: move_in(country, *portals, **sign_in)


@pytest.fixture
def resident(country: World, portal: Portal) -> Resident:
    """Somebody who is signed in, at level 3, and was told about `portal`."""
    return move_in(country, portal)


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Opens further back channels, each at a host of its own."""
    with contextlib.ExitStack() as stack:

        def open_one() -> Receiver:
            address, server = stack.enter_context(listening(f"{fresh_name()}.localhost"))
            server.app = receiver = Receiver(f"{address}/backchannel-logout")
            stack.callback(receiver.open.set)
            return receiver

        yield open_one
