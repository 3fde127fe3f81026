"""What becomes of people when three times as many come as can be served: who is let in, how soon, and who is told to
come back. The load plays the proxy: it writes when it passed each request on, and stops when too much is under way.

People come at moments of chance, whether or not those before them were answered, as people do. Each begins a single
sign-on; who is turned away is gone; who is let in has a code redeemed and claims read, and must not be turned away.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from idp.storage import schema
from tests.benchmarks.processes import cores, on_cores
from tests.races.provider import Provider, provider

ROOT = Path(__file__).parents[2]
HEADER = "X-Request-Start"
WALL = 500  # requests under way, above which the proxy lets no beginning through (limit_conn in nginx.conf)
LIMIT_SECONDS = 1.0  # p99 of what is let in
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@dataclass(kw_only=True)
class Task:
    port: int
    client_id: str
    client_secret: str
    redirect_uri: str
    cookies: list[str]
    pace: float  # people a second; 0: sixteen, each coming again as soon as they were served
    seconds: float


@dataclass(kw_only=True)
class Outcome:
    served: int = 0
    refused: int = 0
    walled: int = 0  # refused by the proxy, since too much was under way
    served_ms: list[float] = field(default_factory=list)  # of each request that was let in
    refused_ms: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # turned away in the middle, or worse
    late_ms: list[float] = field(default_factory=list)  # by which the load itself was late


class Load:
    def __init__(self, task: Task) -> None:
        self._task, self.outcome, self._under_way = task, Outcome(), 0
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        basic = base64.b64encode(f"{quote(task.client_id)}:{quote(task.client_secret)}".encode()).decode()
        self._basic = f"Authorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self._query = urlencode({
            "response_type": "code", "client_id": task.client_id, "redirect_uri": task.redirect_uri,
            "scope": "openid profile", "state": "s", "nonce": "n", "code_challenge_method": "S256",
            "code_challenge": CHALLENGE,
        })  # fmt: skip

    async def run(self) -> Outcome:
        until = time.perf_counter() + self._task.seconds
        if not self._task.pace:
            await asyncio.gather(*(self._again(number, until) for number in range(16)))
            return self.outcome
        people, at = set[asyncio.Task[None]](), time.perf_counter()
        while at < until:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            self.outcome.late_ms.append((time.perf_counter() - at) * 1000)
            people.add(asyncio.create_task(self._person(len(people))))
            at += random.expovariate(self._task.pace)
        await asyncio.gather(*people)
        return self.outcome

    async def _again(self, number: int, until: float) -> None:
        while time.perf_counter() < until:
            await self._person(number)

    async def _person(self, number: int) -> None:
        if self._under_way >= WALL:
            self.outcome.walled += 1
            return
        cookie = self._task.cookies[number % len(self._task.cookies)]
        status, head, _ = await self._ask(f"GET /authorize?{self._query}", f"Cookie: {cookie}\r\n")
        if status == 503:
            self.outcome.refused += 1
            return
        try:
            code = parse_qs(urlsplit(_location(head)).query)["code"][0]
            form = urlencode({"grant_type": "authorization_code", "redirect_uri": self._task.redirect_uri,
                              "code": code, "code_verifier": VERIFIER})  # fmt: skip
            _, _, told = await self._ask("POST /token", self._basic, form)
            token = json.loads(told)["access_token"]
            _, _, claims = await self._ask("GET /userinfo", f"Authorization: Bearer {token}\r\n")
            assert "sub" in json.loads(claims)
            self.outcome.served += 1
        except (KeyError, ValueError, AssertionError) as problem:
            self.outcome.lost.append(f"{status} {problem!r}")

    async def _ask(self, line: str, headers: str, body: str = "") -> tuple[int, bytes, bytes]:
        began, self._under_way = time.perf_counter(), self._under_way + 1
        host = f"Host: idp.localhost:{self._task.port}\r\n{HEADER}: t={time.time():.3f}\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        reader, writer = self._idle.pop() if self._idle else await self._connected()
        writer.write(f"{line} HTTP/1.1\r\n{host}{headers}{length}\r\n{body}".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        told = await reader.readexactly(size)
        self._idle.append((reader, writer))
        self._under_way -= 1
        status, took = int(head[9:12]), (time.perf_counter() - began) * 1000
        (self.outcome.refused_ms if status == 503 else self.outcome.served_ms).append(took)
        return status, head, told

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._task.port)


def _location(head: bytes) -> str:
    lines = (line for line in head.split(b"\r\n") if line[:9].lower() == b"location:")
    return next(lines, b"")[9:].strip().decode()


@contextlib.contextmanager
def crowd(
    directory: Path, database_url: str, short_lived_url: str = "database", **variables: str
) -> Iterator[tuple[Task, Provider]]:
    """A provider with one process on a core of its own, and two hundred people who are signed in."""
    settings = {
        "IDP_TRUSTED_PROXIES": "1", "IDP_OVERLOAD__STARTED_HEADER": HEADER,
        "IDP_LIMITS__LOGINS_PER_NETWORK_PER_MINUTE": "1000000",
    } | variables  # fmt: skip
    with contextlib.ExitStack() as stack:
        with on_cores(cores()[0]):
            running = stack.enter_context(
                provider(directory, database_url, short_lived_url, workers=1, variables=settings)
            )
        portal = running.portal("portal")
        task = Task(
            port=running.port, client_id=portal.id, client_secret=portal.secret, redirect_uri=portal.redirect_uri,
            cookies=[f"session={each.cookie}" for each in running.citizens(200, portal)], pace=0, seconds=0,
        )  # fmt: skip
        yield task, running


def go(task: Task, pace: float, seconds: float) -> Outcome:
    """What a process of its own met, on the other core."""
    given = json.dumps(asdict(task) | {"pace": pace, "seconds": seconds})
    with on_cores(cores()[1]):
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.overload", "--as-load"], input=given, capture_output=True,
            cwd=ROOT, text=True, check=True,
        )  # fmt: skip
    return Outcome(**json.loads(told.stdout))


def percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench overload", description=__doc__.partition(":")[0])
    parser.add_argument("--times", type=float, default=3, help="how many times what can be served (3)")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--without", action="store_true", help="turn nobody away, to see what comes of that")
    options = parser.parse_args()
    switched_off = {"IDP_OVERLOAD__STARTED_HEADER": ""} if options.without else {}
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as home:
        outcome, capacity = _measured(Path(home), switched_off, options.times, options.seconds)
    print(f"can be served: {capacity:.0f} sign-ons a second; came: {capacity * options.times:.0f}")
    print(_told(outcome, options.seconds))
    slowest = percentile(outcome.served_ms, 99)
    if outcome.lost or slowest > LIMIT_SECONDS * 1000:
        sys.exit(f"{len(outcome.lost)} were lost in the middle {outcome.lost[:3]}; p99 {slowest:.0f} ms")


def _measured(home: Path, variables: dict[str, str], times: float, seconds: float) -> tuple[Outcome, float]:
    """What came of so many times what can be served, and how many sign-ons a second that is."""
    url = f"sqlite:///{home}/motcua.db"
    schema.upgrade(url)
    with crowd(home, url, **variables) as (task, _):
        go(task, 0, 2)
        capacity = go(task, 0, seconds / 2).served / (seconds / 2)
        return go(task, capacity * times, seconds), capacity


def _told(outcome: Outcome, seconds: float) -> str:
    rows = [
        ("let in", outcome.served_ms),
        ("turned away", outcome.refused_ms),
        ("the load was late", outcome.late_ms),
    ]
    refused = f"{outcome.refused} turned away, {outcome.walled} by the proxy"
    lines = [f"in {seconds:.0f} seconds {outcome.served} sign-ons served, {refused}"]
    lines += [
        f"{name}: p50 {percentile(each, 50):.0f} ms, p99 {percentile(each, 99):.0f} ms, {len(each)} requests"
        for name, each in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--as-load"]:
        print(json.dumps(asdict(asyncio.run(Load(Task(**json.load(sys.stdin))).run()))))
    else:
        main()
