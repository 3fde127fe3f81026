"""Cards made at the very moment at which their holder is barred or signed out, and resumed when they are held back."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.sandbox.citizen import Citizen
from idp.cards import State
from idp.house import House
from idp.storage import Transaction
from tests.journeys.cards import Holder, holder
from tests.journeys.reading import CarefulBrowser
from tests.world import Portal, World

pytestmark = pytest.mark.both_engines
ON_ITS_WAY_SECONDS = 0.5  # a click is with us, and has read who is there
Change = Callable[[House, Transaction, bytes], object]


@pytest.fixture
def person(country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> Holder:
    return holder(country, browser, portal, citizen)


def id_of(house: House, citizen: Citizen) -> bytes:
    with house.database.write() as tx:
        found = house.people.find_by_number(tx, citizen.personal_number)
    assert found is not None
    return found.id


CHANGES: dict[str, Change] = {
    "barred": lambda house, tx, person_id: house.people.set_status(tx, person_id, "barred", "letter 8"),
    "signed out": lambda house, tx, person_id: house.sessions.end_all_of(tx, person_id, "letter 9"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_card_outlives_what_was_decided_while_it_was_made(person: Holder, citizen: Citizen, change: Change) -> None:
    house, form = person.country.house, person.cards()
    person_id = id_of(house, citizen)
    with ThreadPoolExecutor(1) as clicks:
        with house.database.write() as tx:
            change(house, tx, person_id)
            click = clicks.submit(person.browser.submit, form, {})
            time.sleep(ON_ITS_WAY_SECONDS)
        click.result()
    assert [card for card in house.cards.book.of_person(person_id) if card.state is State.VALID] == []


def test_what_an_operator_holds_back_at_that_moment_its_holder_does_not_resume(person: Holder) -> None:
    book, database = person.country.house.cards.book, person.country.house.database
    page = person.make()
    suspended = person.press(page, "/suspend")
    card = book.by_number(page.url.rsplit("/", 1)[1])
    assert card is not None and card.state is State.SUSPENDED
    with ThreadPoolExecutor(1) as clicks:
        with database.write() as tx:
            assert book.resume(tx, card.person_id, card.id)
            assert book.suspend(tx, card.person_id, card.id, "by_operator")
            click = clicks.submit(person.press, suspended, "/resume")
            time.sleep(ON_ITS_WAY_SECONDS)
        click.result()
    held = book.find(card.id)
    assert held is not None and (held.state, held.why) == (State.SUSPENDED, "by_operator")
