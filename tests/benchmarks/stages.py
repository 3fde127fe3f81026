"""What runs when. On one core: whoever is measured has the first core, all others the last. On two: all share both."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.benchmarks.contestants import Contestant, Stores, ours, stores
from tests.benchmarks.groups import GROUPS, MEMORY, VALKEY, Field
from tests.benchmarks.peers import authlib_peer, peer
from tests.benchmarks.processes import pss_megabytes
from tests.benchmarks.rounds import Figures, Row, Side, Trial, compared, run_rounds
from tests.benchmarks.sampling import Course, measured, sampled

MOST_MEGABYTES = 120
WORKERS = 2


@dataclass(kw_only=True)
class Measured:
    rows: list[Row]
    sign_ons: list[Trial]  # for the table of details
    parts: Trial | None = None
    marks: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def one_core(home: Path, course: Course) -> Measured:
    """Every row but those of two cores."""
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(stores(home / "one", course.other_core))
        mine = {
            engine: stack.enter_context(ours(kept, engine, [course.core], course.log_level))
            for engine in course.engines
        }
        entered = Field(course, kept, stack, mine, {})
        entered.peers.update({each.name: each for each in _peers(entered)})
        everybody = [*mine.values(), *entered.peers.values()]
        _warm_up(course, kept, everybody)
        later = [GROUPS[key](entered) for key in GROUPS if course.has(key)]
        marks = run_rounds(entered.trials, course.rounds, course.core)
        return Measured(
            rows=[row for rows in later for row in rows()], sign_ons=list(entered.sign_ons.values()), marks=marks,
            parts=next((trial for trial in entered.trials if trial.name == "parts"), None),
            versions={name: version for each in everybody for name, version in each.versions.items()},
        )  # fmt: skip


def _peers(entered: Field) -> Iterator[Contestant]:
    """Those whom the chosen rows need."""
    course, kept, stack = entered.course, entered.kept, entered.stack
    if not course.with_peers or not course.has("sign-on", "endpoints", "p99"):
        return
    yield stack.enter_context(peer(VALKEY, kept.valkey_path, [course.core], valkey=[kept.valkey_pid]))
    if course.has("sign-on"):
        yield stack.enter_context(peer(MEMORY, "memory", [course.core]))
        yield stack.enter_context(authlib_peer(kept, [course.core]))


def _warm_up(course: Course, kept: Stores, everybody: list[Contestant], *cores: int) -> None:
    print("running: " + "; ".join(each.name for each in everybody), flush=True)
    for each in everybody:
        sampled(course, each, seconds=course.first_warm_up_seconds, cores=cores)
    kept.settle()


def two_cores(home: Path, course: Course) -> Measured:
    """Two workers of ours and a cluster of two, each with its stores and the load on the same two cores; memory."""
    cores = (course.core, course.other_core)
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(stores(home / "two", *cores))
        mine = stack.enter_context(
            ours(kept, "postgresql", cores, course.log_level, workers=WORKERS, name="ours, 2 workers")
        )
        everybody, trials, marks = [mine], list[Trial](), list[float]()
        if course.with_peers and course.has("two-cores"):
            everybody.append(
                stack.enter_context(
                    peer("oidc-provider, cluster of 2", kept.valkey_path, cores, WORKERS, valkey=[kept.valkey_pid])
                )
            )
        _warm_up(course, kept, everybody, *cores)
        if course.has("two-cores"):
            trials = [Trial(each.name, partial(measured, course, each, cores=cores)) for each in everybody]
            marks = run_rounds(trials, course.rounds, course.core)
        rows = [
            compared(
                "two-cores", f"sign-on, all on two cores, to {theirs.name}", "/s", Side(trials[0], "rate"),
                Side(theirs, "rate"), least=1.5,
            )
            for theirs in trials[1:]
        ]  # fmt: skip
        if course.has("memory"):
            rows += _memory(course, mine, cores)
        return Measured(rows=rows, sign_ons=trials, marks=marks)


def _memory(course: Course, mine: Contestant, cores: tuple[int, int]) -> list[Row]:
    """What a worker holds after so many flows, to what it may, and to what it held after the warm-up."""
    assert mine.running is not None
    workers = mine.running.workers
    warm, flows, most = [pss_megabytes(pid) for pid in workers], 0, [0.0] * len(workers)
    while flows < course.flows:
        flows += sampled(course, mine, cores=cores).flows
        most = [max(before, pss_megabytes(pid)) for before, pid in zip(most, workers, strict=True)]
    if mine.running.workers != workers:
        sys.exit("a worker was replaced while its memory was watched")
    each: list[Figures] = [
        {"warm": before, "most": after, "allowed": MOST_MEGABYTES} for before, after in zip(warm, most, strict=True)
    ]
    trial = Trial("memory", dict, each)
    return [
        compared("memory", "memory of a worker (PSS)", "MB", Side(trial, "most"), Side(trial, "allowed"), most=1.0),
        compared(
            "memory", f"the same over {flows:,} flows, to after the warm-up", "MB", Side(trial, "most"),
            Side(trial, "warm"), most=1.05,
        ),
    ]  # fmt: skip
