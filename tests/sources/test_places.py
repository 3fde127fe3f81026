"""One slow source never holds the threads that others need."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from idp.sources.places import LONGEST_WAIT_SECONDS, SLOW_AFTER_SECONDS, Full, Places


def refused_within(places: Places, source: str) -> float:
    """Seconds until the source was found full."""
    began = time.monotonic()
    with pytest.raises(Full), places.at(source):
        raise AssertionError("there was a place")
    return time.monotonic() - began


def test_a_fast_source_may_be_asked_by_one_more_than_a_slow_one_may_hold() -> None:
    places = Places(2)
    with places.at("bank"), places.at("bank"), places.at("bank"):
        assert refused_within(places, "bank") < LONGEST_WAIT_SECONDS + 0.3


def test_at_a_slow_source_nobody_waits() -> None:
    places = Places(2)
    with places.at("bank"), places.at("bank"):
        time.sleep(SLOW_AFTER_SECONDS + 0.05)
        assert refused_within(places, "bank") < 0.1


def test_a_source_is_not_slow_because_another_is() -> None:
    places = Places(1)
    with places.at("bank"):
        time.sleep(SLOW_AFTER_SECONDS + 0.05)
        with places.at("tax"), places.at("tax"):
            assert refused_within(places, "bank") < 0.1


def test_who_waits_at_a_fast_source_gets_the_place_of_who_leaves() -> None:
    places, entered = Places(1), threading.Event()

    def wait() -> None:
        with places.at("bank"):
            entered.set()

    with contextlib.ExitStack() as stack:
        stack.enter_context(places.at("bank"))
        with places.at("bank"):
            waiting = threading.Thread(target=wait)
            waiting.start()
            assert not entered.wait(0.05)
        assert entered.wait(5)
    waiting.join()


def test_every_place_is_free_again_after_any_number_of_calls() -> None:
    places = Places(2)

    def ask() -> None:
        for _ in range(200):
            with contextlib.suppress(Full, ZeroDivisionError), places.at("bank"):
                raise ZeroDivisionError

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with places.at("bank"), places.at("bank"), places.at("bank"):
        pass
