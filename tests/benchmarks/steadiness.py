"""What a soak has shown: each promise with its numbers, and whether it was kept."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.rounds import percentile
from tests.benchmarks.rows import KINDS, Tables

WARM_UP = 0.2  # of the whole time; after a reload as long again
MOST_GROWN = 0.02  # of what a process holds, from the end of the warm-up to the end
MOST_OVERDUE_SECONDS = 90  # what comes of age is removed each minute, which takes a while
SLOWEST = 2.0  # times the p99 of quiet moments
FEWEST = 100  # rounds that have a p99
# Rows of these stay; each new person brings so many of each, and can be found by a number and by name and birth date.
OF_PEOPLE = {"people": 1, "links": 1, "subjects": 1, "consents": 1, "person_keys": 2}
KEYS_A_ROTATION = 5  # one for each algorithm, and the cards'
CLEANED_EVERY_SECONDS = 75  # the worker waits a minute after each, and one takes up to a quarter of that
KEYS_A_SIGN_IN = 8  # six of which Valkey keeps for six hours (`idp.broker.shelf`), and counters of a minute
CLEAN_UP, ROTATION, RELOAD = "clean-up", "key rotation", "reload"


@dataclass(frozen=True)
class Round:
    due: float
    milliseconds: float
    problem: str  # "": it was answered as it should be


@dataclass(frozen=True)
class Span:
    """Something happened; times are seconds since the load began."""

    what: str
    began: float
    ended: float
    rows: int = 0  # that were removed


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen at the end of a stretch of time."""

    at: float
    workers: dict[int, float]  # megabytes (PSS) by process
    behind: float  # megabytes of the background worker
    tables: Tables
    valkey_keys: int
    valkey_lasting: int  # of these, keys without an end
    valkey_megabytes: float
    kid: str  # which key signed at that moment
    others: float  # share of the machine's cores that was used by somebody else


@dataclass(frozen=True, kw_only=True)
class Soak:
    """All that was met. `unmet` are other visitors' complaints, and what did not happen as ordered."""

    seconds: float
    rounds: Sequence[Round]  # in the order in which they were due
    spans: Sequence[Span]
    looks: Sequence[Look]  # the first of them before the load began
    new_people: int
    unmet: Sequence[str]

    def between(self, began: float, ended: float) -> Sequence[Round]:
        first, last = (bisect_left(self.rounds, at, key=lambda each: each.due) for at in (began, ended))
        return self.rounds[first:last]

    def of(self, what: str) -> list[Span]:
        return [span for span in self.spans if span.what == what]

    @property
    def stretches(self) -> Iterator[tuple[float, Look]]:
        """Each look, and when the one before was."""
        return ((before.at, look) for before, look in zip(self.looks, self.looks[1:], strict=False))


@dataclass(frozen=True)
class Verdict:
    promise: str
    found: str
    limit: str
    kept: bool | None  # None: nothing was promised


def verdicts(soak: Soak) -> list[Verdict]:
    return [_answers(soak), *_happened(soak), *_memory(soak), *_rows(soak), *_steady(soak), _others(soak)]


def p99_of(rounds: Sequence[Round]) -> float:
    return percentile([each.milliseconds for each in rounds], 99)


def _answers(soak: Soak) -> Verdict:
    wrong = [each.problem for each in soak.rounds if each.problem] + list(soak.unmet)
    found = f"{len(wrong)} of {len(soak.rounds):,} rounds" + (f", such as {wrong[0][:200]}" if wrong else "")
    return Verdict("wrong answers", found, "none", not wrong and bool(soak.rounds))


def _happened(soak: Soak) -> Iterator[Verdict]:
    """What is to leave no trace has taken place."""
    kids = {look.kid for look in soak.looks} - {""}
    yield Verdict("keys that signed", str(len(kids)), "more than one", len(kids) > 1)
    before, after = set(soak.looks[0].workers), set(soak.looks[-1].workers)
    found = f"{len(before - after)} of {len(before)}"
    yield Verdict("processes that were replaced", found, "all", bool(before) and not before & after)
    cleaned, least = len(soak.of(CLEAN_UP)), max(1, int(soak.seconds // CLEANED_EVERY_SECONDS))
    yield Verdict("clean-ups", str(cleaned), f"at least {least}", cleaned >= least)


def _memory(soak: Soak) -> Iterator[Verdict]:
    warm = WARM_UP * soak.seconds
    starts = [0.0, *(span.ended for span in soak.of(RELOAD))]
    ends = [*(span.began for span in soak.of(RELOAD)), soak.seconds + 1]
    for start, end in zip(starts, ends, strict=True):
        yield _flat("memory of the workers", soak, start + warm, end, lambda look: sum(look.workers.values()))
    yield _flat("memory of the process behind", soak, warm, soak.seconds + 1, lambda look: look.behind)


def _flat(name: str, soak: Soak, began: float, ended: float, megabytes: Callable[[Look], float]) -> Verdict:
    """How much more it was at the end than at the beginning, by the straight line that fits best."""
    points = [(look.at, megabytes(look)) for look in soak.looks if began <= look.at < ended]
    limit = f"at most {MOST_GROWN:.0%} more"
    promise = f"{name}, minutes {began / 60:.1f} to {min(ended, soak.seconds) / 60:.1f}"
    if len(points) < 3:
        return Verdict(promise, f"{len(points)} looks are too few", limit, False)
    line = statistics.linear_regression(*zip(*points, strict=True))
    first, last = (line.intercept + line.slope * at for at in (points[0][0], points[-1][0]))
    lowest, highest = min(each for _, each in points), max(each for _, each in points)
    found = (
        f"{first:.1f} to {last:.1f} MB ({last / first - 1:+.1%}, {line.slope * 3600:+.1f} MB an hour; "
        f"{lowest:.1f} to {highest:.1f} seen)"
    )
    return Verdict(promise, found, limit, last <= first * (1 + MOST_GROWN))


def _rows(soak: Soak) -> Iterator[Verdict]:
    first, last = soak.looks[0], soak.looks[-1]
    longest = max(look.tables.overdue_seconds for look in soak.looks[1:])
    most = max(sum(look.tables.overdue.values()) for look in soak.looks[1:])
    found = f"{most:,} at most, the first for {longest} s"
    limit = f"none for more than {MOST_OVERDUE_SECONDS} s"
    yield Verdict("rows that should be gone", found, limit, longest <= MOST_OVERDUE_SECONDS)
    grown = {table: last.tables.rows[table] - number for table, number in first.tables.rows.items()}
    of_people = {table: grown[table] for table in OF_PEOPLE}
    yield Verdict(
        "rows that stay, of people", ", ".join(f"{table} {number:+,}" for table, number in of_people.items()),
        f"{soak.new_people:,} people came for the first time",
        all(number <= OF_PEOPLE[table] * soak.new_people for table, number in of_people.items()),
    )  # fmt: skip
    made = KEYS_A_ROTATION * len(soak.of(ROTATION))
    beside = {table: grown[table] for table in grown if table not in (*OF_PEOPLE, *KINDS) and grown[table]}
    found = ", ".join(f"{table} {number:+,}" for table, number in beside.items()) or "none"
    kept = beside.pop("signing_keys", 0) <= made and all(number <= 0 for number in beside.values())
    yield Verdict("rows that stay, of other tables", found, f"signing_keys {made:+}", kept)
    lasting = last.valkey_lasting - first.valkey_lasting
    yield Verdict("Valkey's keys without an end", f"{lasting:+}", "no more than before", lasting <= 0)
    keys, most = last.valkey_keys - first.valkey_keys, KEYS_A_SIGN_IN * soak.new_people
    found = f"{keys:+,}, {last.valkey_megabytes - first.valkey_megabytes:+.1f} MB"
    limit = f"{KEYS_A_SIGN_IN} a sign-in, which are kept for hours: {most:+,}"
    yield Verdict("Valkey's other keys", found, limit, keys <= most)


def _steady(soak: Soak) -> Iterator[Verdict]:
    """How slow it was while something happened, to the quiet moments just before: later ones may still feel it."""
    limit = f"at most {SLOWEST:g} times"
    for what in (CLEAN_UP, ROTATION, RELOAD):
        slow, ratios = list[float](), list[float]()
        for span in soak.of(what):
            within, before = soak.between(span.began, span.ended), list(_quiet(soak, span.began))
            if min(len(within), len(before)) >= FEWEST:
                slow.append(p99_of(within))
                ratios.append(slow[-1] / p99_of(before))
        if not ratios:
            yield Verdict(f"p99 during {what}", "too few rounds", limit, False)
            continue
        found = (
            f"{statistics.median(slow):.0f} ms [{min(slow):.0f}-{max(slow):.0f}] in {len(slow)} of them, "
            f"{statistics.median(ratios):.2f} times [{min(ratios):.2f}-{max(ratios):.2f}] that of quiet moments before"
        )
        yield Verdict(f"p99 during {what}", found, limit, statistics.median(ratios) <= SLOWEST)


def _quiet(soak: Soak, ended: float) -> Iterator[Round]:
    """The rounds of two stretches that were due while nothing happened."""
    began = ended - 2 * soak.seconds / (len(soak.looks) - 1)
    spans = [span for span in soak.spans if span.began < ended and span.ended > began]
    for each in soak.between(began, ended):
        if not any(span.began <= each.due < span.ended for span in spans):
            yield each


def _others(soak: Soak) -> Verdict:
    """What everything above has to be read with."""
    shares = [look.others for look in soak.looks[1:]]
    found = f"{statistics.median(shares):.0%} [{min(shares):.0%}-{max(shares):.0%}] of its CPU"
    return Verdict("others on this machine used", found, "", None)


# ---- for people ----

HEAD = (
    "until minute", "came", "wrong", "p50 ms", "p99 ms", "what happened", "workers MB", "behind MB", "sessions",
    "grants", "audit events", "spent", "should be gone", "Valkey keys", "Valkey MB", "database MB", "CPU of others",
)  # fmt: skip


def row_of(soak: Soak, since: float, look: Look) -> tuple[str, ...]:
    came = soak.between(since, look.at)
    good = [each.milliseconds for each in came if not each.problem] or [0.0]
    met = [span for span in soak.spans if span.began < look.at and span.ended > since]
    met_words = [f"{span.what} ({span.rows:,} rows)" if span.rows else span.what for span in met]
    counted, overdue = look.tables.rows, sum(look.tables.overdue.values())
    return (
        f"{look.at / 60:.1f}", f"{len(came):,}", f"{sum(1 for each in came if each.problem)}",
        f"{percentile(good, 50):.0f}", f"{percentile(good, 99):.0f}", ", ".join(met_words),
        "+".join(f"{each:.0f}" for each in look.workers.values()), f"{look.behind:.0f}",
        *(f"{counted[name]:,}" for name in ("browser_sessions", "grants", "audit_events", "spent")),
        f"{overdue:,}, {look.tables.overdue_seconds} s" if overdue else "-", f"{look.valkey_keys}",
        f"{look.valkey_megabytes:.1f}", f"{look.tables.megabytes:,.0f}", f"{look.others:.0%}",
    )  # fmt: skip


def judged(found: Sequence[Verdict]) -> str:
    lines = ["| promise | found | limit | |", "|---|---|---|---|"]
    words = {True: "kept", False: "BROKEN", None: ""}
    lines += [f"| {each.promise} | {each.found} | {each.limit} | {words[each.kept]} |" for each in found]
    return "\n".join(lines)
