"""The others: npm's oidc-provider, its state in memory or in Valkey, and a provider made of Authlib as Authlib says."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.benchmarks.contestants import PATHS, SESSIONS, START_LIMIT_SECONDS, Contestant, Stores
from tests.benchmarks.processes import on_cores
from tests.node import node, npm
from tests.peers import CACHE
from tests.races.provider import Portal, free_port

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE_PATHS = {"authorize": "/auth", "token": "/token", "userinfo": "/me", "introspect": "/token/introspection"}
GRANTS = {
    "portal": ["authorization_code"], "keeper": ["authorization_code", "refresh_token"],
    "system": ["client_credentials"],
}  # fmt: skip


@contextlib.contextmanager
def peer(name: str, store: str, cores: Sequence[int], workers: int = 1, **stores: list[int]) -> Iterator[Contestant]:
    """npm's oidc-provider; its sessions and grants were made over HTTP. `store` is "memory" or a Valkey's socket."""
    portals, port = (
        {each: Portal(each, "s" * 43, f"http://{each}.localhost:9/callback") for each in GRANTS},
        free_port(),
    )
    variables = {
        "PORT": str(port), "STORE": store, "CLIENTS": json.dumps([_metadata(portal) for portal in portals.values()]),
        "NODE_ENV": "production", "WORKERS": str(workers), "PATH": os.environ["PATH"],
    }  # fmt: skip
    with on_cores(*cores):
        process = subprocess.Popen(
            [node(), "peer.mjs"], cwd=_peer_home(), env=variables, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer did not start:\n{process.stderr.read()}")
        told = json.loads(line)
        known_at = [portals["portal"], portals["keeper"]]
        yield Contestant(
            name=name, issuer=told["issuer"], paths=NODE_PATHS, portals=portals, versions=told["versions"],
            cookies=[_signed_in(told["issuer"], port, known_at, number) for number in range(SESSIONS)],
            processes={"provider": [process.pid]} | stores,
        )  # fmt: skip
    finally:
        process.terminate()
        process.communicate(timeout=START_LIMIT_SECONDS)


def _metadata(portal: Portal) -> dict[str, object]:
    signs_in = portal.id != "system"
    return {
        "client_id": portal.id, "client_secret": portal.secret, "grant_types": GRANTS[portal.id],
        "redirect_uris": [portal.redirect_uri] if signs_in else [], "response_types": ["code"] if signs_in else [],
    }  # fmt: skip


def _signed_in(issuer: str, port: int, portals: list[Portal], number: int) -> str:
    """The cookies of a browser that has signed in at these portals: redirects, followed to each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
    cookies = dict[str, str]()
    for portal in portals:
        asked = {
            "response_type": "code", "client_id": portal.id, "redirect_uri": portal.redirect_uri,
            "scope": "openid profile", "code_challenge": "c" * 43, "code_challenge_method": "S256",
            "login_hint": f"person-{number}",
        }  # fmt: skip
        _follow(connection, f"{issuer}/auth?{urlencode(asked)}", portal, cookies)
    connection.close()
    return "; ".join(f"{name}={cookies[name]}" for name in ("_session", "_session.sig"))


def _follow(connection: http.client.HTTPConnection, url: str, portal: Portal, cookies: dict[str, str]) -> None:
    """The browser was sent from here to the portal, and has the cookies that it was given."""
    issuer = url.partition("/auth?")[0]
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
    if "code=" not in url:
        raise RuntimeError(f"the peer gave no code: {url}")


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


@contextlib.contextmanager
def authlib_peer(kept: Stores, cores: Sequence[int]) -> Iterator[Contestant]:
    """The provider of `authlib_peer.py` on PostgreSQL, served as ours is: granian, one process of four threads."""
    portal, port = Portal("portal", "s" * 43, "http://portal.localhost:9/callback"), free_port()
    issuer = f"http://authlib.localhost:{port}"
    variables = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ISSUER": issuer,
        "DATABASE_URL": kept.new_database("authlib"), "CLIENT": json.dumps(vars(portal)), "PEOPLE": str(SESSIONS),
        "AUTHLIB_INSECURE_TRANSPORT": "1",
    }  # fmt: skip
    made = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.authlib_peer"], cwd=ROOT, env=variables, text=True, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    variables["KEY"] = made.stdout
    with (kept.directory / "authlib.log").open("wb") as log, on_cores(*cores):
        process = subprocess.Popen(_granian(port), cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        yield Contestant(
            name="Authlib as documented", issuer=issuer, paths=PATHS, portals={"portal": portal},
            cookies=[_session_of(port, number, process) for number in range(SESSIONS)],
            processes={"provider": [process.pid], "postgresql": [kept.postgresql_pid]},
            versions={name: importlib.metadata.version(name) for name in ("Authlib", "Flask-SQLAlchemy")},
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(START_LIMIT_SECONDS)


def _granian(port: int) -> list[str]:
    """As `tests.races.provider` starts ours, with one worker."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "1", "--blocking-threads", "4", "--log-level", "warning"),
        *("--factory", "tests.benchmarks.authlib_peer:app"),
    ]


def _session_of(port: int, number: int, process: subprocess.Popen[bytes]) -> str:
    """The cookie of somebody who signs in with their name, as soon as the provider is there."""
    until = time.monotonic() + START_LIMIT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
        try:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/", urlencode({"username": f"person-{number}"}), form)
            answer = connection.getresponse()
            return str(answer.headers["Set-Cookie"]).partition(";")[0]
        except ConnectionError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        finally:
            connection.close()
