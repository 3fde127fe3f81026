"""A worker reads the registers' feeds and asks again about whoever owes it, by itself and beside others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.base import Failure
from connectors.registers import ChangeType
from idp.house import House
from idp.worker import Worker
from tests.races.provider import said, sign_in
from tests.registers.party import Entry, Register, happened
from tests.servers import eventually
from tests.sessions.rooms import another_worker

both_engines = pytest.mark.both_engines
NUMBER = 1192000005
NAME = "Nguyễn Thị Mai Anh"


@contextmanager
def at_work(house: House) -> Iterator[None]:
    """A worker of its own runs, until the block ends."""
    own = another_worker(house)
    worker = Worker(own)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
        own.database.engine.dispose()


def owe(house: House, *numbers: int) -> list[bytes]:
    """People whom nobody has asked about yet."""
    people = [sign_in(house, said(number)).person_id for number in numbers]
    with house.database.write() as tx:
        for person_id in people:
            house.people.forget_check(tx, person_id, owed=True)
    return people


@both_engines
def test_two_workers_hear_of_a_death_and_of_who_owes_a_check(house: House, register: Register) -> None:
    citizen = sign_in(house, said(NUMBER))
    owe(house, NUMBER + 1)
    register.everybody = True
    register.report(happened(ChangeType.DEATH, f"{NUMBER:012}", at=1e9))
    with at_work(house), at_work(house):
        eventually(lambda: house.people.owing(b"", 10) == [])
        eventually(lambda: house.sessions.by_cookie(citizen.cookie) is None)
    person = house.people.find(citizen.person_id)
    assert person is not None and person.status == "deceased"
    changes = [event for event in house.audit.export() if event["event"] == "register_changed"]
    assert len(changes) == 1


@both_engines
def test_while_the_register_is_out_few_are_asked_about_and_nobody_is_forgotten(
    house: House, register: Register
) -> None:
    owe(house, *range(NUMBER, NUMBER + 8))
    register.failure = Failure.OVERLOADED
    worker = Worker(house)
    for _ in range(4):
        worker.recheck()
    assert len(register.asked) == 3, "then the breaker is open"
    assert len(house.people.owing(b"", 10)) == 8


def test_somebody_who_cannot_be_asked_about_is_gone_round(house: House, register: Register) -> None:
    """Here the register makes no sense of some, which is no fault of its health, and holds up nobody behind them."""
    owe(house, *range(NUMBER, NUMBER + 5))
    register.failure = Failure.CONTRADICTORY
    worker = Worker(house)
    worker.recheck()
    assert len(register.asked) == 5 and len(house.people.owing(b"", 10)) == 5, "each had a turn, and still owes"
    register.failure, register.everybody = None, True
    worker.recheck()
    assert house.people.owing(b"", 10) == []


def test_more_than_one_batch_is_asked_about(house: House, register: Register) -> None:
    number = house.settings.verification.recheck_batch + 3
    owe(house, *range(NUMBER, NUMBER + number))
    register.everybody = True
    Worker(house).recheck()
    assert len(register.asked) == number
    assert house.people.owing(b"", 10) == []


def test_whoever_has_died_meanwhile_or_has_no_number_owes_nothing(house: House, register: Register) -> None:
    dead, nameless = owe(house, NUMBER, NUMBER + 1)
    with house.database.write() as tx:
        house.people.set_status(tx, dead, "deceased", "a test")
    register.people = {f"{NUMBER + 1:012}": Entry(NAME, alive=False)}
    Worker(house).recheck()
    assert [pivot.identifier.value for pivot in register.asked] == [f"{NUMBER + 1:012}"]
    assert house.people.owing(b"", 10) == []
    person = house.people.find(nameless)
    assert person is not None and person.status == "deceased"


def test_with_no_register_configured_nobody_is_asked_about(house: House, register: Register) -> None:
    owe(house, NUMBER)
    off = house.settings.model_copy(
        update={"verification": house.settings.verification.model_copy(update={"source": ""})}
    )
    from idp.house import build

    Worker(build(off)).recheck()
    assert register.asked == []
