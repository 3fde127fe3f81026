"""Calls to a source: spared while it fails again and again, never too many at once, and all workers see the same."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

import pytest
import time_machine

from connectors.base import Failure, OutboundError
from idp.house import House
from idp.sources import NotAsked, Operation
from idp.sources.health import SICK, TRY_EVERY_SECONDS, WINDOW_SECONDS
from idp.storage import trips
from tests.sessions.rooms import furnished
from tests.sources.conftest import Workers

both_engines = pytest.mark.both_engines


def call(workers: Workers, house: House, failure: Failure | None = None, operation: Operation = "verify") -> None:
    """One call that ends like this; raises NotAsked where it was not made."""
    with house.sources.call(workers.source(house), operation) as made:
        made.note(failure)


def fail(workers: Workers, house: House, times: int = 3, operation: Operation = "verify") -> None:
    for _ in range(times):
        call(workers, house, Failure.TIMED_OUT, operation)


def is_asked(workers: Workers, house: House, operation: Operation = "verify") -> bool:
    try:
        call(workers, house, operation=operation)
    except NotAsked as problem:
        return problem.failure is not Failure.UNREACHABLE
    return True


@both_engines
def test_after_a_few_failures_in_a_row_no_worker_asks_it(workers: Workers) -> None:
    call(workers, workers.one, Failure.TIMED_OUT)
    call(workers, workers.other, Failure.UNREACHABLE)
    assert workers.other.sources.health.of(workers.name, "verify") == "slow"
    call(workers, workers.one, Failure.BROKEN_ANSWER)
    for house in (workers.one, workers.other):
        assert house.sources.health.of(workers.name, "verify") == "down"
        assert not is_asked(workers, house)


@both_engines
def test_one_good_answer_begins_the_count_anew(workers: Workers) -> None:
    for _ in range(3):
        fail(workers, workers.one, 2)
        assert is_asked(workers, workers.other)
        assert workers.one.sources.health.of(workers.name, "verify") == "up"


@both_engines
def test_what_is_not_the_source_s_fault_opens_nothing(workers: Workers) -> None:
    for failure in set(Failure) - SICK:
        call(workers, workers.one, failure)
    assert workers.one.sources.health.of(workers.name, "verify") == "up"


@both_engines
def test_each_operation_has_a_breaker_of_its_own(workers: Workers) -> None:
    fail(workers, workers.one, operation="verify")
    assert not is_asked(workers, workers.other, "verify")
    assert is_asked(workers, workers.other, "changes") and is_asked(workers, workers.other, "sign_in")
    assert workers.one.sources.health_of(workers.source(workers.one)) == "up", "the choice page is about signing in"


@both_engines
def test_an_error_on_the_way_counts_as_what_it_is(workers: Workers) -> None:
    for _ in range(3):
        with pytest.raises(OutboundError), workers.one.sources.call(workers.source(workers.one), "verify"):
            raise OutboundError(Failure.UNREACHABLE, "nobody there")
    assert not is_asked(workers, workers.other)


@pytest.mark.time_is_moved
def test_now_and_then_one_call_is_let_through_to_try_and_a_good_one_closes_the_breaker(workers: Workers) -> None:
    fail(workers, workers.one)
    with time_machine.travel(time.time(), tick=False) as now:
        now.shift(TRY_EVERY_SECONDS + 1)
        assert workers.one.sources.health.of(workers.name, "verify") == "slow", "the next one may try"
        fail(workers, workers.other, 1)
        assert not is_asked(workers, workers.one), "it failed: again nobody asks"
        now.shift(TRY_EVERY_SECONDS + 1)
        with workers.one.sources.call(workers.source(workers.one), "verify") as trying:
            assert not is_asked(workers, workers.other), "one at a time"
            trying.note(None)
        assert is_asked(workers, workers.other) and is_asked(workers, workers.other)
        assert workers.one.sources.health.of(workers.name, "verify") == "up"


@pytest.mark.time_is_moved
def test_a_source_that_fails_at_every_try_stays_closed_off_for_as_long_as_somebody_tries(workers: Workers) -> None:
    fail(workers, workers.one)
    with time_machine.travel(time.time(), tick=False) as now:
        for _ in range(2 * WINDOW_SECONDS // TRY_EVERY_SECONDS):
            now.shift(TRY_EVERY_SECONDS + 1)
            fail(workers, workers.one, 1)
            assert not is_asked(workers, workers.other)
        now.shift(WINDOW_SECONDS + 1)
        assert workers.one.sources.health.of(workers.name, "verify") == "up", "nobody tried for a minute: who knows"


@both_engines
def test_one_slow_source_does_not_hold_all_threads_of_a_worker(workers: Workers) -> None:
    source, done, outcomes = workers.source(workers.one), threading.Event(), Counter[str]()

    def visit() -> None:
        try:
            with workers.one.sources.call(source, "verify"):
                done.wait(30)
                outcomes["asked"] += 1
        except NotAsked:
            outcomes["not asked"] += 1

    threads = [threading.Thread(target=visit) for _ in range(5)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    while outcomes["not asked"] < 2 and time.monotonic() - began < 20:
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()
    assert outcomes == {"asked": 3, "not asked": 2}, "two that are slow, and one that came before they were"


@both_engines
def test_a_source_that_is_well_costs_one_read_before_and_one_after(workers: Workers) -> None:
    source = workers.source(workers.one)
    with trips.counted() as counted, workers.one.sources.call(source, "verify") as made:
        made.note(None)
    assert counted["short_lived"] == 2
    assert counted["commit"] == 0


@pytest.mark.time_is_moved
def test_a_breaker_that_was_opened_while_a_clock_ran_ahead_is_closed_when_it_is_right_again(workers: Workers) -> None:
    with time_machine.travel(time.time() + 900, tick=False):
        fail(workers, workers.one)
        assert not is_asked(workers, workers.other)
    assert workers.other.sources.health.of(workers.name, "verify") == "up"
    assert is_asked(workers, workers.one)
    fail(workers, workers.one)
    assert not is_asked(workers, workers.other), "from now on it is counted as ever"


def test_without_a_store_every_breaker_is_closed_and_the_places_of_the_worker_still_count(
    workers: Workers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    folder = tmp_path_factory.mktemp("alone")
    house = furnished(folder, short_lived_url=nowhere, outbound={"allow_loopback": True, "visits_at_once": 1})
    from tests.registers.party import registered

    with registered(house, workers.register, "lonely"):
        source = house.sources.find("lonely")
        assert source is not None
        for _ in range(5):
            with house.sources.call(source, "verify") as made:
                made.note(Failure.TIMED_OUT)
        assert house.sources.health.of("lonely", "verify") == "up"
        with contextlib.ExitStack() as two:
            for _ in range(2):
                two.enter_context(house.sources.call(source, "verify"))
            with pytest.raises(NotAsked), house.sources.call(source, "verify"):
                pytest.fail("one too many")
    house.database.engine.dispose()


def test_how_sources_are_called_can_be_measured(workers: Workers) -> None:
    from idp import observe

    fail(workers, workers.one)
    is_asked(workers, workers.one)
    told = observe.metrics().decode()
    labels = f'operation="verify",outcome="{{}}",source="{workers.name}"'
    assert f"motcua_source_calls_total{{{labels.format('timed_out')}}} 3.0" in told
    assert f"motcua_source_calls_total{{{labels.format('not asked: failing')}}} 1.0" in told
    closed_off = f'motcua_source_closed_off{{operation="verify",source="{workers.name}"}}'
    assert f"{closed_off} 1.0" in told
    workers.one.sources.health.note(workers.name, None, "verify")
    assert is_asked(workers, workers.one)
    assert f"{closed_off} 0.0" in observe.metrics().decode()
    assert f'motcua_source_seconds_count{{operation="verify",source="{workers.name}"}} 3.0' in told
