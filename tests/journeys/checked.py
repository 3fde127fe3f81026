"""A country whose population register is played by a test, for the tests of what it is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import time_machine

from connectors.sandbox.citizen import Citizen
from idp.sources import Operation
from tests.journeys.reading import CarefulBrowser, code_on, says, words
from tests.registers.party import REGISTER, Register, registered
from tests.storage.places import empty_database, short_lived_beside
from tests.world import Page, Portal, World, world

MAX_AGE_SECONDS = 3600
FROM_LEVEL = 3  # nobody enters unchecked at this level: the register's own sign-in; a bank's is level 2


@pytest.fixture(scope="module")
def checked_country(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp(f"checked-on-{engine}")
    policy = {"source": REGISTER, "refuse_without_from_level": FROM_LEVEL, "max_age_seconds": MAX_AGE_SECONDS}
    with (
        empty_database(engine, folder) as url,
        world(folder, database_url=url, short_lived_url=short_lived_beside(engine), verification=policy) as country,
    ):
        yield country


@pytest.fixture
def country(checked_country: World, register: Register) -> World:
    return checked_country


@pytest.fixture
def register(checked_country: World) -> Iterator[Register]:
    """One that knows everybody, until a test says otherwise."""
    checked_country.clear_faults()
    with registered(checked_country.house, Register(everybody=True)) as register:
        checked_country.house.changes.forget()
        heal_register(checked_country)
        yield register
        heal_register(checked_country)


def heal_register(country: World) -> None:
    for operation in get_args(Operation):
        country.house.sources.health.note(REGISTER, None, operation)


def check_of(country: World, citizen: Citizen) -> tuple[int | None, bool]:
    """When the register last agreed about this citizen, and whether it has to be asked."""
    from sqlalchemy import select

    from idp.people.models import PersonRow

    house = country.house
    with house.database.write() as tx:
        person = house.people.find_by_number(tx, citizen.personal_number)
        assert person is not None
        row = tx.one(select(PersonRow.checked_at, PersonRow.check_owed, PersonRow.id).where(PersonRow.id == person.id))
    assert row is not None
    return row[0], bool(row[1])


def status_of(country: World, citizen: Citizen) -> str:
    with country.house.database.write() as tx:
        person = country.house.people.find_by_number(tx, citizen.personal_number)
    assert person is not None
    return person.status


def events(country: World, name: str, since: int = 0) -> list[dict[str, Any]]:
    return [event["details"] for event in country.house.audit.export(since) if event["event"] == name]


def sent_away(browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str = "bank") -> Page:
    """The page that a citizen comes to who may not enter."""
    page = browser.to_source(portal.ask(), portal, source)
    return browser.at_source(page, portal, citizen=citizen.personal_number)


def assert_untold(page: Page) -> None:
    """Whoever holds the browser does not learn what the register has of somebody."""
    assert page.status == 403 and says("error.P01.title") in words(page)
    assert code_on(page) is None


def later(seconds: float = MAX_AGE_SECONDS + 60) -> Any:
    return time_machine.travel(time.time() + seconds, tick=True)
