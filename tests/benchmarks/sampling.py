"""A sample of one contestant, checked, and the figures that are compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contestants import Contestant, verified
from tests.benchmarks.load import Sample, Task, measure
from tests.benchmarks.rounds import Figures, percentile
from tests.benchmarks.walkers import Place


@dataclass(frozen=True, kw_only=True)
class Course:
    """How it is measured: `core` is of whoever is, `other_core` of all others."""

    keys: tuple[str, ...]  # of the rows that are wanted
    engines: tuple[str, ...]
    with_peers: bool
    rounds: int
    seconds: float  # of a sample
    warm_up_seconds: float  # before each
    first_warm_up_seconds: float  # until a compiler that learns from running code has learnt
    connections: int
    flows: int  # over which memory has to stay what it is
    log_level: str
    core: int
    other_core: int

    def has(self, *keys: str) -> bool:
        return bool(set(keys) & set(self.keys))


def sampled(
    course: Course, contestant: Contestant, *, seconds: float = 0, work: str = "sign-on", place: Place | None = None,
    pace: float | None = None, cores: Sequence[int] = (),
) -> Sample:  # fmt: skip
    """What the load measured, from these cores; exits if any answer was wrong."""
    task = Task(
        place=place or contestant.place(), work=work, connections=course.connections * max(1, len(cores)), pace=pace,
        seconds=seconds or course.seconds, warm_up_seconds=course.warm_up_seconds, processes=contestant.processes,
    )  # fmt: skip
    sample = measure(task, *(cores or [course.other_core]))
    if sample.bad or not sample.flows:
        sys.exit(f"{contestant.name}: {len(sample.bad)} bad answers, {sample.flows} good ones; {sample.bad[:3]}")
    if work == "sign-on":
        verified(contestant, sample.id_token, sample.nonce)
    return sample


def figures_of(sample: Sample, contestant: Contestant) -> Figures:
    """CPU in milliseconds a flow: the provider's, each store's, `all_cpu` together."""
    cpu = sample.milliseconds_of("provider")
    figures = {
        "rate": sample.rate, "cpu": cpu, "per_cpu_second": 1000 / cpu, "p50": percentile(sample.milliseconds, 50),
        "p99": percentile(sample.milliseconds, 99), "share": sample.cpu_seconds["provider"] / sample.seconds,
        "all_cpu": sample.milliseconds_of(*contestant.processes),
        "load_cpu": sample.load_cpu_seconds * 1000 / sample.flows,
    }  # fmt: skip
    return figures | {role: sample.milliseconds_of(role) for role in contestant.processes if role != "provider"}


def measured(
    course: Course, contestant: Contestant, work: str = "sign-on", portal: str = "portal", cores: Sequence[int] = ()
) -> Figures:
    sample = sampled(course, contestant, work=work, place=contestant.place(portal), cores=cores)
    return figures_of(sample, contestant)
