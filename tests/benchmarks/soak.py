"""Half an hour at 70 % of what can be served: whether memory, rows and p99 stay what they are, while outlived rows are
removed, signing keys are changed and all processes are replaced.

PostgreSQL and Valkey as in production, `idp serve` with two processes, `idp worker`, a source, two portals and the load
share this machine. What it can serve is measured first, while as many old rows are removed as are made: a machine that
was idle is faster than one that has worked for minutes, and who removes nothing is faster than who does. Then the
rounds of a portal's everyday (sign-ons, some refreshes and revocations) begin at moments of chance, whatever the
answers take. Beside them people come for the first time, sign in through the source and agree; every third signs out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.benchmarks import rows
from tests.benchmarks.contestants import PATHS, Contestant
from tests.benchmarks.load import ROOT, Task, measure
from tests.benchmarks.processes import cores
from tests.benchmarks.steadiness import HEAD, Look, Soak, judged, row_of, verdicts
from tests.benchmarks.table import our_versions
from tests.benchmarks.watching import Watch
from tests.chaos.country import POSTGRESQL, Country, Needs, country
from tests.chaos.load import Load
from tests.chaos.visitor import ANSWERED

BROWSERS, CONNECTIONS = 2_500, 16  # more people than a worker remembers: it holds as much as ever before long
SIGN_INS, SIGN_ONS = 1.5, 0.5  # a second, by people who begin anew where something fails
CALIBRATIONS, CALIBRATED_SECONDS = 3, 6.0
TIRING_SECONDS, STEADY_SECONDS = 90.0, 20.0  # at full load, before what can be served for long is measured
AGING_SECONDS = 360  # so long it may take until the load begins, and the last look is over
SETTINGS = {
    "IDP_LOG_LEVEL": "INFO", "IDP_LIFETIMES__ACCESS_TOKEN_SECONDS": "60", "IDP_LIFETIMES__LOGIN_SECONDS": "60",
    "IDP_LIFETIMES__GRANT_KEPT_DAYS": str(rows.GRANT_KEPT_DAYS),
    "IDP_LIFETIMES__AUDIT_KEPT_DAYS": str(rows.AUDIT_KEPT_DAYS),
}  # fmt: skip
# In place of what config/production/postgresql.conf gives to a PostgreSQL that has a machine for itself.
SMALLER = {"shared_buffers": "512MB", "effective_cache_size": "2GB", "maintenance_work_mem": "128MB"}
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    options = _options()
    for name in [name for name in os.environ if name.startswith("IDP_") and name != "IDP_PYTHON"]:
        del os.environ[name]  # the settings of somebody else's provider
    for number in ENDING:
        signal.signal(number, _end)
    needs = Needs(settings=SETTINGS, store_settings=_as_in_production())
    with tempfile.TemporaryDirectory(prefix="motcua-bench-", ignore_cleanup_errors=True) as home:
        with country(POSTGRESQL, Path(home), needs) as running:
            soak, given = _soaked(running, Path(home), options.minutes * 60, options.rate_share)
        logged = _logged(Path(home))
    found = verdicts(soak)
    print(f"\n{judged(found)}\n\nlogged above INFO: {dict(logged) or 'nothing'}")
    if options.json is not None:
        told = {"given": given, "verdicts": found, "stretches": _stretches(soak), "logged": logged}
        options.json.write_text(json.dumps(told, default=asdict, indent=1, ensure_ascii=False) + "\n")
    sys.exit("not every promise was kept" if any(each.kept is False for each in found) else None)


def _end(_number: int, _frame: Any) -> None:
    """All that was started ends, undisturbed by a second Ctrl-C."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench soak", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30, help="of load (30)")
    parser.add_argument("--rate-share", type=float, default=0.7, help="of what can be served (0.7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was seen there as well")
    return parser.parse_args()


def _as_in_production() -> list[str]:
    lines = (ROOT / "config/production/postgresql.conf").read_text("utf-8").splitlines()
    given = dict(line.split(" = ", 1) for line in lines if line and line[0] != "#") | SMALLER
    return [f"{name}={value}" for name, value in given.items()]


def _soaked(running: Country, home: Path, seconds: float, share: float) -> tuple[Soak, dict[str, Any]]:
    """All that was met in so many seconds at this share of what can be served; and what was given."""
    contestant = _contestant(running)
    task = Task(
        place=contestant.place(), work="everyday", connections=CONNECTIONS, warm_up_seconds=2.0,
        seconds=CALIBRATED_SECONDS, processes={},
    )  # fmt: skip
    watch, visitors = Watch(running, contestant, home), Load(running, SIGN_ONS, SIGN_INS)
    visitors.start()
    try:
        at_rest, made = _calibrated(running, task)
        old = {"browser_sessions": SIGN_INS, "outbox": SIGN_INS / 3} | {name: made[name] * share for name in made}
        with rows.connected(running.house.settings.database_url) as connection:
            rows.add_old(connection, old, int(time.time()), seconds + AGING_SECONDS)
        capacity = _for_long(task)
        given: dict[str, Any] = {"at_rest": at_rest, "capacity": capacity, "pace": capacity * share}
        given |= {"seconds": seconds, "settings": SETTINGS, "old_rows_a_second": old}
        _announce(given)
        already = len(visitors.ledger.sign_ins)
        soak = watch.run(replace(task, pace=capacity * share, seconds=seconds, warm_up_seconds=0.0), _tell)
        visitors.finish()
    finally:
        visitors.give_up()
    unmet = [f"{each.outcome}: {each.what}" for each in visitors.log.asked if each.outcome != ANSWERED]
    unmet += [*(why for _, _, why in visitors.log.begun_anew), *visitors.ledger.seen, *soak.unmet]
    return replace(soak, unmet=unmet, new_people=len(visitors.ledger.sign_ins) - already), given


def _contestant(running: Country) -> Contestant:
    portal = running.provider.portal("everyday", grant_types=["authorization_code", "refresh_token"])
    citizens = running.provider.citizens(BROWSERS, portal)
    return Contestant(
        name="the provider", issuer=running.provider.issuer, paths=PATHS | {"revoke": "/revoke"},
        portals={"portal": portal}, cookies=[f"session={citizen.cookie}" for citizen in citizens], processes={},
        versions=our_versions(), running=running.provider,
    )  # fmt: skip


def _calibrated(running: Country, task: Task) -> tuple[float, dict[str, float]]:
    """How many rounds a second can be served at most, and how many rows a second that makes, by table."""
    tables = ("grants", "audit_events")
    with rows.connected(running.house.settings.database_url) as connection:
        before, began = rows.looked_at(connection, int(time.time())), time.perf_counter()
        rates = [_rate(task) for _ in range(CALIBRATIONS)]
        took, after = time.perf_counter() - began, rows.looked_at(connection, int(time.time()))
    return statistics.median(rates), {name: (after.rows[name] - before.rows[name]) / took for name in tables}


def _for_long(task: Task) -> float:
    """How many rounds a second can be served while old rows are removed, by a machine that has worked for a while."""
    _rate(replace(task, seconds=TIRING_SECONDS))
    return statistics.median(_rate(replace(task, seconds=STEADY_SECONDS)) for _ in range(CALIBRATIONS))


def _rate(task: Task) -> float:
    sample = measure(task, *sorted(set(cores())))
    if sample.bad or not sample.flows:
        sys.exit(f"{len(sample.bad)} bad answers, {sample.flows} good ones; {sample.bad[:3]}")
    return sample.rate


def _announce(given: dict[str, Any]) -> None:
    old = ", ".join(f"{table} {number:.1f}" for table, number in given["old_rows_a_second"].items())
    print(
        f"can be served: {given['capacity']:.0f} rounds a second ({given['at_rest']:.0f} in the first seconds); "
        f"come: {given['pace']:.0f}, and {SIGN_INS} sign-ins through a source, for {given['seconds'] / 60:g} minutes\n"
        f"settings: {', '.join(f'{name}={value}' for name, value in SETTINGS.items())}\n"
        f"old rows that come of age in each second: {old}\n\n{_row(HEAD)}\n{_row(['---'] * len(HEAD))}",
        flush=True,
    )


def _tell(soak: Soak, since: float, look: Look) -> None:
    print(_row(row_of(soak, since, look)), flush=True)


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"


def _stretches(soak: Soak) -> list[dict[str, Any]]:
    return [
        dict(zip(HEAD, row_of(soak, since, look), strict=True)) | {"seen": asdict(look)}
        for since, look in soak.stretches
    ]


def _logged(home: Path) -> Counter[str]:
    """How often each event was logged at a level above INFO."""
    found = Counter[str]()
    for name in ("serve.log", "worker.log"):
        with (home / name).open(encoding="utf-8") as log:
            for line in log:
                if line[0] == "{" and '"level": "info"' not in line:
                    told = json.loads(line)
                    why = told.get("exception", "").rpartition("\n")[2][:200]
                    found[f"{told['level']}: {told['event']} {why}".rstrip()] += 1
    return found
