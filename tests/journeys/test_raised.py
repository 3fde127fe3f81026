"""Several sources that agree, as an operator's rule has it: one of them is then worth what none is by itself.

The sources are offices in a test's own words, which know at once who has come.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from connectors import KINDS
from connectors.base import (
    Assertion,
    BirthDate,
    Context,
    Done,
    Failed,
    Failure,
    Identifier,
    IdentifierType,
    Input,
    Kind,
    LoginRequest,
    Name,
    Step,
)
from idp import clock
from idp.sources import SourceDraft
from tests.journeys.reading import CarefulBrowser, selectable
from tests.registers.party import REGISTER, Register, registered
from tests.world import Page, Portal, World, add_source, parameters_of, world

RULE = {"name": "two-and-register", "sources": 2, "proofing": 2, "register_within_days": 30, "raises_to": 3}
TOO_LOW = "S05"
_numbers = itertools.count(1)


@dataclass
class Office:
    """Signs in whoever it is told has come."""

    id: str
    came: Assertion | None = None
    asked_for: list[int] = field(default_factory=list)

    def begin(self, context: Context, request: LoginRequest) -> Step:
        self.asked_for.append(request.level)
        return Failed(failure=Failure.CANCELLED, detail="nobody") if self.came is None else Done(assertion=self.came)

    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        raise NotImplementedError


class _Nothing(BaseModel):
    name: str = ""


@contextmanager
def opened(country: World, office: Office, ceiling: int = 2) -> Iterator[Office]:
    kind = f"test_{office.id}"
    KINDS[kind] = Kind(name=kind, configuration=_Nothing, connector=lambda _: office, ceiling=ceiling)
    try:
        draft = SourceDraft(
            id=office.id, kind=kind, name_vi=office.id, name_en=office.id, ceiling=ceiling, configuration={},
            secrets={},
        )  # fmt: skip
        add_source(country.house, draft)
        yield office
    finally:
        del KINDS[kind]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    policy = {
        "raising": [RULE], "acr_aliases": [["", "eidas1", "eidas2", "eidas3"]],
        "authentication": [["north", 3], ["south", 3], ["weak", 3]],
    }  # fmt: skip
    with (
        world(tmp_path_factory.mktemp("raising"), assurance=policy, verification={"source": REGISTER}) as country,
        registered(country.house, Register(everybody=True)),
        opened(country, Office("north")), opened(country, Office("south")), opened(country, Office("weak"), 1),
    ):  # fmt: skip
        country.house.changes.forget()
        yield country


def office_of(country: World, source: str) -> Office:
    found = country.house.sources.find(source)
    assert found is not None
    office: Office = found.connector
    return office


@pytest.fixture
def north(country: World) -> Office:
    return office_of(country, "north")


@pytest.fixture
def south(country: World) -> Office:
    return office_of(country, "south")


@pytest.fixture
def register(country: World) -> Iterator[Register]:
    found = country.house.sources.find(REGISTER)
    assert found is not None
    register: Register = found.connector
    yield register
    register.gone = False
    country.house.sources.health.note(REGISTER, None, "verify")


@pytest.fixture
def portal(country: World) -> Portal:
    return country.portal(f"raised-{next(_numbers)}")


@pytest.fixture
def owing(country: World) -> Portal:
    return country.portal(f"raised-{next(_numbers)}", minimum_level=3)


@pytest.fixture
def number() -> str:
    return f"079192{next(_numbers) * 618_033 % 1_000_000:06}"


def somebody(number: str, **changes: Any) -> Assertion:
    said: dict[str, Any] = {
        "issuer": "http://office.localhost", "subject": number, "name": Name(full=f"Lê Thị {number[-4:]}"),
        "proofing": 2, "authentication": 3, "auth_time": clock.now(), "means": ("hwk",),
        "evidence": hashlib.sha256(number.encode()).digest(),
        "identifiers": (Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number),),
        "birth_date": BirthDate(year=1992, month=8, day=5, as_sent="05/08/1992"),
    }  # fmt: skip
    return Assertion(**(said | changes))


def level_at(country: World, portal: Portal, office: Office, came: Assertion, **asked: str) -> str:
    """The acr of somebody who comes by this office, in a browser of their own."""
    office.came = came
    request, browser = portal.ask(**asked), country.browser()
    page = browser.open_at(request.url, portal)
    answer = browser.answer(page, portal, source=office.id)
    return str(country.redeemed(portal, request, answer).claims["acr"])


def turned_away(country: World, portal: Portal, office: Office, came: Assertion) -> Page:
    office.came = came
    browser = CarefulBrowser(country.issuer)
    page = browser.open_at(portal.ask().url, portal)
    assert office.id in selectable(page), "it may come to that level"
    return browser.step(page, portal, source=office.id)


def raised_by(country: World) -> list[str | None]:
    return [
        event["details"].get("raised_by") for event in country.house.audit.export() if event["event"] == "signed_in"
    ]


def test_who_is_known_at_two_that_agree_is_proofed_better_than_at_each(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    assert level_at(country, portal, north, somebody(number)) == "LoA2"
    assert level_at(country, portal, south, somebody(number)) == "LoA3"
    assert level_at(country, portal, north, somebody(number)) == "LoA3", "whichever of them they come by"
    assert raised_by(country)[-3:] == [None, RULE["name"], RULE["name"]]


def test_the_level_is_told_in_the_words_that_the_portal_asked_in(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    assert level_at(country, portal, north, somebody(number), acr_values="eidas1") == "eidas1"
    assert level_at(country, portal, south, somebody(number), acr_values="eidas1") == "eidas2"


def test_a_portal_that_owes_more_gets_it_from_those_who_can(
    country: World, north: Office, south: Office, portal: Portal, owing: Portal, number: str
) -> None:
    refused = turned_away(country, owing, north, somebody(number))
    assert parameters_of(refused.url)["problem"] == TOO_LOW
    with country.house.database.write() as tx:
        assert country.house.people.find_by_number(tx, number) is None, "who is not let in leaves nothing"
    level_at(country, portal, north, somebody(number))
    assert level_at(country, owing, south, somebody(number)) == "LoA3"
    assert south.asked_for[-1] == 3


def test_who_signs_in_weakly_is_not_surer_to_be_them(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    level_at(country, portal, north, somebody(number))
    assert level_at(country, portal, south, somebody(number, authentication=2)) == "LoA2"
    assert raised_by(country)[-1] is None


def test_a_weaker_office_neither_counts_nor_is_raised(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    weak = office_of(country, "weak")
    assert level_at(country, portal, weak, somebody(number)) == "LoA1"
    assert level_at(country, portal, north, somebody(number)) == "LoA2"
    assert level_at(country, portal, south, somebody(number)) == "LoA3"
    assert level_at(country, portal, weak, somebody(number)) == "LoA1"


def test_an_office_that_agrees_by_halves_does_not_count(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    level_at(country, portal, north, somebody(number))
    half = BirthDate(year=1992, as_sent="1992")
    assert level_at(country, portal, south, somebody(number, birth_date=half)) == "LoA2"


def test_an_office_that_is_switched_off_vouches_for_nobody(
    country: World, north: Office, south: Office, portal: Portal, number: str
) -> None:
    level_at(country, portal, north, somebody(number))
    with country.house.database.write() as tx:
        country.house.sources.set_enabled(tx, "north", False)
    try:
        assert level_at(country, portal, south, somebody(number)) == "LoA2"
    finally:
        with country.house.database.write() as tx:
            country.house.sources.set_enabled(tx, "north", True)


def test_a_register_that_is_out_raises_nobody_and_one_that_agreed_lately_does(
    country: World, register: Register, north: Office, south: Office, portal: Portal, number: str
) -> None:
    register.gone = True
    level_at(country, portal, north, somebody(number))
    assert level_at(country, portal, south, somebody(number)) == "LoA2"
    register.gone = False
    country.house.sources.health.note(REGISTER, None, "verify")
    assert level_at(country, portal, south, somebody(number)) == "LoA3"
