"""One process of several that want the same things at the same moments.

`python -m tests.storage.contender JSON` gets ready and says so in a line; for every line that it then reads, naming a
deed, all its threads do it at one moment, and it prints what they got.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idp.storage import Database
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from idp.storage.spent import spend_now
from tests.storage.places import at_once

ROOT = Path(__file__).parent.parent.parent
PROCESSES, THREADS, TIMES_COUNTED, PLACES = 2, 16, 5, 7


def contend(deeds: Sequence[str], database_url: str, short_lived_url: str) -> dict[str, list[Any]]:
    """What 32 threads in two processes got, by deed; they were let go together for each."""
    command = [sys.executable, "-W", "error", "-m", "tests.storage.contender", database_url, short_lived_url]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        assert [_line_of(child) for child in children] == ["ready"] * PROCESSES
        got = {deed: _done(children, deed) for deed in deeds}
        for child in children:
            child.communicate(timeout=30)
        assert [child.returncode for child in children] == [0] * PROCESSES
    finally:
        for child in children:
            child.kill()
            child.communicate()
    return got


def _done(children: list[subprocess.Popen[str]], deed: str) -> list[Any]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write(f"{deed}\n")
        child.stdin.flush()
    return [result for child in children for result in json.loads(_line_of(child))]


def _line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


def main() -> None:
    database = Database(make_engine(sys.argv[1]))
    store = open_short_lived(sys.argv[2], database)
    deeds: dict[str, Callable[[], Any]] = {
        "spend": lambda: spend_now(database, "a value", 60),
        "take": lambda: store.take("to take") is not None,
        "put": lambda: store.put_if_absent("to put", b"", 60),
        "count": lambda: [store.count("to count", 60) for _ in range(TIMES_COUNTED)],
        "place": lambda: store.take_place("to enter", PLACES, 600) is not None,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        deed = deeds[line.rstrip("\n")]
        print(json.dumps(at_once(THREADS, lambda _, deed=deed: deed())), flush=True)  # type: ignore[misc]
    database.engine.dispose()


if __name__ == "__main__":
    main()
