"""One small country for a worker's tests of the wire; every test has portals and people of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Browser, Portal, World, world


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {"logins_per_network_per_minute": 1_000_000}  # all tests come from one network
    with world(tmp_path_factory.mktemp("country"), limits=limits) as country:
        yield country


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
