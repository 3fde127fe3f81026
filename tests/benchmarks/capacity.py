"""What a country needs: sign-ons a second, rows and bytes, commits, Valkey's memory, processes; for two sizes of it.

The arithmetic is one table (`arithmetic`). How many processes keep the promised time is simulated (`simulated`): one
process with its threads, one CPU among them, and the stores that they wait for. `./run bench capacity` prints both, and
docs/capacity.md says where each number comes from; each is an option, so that one's own can be put in its place.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

DAY = 86_400
COUNTRIES = (8_000_000, 100_000_000)
SIMULATED_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is assumed of people, and what was measured of us."""

    active_share: float = 0.05  # of all people, who sign in on a day
    sign_ons: float = 2.5  # of each of those, at further portals within the session
    peak: float = 10.0  # times the average second
    portals_told: float = 6.0  # about which a person was told in the course of years
    links: float = 1.3  # sources by which a person came
    under_way_seconds: float = 500.0  # of a sign-in, those counted in that nobody finishes
    sign_on_ms: float = 3.2  # our CPU for authorize, token and userinfo
    sign_in_times: float = 3.0  # as much for a whole sign-in through a source
    sign_in_commits: float = 3.0  # the person and the session, what they were told, the grant
    read_ms: float = 0.5  # a trip to a store, as a thread waits for it
    commit_ms: float = 3.0  # one that has to reach the disk
    threads: int = 4
    p99_ms: float = 250.0
    most_busy: float = 0.7  # so much of a core at the peak, whatever the simulation says: one machine may be away
    person_bytes: float = 796
    link_bytes: float = 317
    told_bytes: float = 501  # a subject and a consent
    session_bytes: float = 399
    grant_bytes: float = 377
    event_bytes: float = 322
    grant_days: float = 90  # lifetimes.grant_kept_days
    audit_days: float = 730  # lifetimes.audit_kept_days
    wal_bytes: float = 1377  # a sign-on, between two checkpoints
    valkey_bytes: float = 4000  # a sign-in under way: two values and four counters
    left_bytes: float = 2700  # what leads back to the portal for six hours more: request, answer, visit
    left_share: float = 0.5  # of a day's sign-ins, those of its six busiest hours

    @property
    def sign_in_ms(self) -> float:
        return self.sign_on_ms * self.sign_in_times


@dataclass(frozen=True, kw_only=True)
class Load:
    """What comes in the peak second of a country with so many people."""

    sign_ins: float
    sign_ons: float

    @classmethod
    def of(cls, people: int, given: Given) -> Load:
        a_second = people * given.active_share / DAY * given.peak
        return cls(sign_ins=a_second, sign_ons=a_second * given.sign_ons)


def arithmetic(people: int, given: Given) -> Iterator[tuple[str, str]]:
    """What is needed, line by line."""
    peak, active = Load.of(people, given), people * given.active_share
    visits = active * (1 + given.sign_ons)
    yield "sign-ins through a source a day", f"{active:,.0f}"
    yield "sign-ons within a session a day", f"{active * given.sign_ons:,.0f}"
    yield "both in the peak second", f"{peak.sign_ins + peak.sign_ons:,.0f}"
    busy = (peak.sign_ons * given.sign_on_ms + peak.sign_ins * given.sign_in_ms) / 1000
    yield "our CPU in the peak second, in cores", f"{busy:.1f}"
    yield "commits in the peak second", f"{peak.sign_ons + peak.sign_ins * given.sign_in_commits:,.0f}"
    wal = active * given.wal_bytes * (given.sign_ons + given.sign_in_commits)
    yield "WAL a day, without images of pages", f"{wal / 1e9:,.1f} GB"
    yield "people", _size(people, given.person_bytes)
    yield "links to sources", _size(people * given.links, given.link_bytes)
    yield "subjects and consents", _size(people * given.portals_told, given.told_bytes)
    yield "sessions", _size(active * given.grant_days, given.session_bytes)
    yield "grants", _size(visits * given.grant_days, given.grant_bytes)
    yield "audit events", _size((visits + active) * given.audit_days, given.event_bytes)
    yield "audit a day", f"{(visits + active) * given.event_bytes / 1e9:,.2f} GB"
    under_way = peak.sign_ins * given.under_way_seconds
    yield "sign-ins under way at the peak", f"{under_way:,.0f}"
    left = active * given.left_share
    yield "sign-ins that ended within six hours", f"{left:,.0f}"
    yield "Valkey's memory for both", f"{(under_way * given.valkey_bytes + left * given.left_bytes) / 1e9:,.2f} GB"


def _size(rows: float, each: float) -> str:
    return f"{rows / 1e6:,.1f} million rows, {rows * each / 1e9:,.1f} GB"


# ---- the simulation ----


@dataclass(frozen=True)
class Request:
    """What one request does: slices of CPU, and a wait for a store between two of them."""

    weight: float  # how many of them come for one sign-on, or sign-in
    cpu_ms: float
    waits_ms: tuple[float, ...]


def requests(given: Given, load: Load) -> list[Request]:
    """The requests of the peak second: of a sign-on three, of a sign-in those and seven pages."""
    read, commit, each = given.read_ms, given.commit_ms, given.sign_on_ms
    sign_on = [(0.3, (read,)), (0.5, (read, commit)), (0.2, (read,))]
    pages = 7
    page_ms = (given.sign_in_ms - each) / pages
    flows = load.sign_ons + load.sign_ins
    return [
        *(Request(flows, share * each, waits) for share, waits in sign_on),
        Request(load.sign_ins * (pages - 2), page_ms, (read, read)),
        Request(load.sign_ins * 2, page_ms, (read, commit)),
    ]


def simulated(coming: list[Request], workers: int, threads: int, seconds: float, chance: random.Random) -> list[float]:
    """How many milliseconds each request took at one of so many processes.

    Requests come at moments of chance to a process of chance. A stream of that sort, divided by chance, is as many such
    streams that know nothing of each other, so one process stands for all.
    """
    rate = sum(each.weight for each in coming) / workers / 1000
    kinds, weights = list(coming), list(itertools.accumulate(each.weight for each in coming))
    process, at = Process(threads, chance), 0.0
    while at < seconds * 1000:
        at += chance.expovariate(rate)
        process.until(at)
        process.comes(at, chance.choices(kinds, cum_weights=weights)[0])
    process.until(float("inf"))
    return process.took


class Process:
    """Threads that take requests in the order in which they came, and share one CPU in the order in which they ask."""

    def __init__(self, threads: int, chance: random.Random) -> None:
        self.took: list[float] = []
        self._free, self._chance, self._number = threads, chance, itertools.count()
        self._waiting: deque[tuple[float, Request]] = deque()
        self._runnable: deque[tuple[float, Request, int]] = deque()  # since when it is here, what, at which slice
        self._running: tuple[float, Request, int] | None = None
        self._events: list[tuple[float, int, str, tuple[float, Request, int]]] = []

    def comes(self, at: float, request: Request) -> None:
        self._waiting.append((at, request))
        self._start(at)

    def until(self, at: float) -> None:
        """Everything has happened that happens before this moment."""
        while self._events and self._events[0][0] <= at:
            now, _, what, job = heapq.heappop(self._events)
            if what == "answered":  # by a store
                self._runnable.append(job)
            else:
                self._running = None
                self._sliced(now, *job)
            self._start(now)

    def _sliced(self, now: float, since: float, request: Request, number: int) -> None:
        if number == len(request.waits_ms):
            self.took.append(now - since)
            self._free += 1
            return
        wait = self._chance.expovariate(1 / request.waits_ms[number])
        self._after(now + wait, "answered", (since, request, number + 1))

    def _start(self, now: float) -> None:
        while self._free and self._waiting:
            since, request = self._waiting.popleft()
            self._free -= 1
            self._runnable.append((since, request, 0))
        if self._running is None and self._runnable:
            job = self._running = self._runnable.popleft()
            mean = job[1].cpu_ms / (len(job[1].waits_ms) + 1)
            self._after(now + self._chance.expovariate(1 / mean), "sliced", job)

    def _after(self, at: float, what: str, job: tuple[float, Request, int]) -> None:
        heapq.heappush(self._events, (at, next(self._number), what, job))


def percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def workers_needed(people: int, given: Given) -> tuple[int, float, float]:
    """How many processes keep to p99_ms and most_busy in the peak second, their p99 there, and how busy each is."""
    load = Load.of(people, given)
    coming = requests(given, load)
    cores = sum(each.weight * each.cpu_ms for each in coming) / 1000
    for workers in itertools.count(max(1, int(cores / given.most_busy))):
        if cores / workers > given.most_busy:
            continue
        p99 = percentile(simulated(coming, workers, given.threads, SIMULATED_SECONDS, random.Random(1)), 99)
        if p99 <= given.p99_ms:
            return workers, p99, cores / workers
    raise AssertionError("counting never ends")


def printed(given: Given) -> Iterator[str]:
    rows = [list(arithmetic(people, given)) for people in COUNTRIES]
    needed = [workers_needed(people, given) for people in COUNTRIES]
    lines = [(left[0], left[1], right[1]) for left, right in zip(*rows, strict=True)]
    lines.append((f"processes for a p99 of {given.p99_ms:.0f} ms", *(f"{each[0]}" for each in needed)))
    lines.append(("p99 of a request with these", *(f"{each[1]:.0f} ms" for each in needed)))
    lines.append(("how busy each is in the peak second", *(f"{each[2]:.0%}" for each in needed)))
    yield f"| | {COUNTRIES[0] // 10**6} million people | {COUNTRIES[1] // 10**6} million people |"
    yield "|---|---|---|"
    for line in lines:
        yield f"| {' | '.join(line)} |"


def knee(given: Given) -> Iterator[str]:
    """How long requests take as one process becomes busier: where the time goes up, and what one must stay below."""
    coming = requests(given, Load(sign_ins=1, sign_ons=given.sign_ons))
    cores = sum(each.weight * each.cpu_ms for each in coming) / 1000
    yield "| how busy | p50 | p99 |"
    yield "|---|---|---|"
    for busy in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98):
        scaled = [replace(each, weight=each.weight * busy / cores) for each in coming]
        took = simulated(scaled, 1, given.threads, 2 * SIMULATED_SECONDS, random.Random(1))
        yield f"| {busy:.0%} | {percentile(took, 50):.0f} ms | {percentile(took, 99):.0f} ms |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench capacity", description=__doc__.partition("\n")[0])
    for each in fields(Given):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default)
    given = replace(Given(), **vars(parser.parse_args()))
    print("\n".join([*printed(given), "", *knee(given)]))


if __name__ == "__main__":
    main()
