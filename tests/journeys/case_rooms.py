"""The country in which case workers sit: every way to sign in, and nobody asked at a register."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.conftest import NewPortal
from tests.journeys.desk import Desk
from tests.journeys.offices import authority, insurance_gateway, tax_office
from tests.storage.places import empty_database, short_lived_beside
from tests.world import World, sandbox_source, world


@pytest.fixture(scope="module")
def all_sources(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp(f"case-work-on-{engine}")
    with (
        empty_database(engine, folder) as url,
        world(folder, database_url=url, short_lived_url=short_lived_beside(engine)) as country,
        sandbox_source(country.house, folder, "second-bank", "banking", 2) as second,
        tax_office(country, folder),
        authority(country),
        insurance_gateway(country, folder) as gateway,
    ):
        country.sources |= {"second-bank": second, "insurance": gateway.address}
        yield country


@pytest.fixture
def country(all_sources: World) -> World:
    all_sources.clear_faults()
    return all_sources


@pytest.fixture
def desk(country: World, ordinary_people: Iterator[Citizen], new_portal: NewPortal) -> Desk:
    return Desk(country, ordinary_people, new_portal, new_portal())
