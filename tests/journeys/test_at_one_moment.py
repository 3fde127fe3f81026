"""One person signs in twice at one moment, for the first time ever: two machines, two sources, and still one person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from connectors.sandbox.citizen import Citizen
from idp.app import create_app
from idp.people.models import KeyRow, LinkRow
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, events, selectable
from tests.peers.visitor import LoopbackAdapter
from tests.races.provider import Provider, beside, provider
from tests.servers import eventually
from tests.storage.places import at_once, empty_database, short_lived_beside
from tests.world import Asked, Page, Portal, Tokens, World, sandbox_source

pytestmark = pytest.mark.both_engines
ROUNDS = 5
SOURCES = ("bank", "population")
SECTOR = "one-sector.localhost"


class ToMachine(LoopbackAdapter):
    """Leads to one of the provider's machines, whatever its address says, as a proxy before them would."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__()

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        host["port"] = self.port
        return host, tls


class BrowserOf(CarefulBrowser):
    """A browser that always reaches the same machine."""

    def __init__(self, machine: Provider) -> None:
        super().__init__(machine.issuer)
        self._session.mount(machine.issuer, ToMachine(machine.port))


@pytest.fixture
def machines(engine: str, tmp_path: Path) -> Iterator[tuple[Provider, Provider]]:
    with (
        empty_database(engine, tmp_path) as url,
        provider(tmp_path, url, short_lived_beside(engine), workers=1) as one,
        beside(one, tmp_path) as other,
    ):
        yield one, other


@pytest.fixture
def country(machines: tuple[Provider, Provider], tmp_path: Path) -> Iterator[World]:
    """Two machines and two sources. The rooms are this process's own, over the same database."""
    house = machines[0].house
    with (
        sandbox_source(house, tmp_path, "bank", "banking", 2) as bank,
        sandbox_source(house, tmp_path, "population", "population", 3) as population,
    ):
        sources = {"bank": bank, "population": population}
        yield World(house.settings.issuer, create_app(house.settings), house.settings, sources)


@pytest.fixture
def portals(country: World, machines: tuple[Provider, Provider], new_portal: NewPortal) -> tuple[Portal, Portal]:
    """Two portals of one sector; both machines have heard of them, and of both sources."""
    made = new_portal(sector=SECTOR), new_portal(sector=SECTOR)
    for machine in machines:
        for portal in made:
            eventually(lambda m=machine, p=portal: _choices(m, p) == list(SOURCES))  # type: ignore[misc]
    return made


def _choices(machine: Provider, portal: Portal) -> list[str]:
    return selectable(BrowserOf(machine).open_at(portal.ask().url, portal))


def test_five_times_a_new_person_who_signs_in_twice_at_one_moment_is_one(
    country: World, machines: tuple[Provider, Provider], portals: tuple[Portal, Portal],
    ordinary_people: Iterator[Citizen],
) -> None:  # fmt: skip
    met: set[bytes] = set()
    for _ in range(ROUNDS):
        citizen = next(ordinary_people)
        one, other = meet(country, machines, portals, citizen)
        assert one.claims["sub"] == other.claims["sub"], "the portals share a sector"
        assert one.claims["sid"] != other.claims["sid"], "two browsers, two sessions"
        assert {one.claims["source_kind"], other.claims["source_kind"]} == {"banking", "population"}
        person_id = country.house.people.by_sub(SECTOR, str(one.claims["sub"]))
        assert person_id is not None and whoever_has(country, citizen) == [person_id]
        assert sources_of(country, person_id) == list(SOURCES)
        assert len(events(country, "person_made", person_id=person_id.hex())) == 1
        met.add(person_id)
    assert len(met) == ROUNDS == len(events(country, "person_made"))


def meet(
    country: World, machines: tuple[Provider, Provider], portals: tuple[Portal, Portal], citizen: Citizen
) -> list[Tokens]:
    """Two browsers each come back from a source, at one moment and to a machine each; what their portals then got."""
    browsers, requests = [BrowserOf(machine) for machine in machines], [portal.ask() for portal in portals]
    backs = [
        browser.callback_url(browser.to_source(request, portal, source), citizen)
        for browser, request, portal, source in zip(browsers, requests, portals, SOURCES, strict=True)
    ]

    def come_back(each: int) -> Page:
        return browsers[each].follow(browsers[each].get(backs[each]), until=portals[each].redirect_uri)

    def redeemed(browser: BrowserOf, page: Page, portal: Portal, request: Asked) -> Tokens:
        return country.redeemed(portal, request, browser.answer(page, portal))

    return [redeemed(*each) for each in zip(browsers, at_once(2, come_back), portals, requests, strict=True)]


def whoever_has(country: World, citizen: Citizen) -> list[bytes]:
    """All who are found by this citizen's number."""
    index = country.house.sealer.index("people.number", citizen.personal_number)
    statement = select(KeyRow.person_id).where(KeyRow.key_index == bindparam("key"))
    return [bytes(row[0]) for row in country.house.database.all(statement, key=index)]


def sources_of(country: World, person_id: bytes) -> list[str]:
    statement = select(LinkRow.source_id).where(LinkRow.person_id == bindparam("person"))
    return sorted(row[0] for row in country.house.database.all(statement, person=person_id))
