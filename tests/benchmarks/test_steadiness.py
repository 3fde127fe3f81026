"""A soak that met something bad says so: each promise is broken here once, and nothing else with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.rows import KINDS, Tables
from tests.benchmarks.steadiness import (
    CLEAN_UP,
    HEAD,
    OF_PEOPLE,
    RELOAD,
    ROTATION,
    Look,
    Round,
    Soak,
    Span,
    judged,
    row_of,
    verdicts,
)

SECONDS = 600.0
TABLES = (*KINDS, *OF_PEOPLE, "signing_keys", "clients")
SPANS = (
    *(Span(CLEAN_UP, 60.0 * minute, 60.0 * minute + 10, 500) for minute in range(1, 10)),
    Span(ROTATION, 195, 205), Span(RELOAD, 330, 350), Span(ROTATION, 465, 475),
)  # fmt: skip


def tables(**changes: Any) -> Tables:
    told: dict[str, Any] = {
        "rows": dict.fromkeys(TABLES, 100), "overdue": {"grants": 40}, "overdue_seconds": 61, "megabytes": 50.0,
    }  # fmt: skip
    return Tables(**(told | changes))


def look(at: float, **changes: Any) -> Look:
    pids = (1, 2) if at < 340 else (3, 4)
    told: dict[str, Any] = {
        "at": at, "workers": dict.fromkeys(pids, 100.0), "behind": 80.0, "tables": tables(), "valkey_keys": 10,
        "valkey_lasting": 0, "valkey_megabytes": 1.5, "kid": "old" if at < 475 else "new", "others": 0.1,
    }  # fmt: skip
    return Look(**(told | changes))


def looks(change: Any = None) -> list[Look]:
    """Thirty and the first; `change` gives each what is different about it."""
    return [look(at, **(change(at) if change else {})) for at in (SECONDS / 30 * number for number in range(31))]


def rounds(slow: Sequence[str] = ()) -> list[Round]:
    """Fifty a second, of which each takes ten milliseconds, or a hundred while something of these sorts happens."""
    spans = [span for span in SPANS if span.what in slow]
    return [
        Round(at / 50, 100 if any(span.began <= at / 50 < span.ended for span in spans) else 10, "")
        for at in range(round(SECONDS) * 50)
    ]


GOOD = Soak(seconds=SECONDS, rounds=rounds(), spans=SPANS, looks=looks(), new_people=0, unmet=())


def broken(soak: Soak) -> list[str]:
    return [each.promise for each in verdicts(soak) if each.kept is False]


def test_where_nothing_changes_every_promise_is_kept() -> None:
    assert broken(GOOD) == []
    assert len({each.promise for each in verdicts(GOOD)}) == len(verdicts(GOOD))


def leaking(at: float) -> dict[str, Any]:
    return {"workers": dict.fromkeys(look(at).workers, 100 + at / 50)}


def filling(**rows: int) -> Any:
    return lambda at: {"tables": tables(rows=tables().rows | (rows if at else {}))}


@pytest.mark.parametrize(
    "promise, changes",
    [
        ("wrong answers", {"rounds": [*rounds(), Round(SECONDS, 5, "token: 500")]}),
        ("wrong answers", {"unmet": ["lost: no answer at /userinfo"]}),
        ("keys that signed", {"looks": looks(lambda _: {"kid": "old"})}),
        ("processes that were replaced", {"looks": looks(lambda _: {"workers": {1: 100.0, 2: 100.0}})}),
        ("clean-ups", {"spans": [span for span in SPANS if span.what != CLEAN_UP or span.began > 240]}),
        ("memory of the process behind, minutes 2.0 to 10.0", {"looks": looks(lambda at: {"behind": 80 + at / 100})}),
        (
            "rows that should be gone",
            {"looks": looks(lambda at: {"tables": tables(overdue_seconds=91)} if at == 300 else {})},
        ),
        ("rows that stay, of people", {"looks": looks(filling(people=101))}),
        ("rows that stay, of people", {"looks": looks(filling(person_keys=101))}),
        ("rows that stay, of other tables", {"looks": looks(filling(signing_keys=111))}),
        ("rows that stay, of other tables", {"looks": looks(filling(clients=101))}),
        ("Valkey's keys without an end", {"looks": looks(lambda at: {"valkey_lasting": int(at > 0)})}),
        ("Valkey's other keys", {"looks": looks(lambda at: {"valkey_keys": 10 + int(at > 0)})}),
        (f"p99 during {CLEAN_UP}", {"rounds": rounds([CLEAN_UP])}),
        (f"p99 during {ROTATION}", {"rounds": rounds([ROTATION])}),
        (f"p99 during {RELOAD}", {"rounds": rounds([RELOAD])}),
    ],
)
def test_what_went_wrong_breaks_its_promise_and_no_other(promise: str, changes: dict[str, Any]) -> None:
    assert broken(replace(GOOD, **changes)) == [promise]


def test_memory_is_measured_anew_from_each_reload() -> None:
    """What a successor holds is compared with nothing that its predecessor held."""
    smaller = looks(lambda at: {"workers": dict.fromkeys(look(at).workers, 100.0 if at < 340 else 150.0)})
    assert broken(replace(GOOD, looks=smaller)) == []
    leaks = broken(replace(GOOD, looks=looks(leaking)))
    assert leaks == [f"memory of the workers, minutes {part}" for part in ("2.0 to 5.5", "7.8 to 10.0")]


def test_rows_may_stay_of_whoever_came_for_the_first_time() -> None:
    soak = replace(GOOD, looks=looks(filling(people=103, person_keys=106, signing_keys=110)))
    assert broken(replace(soak, new_people=3)) == []
    assert broken(replace(soak, new_people=2)) == ["rows that stay, of people"]


def test_a_soak_that_was_too_short_to_judge_is_none() -> None:
    none = replace(GOOD, rounds=[], spans=[], looks=looks()[:2])
    kept = [each.promise for each in verdicts(none) if each.kept]
    assert all("p99" not in promise and "memory" not in promise and promise != "wrong answers" for promise in kept)


def test_the_table_tells_of_each_stretch_what_happened_in_it() -> None:
    since, seen = next((since, seen) for since, seen in GOOD.stretches if since == 60)
    told = dict(zip(HEAD, row_of(GOOD, since, seen), strict=True))
    assert told["what happened"] == "clean-up (500 rows)"
    assert told.items() >= {"until minute": "1.3", "came": "1,000", "wrong": "0", "p99 ms": "10"}.items()
    assert "BROKEN" not in judged(verdicts(GOOD))
    assert "BROKEN" in judged(verdicts(replace(GOOD, unmet=["x"])))
