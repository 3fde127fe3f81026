"""Three times as many come as can be served, at a real server: who is let in is served soon, who is not knows soon."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.races.provider import free_port
from tests.servers import eventually
from tests.sluggish import SERVICE_SECONDS

ROOT = Path(__file__).parent.parent
TIMES = 3
SECONDS = 4.0
EVERY_TENTH = 10  # is somebody in the middle of a sign-in


@dataclass(frozen=True)
class Met:
    path: str
    status: int
    seconds: float
    retry_after: str | None


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--port",
               str(port), "--blocking-threads", "1", "--log-level", "warning", "tests.sluggish:app"]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        eventually(lambda: process.poll() is not None or _ask(port, "/health/live") is not None)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ask(port: int, path: str) -> Met | None:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"X-Request-Start": f"t={time.time():.3f}"})
        answer = connection.getresponse()
        answer.read()
        return Met(path, answer.status, time.monotonic() - began, answer.getheader("Retry-After"))
    except OSError:
        return None
    finally:
        connection.close()


def _crowd(port: int) -> list[Met | None]:
    """People who come at a steady pace, whatever becomes of those before them."""
    met, threads, began = list[Met | None](), list[threading.Thread](), time.monotonic()
    number = round(SECONDS * TIMES / SERVICE_SECONDS)
    for each in range(number):
        path = "/token" if each % EVERY_TENTH == 0 else "/authorize"
        threads.append(threading.Thread(target=lambda path=path: met.append(_ask(port, path))))
        time.sleep(max(0.0, began + each * SERVICE_SECONDS / TIMES - time.monotonic()))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return met


def test_at_three_times_capacity_those_who_are_let_in_wait_for_less_than_a_second(port: int) -> None:
    met = [each for each in _crowd(port) if each is not None]
    assert len(met) == round(SECONDS * TIMES / SERVICE_SECONDS), "everybody got an answer"
    served = sorted(each.seconds for each in met if each.status == 200)
    refused = sorted(each.seconds for each in met if each.status == 503)
    assert len(served) + len(refused) == len(met)
    assert len(served) >= 0.5 * SECONDS / SERVICE_SECONDS, "and as many were served as on any day, or nearly"
    assert len(refused) >= 0.3 * len(met)
    assert served[len(served) * 99 // 100] < 1 and refused[len(refused) * 99 // 100] < 1
    assert {each.retry_after for each in met if each.status == 503} == {"5"}
    assert all(each.status == 200 for each in met if each.path == "/token"), "who is in the middle gets through"
