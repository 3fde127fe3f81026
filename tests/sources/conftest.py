"""Two workers on one store, on each engine, and a source to call."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from idp.house import House
from idp.sources import Source
from tests.registers.party import Register, registered
from tests.servers import postgresql_url, valkey_url
from tests.sessions.rooms import another_worker, furnished
from tests.storage.places import empty_database, short_lived_beside

__all__ = ["postgresql_url", "valkey_url"]


@dataclass
class Workers:
    """Two workers of one provider, and a source that both may call."""

    one: House
    other: House
    name: str
    register: Register = field(default_factory=Register)

    def source(self, house: House) -> Source:
        found = house.sources.find(self.name)
        assert found is not None
        return found


@pytest.fixture
def workers(engine: str, tmp_path: Path) -> Iterator[Workers]:
    with empty_database(engine, tmp_path) as url:
        one = furnished(
            tmp_path, database_url=url, short_lived_url=short_lived_beside(engine),
            outbound={"allow_loopback": True, "visits_at_once": 2},
        )  # fmt: skip
        other = another_worker(one)
        workers = Workers(one, other, f"register-{secrets.token_hex(4)}")  # Valkey is shared by all tests
        with registered(one, workers.register, workers.name):
            yield workers
        for house in (one, other):
            house.database.engine.dispose()


@contextlib.contextmanager
def under_way(workers: Workers, house: House, number: int) -> Iterator[None]:
    """So many calls are being made by this worker."""
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(house.sources.call(workers.source(house), "verify"))
        yield
