"""What processes use: cores to run on, CPU time of a whole tree, memory, and a yardstick for the machine's own mood."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
YARDSTICK_TURNS = 200_000


def cores() -> tuple[int, int]:
    """The core of whoever is measured, and the core of everybody else: the same one where there is no other."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextlib.contextmanager
def on_cores(*chosen: int) -> Iterator[None]:
    """Processes started within the block run on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(roots: Sequence[int]) -> float:
    """CPU time so far of these processes, all that descend from them, and all of those that have ended."""
    return sum(_ticks(pid, reaped=pid in roots) for pid in _trees(roots)) / TICKS_PER_SECOND


def busy_seconds() -> float:
    """CPU time so far of all cores, for whoever it was, with what other machines took of them (proc(5): stat)."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    idle, waiting = fields[3], fields[4]
    return (sum(map(int, fields)) - int(idle) - int(waiting)) / TICKS_PER_SECOND


def pss_megabytes(pid: int) -> float:
    """Memory of one process, what it shares with others divided among them (proc(5): PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _trees(roots: Sequence[int]) -> list[int]:
    found, new = list(roots), list(roots)
    while new:
        new = [child for pid in new for child in _children(pid)]
        found += new
    return found


def _children(pid: int) -> list[int]:
    """The children of all threads of the process."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return children


def _ticks(pid: int, *, reaped: bool) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0
    user, system, children_user, children_system = map(int, fields[11:15])
    return user + system + (children_user + children_system if reaped else 0)


def yardstick(core: int) -> float:
    """Milliseconds of CPU that a fixed piece of Python takes on this core right now."""
    with on_cores(core):
        began, total = time.process_time(), 0
        for turn in range(YARDSTICK_TURNS):
            total += turn
        return (time.process_time() - began) * 1000
