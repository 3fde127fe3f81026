"""One running provider an engine, four worker processes strong; each test brings its own portals and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from idp.house import House, build
from tests.races.asking import Asking
from tests.races.provider import Portal, Provider, provider
from tests.storage.places import empty_database, short_lived_beside

FAILURES_ALLOWED = {
    "IDP_LIMITS__FAILED_AUTHENTICATIONS_PER_CLIENT_PER_MINUTE": "1000000",
    "IDP_REGISTRATION__OPEN_TO": "initial_access_token",
    "IDP_REGISTRATION__REQUESTS_PER_NETWORK_PER_MINUTE": "1000000",
}


@pytest.fixture(scope="session")
def running(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    directory = tmp_path_factory.mktemp(f"provider-on-{engine}")
    with (
        empty_database(engine, directory) as url,
        provider(directory, url, short_lived_beside(engine), variables=FAILURES_ALLOWED) as running,
    ):
        yield running


@pytest.fixture
def house(running: Provider) -> House:
    """The rooms over the provider's database, with caches and connections of their own, as in another process."""
    return build(running.house.settings)


@pytest.fixture
def portals(running: Provider, request: pytest.FixtureRequest) -> Callable[[int], list[Portal]]:
    """Makes portals that no other test has."""
    name = "".join(letter for letter in request.node.originalname if letter.isalpha())[:30]
    return lambda number: [
        running.portal(f"{name}-{each}", backchannel_logout_uri=f"http://portal{each}.localhost:9/logout")
        for each in range(number)
    ]


@pytest.fixture
def asking(running: Provider) -> Iterator[Callable[[], Asking]]:
    """Opens connections to the provider; they are closed after the test."""
    opened: list[Asking] = []

    def open_one() -> Asking:
        opened.append(Asking(running))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
