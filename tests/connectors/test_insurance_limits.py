"""Limits against guessing and flooding, counted in one real store by two workers that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import Ask, Context, Done, Failed, Failure, Input, Step
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from idp.storage import Database, ShortLived, spent
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from tests.connectors.door import failure_of
from tests.connectors.insured import NOBODYS_NUMBERS, Desk, Sandbox
from tests.storage.places import Wire, at_once, empty_database, short_lived_beside, wire_to

ORDINARY = CAST[Part.ORDINARY].personal_number
WRONG_CODE = "135791"
NewDesk = Callable[..., Desk]


class Worker:
    """One of many workers: a connector of its own over the store of all. Its clock is the desk's."""

    def __init__(self, desk: Desk, database: Database, short_lived: ShortLived, source: str) -> None:
        self.desk, self._database, self._short_lived, self._source = desk, database, short_lived, source

    @property
    def context(self) -> Context:
        """As `idp.sources` makes it."""
        return replace(
            self.desk.door.context,
            spend=lambda value, seconds: spent.spend_now(self._database, f"{self._source}\n{value}", seconds),
            count=lambda name, seconds: self._short_lived.count(f"of:{self._source}:{name}", seconds),
        )

    def number(self, number: str, network: str = "a network") -> Step:
        return self._told(b"{}", network, number=number)

    def code(self, step: Step, code: str, network: str = "a network") -> Step:
        assert isinstance(step, Ask), step
        return self._told(step.state, network, code=code)

    def _told(self, state: bytes, network: str, **form: str) -> Step:
        answer = Input(method="POST", form=tuple(form.items()), network=network)
        return self.desk.connector.resume(self.context, state, answer)


@pytest.fixture(scope="module")
def stores(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Database, ShortLived]]]:
    """The same store twice, as two processes hold it."""
    with empty_database(engine, tmp_path_factory.mktemp("limits")) as url:
        databases = [Database(make_engine(url)) for _ in range(2)]
        yield [(database, open_short_lived(short_lived_beside(engine), database)) for database in databases]
        for database in databases:
            database.engine.dispose()


@pytest.fixture
def workers(
    stores: list[tuple[Database, ShortLived]], new_desk: NewDesk, request: pytest.FixtureRequest
) -> Callable[..., list[Worker]]:
    """Two workers of one source that no other test has."""
    return lambda **limits: [Worker(new_desk(limits=limits), *store, request.node.name) for store in stores]


def outcomes(steps: list[Step]) -> dict[str, int]:
    names = [step.failure.value if isinstance(step, Failed) else type(step).__name__ for step in steps]
    return {name: names.count(name) for name in set(names)}


@pytest.mark.both_engines
@pytest.mark.parametrize("number", [ORDINARY, *NOBODYS_NUMBERS])
def test_codes_for_one_number_are_limited_across_workers_and_networks(
    workers: Callable[..., list[Worker]], insurance: Sandbox, number: str
) -> None:
    both = workers(codes_per_number_per_hour=5)
    steps = at_once(12, lambda one: both[one % 2].number(number, network=f"network {one}"))
    assert outcomes(steps) == {"Ask": 5, "too_often": 7}
    assert len(insurance.messages()) == (5 if number == ORDINARY else 0)
    assert len(insurance.asked("TimNoiNhanMa2024")) == 5, "over the limit the gateway is not even asked"


@pytest.mark.both_engines
def test_codes_from_one_network_are_limited_whatever_is_typed(workers: Callable[..., list[Worker]]) -> None:
    both = workers(codes_per_network_per_hour=6)
    steps = at_once(10, lambda one: both[one % 2].number(f"99999990{one:02}"))
    assert outcomes(steps) == {"Ask": 6, "too_often": 4}
    assert isinstance(both[0].number(ORDINARY, network="another network"), Ask)


def test_who_floods_a_number_uses_up_their_own_network_first(workers: Callable[..., list[Worker]]) -> None:
    one, other = workers(codes_per_network_per_hour=3, codes_per_number_per_hour=5)
    for _ in range(20):
        one.number(ORDINARY, network="the flooder's")
    assert isinstance(other.number(ORDINARY, network="the person's"), Ask)


def test_codes_are_limited_in_all(workers: Callable[..., list[Worker]]) -> None:
    one, other = workers(codes_per_hour=4)
    steps = [(one, other)[n % 2].number(f"99999990{n:02}", network=f"network {n}") for n in range(6)]
    assert outcomes(steps) == {"Ask": 4, "too_often": 2}


def test_a_telephone_that_rang_often_enough_is_left_in_peace_and_the_page_does_not_tell(
    workers: Callable[..., list[Worker]], insurance: Sandbox
) -> None:
    one, other = workers(codes_per_phone_per_hour=3, codes_per_number_per_hour=5)
    filed = insurance.insured(Part.ORDINARY)["insurance_number"]
    first = [one.number(ORDINARY) for _ in range(2)] + [other.number(filed)]
    pages = [other.number(filed), one.number(ORDINARY)]
    assert len(insurance.messages()) == 3
    assert {page.note_values for page in (*first, *pages) if isinstance(page, Ask)} == {(("phone", "000"),)}
    quiet = one.code(pages[0], ONE_TIME_CODE)
    assert isinstance(quiet, Ask) and quiet.problem_id == "problem.wrong_code", "no code of theirs was sent"
    assert isinstance(other.code(first[0], ONE_TIME_CODE), Done), "and those that were sent are good"


@pytest.mark.both_engines
def test_tries_at_one_code_are_limited_however_many_come_at_once(workers: Callable[..., list[Worker]]) -> None:
    both = workers(tries_per_code=5, tries_per_number_per_day=100, tries_per_person_per_day=100)
    page = both[0].number(ORDINARY)
    steps = at_once(16, lambda one: both[one % 2].code(page, f"1{one:05}"))
    assert outcomes(steps) == {"Ask": 5, "too_often": 11}
    assert failure_of(both[1].code(page, ONE_TIME_CODE)) is Failure.TOO_OFTEN, "not even the right one"


@pytest.mark.parametrize("number", [ORDINARY, NOBODYS_NUMBERS[0]])
def test_tries_at_one_number_are_limited_across_codes(workers: Callable[..., list[Worker]], number: str) -> None:
    one, other = workers(tries_per_code=4, tries_per_number_per_day=6, codes_per_number_per_hour=50)
    steps = []
    for _ in range(3):
        page = one.number(number)
        steps += [other.code(page, WRONG_CODE) for _ in range(3)]
    assert outcomes(steps) == {"Ask": 6, "too_often": 3}
    assert failure_of(one.code(one.number(number), ONE_TIME_CODE)) is Failure.TOO_OFTEN


def test_two_numbers_of_one_person_give_nobody_twice_the_tries(
    workers: Callable[..., list[Worker]], insurance: Sandbox
) -> None:
    one, other = workers(tries_per_person_per_day=4, tries_per_code=20, tries_per_number_per_day=20)
    by_one, by_other = one.number(ORDINARY), other.number(insurance.insured(Part.ORDINARY)["insurance_number"])
    for _ in range(4):
        assert isinstance(one.code(by_one, WRONG_CODE), Ask)
    quiet = other.code(by_other, ONE_TIME_CODE)
    assert isinstance(quiet, Ask) and quiet.problem_id == "problem.wrong_code"


def test_tries_from_one_network_are_limited(workers: Callable[..., list[Worker]]) -> None:
    one, other = workers(tries_per_network_per_hour=3)
    steps = [other.code(one.number(f"99999990{n:02}"), WRONG_CODE) for n in range(5)]
    assert outcomes(steps) == {"Ask": 3, "too_often": 2}


def test_tries_are_limited_in_all(workers: Callable[..., list[Worker]]) -> None:
    one, other = workers(tries_per_hour=3)
    steps = [other.code(one.number(f"99999990{n:02}"), WRONG_CODE, network=f"network {n}") for n in range(5)]
    assert outcomes(steps) == {"Ask": 3, "too_often": 2}


@pytest.mark.both_engines
def test_a_code_typed_in_two_tabs_at_two_workers_signs_in_once(workers: Callable[..., list[Worker]]) -> None:
    both = workers(tries_per_code=20)
    page = both[0].number(ORDINARY)
    steps = at_once(8, lambda one: both[one % 2].code(page, ONE_TIME_CODE))
    assert outcomes(steps) == {"Done": 1, "replayed": 7}


@pytest.mark.time_is_moved
def test_limits_end_with_their_hour(workers: Callable[..., list[Worker]]) -> None:
    import time_machine

    one, other = workers(codes_per_number_per_hour=1)
    with time_machine.travel(one.context.now(), tick=True) as traveller:
        assert isinstance(one.number(ORDINARY), Ask)
        assert failure_of(other.number(ORDINARY)) is Failure.TOO_OFTEN
        traveller.shift(timedelta(hours=1, seconds=1))
        assert isinstance(other.number(ORDINARY), Ask)


def test_no_store_no_code(new_desk: NewDesk, insurance: Sandbox, tmp_path: Path) -> None:
    with ExitStack() as held:
        database = Database(make_engine(held.enter_context(empty_database("sqlite", tmp_path))))
        held.callback(database.engine.dispose)
        wire: Wire = held.enter_context(wire_to(short_lived_beside("postgresql").removeprefix("unix://")))
        worker = Worker(new_desk(), database, open_short_lived(f"redis://127.0.0.1:{wire.port}", database), "cut off")
        page = worker.number(ORDINARY)
        wire.cut()
        asked = insurance.asked()
        with pytest.raises(Unreachable):
            worker.number(ORDINARY)
        with pytest.raises(Unreachable):
            worker.code(page, ONE_TIME_CODE)
        assert insurance.asked() == asked
