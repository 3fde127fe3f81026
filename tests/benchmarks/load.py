"""The load: walkers on connections that stay open, all in one thread, either as fast as answers come or at a pace.

`python -m tests.benchmarks.load` reads a `Task` as JSON, warms up, measures, and prints a `Sample` as JSON. At a pace
rounds begin when they are due, whatever the answers take, and are timed from when they were due: whoever has to wait
for a connection waits as people do.

Connections are used as a proxy uses those to us (config/production/nginx.conf): one that the provider says is over is
begun anew, and so is one on which nothing was asked for two seconds.
"""

from __future__ import annotations

import contextlib
import json
import random
import selectors
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import cpu_seconds, on_cores
from tests.benchmarks.walkers import WORKS, Place, Walker

ROOT = Path(__file__).parent.parent.parent
SILENCE_SECONDS = 10
MOST_CONNECTIONS = 256  # at a pace; whoever comes when all are busy waits
IDLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to ask whom, for how long; `processes` are those whose CPU time is to be measured, by name."""

    place: Place
    work: str  # one of WORKS
    connections: int
    warm_up_seconds: float
    seconds: float
    processes: dict[str, list[int]]
    pace: float | None = None  # rounds a second, at moments of chance; None: as many as the provider can
    log: str = ""  # a file that gets a line of JSON for each round as it ends: when due, milliseconds, what was wrong


@dataclass(kw_only=True)
class Sample:
    flows: int = 0
    seconds: float = 0.0
    bad: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)  # of each flow
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    load_cpu_seconds: float = 0.0
    id_token: str = ""  # one of them, with the nonce that it must hold
    nonce: str = ""

    @property
    def rate(self) -> float:
        return self.flows / self.seconds

    def milliseconds_of(self, *roles: str) -> float:
        """CPU time a flow, of these roles together."""
        return sum(self.cpu_seconds.get(role, 0.0) for role in roles) * 1000 / self.flows


def measure(task: Task, *cores: int) -> Sample:
    """What processes of their own measured, one on each of these cores, which divide the connections."""
    share = Task(**vars(task) | {"connections": max(1, task.connections // len(cores))})
    command, running = [sys.executable, "-m", "tests.benchmarks.load"], []
    for core in cores:
        with on_cores(core):
            running.append(
                subprocess.Popen(
                    command, cwd=ROOT, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )
            )  # fmt: skip
    for process in running:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(share)))
        process.stdin.close()
        process.stdin = None  # or `communicate` would flush it
    told = [process.communicate() for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError(f"the load failed:\n{told[0][1][-3000:]}")
    return together([Sample(**json.loads(out)) for out, _ in told])


def together(samples: list[Sample]) -> Sample:
    """What processes that ran side by side have measured: their rounds add up, what they watched they watched both."""
    whole = samples[0]
    for other in samples[1:]:
        whole.flows += other.flows
        whole.bad += other.bad
        whole.milliseconds += other.milliseconds
        whole.load_cpu_seconds += other.load_cpu_seconds
    return whole


class _Walking:
    """All walkers of one task. What they do counts for the `sample` of the moment."""

    def __init__(self, task: Task) -> None:
        self.task, self.sample = task, Sample()
        self._selector = selectors.DefaultSelector()
        self._count = 0
        self._first = random.randrange(max(1, len(task.place.cookies)))  # so that samples are not all of the same few
        self._log = Path(task.log).open("a", buffering=1) if task.log else None  # noqa: SIM115 # closed with the walkers
        self.idle: deque[Walker] = deque(self._walker() for _ in range(task.connections))

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()
        if self._log is not None:
            self._log.close()

    def gather(self) -> None:
        """Every walker has what its work needs, or some answer was bad."""
        everybody = list(self.idle)
        self.idle.clear()
        for walker in everybody:
            walker.now()
        while not all(walker.ready for walker in everybody) and not self.sample.bad:
            self.turn(time.perf_counter() + SILENCE_SECONDS, again=True)

    def turn(self, until: float, *, again: bool) -> None:
        """Waits for answers, not longer than to this moment; whoever has done a round begins the next, or is idle."""
        ready: list[Any] = self._selector.select(max(0.0, min(SILENCE_SECONDS, until - time.perf_counter())))
        for key, _ in ready:
            walker: Walker = key.data
            try:
                has_ended = walker.go_on()
                if has_ended:
                    self._count_round(walker, "")
            except (ValueError, OSError) as problem:
                has_ended = True
                self._count_round(walker, str(problem))
                walker.anew()
            if walker.socket is not key.fileobj:
                self._selector.unregister(key.fileobj)
                self._selector.register(walker.socket, selectors.EVENT_READ, walker)
            if has_ended and again:
                walker.now()
            elif has_ended:
                self.idle.append(walker)

    def _count_round(self, walker: Walker, problem: str) -> None:
        walker.ended = time.perf_counter()
        milliseconds = (walker.ended - walker.began) * 1000
        if problem:
            self.sample.bad.append(problem)
        else:
            self.sample.flows += 1
            self.sample.milliseconds.append(milliseconds)
            self.sample.id_token, self.sample.nonce = walker.id_token, walker.nonce
        if self._log is not None:
            self._log.write(json.dumps([round(walker.began, 4), round(milliseconds, 2), problem]) + "\n")

    def at_pace(self, seconds: float, pace: float) -> None:
        """Rounds begin at moments of chance, so many a second; returns when the last one has ended, or nobody answers.

        A round belongs to this time if it was due in it, so that what began is waited for.
        """
        began = now = time.perf_counter()
        end, due, waiting, last_sign = began + seconds, began + random.expovariate(pace), deque[float](), began
        while due < end or waiting or self._busy:
            while due <= now and due < end:
                waiting.append(due)
                due += random.expovariate(pace)
            while waiting and (self.idle or self._count < MOST_CONNECTIONS):
                self._awake(now).begin(waiting.popleft())
            done = self.sample.flows + len(self.sample.bad)
            self.turn(due if due < end else now + 1, again=False)
            now = time.perf_counter()
            if self.sample.flows + len(self.sample.bad) > done or not self._busy:
                last_sign = now
            elif now - last_sign > SILENCE_SECONDS:
                self.sample.bad.append(f"no answer in {SILENCE_SECONDS} seconds")
                return

    def _awake(self, now: float) -> Walker:
        """A walker who has nothing to do, on a connection that can be relied upon."""
        if not self.idle:
            return self._walker()
        walker = self.idle.popleft()
        if now - walker.ended > IDLE_SECONDS:
            self._selector.unregister(walker.socket)
            walker.anew()
            self._selector.register(walker.socket, selectors.EVENT_READ, walker)
        return walker

    @property
    def _busy(self) -> int:
        return self._count - len(self.idle)

    def _walker(self) -> Walker:
        step = max(self.task.connections, 1)
        walker = WORKS[self.task.work](self.task.place, self._first + self._count, step)
        self._selector.register(walker.socket, selectors.EVENT_READ, walker)
        self._count += 1
        return walker


def run(task: Task) -> Sample:
    with contextlib.closing(_Walking(task)) as walking:
        if task.pace is None:
            walking.gather()
            if walking.sample.bad:
                return Sample(bad=walking.sample.bad)
        _walk(walking, task.warm_up_seconds)
        sample = walking.sample = Sample()
        before = {name: cpu_seconds(pids) for name, pids in task.processes.items()}
        began, own = time.perf_counter(), time.process_time()
        _walk(walking, task.seconds)
        sample.seconds, sample.load_cpu_seconds = time.perf_counter() - began, time.process_time() - own
        sample.cpu_seconds = {name: cpu_seconds(pids) - before[name] for name, pids in task.processes.items()}
        return sample


def _walk(walking: _Walking, seconds: float) -> None:
    if walking.task.pace is not None:
        walking.at_pace(seconds, walking.task.pace)
        return
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        walking.turn(until, again=True)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    print(json.dumps(asdict(run(Task(**told | {"place": Place(**told["place"])})))))
