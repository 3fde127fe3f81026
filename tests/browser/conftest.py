from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage

from tests.browser.person import Person, Place
from tests.journeys.conftest import another_citizen, citizen, heal, ordinary_people
from tests.journeys.portals import demo_portals, worker
from tests.world import world

__all__ = ["another_citizen", "citizen", "ordinary_people"]

NewPerson = Callable[..., Person]


@pytest.fixture(scope="session")
def whole_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    with world(folder) as country, demo_portals(country, folder, consent_at="province") as portals, worker(country):
        yield Place(country, portals["ministry"], portals["province"], folder)


@pytest.fixture
def place(whole_place: Place) -> Iterator[Place]:
    """The provider, its sources and two portals, each a site of its own; the province's asks for consent."""
    heal(whole_place.country)
    yield whole_place
    heal(whole_place.country)


@pytest.fixture
def new_person(chromium: Browser, place: Place) -> Iterator[NewPerson]:
    """new_person(citizen, **options of a browser context): somebody with a browser of their own.

    Whatever they do, no page of theirs may break its own Content-Security-Policy.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(citizen: object, **options: object) -> Person:
        chosen = {"locale": "vi-VN", "viewport": {"width": 390, "height": 844}, "reduced_motion": "reduce", **options}
        context = chromium.new_context(**chosen)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        watch(context, complaints)
        contexts.append(context)
        return Person(context, place, citizen)  # type: ignore[arg-type]

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def watch(context: BrowserContext, complaints: list[str]) -> None:
    """What pages do against their own policy, and errors of scripts, are noted."""

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(f"{message.text} {message.location['url']}")

    context.on("console", note)
    context.on("weberror", lambda error: complaints.append(str(error.error)))


@pytest.fixture
def person(new_person: NewPerson, citizen: object) -> Person:
    return new_person(citizen)
