"""The sign-on path within this process, without a server: trips to the stores, and where the time goes."""

from __future__ import annotations

import base64
import cProfile
import hashlib
import io
import json
import pstats
import secrets
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from idp import seal
from idp.app import create_app
from idp.settings import load
from idp.storage import trips
from tests.benchmarks.walkers import FLOW
from tests.races.provider import Citizen, Portal, Provider
from tests.storage.places import make_tables

WARM_UP_FLOWS = 50
DIVIDED_FLOWS = 200
Call = tuple[Any, str]  # a function as pstats names it, as (file, line, name), and its package


@dataclass
class Inside:
    """The application, a portal, and somebody who is signed in."""

    app: Any
    issuer: str
    portal: Portal
    citizen: Citizen
    cpu_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # by path

    def flow(self) -> dict[str, Counter[str]]:
        """One sign-on; returns the trips that each endpoint made."""
        verifier, made = secrets.token_urlsafe(32), {}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.portal.id, "redirect_uri": self.portal.redirect_uri,
            "scope": "openid profile", "state": "s", "nonce": secrets.token_hex(16), "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        with trips.counted() as made["authorize"]:
            location, _ = self._ask("GET", "/authorize", urlencode(asked), HTTP_COOKIE=f"session={self.citizen.cookie}")
        form = {
            "grant_type": "authorization_code", "code": parse_qs(urlsplit(location).query)["code"][0],
            "redirect_uri": self.portal.redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        basic = base64.b64encode(f"{self.portal.id}:{self.portal.secret}".encode()).decode()
        with trips.counted() as made["token"]:
            _, body = self._ask("POST", "/token", body=urlencode(form), HTTP_AUTHORIZATION=f"Basic {basic}")
        bearer = f"Bearer {json.loads(body)['access_token']}"
        with trips.counted() as made["userinfo"]:
            _, body = self._ask("GET", "/userinfo", HTTP_AUTHORIZATION=bearer)
        assert json.loads(body)["name"]
        return made

    def ask_for_nothing(self) -> None:
        """A request that is answered from memory."""
        self._ask("GET", "/jwks")

    def _ask(self, method: str, path: str, query: str = "", body: str = "", **headers: str) -> tuple[str, bytes]:
        """The Location and the body of the answer."""
        told: list[Any] = []
        environ = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "idp.localhost", "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": urlsplit(self.issuer).netloc, "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body.encode()), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "", "CONTENT_LENGTH": str(len(body)),
        } | headers  # fmt: skip
        began = time.process_time()
        answer = b"".join(self.app(environ, lambda status, sent, _=None: told.extend((status, dict(sent)))))
        self.cpu_seconds[path] += time.process_time() - began
        assert told[0][:3] in ("200", "303"), (path, told, answer)
        return told[1].get("Location", ""), answer


@contextmanager
def inside(database_url: str, short_lived_url: str) -> Iterator[Inside]:
    with tempfile.TemporaryDirectory() as directory:
        keys = str(Path(directory) / "master.keys")
        seal.add_master_key(keys)
        app = create_app(load(
            mode="test", issuer="http://idp.localhost", database_url=database_url, short_lived_url=short_lived_url,
            master_keys_file=keys, log_level="ERROR",
        ))  # fmt: skip
        house = app.extensions["motcua"]
        make_tables(house.database.engine)
        house.keys.ensure()
        seeded = Provider(0, house, None)  # type: ignore[arg-type]
        portal = seeded.portal("inside")
        made = Inside(app, house.settings.issuer, portal, seeded.citizens(1, portal)[0])
        for _ in range(WARM_UP_FLOWS):
            made.flow()
        yield made
        house.database.engine.dispose()


def trips_per_request(made: Inside) -> str:
    """Each endpoint with its trips: what can be asserted without any noise."""
    counted = made.flow()
    return "; ".join(f"{step}: {_listed(counted[step])}" for step in FLOW)


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counter.items())) or "none"


def divided(made: Inside) -> str:
    """Where the time of a sign-on goes, median of each part, with the waiting for stores.

    Parsing is what three requests cost that ask for nothing; deciding is what is left: checks, sealing, answers.
    """
    house, empty = made.app.extensions["motcua"], []
    for _ in range(DIVIDED_FLOWS):
        began = time.perf_counter()
        made.ask_for_nothing()
        empty.append(time.perf_counter() - began)
    flows: list[dict[str, float]] = []
    with _timed(house) as spent:
        for _ in range(DIVIDED_FLOWS):
            spent.clear()
            began = time.perf_counter()
            made.flow()
            flows.append(dict(spent) | {"whole": time.perf_counter() - began})
    middle = {part: statistics.median(flow[part] for flow in flows) * 1e6 for part in flows[0]}
    middle = {"parse": len(FLOW) * statistics.median(empty) * 1e6} | middle
    whole = middle.pop("whole")
    told = [f"{part} {used:,.0f} us ({used / whole:.0%})" for part, used in middle.items()]
    rest = whole - sum(middle.values())
    return ", ".join([*told, f"decide {rest:,.0f} us ({rest / whole:.0%})", f"in all {whole:,.0f} us"])


class _Timed:
    """A thread's cursor, with a clock: reads are one part, all that is sent to write and commit is another."""

    def __init__(self, cursor: Any, spent: defaultdict[str, float]) -> None:
        self._cursor, self._spent, self._writing = cursor, spent, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, text: str, *values: Any) -> _Timed:
        self._writing = (self._writing or text.startswith("BEGIN")) and not text.startswith("ROLLBACK")
        part = "store" if text.startswith("SELECT") and not self._writing else "commit"
        self._writing = self._writing and not text.startswith("COMMIT")
        began = time.perf_counter()
        self._cursor.execute(text, *values)
        self._spent[part] += time.perf_counter() - began
        return self


@contextmanager
def _timed(house: Any) -> Iterator[defaultdict[str, float]]:
    """Seconds that this thread spends with its database and with signing."""
    spent, kept, sign = defaultdict[str, float](float), house.database._kept(), house.keys.sign

    def signing(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        signed = sign(*given, **named)
        spent["sign"] += time.perf_counter() - began
        return signed

    cursor, kept.cursor, house.keys.sign = kept.cursor, _Timed(kept.cursor, spent), signing
    try:
        yield spent
    finally:
        kept.cursor = cursor
        del house.keys.sign


def profiled(made: Inside, flows: int) -> str:
    """Where the time of so many flows goes: by package, then the dearest functions of our own."""
    made.cpu_seconds.clear()
    for _ in range(flows):
        made.flow()
    plain = ", ".join(f"{path} {used / flows * 1e6:,.0f} us" for path, used in made.cpu_seconds.items())
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(flows):
        made.flow()
    profile.disable()
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    by_package: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in stats.items():
        if function[0] != "~":
            by_package[_package(function[0])] += own
            continue
        for caller, (_, _, share, _) in callers.items():  # what is written in C counts for who called it
            by_package[_package(caller[0])] += share
    total = sum(by_package.values())
    lines = [f"CPU of {flows} flows, one after the other, without a server or a line of log: {plain}"]
    lines.append(f"the same under the profiler, and with the waiting for stores: {total / flows * 1e6:,.0f} us")
    lines += [
        f"  {own / total:6.1%} {own / flows * 1e6:8.1f} us  {package}" for package, own in by_package.most_common(18)
    ]
    lines.append("our functions by the time within them and what they call, us a flow:")
    lines += _dearest(stats, flows, lambda file: "/idp/" in file)
    return "\n".join(lines)


def _dearest(stats: dict[Any, Any], flows: int, ours: Callable[[str], bool]) -> list[str]:
    dear = sorted(((entry[3], function) for function, entry in stats.items() if ours(function[0])), reverse=True)
    return [
        f"  {within / flows * 1e6:8.1f} us  {file.partition('/idp/')[2]}:{line} {name}"
        for within, (file, line, name) in dear[:28]
    ]


def _package(file: str) -> str:
    _, _, installed = file.rpartition("site-packages/")
    if installed != file:
        return installed.split("/")[0].removesuffix(".py")
    if "/idp/" in file:
        return "idp." + file.partition("/idp/")[2].split("/")[0].removesuffix(".py")
    if "/benchmarks/" in file:
        return "(the benchmark)"
    return "the standard library" if "/" in file else "built in"
