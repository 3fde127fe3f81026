"""The worker: what was committed leaves, at least once, and never twice at the same moment; what is old goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import time_machine
from sqlalchemy.engine import make_url

from idp import seal
from idp.clients import Registration
from idp.house import House, build
from idp.sessions import LOGOUT_NOTICE
from idp.settings import Settings, load
from idp.storage import Database, schema
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from idp.storage.outbox import CLAIM_SECONDS
from idp.worker import Worker
from tests.servers import database_url, eventually, postgresql_url, tell
from tests.world import listening

__all__ = ["database_url", "postgresql_url"]

ROOT = Path(__file__).resolve().parent.parent
FIRST_RETRY_SECONDS = 8
ATTEMPTS = 4


@dataclass
class Listener:
    """A portal's back channel: what it was told, and how it answers."""

    url: str
    status: int = 200
    slow_seconds: float = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    at_once: int = 0  # the most deliveries of one message that were under way at the same time

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        token = jwt.decode(form["logout_token"][0], options={"verify_signature": False})
        self.told.append(token)
        self.under_way[token["sid"]] += 1
        self.at_once = max(self.at_once, self.under_way[token["sid"]])
        time.sleep(self.slow_seconds)
        self.under_way[token["sid"]] -= 1
        start(f"{self.status} As it is", [("Content-Length", "0")])
        return [b""]


@dataclass
class Office:
    """A provider without pages: its rooms, one portal that listens, and as many workers as a test wants."""

    settings: Settings
    house: House
    portal: Listener

    def notice(self, sid: str = "00", house: House | None = None) -> None:
        """The portal is owed one message."""
        house = house or self.house
        with house.database.write() as tx:
            house.outbox.add(tx, LOGOUT_NOTICE, {"client_id": "tax", "sub": "abc", "sid": sid, "session_id": "00"})

    def worker(self) -> Worker:
        """A worker as another machine would have it."""
        return Worker(build(self.settings))

    def events(self) -> list[str]:
        return [event["event"] for event in self.house.audit.export()]


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with office_at(database_url, tmp_path) as found:
        yield found


@contextmanager
def office_at(url: str, directory: Path) -> Iterator[Office]:
    seal.add_master_key(str(directory / "master.keys"))
    schema.upgrade(url)
    settings = load(
        mode="test", issuer="http://idp.localhost:8400", database_url=url, log_level="ERROR",
        master_keys_file=str(directory / "master.keys"), outbound={"allow_loopback": True},
        outbox={"attempts": ATTEMPTS, "first_retry_seconds": FIRST_RETRY_SECONDS},
    )  # fmt: skip
    house = build(settings)
    house.keys.ensure()
    with listening("tax.localhost") as (address, server):
        server.app = portal = Listener(f"{address}/logout")
        registration = Registration(
            name_vi="Cổng thuế", name_en="Tax portal", home_url=f"{address}/", redirect_uris=(f"{address}/callback",),
            backchannel_logout_uri=portal.url, sector="tax.localhost",
        )  # fmt: skip
        with house.database.write() as tx:
            house.clients.add(tx, "tax", registration)
        yield Office(settings, house, portal)
    house.database.engine.dispose()


both_engines = pytest.mark.both_engines


@both_engines
def test_a_message_leaves_when_its_commit_is_done_and_not_before(office: Office) -> None:
    worker = office.worker()
    with office.house.database.write() as tx:
        office.house.outbox.add(tx, LOGOUT_NOTICE, {"client_id": "tax", "sub": "abc", "sid": "0a", "session_id": "00"})
        if not office.house.database.is_sqlite:  # where nobody else can even look while somebody writes
            worker.send()
        assert office.portal.told == []
    worker.send()
    assert [(token["sid"], token["sub"], token["aud"]) for token in office.portal.told] == [("0a", "abc", "tax")]
    worker.send()
    assert len(office.portal.told) == 1
    assert office.house.outbox.states() == {"done": 1}
    assert office.events() == ["logout_delivered"]


@both_engines
def test_a_message_whose_commit_is_undone_never_leaves(office: Office) -> None:
    def undone() -> None:
        with office.house.database.write() as tx:
            office.house.outbox.add(
                tx, LOGOUT_NOTICE, {"client_id": "tax", "sub": "abc", "sid": "0a", "session_id": "00"}
            )
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        undone()
    office.worker().send()
    assert office.portal.told == []
    assert office.house.outbox.states() == {}


@both_engines
def test_a_portal_that_fails_is_asked_again_after_growing_pauses_and_then_given_up(office: Office) -> None:
    office.portal.status = 503
    worker = office.worker()
    with time_machine.travel("2030-03-01T08:00:00Z", tick=False) as clock:
        office.notice()
        worker.send()
        for tries in range(1, ATTEMPTS):
            assert len(office.portal.told) == tries
            pause = FIRST_RETRY_SECONDS * 2 ** (tries - 1)
            clock.shift(pause - 1)
            worker.send()
            assert len(office.portal.told) == tries
            clock.shift(1 + pause / 4)  # up to a quarter is chance, so that not all come back at once
            worker.send()
        assert len(office.portal.told) == ATTEMPTS
        assert office.events() == ["logout_given_up"]
        assert office.house.outbox.states() == {"given_up": 1}
        clock.shift(86_400)
        worker.send()
    assert len(office.portal.told) == ATTEMPTS
    assert len({token["jti"] for token in office.portal.told}) == ATTEMPTS  # a fresh token at every try


@both_engines
def test_a_portal_that_recovers_is_told(office: Office) -> None:
    office.portal.status = 500
    worker = office.worker()
    with time_machine.travel("2030-03-01T08:00:00Z", tick=False) as clock:
        office.notice()
        worker.send()
        office.portal.status = 204
        clock.shift(2 * FIRST_RETRY_SECONDS)
        worker.send()
    assert office.house.outbox.states() == {"done": 1}
    assert office.events() == ["logout_delivered"]


@both_engines
def test_many_workers_never_have_the_same_message_at_once(office: Office) -> None:
    office.portal.slow_seconds = 0.02
    sids = [f"{number:02x}" for number in range(24)]
    for sid in sids:
        office.notice(sid)
    with at_work(office.worker()), at_work(office.worker()):
        eventually(lambda: office.house.outbox.states() == {"done": len(sids)})
    assert sorted(token["sid"] for token in office.portal.told) == sids
    assert office.portal.at_once == 1


@both_engines
def test_what_a_killed_worker_had_claimed_another_sends(office: Office, tmp_path: Path) -> None:
    office.portal.slow_seconds = 3
    office.notice("0b")
    with process(office.settings) as doomed:
        eventually(lambda: office.portal.told)
        doomed.kill()
        doomed.wait()
    office.portal.slow_seconds = 0
    other = office.worker()
    other.send()
    assert len(office.portal.told) == 1  # until the claim ends nobody else has it
    with time_machine.travel(time.time() + CLAIM_SECONDS + 1):
        other.send()
    assert [token["sid"] for token in office.portal.told] == ["0b", "0b"]
    assert office.house.outbox.states() == {"done": 1}


def test_what_is_being_sent_is_sent_before_a_worker_ends(office: Office) -> None:
    office.portal.slow_seconds = 1
    office.notice()
    with process(office.settings) as worker:
        eventually(lambda: office.portal.told)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert office.house.outbox.states() == {"done": 1}
    assert len(office.portal.told) == 1


def test_a_message_that_nobody_can_handle_holds_up_no_other(office: Office) -> None:
    with office.house.database.write() as tx:
        office.house.outbox.add(tx, "carrier pigeon", {})
    office.notice()
    with at_work(office.worker()):
        eventually(lambda: office.house.outbox.states() == {"done": 1, "waiting": 1})


def test_a_database_that_went_away_is_waited_for(postgresql_url: str, tmp_path: Path) -> None:
    url = make_url(postgresql_url)
    server = url.set(database="postgres")
    with office_at(postgresql_url, tmp_path) as office, at_work(office.worker()) as thread:
        office.notice("01")
        eventually(lambda: len(office.portal.told) == 1)
        tell(server, f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        tell(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'")
        eventually(lambda: meets_a_closed_door(office.settings))
        assert thread.is_alive()
        tell(server, f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')
        office.notice("02", house=build(office.settings))
        eventually(lambda: {token["sid"] for token in office.portal.told} == {"01", "02"})


def meets_a_closed_door(settings: Settings) -> bool:
    try:
        Database(make_engine(settings.database_url)).check()
    except Unreachable:
        return True
    return False


@contextmanager
def at_work(worker: Worker) -> Iterator[threading.Thread]:
    """The worker runs, until the block ends."""
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join()


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`idp worker` as a process of its own, with these settings."""
    given = {f"IDP_{name.upper()}": value for name, value in settings.model_dump(mode="json").items()}
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    command = [sys.executable, "-c", "from idp.cli import main; main()", "worker"]
    worker = subprocess.Popen(command, env=os.environ | told | {"PYTHONPATH": str(ROOT)}, cwd="/")
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
