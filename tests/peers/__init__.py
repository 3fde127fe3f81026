"""Independent OpenID Connect parties to test against, each its own process: npm's oidc-provider, and clients of npm's.

Nothing here is imported by the product. The npm packages are pinned by `package-lock.json` and installed on first use
into `.cache/npm/` at the root of the repository, without running any package's scripts.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.node import node, npm

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "npm"
START_LIMIT_SECONDS = 60  # a busy laptop may take long to start node


class PeerFailed(AssertionError):
    """The other party said no, or died; the message is what it printed."""


def node_modules() -> Path:
    """The folder with the packages of `package-lock.json`, installed if need be; many processes may ask at once."""
    lock_file = HERE / "package-lock.json"
    home = CACHE / f"peers-{hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]}"
    done = home / ".installed"
    if done.exists():
        return home / "node_modules"
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _install(home)
            done.touch()
    return home / "node_modules"


def _install(home: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, home / name)
    # --ignore-scripts: a package of the registry gets to run here only as the test's peer, never at installation.
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise PeerFailed(f"npm ci failed:\n{result.stdout}\n{result.stderr}")


def script(name: str) -> Path:
    """The path of one of our scripts, placed beside the installed packages so that its imports resolve."""
    home = node_modules().parent
    for source in HERE.glob("*.mjs"):
        text = source.read_bytes()
        target = home / source.name
        if not target.exists() or target.read_bytes() != text:
            # Another worker may be starting node with this file right now: replace it in one step.
            partial = home / f"{source.name}.{os.getpid()}"
            partial.write_bytes(text)
            partial.replace(target)
    return home / name


def start_script(name: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [node(), str(script(name))],
        env={"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1", "EXIT_WITH_STDIN": "yes", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=START_LIMIT_SECONDS)


def read_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        raise PeerFailed(process.stderr.read())
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise PeerFailed(json.dumps(answer, ensure_ascii=False))
    return answer


@contextlib.contextmanager
def provider(
    *, clients: Sequence[Mapping[str, Any]], accounts: Mapping[str, Mapping[str, Any]], **environment: str
) -> Iterator[str]:
    """Run `provider.mjs` and give its issuer; `environment` holds the other variables that its head explains."""
    variables = {"CLIENTS": json.dumps(clients), "ACCOUNTS": json.dumps(accounts), **environment}
    process = start_script("provider.mjs", variables)
    try:
        yield read_line(process)["issuer"]
    finally:
        stop(process)


@contextlib.contextmanager
def stub(name: str, **environment: str) -> Iterator[int]:
    """Run the script `name` and give the port that it listens on; its head explains the variables."""
    process = start_script(name, environment)
    try:
        yield read_line(process)["port"]
    finally:
        stop(process)


class RelyingParty:
    """One code flow: open `authorization_url`, give `finish` the address that the browser lands on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.authorization_url: str = read_line(process)["authorization_url"]

    def finish(self, callback_url: str) -> dict[str, Any]:
        """What the flow brought (see the head of the script that was started); `PeerFailed` if the party refuses."""
        return self._told(callback_url)

    def leave(self, callback_url: str) -> dict[str, Any]:
        """What a party that signed its person out makes of the address on which the browser landed then."""
        return self._told(callback_url)

    def _told(self, callback_url: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(callback_url + "\n")
        self._process.stdin.flush()
        return read_line(self._process)


class Device:
    """A device without a keyboard: what it shows, and in the end what it got."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.shown = read_line(process)

    def finish(self) -> dict[str, Any]:
        """What the person's decision brought; it asks every five seconds. `PeerFailed` if it was declined."""
        return read_line(self._process)


@contextlib.contextmanager
def relying_party(
    name: str, *, issuer: str, client_id: str, redirect_uri: str, **environment: str
) -> Iterator[RelyingParty]:
    """Run the script `name` against `issuer`; `environment` holds the other variables that its head explains."""
    variables = {"ISSUER": issuer, "CLIENT_ID": client_id, "REDIRECT_URI": redirect_uri, **environment}
    process = start_script(name, variables)
    try:
        yield RelyingParty(process)
    finally:
        stop(process)


openid_client = functools.partial(relying_party, "openid_client.mjs")
openid4vc = functools.partial(relying_party, "openid4vc.mjs")
oidc_client_ts = functools.partial(relying_party, "oidc_client_ts.mjs")


@contextlib.contextmanager
def openid_client_device(*, issuer: str, client_id: str, **environment: str) -> Iterator[Device]:
    """Run `openid_client_device.mjs` against `issuer`; `environment` holds the other variables that it explains."""
    process = start_script("openid_client_device.mjs", {"ISSUER": issuer, "CLIENT_ID": client_id, **environment})
    try:
        yield Device(process)
    finally:
        stop(process)


def openid_client_system(*, issuer: str, client_id: str, **environment: str) -> dict[str, Any]:
    """What `openid_client_system.mjs` got for itself; `PeerFailed` if it got nothing."""
    process = start_script("openid_client_system.mjs", {"ISSUER": issuer, "CLIENT_ID": client_id, **environment})
    try:
        return read_line(process)
    finally:
        stop(process)
