"""The simulation agrees with what is known by proof, and the page with what the program says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.benchmarks.capacity import Given, Load, Request, arithmetic, knee, printed, simulated, workers_needed

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_with_one_thread_and_no_store_it_is_the_queue_of_the_textbooks(busy: float) -> None:
    """M/M/1: a request takes the time of its service, divided by how much of the time there is nothing to do."""
    service_ms = 2.0
    coming = [Request(busy / service_ms * 1000, service_ms, ())]
    took = simulated(coming, 1, 1, 400, random.Random(7))
    assert sum(took) / len(took) == pytest.approx(service_ms / (1 - busy), rel=0.1)


def test_one_of_ten_processes_meets_a_tenth_of_the_requests() -> None:
    coming = [Request(1000.0, 0.5, ())]
    assert len(simulated(coming, 10, 4, 60, random.Random(1))) == pytest.approx(6000, rel=0.05)


def test_threads_wait_for_stores_at_the_same_time() -> None:
    """With one thread a store that takes 8 ms lets through 100 a second; with four, four times as many."""
    coming = [Request(250.0, 2.0, (8.0,))]
    one, four = (sorted(simulated(coming, 1, threads, 20, random.Random(1))) for threads in (1, 4))
    assert one[len(one) // 2] > 1000 > 100 > four[len(four) // 2]


def test_faster_code_needs_fewer_processes() -> None:
    slow, fast = Given(sign_on_ms=4.0), Given(sign_on_ms=1.0)
    assert workers_needed(100_000_000, slow)[0] >= 3 * workers_needed(100_000_000, fast)[0]


def test_the_arithmetic_adds_up_by_hand() -> None:
    given = Given(active_share=0.1, sign_ons=2, peak=10, sign_on_ms=2, sign_in_times=3, sign_in_commits=3)
    load = Load.of(8_640_000, given)
    assert (load.sign_ins, load.sign_ons) == (100, 200)
    told = dict(arithmetic(8_640_000, given))
    assert told["our CPU in the peak second, in cores"] == "1.0"
    assert told["commits in the peak second"] == "500"


def test_the_page_shows_what_the_program_prints() -> None:
    page = PAGE.read_text("utf-8").splitlines()
    missing = [line for line in (*printed(Given()), *knee(Given())) if line not in page]
    assert missing == [], "paste what `./run bench capacity` prints into docs/capacity.md"
