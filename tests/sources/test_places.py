"""One slow source never holds the threads that others need."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.sources.places import LONGEST_WAIT_SECONDS, SLOW_AFTER_SECONDS, Full, Places
from idp.storage import Database
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived

Made = Callable[[int], Places]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Places of which a slow source may hold so many."""
    store = open_short_lived("database", Database(make_engine(f"sqlite:///{tmp_path}/motcua.db")))
    return lambda slow_at_once: Places(store, slow_at_once)


def refused_within(places: Places, source: str) -> float:
    """Seconds until the source was found full."""
    began = time.monotonic()
    with pytest.raises(Full), places.at(source, 0):
        raise AssertionError("there was a place")
    return time.monotonic() - began


def test_a_fast_source_may_be_asked_by_one_more_than_a_slow_one_may_hold(made: Made) -> None:
    places = made(2)
    with places.at("bank", 0), places.at("bank", 0), places.at("bank", 0):
        assert refused_within(places, "bank") < LONGEST_WAIT_SECONDS + 0.3


def test_at_a_slow_source_nobody_waits(made: Made) -> None:
    places = made(2)
    with places.at("bank", 0), places.at("bank", 0):
        time.sleep(SLOW_AFTER_SECONDS + 0.05)
        assert refused_within(places, "bank") < 0.1


def test_a_source_is_not_slow_because_another_is(made: Made) -> None:
    places = made(1)
    with places.at("bank", 0):
        time.sleep(SLOW_AFTER_SECONDS + 0.05)
        with places.at("tax", 0), places.at("tax", 0):
            assert refused_within(places, "bank") < 0.1


def test_who_waits_at_a_fast_source_gets_the_place_of_who_leaves(made: Made) -> None:
    places, entered = made(1), threading.Event()

    def wait() -> None:
        with places.at("bank", 0):
            entered.set()

    with contextlib.ExitStack() as stack:
        stack.enter_context(places.at("bank", 0))
        with places.at("bank", 0):
            waiting = threading.Thread(target=wait)
            waiting.start()
            assert not entered.wait(0.05)
        assert entered.wait(5)
    waiting.join()


def test_every_place_is_free_again_after_any_number_of_calls(made: Made) -> None:
    places = made(2)

    def ask() -> None:
        for _ in range(200):
            with contextlib.suppress(Full, ZeroDivisionError), places.at("bank", 0):
                raise ZeroDivisionError

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with places.at("bank", 0), places.at("bank", 0), places.at("bank", 0):
        pass
