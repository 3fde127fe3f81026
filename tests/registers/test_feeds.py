"""The change feed: what a register reports takes effect once, whoever reads it and however often it is sent."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine

from connectors.registers import ChangeType
from idp.house import House
from idp.people import Person
from idp.storage.database import Conflict
from tests.races.provider import Citizen, said, sign_in
from tests.registers.party import Register, details, happened
from tests.sessions.rooms import another_worker
from tests.storage.places import at_once

both_engines = pytest.mark.both_engines
NUMBER, OTHER = "001192000005", "001192731477"


def enter(house: House, number: str = NUMBER, **changes: Any) -> Citizen:
    return sign_in(house, said(int(number), **changes))


def events(house: House, name: str = "register_changed") -> list[dict[str, Any]]:
    return [event["details"] for event in house.audit.export() if event["event"] == name]


def is_signed_in(house: House, citizen: Citizen) -> bool:
    return house.sessions.by_cookie(citizen.cookie) is not None


def person(house: House, citizen: Citizen) -> Person:
    found = house.people.find(citizen.person_id)
    assert found is not None
    return found


@both_engines
def test_a_death_ends_every_session_and_nobody_enters_by_that_name_again(house: House, register: Register) -> None:
    citizen, other = enter(house), enter(house, OTHER)
    register.report(happened(ChangeType.DEATH, NUMBER))
    assert house.feeds.read_all() == 1
    assert person(house, citizen).status == "deceased" and not is_signed_in(house, citizen)
    assert person(house, other).status == "active" and is_signed_in(house, other)
    assert events(house) == [{"change": "death"}]
    assert [one["reason"] for one in events(house, "session_ended")] == ["the register reports a death"]


@both_engines
def test_a_correction_ends_the_sessions_and_the_next_check_is_owed(house: House, register: Register) -> None:
    citizen = enter(house)
    register.report(happened(ChangeType.CORRECTION, NUMBER))
    house.feeds.read_all()
    assert not is_signed_in(house, citizen)
    assert house.people.owing(b"", 10) == [citizen.person_id]
    assert person(house, citizen).status == "active"


@both_engines
def test_a_new_number_takes_the_place_of_the_old_one_and_both_lead_to_the_person(
    house: House, register: Register
) -> None:
    citizen = enter(house)
    register.report(happened(ChangeType.RENUMBERING, NUMBER, new=OTHER))
    house.feeds.read_all()
    found = person(house, citizen)
    assert (found.personal_number, found.earlier_numbers) == (OTHER, (NUMBER,))
    assert not is_signed_in(house, citizen)
    for subject, number in (("at a bank that knows", OTHER), ("at one that does not", NUMBER)):
        assert enter(house, number, subject=subject).person_id == citizen.person_id
    assert person(house, citizen).personal_number == OTHER, "the old number does not come back"


@both_engines
def test_a_new_number_that_is_somebody_elses_moves_nothing_and_is_on_record(house: House, register: Register) -> None:
    citizen, other = enter(house), enter(house, OTHER)
    register.report(happened(ChangeType.RENUMBERING, NUMBER, new=OTHER))
    house.feeds.read_all()
    assert person(house, citizen).personal_number == NUMBER
    assert events(house) == [{"change": "renumbering_conflict"}]
    assert not is_signed_in(house, citizen) and is_signed_in(house, other)


@both_engines
def test_a_page_that_two_workers_read_takes_effect_once(house: House, register: Register) -> None:
    citizens = [enter(house, f"0011920{number}{number}{number}{number}1") for number in range(8)]
    register.slow_seconds = 0.2  # so that both have asked before either has taken
    register.report(
        *(happened(ChangeType.CORRECTION, f"0011920{number}{number}{number}{number}1", at=1e9) for number in range(8))
    )
    workers = [another_worker(house) for _ in range(2)]
    read = at_once(2, lambda number: workers[number].feeds.read_all())
    assert sorted(read) == [0, 8]
    assert len(events(house)) == len(citizens)
    assert not any(is_signed_in(house, citizen) for citizen in citizens)
    for worker in workers:
        worker.database.engine.dispose()


@both_engines
def test_what_was_read_is_not_asked_for_again(house: House, register: Register) -> None:
    enter(house)
    register.report(happened(ChangeType.DEATH, NUMBER))
    house.feeds.read_all()
    another_worker(house).feeds.read_all()
    assert len(events(house)) == 1
    assert register.asked_after == ["", "."], "the second question is about what came after"


def test_people_whom_we_do_not_know_and_pages_without_changes_are_nothing_to_us(
    house: House, register: Register
) -> None:
    register.report(happened(ChangeType.DEATH, NUMBER), happened(ChangeType.CORRECTION, OTHER), next_cursor="7")
    assert house.feeds.read_all() == 2
    assert house.feeds.read_all() == 0
    assert register.asked_after == ["", "7"]
    assert events(house) == []


def test_a_long_feed_is_read_page_after_page(house: House, register: Register) -> None:
    citizens = [enter(house, f"0011920{number}{number}{number}{number}1") for number in range(4)]
    for number in range(4):
        change = happened(ChangeType.DEATH, f"0011920{number}{number}{number}{number}1", at=1e9 + number)
        register.report(change, after=str(number or ""), next_cursor=str(number + 1), more=number < 3)
    assert house.feeds.read_all() == 4
    assert {person(house, citizen).status for citizen in citizens} == {"deceased"}


YESTERDAY = time.time() - 86_400


@pytest.mark.parametrize(
    "page, reason",
    [
        ({"at": [YESTERDAY - 10]}, "changes that are older than those before"),
        ({"at": [YESTERDAY + 9, YESTERDAY + 8]}, "changes that are older than those before"),
        ({"at": [time.time() + 86_400]}, "a change from the future"),
        ({"at": [YESTERDAY + 9], "next": "first"}, "changes, and the cursor goes back or stays"),
        ({"at": [YESTERDAY + 9], "next": "first", "more": True}, "a feed that never ends"),
        ({"at": [], "next": "third", "more": True}, "a feed that never ends"),
        ({"at": [YESTERDAY + 9], "next": "x" * 501}, "a page that is too long"),
        ({"at": [YESTERDAY + 9] * 1001}, "a page that is too long"),
        ({"at": [YESTERDAY + 9], "new": OTHER}, "a new number that is missing, or one too many"),
    ],
)
def test_a_feed_that_lies_is_not_believed(house: House, register: Register, page: dict[str, Any], reason: str) -> None:
    citizen = enter(house)
    register.report(happened(ChangeType.DEATH, OTHER, at=YESTERDAY), next_cursor="first")
    house.feeds.read_all()
    lies = [happened(ChangeType.DEATH, NUMBER, at=at, new=page.get("new")) for at in page["at"]]
    register.report(*lies, after="first", next_cursor=page.get("next", "second"), more=page.get("more", False))
    assert house.feeds.read_all() == 0
    assert is_signed_in(house, citizen) and person(house, citizen).status == "active"
    assert events(house, "feed_refused") == [{"reason": reason}]
    for _ in range(3):
        house.feeds.read_all()
    source = house.sources.find("register")
    assert source is not None and house.sources.health.of(source.id, "changes") == "down"
    assert house.sources.health_of(source) == "up", "what else the register does is not touched"


def test_a_feed_that_goes_round_in_circles_is_left(house: House, register: Register) -> None:
    for number, (after, following) in enumerate((("", "a"), ("a", "b"), ("b", "a"))):
        change = happened(ChangeType.DEATH, NUMBER, at=1e9 + number)
        register.report(change, after=after, next_cursor=following, more=True)
    assert house.feeds.read_all() == 2
    assert register.asked_after == ["", "a", "b"]


@both_engines
def test_a_feed_that_does_not_answer_is_asked_again_later(house: House, register: Register) -> None:
    citizen = enter(house)
    register.report(happened(ChangeType.DEATH, NUMBER, at=1e9))
    register.gone = True
    for _ in range(5):
        assert house.feeds.read_all() == 0
    assert len(register.asked_after) == 3, "then its breaker is open"
    register.gone = False
    with time_machine.travel(time.time() + 61, tick=True):
        if house.database.is_sqlite:  # Valkey has its own clock
            assert house.feeds.read_all() == 1
            assert person(house, citizen).status == "deceased"


def test_a_register_that_reports_who_is_dead_already_changes_nothing(house: House, register: Register) -> None:
    enter(house)
    register.report(happened(ChangeType.DEATH, NUMBER, at=1e9), next_cursor="a")
    register.report(happened(ChangeType.DEATH, NUMBER, at=1e9 + 1), after="a", next_cursor="b")
    house.feeds.read_all()
    house.feeds.read_all()
    assert events(house) == [{"change": "death"}]


def test_two_sign_ins_that_change_the_person_meanwhile_do_not_undo_the_new_number(
    house: House, register: Register
) -> None:
    """A change of the same person at the same moment is a Conflict for one of the two."""
    citizen = enter(house)
    seen = person(house, citizen)
    register.report(happened(ChangeType.RENUMBERING, NUMBER, new=OTHER))
    house.feeds.read_all()
    with pytest.raises(Conflict), house.database.write() as tx:
        house.people.renumber(tx, seen, "001192555007", "register")
    assert details(OTHER, "x").identifier.value == person(house, citizen).personal_number
