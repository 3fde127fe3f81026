"""What an operator allows of calls at once to a source, all processes of all machines together keep to."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import time_machine

from connectors.base import Failure
from idp.house import House
from idp.sources import NotAsked, SourceDraft
from idp.sources.places import LONGEST_WAIT_SECONDS, TAKEN_SECONDS
from idp.storage import trips
from tests.sessions.rooms import furnished
from tests.sources.conftest import Workers, under_way
from tests.world import add_source

both_engines = pytest.mark.both_engines
ROOT = Path(__file__).resolve().parents[2]
MOST, PROCESSES, THREADS, CALLS = 3, 2, 6, 25


def limit(workers: Workers, most: int) -> None:
    """Known to both workers."""
    with workers.one.database.write() as tx:
        workers.one.sources.limit_calls(tx, workers.name, most)
    workers.other.changes.forget()


def refused(workers: Workers, house: House) -> Failure:
    with pytest.raises(NotAsked) as told, under_way(workers, house, 1):
        pytest.fail("one too many")
    return told.value.failure


@both_engines
def test_all_workers_together_make_no_more_calls_at_once_than_allowed(workers: Workers) -> None:
    limit(workers, MOST)
    with under_way(workers, workers.one, 2), under_way(workers, workers.other, MOST - 2):
        assert refused(workers, workers.other) is Failure.OVERLOADED
        with pytest.raises(NotAsked), workers.other.sources.call(workers.source(workers.other), "changes"):
            pytest.fail("it is the source that is spared, whatever it is asked")
    with under_way(workers, workers.one, 2), under_way(workers, workers.other, 1):
        pass
    assert workers.one.sources.health.of(workers.name, "verify") == "up", "our own limit is not the source's fault"


@both_engines
def test_a_limit_counts_at_once_for_every_worker_and_ends_as_soon(workers: Workers) -> None:
    limit(workers, 1)
    with under_way(workers, workers.one, 1):
        assert refused(workers, workers.other) is Failure.OVERLOADED
        limit(workers, 0)
        with under_way(workers, workers.other, 2):
            pass
    assert workers.source(workers.other).calls_at_once == 0


@both_engines
def test_a_limit_costs_one_trip_before_and_one_after_and_none_where_there_is_none(workers: Workers) -> None:
    for most, more in ((0, 0), (MOST, 2), (0, 0)):
        limit(workers, most)
        source = workers.source(workers.one)
        with trips.counted() as counted, workers.one.sources.call(source, "verify") as made:
            made.note(None)
        assert counted["short_lived"] == 2 + more


def test_who_waits_in_the_same_worker_gets_the_place_of_who_leaves(workers: Workers) -> None:
    limit(workers, 1)
    leaving = under_way(workers, workers.one, 1)
    leaving.__enter__()
    threading.Timer(LONGEST_WAIT_SECONDS / 5, leaving.__exit__, (None, None, None)).start()
    with under_way(workers, workers.one, 1):
        pass


# ---- processes ----


class Busy(ThreadingHTTPServer):
    """A source that takes its time, and knows by how many it was asked at once."""

    daemon_threads = True

    def __init__(self) -> None:
        self.now, self.most, self.lock = 0, 0, threading.Lock()
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Busy

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        time.sleep(0.02)
        with self.server.lock:
            self.server.now -= 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def busy() -> Iterator[Busy]:
    with Busy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def limited(workers: Workers, busy: Busy) -> str:
    """The id of a source of a kind that other processes know as well, and that has a limit."""
    source_id, issuer = f"{workers.name}-busy", f"http://busy.localhost:{busy.server_port}"
    draft = SourceDraft(
        id=source_id, kind="population", name_vi="Bận", name_en="Busy", ceiling=3,
        configuration={"issuer": issuer, "client_id": "motcua"}, secrets={"client_secret": "not one"},
    )  # fmt: skip
    add_source(workers.one, draft)
    with workers.one.database.write() as tx:
        workers.one.sources.limit_calls(tx, source_id, MOST)
    return source_id


@contextlib.contextmanager
def process(workers: Workers, source_id: str, threads: int, calls: int, url: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the same provider, ready to begin; it is gone when the block ends."""
    settings = workers.one.settings
    given = {
        "mode": "test", "issuer": settings.issuer, "database_url": settings.database_url,
        "short_lived_url": settings.short_lived_url, "master_keys_file": settings.master_keys_file,
        "log_level": "ERROR", "outbound": {"allow_loopback": True, "visits_at_once": 16},
    }  # fmt: skip
    words = [json.dumps(given), source_id, str(threads), str(calls), url]
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.sources.caller", *words], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert line_of(child) == "ready"
        yield child
    finally:
        child.kill()
        child.communicate()


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


def begin(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


@both_engines
def test_the_threads_of_two_processes_never_ask_it_more_often_at_once(
    workers: Workers, limited: str, busy: Busy
) -> None:
    url, outcomes = f"http://busy.localhost:{busy.server_port}/", Counter[str]()
    with contextlib.ExitStack() as all_of_them:
        children = [all_of_them.enter_context(process(workers, limited, THREADS, CALLS, url)) for _ in range(PROCESSES)]
        for child in children:
            begin(child)
        for child in children:
            outcomes.update(json.loads(line_of(child)))
    assert busy.most == MOST
    assert outcomes.total() == PROCESSES * THREADS * CALLS
    assert outcomes["made"] >= MOST and outcomes["not made"], "they wanted more than they got"
    with contextlib.ExitStack() as afterwards:
        source = workers.one.sources.find(limited)
        assert source is not None
        for _ in range(MOST):  # none is missing
            afterwards.enter_context(workers.one.sources.call(source, "sign_in"))


@pytest.mark.time_is_moved
def test_the_places_of_a_process_that_was_killed_are_free_after_a_minute(workers: Workers, limited: str) -> None:
    with process(workers, limited, MOST, 0, "") as dying:
        begin(dying)
        assert line_of(dying) == "holding"
    source = workers.one.sources.find(limited)
    assert source is not None
    with pytest.raises(NotAsked), workers.one.sources.call(source, "sign_in"):
        pytest.fail("they are not free yet")
    with time_machine.travel(time.time() + TAKEN_SECONDS + 1, tick=True), contextlib.ExitStack() as anew:
        for _ in range(MOST):
            anew.enter_context(workers.one.sources.call(source, "sign_in"))


def test_without_a_store_each_process_counts_for_itself_and_says_so(
    workers: Workers, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    from idp import observe
    from tests.registers.party import registered

    folder, outbound = tmp_path_factory.mktemp("alone"), {"allow_loopback": True, "visits_at_once": 8}
    house = furnished(folder, short_lived_url="redis://127.0.0.1:1/0", outbound=outbound)
    observe.configure("WARNING")
    with registered(house, workers.register, "lonely"):
        with house.database.write() as tx:
            house.sources.limit_calls(tx, "lonely", 2)
        source = house.sources.find("lonely")
        assert source is not None
        with contextlib.ExitStack() as two:
            for _ in range(2):
                two.enter_context(house.sources.call(source, "verify"))
            with pytest.raises(NotAsked), house.sources.call(source, "verify"):
                pytest.fail("one too many")
        with house.sources.call(source, "verify"):
            pass
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "source_limit" in line]
    assert [(line["event"], line["source"], line["level"]) for line in told] == [
        ("source_limit_not_shared", "lonely", "warning")
    ], "once, however many calls it is true of"
    house.database.engine.dispose()
