"""What a slow and a dead source cost the people who sign in elsewhere: p99 with and without, in one run.

A provider as it is shipped (two workers of four threads) has three sources: one that answers at once, one that takes 30
seconds for its token, one that is dead. People come at a steady pace, whatever the answers take. In the calm halves all
of them go to the good source; in the troubled ones as many go there, and others keep trying the slow and the dead one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from idp.storage import schema
from tests.benchmarks.brokered import source
from tests.benchmarks.browsers import Errand, Outcome
from tests.benchmarks.contestants import QUIET, stores
from tests.benchmarks.processes import cores
from tests.benchmarks.rounds import percentile
from tests.races.provider import Portal, Provider, provider, said, sign_in

HERE = Path(__file__).parent
PEOPLE = 300
SLOW_MILLISECONDS = 30_000


def main() -> None:
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="motcua-bench-"))
    try:
        with contextlib.ExitStack() as stack:
            database_url, short_lived_url = f"sqlite:///{home}/motcua.db", "database"
            if options.engine == "postgresql":
                kept = stack.enter_context(stores(home, cores()[1]))
                database_url, short_lived_url = kept.addresses("postgresql", "troubled")
            schema.upgrade(database_url)
            running = stack.enter_context(
                provider(
                    home,
                    database_url,
                    short_lived_url,
                    workers=2,
                    variables=QUIET,
                )
            )
            _measure(running, stack, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench sources", description=__doc__.partition("\n")[0])
    parser.add_argument("--pace", type=float, default=50, help="sign-ins a second through the good source (50)")
    parser.add_argument("--tries", type=float, default=2, help="a second at the slow source, and at the dead one (2)")
    parser.add_argument("--seconds", type=float, default=15, help="of each half (15)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args()


def _measure(running: Provider, stack: contextlib.ExitStack, options: argparse.Namespace) -> None:
    portal = running.portal("portal")
    good = stack.enter_context(source(running, "good"))
    stack.enter_context(source(running, "slow", TOKEN_DELAY_MS=str(SLOW_MILLISECONDS)))
    dead = stack.enter_context(source(running, "dead"))
    numbers = [f"{number:012}" for number in range(10**11, 10**11 + PEOPLE)]
    for number in numbers:
        sign_in(running.house, said(int(number)), portal)
    everywhere = {"good": options.pace, "slow": 1.0, "dead": 1.0}
    _go(running, portal, numbers, everywhere, 4)  # also: what sources publish is known from here on
    dead.kill()
    del good
    ratios = []
    for number in range(options.rounds):
        calm = _go(running, portal, numbers, {"good": options.pace}, options.seconds)
        paces = {"good": options.pace, "slow": options.tries, "dead": options.tries}
        troubled = _go(running, portal, numbers, paces, options.seconds)
        ratios.append(percentile(troubled.milliseconds, 99) / percentile(calm.milliseconds, 99))
        print(
            f"round {number + 1}: calm {_told(calm)}; troubled {_told(troubled)}; p99 {ratios[-1]:.2f} times",
            flush=True,
        )
    spread = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
    print(f"\np99 of sign-ins at the good source, troubled to calm: {spread}; the aim is below 1.5")


def _go(running: Provider, portal: Portal, numbers: list[str], paces: dict[str, float], seconds: float) -> Outcome:
    errand = Errand(
        provider=f"idp.localhost:{running.port}", client_id=portal.id, client_secret=portal.secret,
        redirect_uri=portal.redirect_uri, numbers=numbers, measured="good", paces=paces, seconds=seconds,
    )  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.browsers"], input=json.dumps(asdict(errand)), text=True,
        capture_output=True, check=True, cwd=HERE.parent.parent,
    )  # fmt: skip
    outcome = Outcome(**json.loads(told.stdout))
    if outcome.failed:
        sys.exit(f"{len(outcome.failed)} sign-ins at the good source failed: {outcome.failed[:3]}")
    return outcome


def _told(outcome: Outcome) -> str:
    elsewhere = "".join(f", {number} at {source}" for source, number in outcome.elsewhere.items())
    p50, p99 = percentile(outcome.milliseconds, 50), percentile(outcome.milliseconds, 99)
    return f"{len(outcome.milliseconds)} sign-ins{elsewhere}, p50 {p50:.0f} ms, p99 {p99:.0f} ms"


if __name__ == "__main__":
    main()
