"""The cases: which fault on which engines; and one case from its first visitor to the last look at the database."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import faults
from tests.chaos.country import POSTGRESQL, SQLITE, Country, DidNotStart, Needs, NotRun, country
from tests.chaos.ledger import Check
from tests.chaos.load import Load
from tests.chaos.visitor import ANSWERED, LOST, PUT_OFF, TURNED_AWAY

RECOVERY_SECONDS = 30.0  # what is promised
CALM_SECONDS = 6.0  # so long nothing may fail before we believe that it is over
TOLD_SECONDS = 60.0  # a logout notice whose sender died is claimed anew after a minute
BOTH = (SQLITE, POSTGRESQL)


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    fault: faults.Fault
    engines: Sequence[str] = BOTH
    needs: Needs = Needs()


CASES = (
    Case("worker", "kill -9 of each worker, one after the other", faults.worker_killed),
    Case("node", "kill -9 of all processes of the provider", faults.node_killed),
    Case("valkey", "kill -9 of Valkey, which comes back empty", faults.short_lived_killed, (POSTGRESQL,)),
    Case("postgresql", "kill -9 of all of PostgreSQL", faults.store_killed, (POSTGRESQL,)),
    Case("cut", "nothing gets through to a source or back", faults.source_cut),
    Case("slow", f"what goes to a source or back is {faults.SLOW_SECONDS} s late", faults.source_slowed),
    Case("disk", "the database's disk is full", faults.disk_filled, needs=Needs(small_disk=True)),
    Case(
        "clock", f"the provider's clock is {faults.WRONG_BY} s wrong", faults.clock_jumped, needs=Needs(own_clock=True)
    ),
)


@dataclass(kw_only=True)
class Result:
    case: str
    engine: str
    not_run: str = ""  # why
    outcomes: Counter[str] = field(default_factory=Counter)  # of requests
    reasons: Counter[str] = field(default_factory=Counter)  # of those that failed, and of what was begun anew
    done: dict[str, int] = field(default_factory=dict)
    anew: Counter[str] = field(default_factory=Counter)  # sign-ons, sign-ins that had to be repeated
    recovered_seconds: float = 0.0
    acknowledged: str = ""
    load: float = 0.0  # of the machine, a minute's average: what starts on a busy one takes longer
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Pace:
    seconds: float
    sign_ons: float
    sign_ins: float


def run(case: Case, engine: str, pace: Pace) -> Result:
    """What came of it; the machine is as it was before."""
    with tempfile.TemporaryDirectory(prefix="motcua-chaos-", ignore_cleanup_errors=True) as home:
        try:
            with country(engine, Path(home), case.needs) as running:
                return _broken(case, running, pace)
        except NotRun as problem:
            return Result(case=case.name, engine=engine, not_run=str(problem))
        except DidNotStart as problem:
            return Result(case=case.name, engine=engine, faults=[str(problem)])


def _broken(case: Case, running: Country, pace: Pace) -> Result:
    result = Result(case=case.name, engine=running.engine)
    load = Load(running, pace.sign_ons, pace.sign_ins)
    began = time.monotonic()
    load.start()
    try:
        time.sleep(pace.seconds / 3)
        if load.log.last_failure_at():
            result.faults.append("something failed before anything was broken")
        restored_at = case.fault(running, pace.seconds / 3)
        _await_calm(load, restored_at, began + pace.seconds)
        result.load = os.getloadavg()[0]
        load.finish()
    finally:
        load.give_up()
    result.recovered_seconds = max(0.0, load.log.last_failure_at() - restored_at)
    _count(load, result)
    _look(load, running, result)
    return result


def _await_calm(load: Load, restored_at: float, at_least_until: float) -> None:
    """Nothing has failed for a while, or it is too late."""
    while (now := time.monotonic()) < restored_at + RECOVERY_SECONDS + CALM_SECONDS:
        if now >= at_least_until and now - max(restored_at, load.log.last_failure_at()) >= CALM_SECONDS:
            return
        time.sleep(0.1)


def _count(load: Load, result: Result) -> None:
    result.done, result.acknowledged = load.done, load.ledger.told()
    result.outcomes = Counter(each.outcome for each in load.log.asked)
    result.reasons = Counter(f"{each.outcome}: {each.what}" for each in load.log.asked if each.outcome != ANSWERED)
    result.reasons += Counter(f"{kind} begun anew: {why}" for _, kind, why in load.log.begun_anew)
    result.anew = Counter(kind for _, kind, _ in load.log.begun_anew)
    if result.recovered_seconds > RECOVERY_SECONDS:
        result.faults.append(f"it took more than {RECOVERY_SECONDS:.0f} seconds to recover")
    if load.never:
        result.faults.append(f"{load.never} people never got where they wanted")


def _look(load: Load, running: Country, result: Result) -> None:
    """The ledger is held against the provider and its database."""
    running.await_ready()
    until = time.monotonic() + TOLD_SECONDS + CALM_SECONDS
    while not {sid for sid, _ in load.ledger.logouts.values()} <= running.told and time.monotonic() < until:
        time.sleep(0.2)
    load.try_again()
    result.faults += Check(running.house, load.ledger).lies(running.told)


HEAD = ("case", "engine", "requests", "lost", "put off", "turned away", "sign-ons anew", "sign-ins anew", "back after",
        "facts kept")  # fmt: skip


def line(result: Result) -> tuple[str, ...]:
    """The result's line of the table."""
    if result.not_run:
        return (result.case, result.engine, "not run", *[""] * (len(HEAD) - 3))
    counts = [str(result.outcomes[outcome]) for outcome in (LOST, PUT_OFF, TURNED_AWAY)]
    anew = [f"{result.anew[kind]} of {result.done[kind]}" for kind in ("sign-on", "sign-in")]
    kept = "NO" if result.faults else "all"
    return (
        result.case, result.engine, str(result.outcomes.total()), *counts, *anew, f"{result.recovered_seconds:.1f} s",
        kept,
    )  # fmt: skip


def table(results: Sequence[Result]) -> str:
    lines = [HEAD, *map(line, results)]
    widths = [max(len(each[column]) for each in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(each, widths, strict=True)).rstrip()
                     for each in lines)  # fmt: skip
