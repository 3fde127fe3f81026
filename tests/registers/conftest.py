"""A house with a register, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from idp.house import House
from idp.sources import Operation
from tests.registers.party import REGISTER, Register, registered
from tests.servers import postgresql_url, valkey_url
from tests.sessions.rooms import furnished
from tests.storage.places import empty_database, short_lived_beside

__all__ = ["postgresql_url", "valkey_url"]


@pytest.fixture
def house(engine: str, tmp_path: Path) -> Iterator[House]:
    with empty_database(engine, tmp_path) as url:
        stores = {"database_url": url, "short_lived_url": short_lived_beside(engine)}
        house = furnished(tmp_path, verification={"source": REGISTER}, **stores)
        yield house
        house.database.engine.dispose()


@pytest.fixture
def register(house: House) -> Iterator[Register]:
    with registered(house, Register()) as register:
        heal(house)
        yield register
        heal(house)


def heal(house: House) -> None:
    """Nothing is on the book of the register's health; Valkey is shared by all tests."""
    for operation in get_args(Operation):
        house.sources.health.note(REGISTER, None, operation)
