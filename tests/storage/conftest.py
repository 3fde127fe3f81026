"""A database of its own for every test, on the engine that the test runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.seal import Sealer
from idp.storage import Database
from idp.storage.engines import make_engine
from tests.servers import postgresql_url, valkey_url
from tests.storage.places import empty_database

__all__ = ["postgresql_url", "valkey_url"]


@pytest.fixture
def database_url(engine: str, tmp_path: Path) -> Iterator[str]:
    with empty_database(engine, tmp_path) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(make_engine(database_url))
    yield database
    database.engine.dispose()


@pytest.fixture
def sealer() -> Sealer:
    return Sealer({1: bytes(range(32))})
