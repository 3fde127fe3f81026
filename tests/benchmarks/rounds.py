"""Rounds: everything is measured once a round, in random order, and what is compared is compared within one round.

A machine is quicker at one moment than at the next, whoever asks; what two did one after the other can be compared,
what they did in other rounds cannot. So a ratio is of one round, and a row tells the median and both ends.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.processes import yardstick

Figures = dict[str, float]
_MET = {True: "met", False: "missed", None: ""}


@dataclass
class Trial:
    """Something that can be measured again and again; each time it gives the same figures."""

    name: str
    measure: Callable[[], Figures]
    figures: list[Figures] = field(default_factory=list)  # of each round

    def all(self, figure: str) -> list[float]:
        return [each[figure] for each in self.figures]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a figure of a trial, or `per` divided by it."""

    trial: Trial
    figure: str
    per: float | None = None

    def values(self) -> list[float]:
        found = self.trial.all(self.figure)
        return found if self.per is None else [self.per / value for value in found]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Ours beside a peer, or beside something else of ours; `ratio` and its ends are of single rounds."""

    key: str  # of the row of the issue, by which --rows chooses
    name: str
    unit: str
    ours: float
    peer: float
    ratio: float
    ratio_min: float
    ratio_max: float
    target: str  # "": there is none
    met: bool | None


def run_rounds(trials: Sequence[Trial], rounds: int, core: int) -> list[float]:
    """Every trial has so many figures more; returns the yardstick before each measurement."""
    marks, began = [], time.monotonic()
    for number in range(rounds):
        for trial in random.sample(list(trials), len(trials)):
            marks.append(yardstick(core))
            trial.figures.append(trial.measure())
        print(f"  round {number + 1} of {rounds} ({time.monotonic() - began:.0f} s)", flush=True)
    return marks


def compared(
    key: str, name: str, unit: str, ours: Side, peer: Side, *, least: float | None = None, most: float | None = None
) -> Row:
    """Ours by the peer's, round by round. The target is a ratio of `least` or more, or of `most` or less, or none."""
    mine, theirs = ours.values(), peer.values()
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    ratio = statistics.median(ratios)
    target, met = "", None
    if least is not None:
        target, met = f"≥ {least:g}", ratio >= least
    elif most is not None:
        target, met = f"≤ {most:g}", ratio <= most
    return Row(
        key=key, name=name, unit=unit, ours=statistics.median(mine), peer=statistics.median(theirs), ratio=ratio,
        ratio_min=min(ratios), ratio_max=max(ratios), target=target, met=met,
    )  # fmt: skip


def percentile(values: Sequence[float], percent: float) -> float:
    """The least of the values that so many percent of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


def table(rows: Sequence[Row]) -> str:
    lines = ["| | ours | peer | unit | ratio [min-max] | target | |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {row.name} | {_short(row.ours)} | {_short(row.peer)} | {row.unit} "
        f"| {row.ratio:.2f} [{row.ratio_min:.2f}-{row.ratio_max:.2f}] | {row.target} | {_MET[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
