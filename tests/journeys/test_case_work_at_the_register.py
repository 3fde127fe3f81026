"""What case workers tell of the population register: whoever comes is asked about there, and its news take effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from connectors.sandbox.citizen import Citizen
from idp.sources import Operation
from idp.worker import Worker
from tests.journeys.conftest import NewPortal
from tests.journeys.desk import BY, Came, Desk, Somebody
from tests.journeys.offices import REGISTER, REGISTER_WAITS, population_register, tax_office
from tests.journeys.reading import events
from tests.world import World, sandbox_source, world

NEW, KNOWN = ("NEW", "number-unknown"), ("MATCH", "link")
_unused = (f"001999{one:06}" for one in itertools.count(1))


@pytest.fixture(scope="module")
def with_a_register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("case-work-at-the-register")
    with (
        world(folder, verification={"source": REGISTER}, outbound=REGISTER_WAITS) as country,
        sandbox_source(country.house, folder, "second-bank", "banking", 2) as second,
        tax_office(country, folder),
        population_register(country, folder),
    ):
        country.sources["second-bank"] = second
        yield country


@pytest.fixture
def country(with_a_register: World) -> Iterator[World]:
    with_a_register.clear_faults()
    answers_again(with_a_register)
    yield with_a_register
    with_a_register.clear_faults()


@pytest.fixture
def desk(country: World, ordinary_people: Iterator[Citizen], new_portal: NewPortal) -> Desk:
    return Desk(country, ordinary_people, new_portal, new_portal())


def answers_again(country: World) -> None:
    """The register is well, and tells the truth."""
    country.http.delete(f"{country.sources[REGISTER]}/_sandbox/faults", timeout=10).raise_for_status()
    for operation in get_args(Operation):
        country.house.sources.health.note(REGISTER, None, operation)


def reports(desk: Desk, kind: str, one: Somebody, **more: Any) -> None:
    """The register has news, and a worker has read them."""
    order = {"type": kind, "citizen": one.account.personal_number, **more}
    address = f"{desk.country.sources[REGISTER]}/_sandbox/changes"
    assert desk.country.http.post(address, json=order, timeout=10).status_code == 201
    Worker(desk.country.house).read_feeds()


def status_of(desk: Desk, came: Came) -> str:
    person = desk.country.house.people.find(came.person_id)
    assert person is not None
    return person.status


def test_the_register_has_given_her_a_new_number_and_she_comes_in_by_the_old_one_and_by_the_new(desk: Desk) -> None:
    one, new_number = desk.as_invented(), next(_unused)
    before = desk.comes("bank", one)
    reports(desk, "renumbering", one, new_number=new_number)
    assert desk.country.house.sessions.by_cookie(before.browser.session_cookie()) is None
    old_way = desk.comes("bank", one)
    desk.files("second-bank", one, number=new_number, name=one.name, born=one.born)
    new_way = desk.comes("second-bank", one)
    assert old_way.sub == new_way.sub == before.sub
    assert (old_way.rule, new_way.rule) == (KNOWN, ("MATCH", "number-name-birth"))
    person = desk.country.house.people.find(before.person_id)
    assert person is not None
    assert (person.personal_number, person.earlier_numbers) == (new_number, (one.number,))


def test_somebody_died_and_no_source_brings_him_back(desk: Desk) -> None:
    one = desk.as_invented()
    alive = desk.comes("bank", one)
    reports(desk, "death", one)
    assert status_of(desk, alive) == "deceased"
    assert desk.country.house.sessions.by_cookie(alive.browser.session_cookie()) is None
    assert desk.portal.userinfo(alive.access_token).status_code == 401
    for source in ("bank", "population"):
        turned = desk.turned_away(source, one)
        assert (turned.code, turned.case) == ("P03", None), "and there is nothing for a clerk to decide"


def test_somebody_was_reported_dead_by_mistake_and_is_who_he_was_when_the_register_has_put_it_right(
    desk: Desk,
) -> None:
    one = desk.as_invented()
    before = desk.comes("bank", one)
    desk.country.fault(REGISTER, fault="says_deceased", citizen=one.number)
    assert desk.turned_away("population", one).code == "P03"
    assert status_of(desk, before) == "deceased"
    answers_again(desk.country)
    assert desk.turned_away("population", one).code == "P03", "nobody rises by signing in"
    with desk.country.house.database.write() as tx:
        desk.country.house.people.set_status(tx, before.person_id, "active", "the register's letter of today")
    after = desk.comes("population", one)
    assert (after.sub, after.rule) == (before.sub, ("MATCH", "number-name-birth"))
    told = events(desk.country, "person_status_changed", person_id=before.person_id.hex())
    assert [event["details"]["status"] for event in told] == ["deceased", "active"]


def test_the_register_was_silent_and_she_was_let_in_with_a_mark_that_goes_when_it_has_been_asked(desk: Desk) -> None:
    one = desk.as_invented()
    desk.country.fault(REGISTER, fault="down")
    came = desk.comes("bank", one)
    assert came.rule == NEW and desk.country.house.people.owing(b"", 10) == [came.person_id]
    answers_again(desk.country)
    Worker(desk.country.house).recheck()
    assert desk.country.house.people.owing(b"", 10) == []
    assert desk.country.house.sessions.by_cookie(came.browser.session_cookie()) is not None
    assert desk.comes("population", one).sub == came.sub


def test_the_register_was_silent_and_did_not_know_her_after_all(desk: Desk) -> None:
    one = desk.as_invented()
    desk.files("bank", one, number=next(_unused))
    desk.country.fault(REGISTER, fault="down")
    came = desk.comes("bank", one)
    answers_again(desk.country)
    Worker(desk.country.house).recheck()
    assert desk.country.house.sessions.by_cookie(came.browser.session_cookie()) is None
    turned = desk.turned_away("bank", one)
    assert (turned.code, turned.case) == ("P05", None)


def test_the_bank_has_a_strangers_number_and_the_register_says_so_before_anybody_is_looked_for(desk: Desk) -> None:
    one, stranger = desk.as_invented(), desk.as_invented()
    known = desk.comes("population", stranger)
    desk.files("bank", one, number=stranger.number)
    turned = desk.turned_away("bank", one, stranger)
    assert (turned.code, turned.case) == ("P04", None)
    assert desk.comes("bank", stranger).sub == known.sub


def test_the_register_corrected_her_name_and_whoever_says_the_new_one_lets_her_in(desk: Desk) -> None:
    one, new_name = desk.as_invented(), "Nguyễn Thị Tên Sửa Lại"
    before = desk.comes("bank", one)
    reports(desk, "correction", one, name="|".join(("Nguyễn", "Thị", "Tên Sửa Lại")))
    Worker(desk.country.house).recheck()
    assert (turned := desk.turned_away("bank", one)).code == "P04" and turned.case is None, "the bank has the old name"
    desk.files("bank", one, name=new_name)
    after = desk.comes("bank", one)
    assert (after.sub, after.rule, after.told["name"]) == (before.sub, ("MATCH", "register-agrees"), new_name)
    person = desk.country.house.people.find(before.person_id)
    assert person is not None
    assert set(person.names) == {one.name, new_name}, "she goes by both"
    desk.files("population", one, name=new_name, parts=None)
    assert desk.comes("population", one).sub == before.sub
    assert desk.comes("bank", one).rule == KNOWN


def test_her_account_was_taken_from_her_and_the_rules_give_it_back_as_the_register_agrees(desk: Desk) -> None:
    one = desk.as_invented()
    before = desk.comes("bank", one)
    [link] = [each.id for each in desk.country.house.joining.links_of(before.person_id)]
    desk.clerks(lambda joining, tx: joining.unlink(tx, before.person_id, link, BY))
    assert desk.country.house.sessions.by_cookie(before.browser.session_cookie()) is None
    again = desk.comes("bank", one)
    assert (again.sub, again.rule) == (before.sub, ("MATCH", "number-name-birth")), "the rules decide anew"
