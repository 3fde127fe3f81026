from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from idp.egress import Egress
from tests.egress.asking import limits
from tests.egress.sockets import Server


@pytest.fixture
def egress() -> Iterator[Egress]:
    egress = Egress(limits())
    yield egress
    egress.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*answers: object, **options: object) -> Server:
        servers.append(Server(*answers, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()
