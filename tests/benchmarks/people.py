"""What a sign-on costs with millions of people, thousands of portals and hundreds of sources, beside a small database.

Two providers run, each on a database of its own: a small one (10,000 people, 50 portals, 5 sources) and a large one.
Both are measured in the same rounds, over as many browsers, each of somebody else: so the difference is what the size
of the database costs, and nothing else. Every person is told about one portal, every twentieth is signed in.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from idp.sources import SourceDraft
from tests.benchmarks import indexes
from tests.benchmarks.contestants import PATHS, Contestant, Stores, on_provider, stores
from tests.benchmarks.filling import Filled
from tests.benchmarks.processes import cores
from tests.benchmarks.rounds import Figures, Row, Side, Trial, compared, run_rounds, table
from tests.benchmarks.sampling import Course, figures_of, sampled
from tests.benchmarks.walkers import Place
from tests.races.provider import Provider, said, sign_in

FIRST_NUMBER = 100_000_000_000
BROWSERS = 2_000
BYTES_SPARE = 1.3  # of what the small database took for each person, times so much
IDLE_SECONDS = "28800"  # filling takes long, and who was signed in first still is at the end
MOST = 1.15


@dataclass(frozen=True)
class Size:
    people: int
    portals: int
    sources: int

    def __str__(self) -> str:
        return f"{self.people:,} people, {self.portals:,} portals, {self.sources} sources"


SMALL = Size(10_000, 50, 5)


@dataclass(frozen=True, kw_only=True)
class Populated:
    """A provider with its people, a place for the load to go round, and what filling took."""

    size: Size
    contestant: Contestant
    place: Place
    seconds: float  # in all
    rows_seconds: float  # of them for making and writing rows
    bytes: int


def main() -> None:
    options = _options()
    large = Size(options.people, options.portals, options.sources)
    home = Path(tempfile.mkdtemp(prefix="motcua-bench-", dir=options.directory))
    core, other_core = cores()
    course = Course(
        keys=(), engines=(options.engine,), with_peers=False, rounds=options.rounds, seconds=options.seconds,
        warm_up_seconds=1.0, first_warm_up_seconds=4.0, connections=16, flows=0, log_level="INFO", core=core,
        other_core=other_core,
    )  # fmt: skip
    try:
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(stores(home, other_core))
            few = _populated(stack, kept, options.engine, SMALL, course)
            print(f"{few.size}: {few.bytes / 1e6:,.0f} MB in {few.seconds:.0f} s", flush=True)
            _announce(few, large, home)
            many = _populated(stack, kept, options.engine, large, course)
            print(f"{many.size}: {many.bytes / 1e6:,.0f} MB in {many.seconds:.0f} s", flush=True)
            rows = _compared(course, kept, few, many)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"\n{table(rows)}")
    if options.json is not None:
        from tests.benchmarks.table import as_json, our_versions

        options.json.write_text(as_json(rows, our_versions()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench people", description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=1_000_000, help="in the large database (1000000)")
    parser.add_argument("--portals", type=int, default=5_000, help="there (5000)")
    parser.add_argument("--sources", type=int, default=500, help="there (500)")
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--directory", type=Path, help="a folder on a disk with room for both databases (temporary)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each sample (3)")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    return parser.parse_args()


def _announce(few: Populated, large: Size, home: Path) -> None:
    """What the large database will take, going by the small one; exits where there is no room for it."""
    wanted = round(few.bytes / few.size.people * large.people * BYTES_SPARE)
    minutes = few.rows_seconds / few.size.people * large.people / 60  # indexes come on top
    free = shutil.disk_usage(home).free
    print(
        f"{large}: about {wanted / 1e9:,.1f} GB under {home.parent} ({free / 1e9:,.1f} GB are free) and "
        f"{minutes:,.0f} to {2 * minutes + 1:,.0f} minutes to fill",
        flush=True,
    )
    if wanted > free:
        sys.exit("there is not enough room; --directory names a folder on another disk")


def _populated(stack: contextlib.ExitStack, kept: Stores, engine: str, size: Size, course: Course) -> Populated:
    name = f"people{size.people}"
    addresses = kept.addresses(engine, name)
    directory = kept.directory / name
    running = stack.enter_context(
        on_provider(directory, addresses, [course.core], 1, LIFETIMES__SESSION_IDLE_SECONDS=IDLE_SECONDS)
    )
    portals = [running.portal(f"portal-{number}") for number in range(size.portals)]
    _add_sources(running, size.sources)
    pattern = sign_in(running.house, said(FIRST_NUMBER - 1), portals[0])
    before, began = indexes.bytes_of(running.house.database.engine), time.monotonic()
    filled = indexes.without(
        running.house.database.engine, partial(_fill, directory, addresses[0], running, size, pattern.person_id.hex())
    )
    seconds = time.monotonic() - began
    cookies = [cookie for part in filled for cookie in part.cookies]
    host = running.issuer.removeprefix("http://")
    return Populated(
        size=size, seconds=seconds, rows_seconds=max(part.seconds for part in filled),
        bytes=indexes.bytes_of(running.house.database.engine) - before,
        contestant=Contestant(
            name=str(size), issuer=running.issuer, paths=PATHS, portals={portal.id: portal for portal in portals},
            cookies=[], processes={"provider": [running.process.pid]} | kept.pids(engine), versions={}, running=running,
        ),
        place=Place(
            port=running.port, host=host, paths=PATHS, cookies=[cookie for cookie, _ in cookies],
            portals=[[portals[of].id, portals[of].secret, portals[of].redirect_uri] for _, of in cookies],
        ),
    )  # fmt: skip


def _add_sources(running: Provider, number: int) -> None:
    sources = running.house.sources
    with running.house.database.write() as tx:
        for each in range(number):
            name = f"source-{each}"
            draft = SourceDraft(
                id=name, kind="population", name_vi=name, name_en=name, ceiling=3, secrets={"client_secret": "s" * 32},
                configuration={"issuer": f"http://{name}.localhost:9", "client_id": "motcua"},
            )  # fmt: skip
            sources.save(tx, draft)
            sources.set_enabled(tx, name, True)


def _fill(directory: Path, database_url: str, running: Provider, size: Size, pattern: str) -> list[Filled]:
    """The people are there, filled by as many processes as there are cores; by one on SQLite, where one can write."""
    import json

    processes = 1 if running.house.database.is_sqlite else len(set(cores()))
    share, running_now = size.people // processes, []
    for number in range(processes):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.filling"], cwd=Path(__file__).parent.parent.parent, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        json.dump({
            "database_url": database_url, "master_keys_file": str(directory / "master.keys"), "issuer": running.issuer,
            "pattern": pattern, "pattern_number": FIRST_NUMBER - 1, "first": FIRST_NUMBER + number * share,
            "people": share, "cookies": BROWSERS // processes,
            "portals": [[f"portal-{each}", f"portal-{each}.localhost"] for each in range(size.portals)],
        }, process.stdin)  # fmt: skip
        process.stdin.close()
        process.stdin = None
        running_now.append(process)
    told: list[Any] = [process.communicate()[0] for process in running_now]
    if any(process.returncode for process in running_now):
        sys.exit("filling failed; why stands above")
    return [Filled(**json.loads(out)) for out in told]


def _compared(course: Course, kept: Stores, few: Populated, many: Populated) -> list[Row]:
    for each in (few, many):  # until nearly everybody has come once, and their portals are known
        flows = 0
        while flows < 3 * len(each.place.cookies):
            flows += sampled(course, each.contestant, place=each.place, seconds=course.first_warm_up_seconds).flows
    kept.settle()
    trials = {each.size: Trial(str(each.size), partial(_measured, course, each)) for each in (few, many)}
    run_rounds(list(trials.values()), course.rounds, course.core)
    large, small = trials[many.size], trials[few.size]
    name = f"a sign-on with {many.size.people:,} people, to one with {few.size.people:,}"
    return [
        compared("people", f"{name}: CPU of all", "ms", Side(large, "all_cpu"), Side(small, "all_cpu"), most=MOST),
        compared("people", f"{name}: CPU of the provider", "ms", Side(large, "cpu"), Side(small, "cpu"), most=MOST),
        compared("people", f"{name}: by the clock", "ms", Side(large, "p50"), Side(small, "p50")),
    ]


def _measured(course: Course, each: Populated) -> Figures:
    return figures_of(sampled(course, each.contestant, place=each.place), each.contestant)
