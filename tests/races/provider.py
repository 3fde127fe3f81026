"""The provider as it runs: granian's worker processes on a database of its own, with portals and signed-in people.

What is seeded is seeded through the product's own code, in this process, on the same database.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from idp import clock, seal
from idp.broker.visits import TRIES_AT_ONE_PERSON
from idp.clients import Registration
from idp.house import House, build
from idp.people.claims import CLAIMS
from idp.sessions import SignedIn
from idp.settings import load
from idp.storage.database import Conflict
from tests.served import is_ready

ROOT = Path(__file__).parent.parent.parent
START_LIMIT_SECONDS = 120  # a busy laptop takes long to start five processes
PORTS = (20_000, 32_000)  # below those that the system gives to outgoing connections


@dataclass(frozen=True)
class Portal:
    id: str
    secret: str  # "": it has none
    redirect_uri: str


@dataclass(frozen=True)
class Citizen:
    """A person who is signed in, and was told about the portals."""

    person_id: bytes
    session_id: bytes
    cookie: str


@dataclass
class Provider:
    """A running provider, and its rooms as this process sees them over the same database."""

    port: int
    house: House
    process: subprocess.Popen[bytes]

    @property
    def issuer(self) -> str:
        return self.house.settings.issuer

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers that run now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split() if b"resource_tracker" not in _command_of(int(pid))]

    def portal(self, portal_id: str, **registration: Any) -> Portal:
        base = f"http://{portal_id}.localhost:9"
        given: dict[str, Any] = {
            "name_vi": portal_id, "name_en": portal_id, "home_url": base, "redirect_uris": [f"{base}/callback"],
            "scopes": ["openid", "profile"], "sector": f"{portal_id}.localhost",
            "id_token_signed_response_alg": "ES256",
        } | registration  # fmt: skip
        with self.house.database.write() as tx:
            secret = self.house.clients.add(tx, portal_id, Registration(**given))
        return Portal(portal_id, secret or "", f"{base}/callback")

    def citizens(self, number: int, *portals: Portal) -> list[Citizen]:
        return [sign_in(self.house, said(secrets.randbelow(10**12)), *portals) for _ in range(number)]

    def is_ready(self) -> bool:
        return is_ready(("127.0.0.1", self.port), patience_seconds=5)


def said(number: int, **changes: Any) -> Assertion:
    """What a source says of the person with this number.

    All have one name: neighbours have other birthdays, so that no number looks like a slip in another's.
    """
    told: dict[str, Any] = {
        "issuer": "http://population.localhost", "subject": f"subject of {number}",
        "name": Name(full="Nguyễn Thị Mai Anh", family="Nguyễn", middle="Thị Mai", given="Anh"),
        "proofing": 3, "authentication": 3, "auth_time": clock.now(), "means": ("pwd", "otp"),
        "evidence": hashlib.sha256(str(number).encode()).digest(),
        "identifiers": (Identifier(type=IdentifierType.PERSONAL_NUMBER, value=f"{number:012}"),),
        "birth_date": BirthDate(year=1992, month=1 + number // 28 % 12, day=1 + number % 28, as_sent="as sent"),
    }  # fmt: skip
    return Assertion(**(told | changes))


def sign_in(house: House, assertion: Assertion, *portals: Portal, source: str = "population") -> Citizen:
    """The person has a session, in one commit; raises Conflict if another sign-in made them at the same moment."""
    with house.database.write() as tx:
        person = house.people.recognise(tx, assertion, source, 3).person
        signed_in = SignedIn(
            person_id=person.id, source_id=source, source_kind=source, level=3, amr=assertion.means,
            auth_time=int(assertion.auth_time.timestamp()),
        )  # fmt: skip
        session_id, cookie = house.sessions.open(tx, None, signed_in)
        for portal in portals:
            client = house.clients.find(portal.id)
            assert client is not None
            house.people.keep_told(
                tx, person_id=person.id, client_id=client.id, sector=client.sector,
                claim_names=[claim.name for claim in CLAIMS], agreed=False,
            )  # fmt: skip
    return Citizen(person.id, session_id, cookie)


def patiently(house: House, assertion: Assertion, source: str) -> Citizen:
    """Signs the person in as the journey does: what collides with another's sign-in is done again. Raises Refused."""
    for _ in range(TRIES_AT_ONE_PERSON):
        try:
            return sign_in(house, assertion, source=source)
        except Conflict:
            continue
    raise AssertionError("as often as the journey tries was not enough")


@contextlib.contextmanager
def provider(
    directory: Path, database_url: str, short_lived_url: str = "database", *, workers: int = 4, threads: int = 4,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Provider]:  # fmt: skip
    """A running provider on a database that has its tables; nothing of it runs on when the block has ended."""
    port, master_keys = free_port(), directory / "master.keys"
    seal.add_master_key(str(master_keys))
    house = build(
        load(
            mode="test", issuer=f"http://idp.localhost:{port}", database_url=database_url,
            short_lived_url=short_lived_url, master_keys_file=str(master_keys), log_level="ERROR",
            outbound={"allow_loopback": True},
        )
    )  # fmt: skip
    house.keys.ensure()
    try:
        with _serving(house, port, directory, workers, threads, variables or {}) as running:
            yield running
    finally:
        house.database.engine.dispose()


@contextlib.contextmanager
def beside(running: Provider, directory: Path) -> Iterator[Provider]:
    """Another machine of the same provider, of the same name and on the same database, which listens elsewhere."""
    with _serving(running.house, free_port(), directory, 1, 4, {}) as another:
        yield another


@contextlib.contextmanager
def _serving(
    house: House, port: int, directory: Path, workers: int, threads: int, variables: Mapping[str, str]
) -> Iterator[Provider]:
    settings, written = house.settings, directory / f"provider-{port}.log"
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "IDP_MODE": "test", "IDP_ISSUER": settings.issuer,
        "IDP_DATABASE_URL": settings.database_url, "IDP_SHORT_LIVED_URL": settings.short_lived_url,
        "IDP_LOG_LEVEL": "ERROR", "IDP_MASTER_KEYS_FILE": str(settings.master_keys_file),
        "IDP_OUTBOUND__ALLOW_LOOPBACK": "true",
    } | dict(variables)  # fmt: skip
    with written.open("wb") as log:
        process = subprocess.Popen(
            _command(port, workers, threads), cwd=directory, env=environment, stdout=log, stderr=log
        )
    running = Provider(port, house, process)
    try:
        _await_start(running, workers, written)
        yield running
    finally:
        _stop(running)


def _command(port: int, workers: int, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)),
        *("--respawn-failed-workers", "--respawn-interval", "0.2", "--log-level", "warning", "idp.serve:app"),
    ]


def _await_start(running: Provider, workers: int, log: Path) -> None:
    until = time.monotonic() + START_LIMIT_SECONDS
    while not (running.is_ready() and len(running.workers) == workers):
        if running.process.poll() is not None or time.monotonic() > until:
            raise AssertionError(f"the provider did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _stop(running: Provider) -> None:
    workers = running.workers if running.process.poll() is None else []
    running.process.terminate()
    try:
        running.process.wait(START_LIMIT_SECONDS / 2)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()
    for pid in workers:  # none is left unless the parent had to be killed
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def free_port() -> int:
    import random
    import socket

    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
