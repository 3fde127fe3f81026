from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.cast import CAST
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import bank_record
from connectors.sandbox.population import DEFAULT_SEED, Population
from tests.journeys.reading import CarefulBrowser
from tests.storage.places import empty_database, short_lived_beside
from tests.world import CITIZENS, Portal, World, world

HARMLESS = {"upper_case", "old_phone", "no_email"}  # errors of a bank's file that are nobody's business here

NewPortal = Callable[..., Portal]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def whole_country(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp(f"country-on-{engine}")
    with (
        empty_database(engine, folder) as url,
        world(folder, database_url=url, short_lived_url=short_lived_beside(engine)) as country,
    ):
        yield country


@pytest.fixture
def country(whole_country: World) -> Iterator[World]:
    """The country, one for all tests of a worker, with every source well when the test begins and when it has ended."""
    heal(whole_country)
    yield whole_country
    heal(whole_country)


def heal(country: World) -> None:
    country.clear_faults()
    for source in country.sources:
        country.house.sources.health.note(source, None)


@pytest.fixture
def new_portal(country: World) -> NewPortal:
    """new_portal(**registration): a portal that nobody has visited yet."""

    def make(**registration: Any) -> Portal:
        return country.portal(f"portal-{next(_numbers)}", **registration)

    return make


@pytest.fixture
def portal(new_portal: NewPortal) -> Portal:
    return new_portal()


@pytest.fixture
def another_portal(new_portal: NewPortal) -> Portal:
    return new_portal()


@pytest.fixture
def browser(country: World) -> CarefulBrowser:
    return CarefulBrowser(country.issuer)


@pytest.fixture
def another_browser(country: World) -> CarefulBrowser:
    return CarefulBrowser(country.issuer)


@pytest.fixture(scope="session")
def ordinary_people() -> Iterator[Citizen]:
    """Citizens with whom everything goes well at both sources, each given to one test only."""
    well = [citizen for citizen in Population(DEFAULT_SEED, CITIZENS) if _is_ordinary(citizen)]
    return iter(sorted(well, key=lambda citizen: len(_bank_errors(citizen))))


def _is_ordinary(citizen: Citizen) -> bool:
    may_sign_in = citizen.in_register and not (citizen.locked or citizen.deceased) and citizen.account_level == 2
    return citizen.index >= len(CAST) and may_sign_in and set(_bank_errors(citizen)) <= HARMLESS


def _bank_errors(citizen: Citizen) -> tuple[str, ...]:
    return bank_record(citizen, seed=DEFAULT_SEED, source="bank", strangers_number=CAST[0].personal_number).errors


@pytest.fixture
def citizen(ordinary_people: Iterator[Citizen]) -> Citizen:
    return next(ordinary_people)


@pytest.fixture
def another_citizen(ordinary_people: Iterator[Citizen]) -> Citizen:
    return next(ordinary_people)
