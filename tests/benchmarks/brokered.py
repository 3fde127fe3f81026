"""A whole sign-in through a source: portal, choice, source, resolve, telling, token, userinfo; what it costs us.

Each person comes for the first time: we make them, link them, keep what they were told and their session. The source is
quick and computes elsewhere, and so do the browsers, so that the provider's CPU is all that is counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from idp.sources import SourceDraft
from tests.benchmarks.browsers import Errand, Outcome
from tests.benchmarks.contestants import START_LIMIT_SECONDS, Contestant
from tests.benchmarks.processes import cpu_seconds, on_cores
from tests.benchmarks.rounds import Figures
from tests.node import node
from tests.races.provider import Provider, free_port

HERE = Path(__file__).parent
SOURCE = "quick"
BROWSERS = 4  # more would wait for the places that one source may hold of a worker
MOST_A_SECOND = 1000


@contextlib.contextmanager
def source(running: Provider, name: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A quick source runs and is switched on at this provider."""
    port, secret = free_port(), secrets.token_urlsafe(24)
    issuer = f"http://{name}.localhost:{port}"
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "ISSUER": issuer, **variables}
    process = subprocess.Popen(
        [node(), str(HERE / "quick_source.mjs")], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    draft = SourceDraft(
        id=name, kind="population", name_vi=name, name_en=name, ceiling=3,
        configuration={"issuer": issuer, "client_id": "motcua"}, secrets={"client_secret": secret},
    )  # fmt: skip
    with running.house.database.write() as tx:
        running.house.sources.save(tx, draft)
        running.house.sources.set_enabled(tx, name, True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def await_source(contestant: Contestant, core: int) -> None:
    """Its workers know the source by now, and have read what it publishes; exits if they never do."""
    until = time.monotonic() + START_LIMIT_SECONDS
    while (outcome := _sent(contestant, 0.5, core)).failed:
        if time.monotonic() > until:
            sys.exit(f"nobody could sign in through a source: {outcome.failed[0]}")


def signed_in(contestant: Contestant, seconds: float, core: int) -> Figures:
    """The provider's CPU of one sign-in, in milliseconds; exits if somebody could not sign in."""
    before = cpu_seconds(contestant.processes["provider"])
    outcome = _sent(contestant, seconds, core)
    used = cpu_seconds(contestant.processes["provider"]) - before
    if outcome.failed or not outcome.milliseconds:
        sys.exit(f"{len(outcome.failed)} sign-ins through a source failed: {outcome.failed[:3]}")
    return {"cpu": used * 1000 / len(outcome.milliseconds), "rate": len(outcome.milliseconds) / seconds}


def _sent(contestant: Contestant, seconds: float, core: int) -> Outcome:
    """What became of people who came one after the other in a few browsers, each for the first time."""
    portal = contestant.portals["portal"]
    errand = Errand(
        provider=contestant.address[0], client_id=portal.id, client_secret=portal.secret,
        redirect_uri=portal.redirect_uri, numbers=[_number() for _ in range(round(seconds * MOST_A_SECOND))],
        measured=SOURCE, paces={}, seconds=seconds, at_once=BROWSERS,
    )  # fmt: skip
    with on_cores(core):
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.browsers"], input=json.dumps(asdict(errand)), text=True,
            capture_output=True, check=True, cwd=HERE.parent.parent,
        )  # fmt: skip
    return Outcome(**json.loads(told.stdout))


def _number() -> str:
    return f"{secrets.randbelow(10**12):012}"
