"""One process of a provider that calls a source: `python -m tests.sources.caller SETTINGS SOURCE THREADS CALLS URL`.

It gets ready and says so in a line. For the next line that it reads, every thread makes so many calls, each of which
asks for URL; then it prints how many were made, and how many not. With no CALLS it holds one by each thread, and says
so in a line.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections import Counter

from idp import observe
from idp.house import build
from idp.settings import load
from idp.sources import NotAsked


def main() -> None:
    settings, source_id, threads, calls, url = sys.argv[1:]
    observe.configure("CRITICAL")  # of sources of kinds that only the test's own process has, nobody wants to hear
    house = build(load(**json.loads(settings)))
    source = house.sources.find(source_id)
    assert source is not None
    print("ready", flush=True)
    sys.stdin.readline()
    if not int(calls):
        with contextlib.ExitStack() as held:
            for _ in range(int(threads)):
                held.enter_context(house.sources.call(source, "sign_in"))
            print("holding", flush=True)
            sys.stdin.read()
        return
    outcomes: Counter[str] = Counter()

    def call() -> None:
        for _ in range(int(calls)):
            try:
                with house.sources.call(source, "sign_in") as made:
                    made.context.http.request("GET", url)
                    made.note(None)
                outcomes["made"] += 1
            except NotAsked:
                outcomes["not made"] += 1

    running = [threading.Thread(target=call) for _ in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(json.dumps(outcomes), flush=True)
    house.database.engine.dispose()


if __name__ == "__main__":
    main()
