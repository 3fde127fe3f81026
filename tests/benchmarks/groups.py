"""The rows that are measured on one core. Each group enters its trials, and says how rows are made of them later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.benchmarks import brokered
from tests.benchmarks.contestants import Contestant, Stores
from tests.benchmarks.parts import parts
from tests.benchmarks.rounds import Figures, Row, Side, Trial, compared
from tests.benchmarks.sampling import Course, figures_of, measured, sampled

VALKEY, MEMORY, AUTHLIB = "oidc-provider, Valkey", "oidc-provider, memory", "Authlib as documented"
SIGN_ON_TARGETS = {VALKEY: 2.0, MEMORY: None, AUTHLIB: 6.0}
ENDPOINTS = {"userinfo": "portal", "introspection": "portal", "client credentials": "system", "refresh": "keeper"}
SHARE_OF_CAPACITY = 0.7
Later = Callable[[], list[Row]]


@dataclass
class Field:
    """Who runs now, what is measured of them, and what ends with them."""

    course: Course
    kept: Stores
    stack: contextlib.ExitStack
    ours: dict[str, Contestant]  # by engine
    peers: dict[str, Contestant]  # by name
    trials: list[Trial] = field(default_factory=list)
    sign_ons: dict[str, Trial] = field(default_factory=dict)  # by contestant's name

    def trial(self, name: str, measure: Callable[[], Figures]) -> Trial:
        self.trials.append(Trial(name, measure))
        return self.trials[-1]

    def sign_on(self, contestant: Contestant) -> Trial:
        """The one trial of this contestant's sign-ons, whoever compares it with what."""
        name = contestant.name
        if name not in self.sign_ons:
            self.sign_ons[name] = self.trial(name, partial(measured, self.course, contestant))
        return self.sign_ons[name]


def sign_on(field: Field) -> Later:
    """Ours to each peer: by the clock on one core, and by the provider's own CPU."""
    pairs = [
        (engine, field.sign_on(mine), name, field.sign_on(theirs))
        for engine, mine in field.ours.items()
        for name, theirs in field.peers.items()
    ]

    def rows() -> list[Row]:
        return [
            compared(
                "sign-on", f"sign-on, {engine}, to {name}: {label}", unit, Side(mine, figure), Side(theirs, figure),
                least=SIGN_ON_TARGETS[name],
            )
            for engine, mine, name, theirs in pairs
            for figure, label, unit in (("rate", "by the clock", "/s"), ("per_cpu_second", "by its CPU", "/CPU s"))
        ]  # fmt: skip

    return rows


def limit(field: Field) -> Later:
    """Ours, all who compute for it together, to the parts that any provider would need."""
    course = field.course
    measuring = field.stack.enter_context(parts(field.kept, list(field.ours), course.core))
    mine = {engine: field.sign_on(contestant) for engine, contestant in field.ours.items()}
    of_parts = field.trial("parts", lambda: measuring.measure(course.seconds, course.core, course.other_core))

    def rows() -> list[Row]:
        return [
            compared(
                "limit", f"sign-on, {engine}, to the limit of its parts", "/CPU s of all",
                Side(trial, "all_cpu", per=1000), Side(of_parts, f"{engine} flow", per=1000), least=0.35,
            )
            for engine, trial in mine.items()
        ]  # fmt: skip

    return rows


def whole(field: Field) -> Later:
    """A first sign-in through a source, in sign-ons."""
    pairs = []
    for engine, mine in field.ours.items():
        assert mine.running is not None
        field.stack.enter_context(brokered.source(mine.running, brokered.SOURCE))
        brokered.await_source(mine, field.course.other_core)
        asked = partial(brokered.signed_in, mine, field.course.seconds, field.course.other_core)
        pairs.append((engine, field.trial(f"brokered, {engine}", asked), field.sign_on(mine)))

    def rows() -> list[Row]:
        return [
            compared(
                "brokered", f"brokered sign-in, {engine}, to a sign-on", "CPU ms", Side(trial, "cpu"),
                Side(reference, "cpu"), most=3.0,
            )
            for engine, trial, reference in pairs
        ]  # fmt: skip

    return rows


def endpoints(field: Field) -> Later:
    """Each endpoint by itself, to the peer that keeps its state as ours does."""
    course = field.course
    theirs = field.peers.get(VALKEY)
    trials = {
        (work, contestant.name): field.trial(
            f"{work}: {contestant.name}", partial(measured, course, contestant, work, portal)
        )
        for work, portal in ENDPOINTS.items()
        for contestant in (*field.ours.values(), *([theirs] if theirs else []))
    }  # fmt: skip

    def rows() -> list[Row]:
        return [
            compared(
                "endpoints", f"{work}, {engine}, to {VALKEY}", "/CPU s",
                Side(trials[work, mine.name], "per_cpu_second"), Side(trials[work, VALKEY], "per_cpu_second"),
                least=2.0,
            )
            for work in ENDPOINTS
            for engine, mine in field.ours.items()
            if theirs
        ]  # fmt: skip

    return rows


def p99(field: Field) -> Later:
    """How long the slowest of a hundred waits at seven tenths of what each one can do."""
    theirs = field.peers.get(VALKEY)
    trials = {
        contestant.name: field.trial(f"p99: {contestant.name}", partial(_at_its_pace, field.course, contestant))
        for contestant in (*field.ours.values(), *([theirs] if theirs else []))
    }

    def rows() -> list[Row]:
        return [
            compared(
                "p99", f"p99 at 70 % of its own capacity, {engine}, to {VALKEY}", "ms", Side(trials[mine.name], "p99"),
                Side(trials[VALKEY], "p99"), most=1.0,
            )
            for engine, mine in field.ours.items()
            if theirs
        ]  # fmt: skip

    return rows


def _at_its_pace(course: Course, contestant: Contestant) -> Figures:
    """Its capacity is measured first: at this moment, as what is measured at a share of it."""
    pace = sampled(course, contestant).rate * SHARE_OF_CAPACITY
    return figures_of(sampled(course, contestant, pace=pace), contestant) | {"pace": pace}


GROUPS: dict[str, Callable[[Field], Later]] = {
    "sign-on": sign_on, "limit": limit, "brokered": whole, "endpoints": endpoints, "p99": p99,
}  # fmt: skip
