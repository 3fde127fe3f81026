"""A country under a steady load: what is done to it meanwhile, and what is seen of it. Times are seconds since the load
began.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

import jwt
from redis import Redis

from tests.benchmarks import rows
from tests.benchmarks.contestants import START_LIMIT_SECONDS, Contestant, verified
from tests.benchmarks.load import ROOT, Task
from tests.benchmarks.processes import busy_seconds, cpu_seconds, pss_megabytes
from tests.benchmarks.steadiness import CLEAN_UP, RELOAD, ROTATION, Look, Round, Soak, Span
from tests.benchmarks.walkers import SignOn
from tests.chaos.country import WORKERS, Country

LOOKS = 30
ROTATED, RELOADED, ROTATED_AT_ONCE = 0.3, 0.5, 0.75  # when, of the whole time
AFTERMATH_SECONDS = 3.0  # so long what was done may still be felt
EXPIRE_EVERY_SECONDS = 60.0  # what the worker waits after a clean-up
IDP = [sys.executable, "-c", "import sys; from idp.cli import main; sys.argv[0] = 'idp'; main()"]


class Watch:
    def __init__(self, country: Country, contestant: Contestant, home: Path) -> None:
        self._country, self._contestant, self._home = country, contestant, home
        self._connection = rows.connected(country.house.settings.database_url)
        self._valkey = Redis(unix_socket_path=country.house.settings.short_lived_url.removeprefix("unix://"))
        self._rounds, self._done, self._looks, self._unmet = list[Round](), list[Span](), list[Look](), list[str]()
        self._log, self._read_to = home / "rounds", 0
        self._began = self._wall_began = 0.0
        self._load: subprocess.Popen[str] | None = None
        self._used = self._cpu_seconds()

    def run(self, task: Task, tell: Callable[[Soak, float, Look], None]) -> Soak:
        """What came of it: the load has run, everything that was to happen has. Each stretch is told when all that was
        due in it has most likely ended: when the next one has.
        """
        self._look(0.0)
        with self._loaded(task):
            deeds = [
                threading.Timer(task.seconds * share, self._do, (what, deed))
                for share, what, deed in (
                    (ROTATED, ROTATION, self._rotate),
                    (RELOADED, RELOAD, self._reload),
                    (ROTATED_AT_ONCE, ROTATION, partial(self._rotate, "--at-once")),
                )
            ]
            for deed in deeds:
                deed.daemon = True
                deed.start()
            for number in range(1, LOOKS + 1):
                at = number * task.seconds / LOOKS
                time.sleep(max(0.0, self._began + at - time.perf_counter()))
                self._look(at)
                if number > 1:
                    tell(self._soak(task.seconds), self._looks[-3].at, self._looks[-2])
            for deed in deeds:
                deed.join()
        soak = self._soak(task.seconds)
        tell(soak, self._looks[-2].at, self._looks[-1])
        return soak

    def _soak(self, seconds: float) -> Soak:
        """What there is to tell so far."""
        with self._log.open() as log:
            log.seek(self._read_to)
            for line in iter(log.readline, ""):
                due, milliseconds, problem = json.loads(line)
                self._rounds.append(Round(due - self._began, milliseconds, problem))
            self._read_to = log.tell()
        self._rounds.sort(key=lambda each: each.due)
        spans = [*self._done, *self._clean_ups(seconds)]
        return Soak(
            seconds=seconds, rounds=self._rounds, looks=self._looks, unmet=self._unmet, new_people=0,
            spans=sorted(spans, key=lambda each: each.began),
        )  # fmt: skip

    @contextlib.contextmanager
    def _loaded(self, task: Task) -> Iterator[None]:
        given = Task(**vars(task) | {"log": str(self._log)})
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.load"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asdict(given)))
            process.stdin.close()
            while not self._log.exists():  # until it has loaded everything
                time.sleep(0.01)
            self._began, self._wall_began, self._load = time.perf_counter(), time.time(), process
            self._used = self._cpu_seconds()
            yield
            if process.wait(START_LIMIT_SECONDS):
                self._unmet.append("the load failed")
        finally:
            process.kill()
            process.wait()
            self._load = None

    # ---- what is done ----

    def _do(self, what: str, deed: Callable[[], None]) -> None:
        began = time.perf_counter()
        try:
            deed()
        except (OSError, subprocess.SubprocessError, TimeoutError) as problem:
            self._unmet.append(f"{what}: {problem}")
        ended = time.perf_counter() + AFTERMATH_SECONDS
        self._done.append(Span(what, began - self._began, ended - self._began))

    def _rotate(self, *options: str) -> None:
        """As operators do."""
        subprocess.run(
            [*IDP, "keys", "rotate", *options], env=self._country.node.environment, cwd=self._home, check=True,
            capture_output=True, timeout=START_LIMIT_SECONDS,
        )  # fmt: skip

    def _reload(self) -> None:
        """As systemd does; every process has a successor, and is gone."""
        before, until = set(self._country.workers()), time.monotonic() + 2 * START_LIMIT_SECONDS
        os.kill(self._country.node.pid, signal.SIGHUP)
        while before & (now := set(self._country.workers())) or len(now) != WORKERS:
            if time.monotonic() > until:
                raise TimeoutError("not all processes were replaced")
            time.sleep(0.1)

    def _clean_ups(self, seconds: float) -> Iterator[Span]:
        """From the log of the process behind, which says when each was over; the next begins a minute later."""
        before: float | None = None
        for line in (self._home / "worker.log").read_text("utf-8").splitlines():
            if '"event": "expired"' not in line:
                continue
            told = json.loads(line)
            ended = datetime.fromisoformat(told["timestamp"]).timestamp() - self._wall_began
            if before is not None and before + EXPIRE_EVERY_SECONDS > 0 and ended < seconds:
                removed = sum(number for number in told.values() if isinstance(number, int))
                yield Span(CLEAN_UP, before + EXPIRE_EVERY_SECONDS, ended, removed)
            before = ended

    # ---- what is seen ----

    def _look(self, at: float) -> None:
        memory = {}
        for pid in self._country.workers():
            with contextlib.suppress(OSError, StopIteration):  # it was just replaced
                memory[pid] = pss_megabytes(pid)
        told = self._valkey.info()
        keys = told.get("db0", {"keys": 0, "expires": 0})
        self._looks.append(
            Look(
                at=at, workers=memory, behind=pss_megabytes(self._country.worker.pid),
                tables=rows.looked_at(self._connection, int(time.time())), valkey_keys=keys["keys"],
                valkey_lasting=keys["keys"] - keys["expires"], valkey_megabytes=told["used_memory"] / 1e6,
                kid=self._signing_key(), others=self._share_of_others(),
            )
        )  # fmt: skip

    def _signing_key(self) -> str:
        """Which key has signed just now, seen by a portal that reads our keys and believes no other."""
        walker = SignOn(self._contestant.place(), random.randrange(len(self._contestant.cookies)), 1)
        try:
            walker.now()
            while not walker.go_on():
                pass
            verified(self._contestant, walker.id_token, walker.nonce)
            return str(jwt.get_unverified_header(walker.id_token)["kid"])
        except (ValueError, OSError, RuntimeError, KeyError, jwt.PyJWTError) as problem:
            self._unmet.append(f"a sign-on beside: {problem!r}")
            return ""
        finally:
            walker.socket.close()

    def _share_of_others(self) -> float:
        """Of the cores of this machine, since the last look."""
        before, self._used = self._used, self._cpu_seconds()
        elapsed, busy, own = (now - then for now, then in zip(self._used, before, strict=True))
        return max(0.0, busy - own) / elapsed / (os.cpu_count() or 1)

    def _cpu_seconds(self) -> tuple[float, float, float]:
        """The time, and the CPU time so far of the whole machine and of all that is ours."""
        country = self._country
        running = (country.node, country.worker, country.store, country.short_lived)
        pids = [each.pid for each in (*running, self._load) if each is not None]
        return time.perf_counter(), busy_seconds(), cpu_seconds(pids) + sum(os.times()[:4])
