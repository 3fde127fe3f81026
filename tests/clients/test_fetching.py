"""Turns at the hosts of portals: one for each portal, and no thread waits for a slow one, but one behind the first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from idp import clock
from idp.clients.fetching import FETCHES_AT_ONCE, SLOW_AFTER_SECONDS, WAIT_SECONDS, Fetching, Remembered
from tests.servers import eventually

SOON_SECONDS = WAIT_SECONDS / 2
PLACE = "https://keys.example/jwks"


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves monotonic time on; the one thing that may be patched is time."""
    ahead, real = [0.0], clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: real() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def asked(fetching: Fetching, asker: str, address: str = PLACE, *, waits: bool = True) -> bool:
    with fetching.turn(asker, address, waits=waits) as ours:
        return ours


def asked_slowly(fetching: Fetching, asker: str, moved: Callable[[float], None]) -> None:
    with fetching.turn(asker, PLACE) as ours:
        assert ours
        moved(SLOW_AFTER_SECONDS)


def in_time(told: Future[bool]) -> bool:
    return told.result(timeout=SOON_SECONDS)


def test_a_portal_is_asked_by_one_thread_and_again_when_that_is_done(fetching: Fetching) -> None:
    with fetching.turn("one", PLACE) as ours:
        assert ours
        assert not asked(fetching, "one", waits=False)
        assert not asked(fetching, "one", "https://another.example/", waits=False), "whatever address"
    assert asked(fetching, "one")


def test_a_failure_gives_the_turn_back(fetching: Fetching) -> None:
    with pytest.raises(OSError, match="reset"), fetching.turn("one", PLACE):
        raise OSError("reset")
    assert asked(fetching, "one")


def test_behind_a_first_question_one_thread_waits_and_no_other(fetching: Fetching, others: ThreadPoolExecutor) -> None:
    """So the second of two good requests at the same moment finds what the first one fetched."""
    done = threading.Event()

    def second() -> bool:
        with fetching.turn("one", PLACE) as ours:
            return not ours and done.is_set()

    with fetching.turn("one", PLACE):
        waiting = others.submit(second)
        eventually(lambda: fetching._under_way["one"].awaited)
        assert [in_time(others.submit(asked, fetching, "one")) for _ in range(3)] == [False] * 3
        assert not waiting.done()
        done.set()
    assert in_time(waiting), "it went on when the first was done"


def test_who_waited_for_another_address_of_the_portal_asks_its_own_then(
    fetching: Fetching, others: ThreadPoolExecutor
) -> None:
    with fetching.turn("one", PLACE):
        waiting = others.submit(asked, fetching, "one", "https://another.example/")
        eventually(lambda: fetching._under_way["one"].awaited)
        assert not waiting.done()
    assert in_time(waiting)


def test_who_waits_does_so_for_a_second_at_most(fetching: Fetching, others: ThreadPoolExecutor) -> None:
    with fetching.turn("one", PLACE):
        assert not others.submit(asked, fetching, "one").result(timeout=3 * WAIT_SECONDS)


def test_nobody_waits_for_a_place(fetching: Fetching, others: ThreadPoolExecutor) -> None:
    with ExitStack() as stack:
        for number in range(FETCHES_AT_ONCE):
            assert stack.enter_context(fetching.turn(str(number), PLACE))
        assert not in_time(others.submit(asked, fetching, "another"))
    assert asked(fetching, "another")


def test_slow_portals_share_one_place_and_a_fast_one_finds_the_other(
    fetching: Fetching, moved: Callable[[float], None]
) -> None:
    for slow in ("slow", "also slow"):
        asked_slowly(fetching, slow, moved)
    with fetching.turn("slow", PLACE) as ours:
        assert ours
        assert not asked(fetching, "also slow")
        assert asked(fetching, "fast")


def test_a_portal_with_many_slow_addresses_never_has_both_places(
    fetching: Fetching, moved: Callable[[float], None]
) -> None:
    """Anybody can make us ask them, two at a time, all that it named: others are asked all the while."""
    asked_slowly(fetching, "also slow", moved)
    for number in range(20):
        with fetching.turn("stranger", f"https://slow.example/{number}") as ours:
            assert ours
            assert not asked(fetching, "stranger", f"https://slow.example/{number + 1}", waits=False)
            assert asked(fetching, "honest")
            moved(SLOW_AFTER_SECONDS)
        with fetching.turn("also slow", PLACE) as ours:
            assert ours
            assert not asked(fetching, "stranger", "https://never-asked.example/")
            moved(SLOW_AFTER_SECONDS)


def test_nobody_waits_behind_a_portal_that_was_slow_until_it_is_fast_again(
    fetching: Fetching, others: ThreadPoolExecutor, moved: Callable[[float], None]
) -> None:
    asked_slowly(fetching, "one", moved)
    with fetching.turn("one", PLACE):
        assert not in_time(others.submit(asked, fetching, "one"))
    with fetching.turn("one", PLACE):
        waiting = others.submit(asked, fetching, "one")
        eventually(lambda: fetching._under_way["one"].awaited)
    assert not in_time(waiting)


def test_of_too_many_names_the_one_used_longest_ago_is_forgotten() -> None:
    known: Remembered[int] = Remembered(2)
    known.keep("one", 1)
    known.keep("two", 2)
    assert (known.find("one"), known.find_or_keep("two", 9), known.find("one")) == (1, 2, 1)
    assert known.find_or_keep("three", 3) == 3
    assert [name in known for name in ("one", "two", "three")] == [True, False, True]
    assert known.find("two") is None


def test_what_is_kept_anew_replaces_what_was_known_and_what_is_forgotten_is_gone() -> None:
    known: Remembered[int] = Remembered(2)
    known.keep("one", 1)
    assert known.keep("one", 2) == known.find("one") == 2
    known.forget("one")
    known.forget("never known")
    assert "one" not in known
