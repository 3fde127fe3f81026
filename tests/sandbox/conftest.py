"""Each kind of source over a real socket, in a thread, with one registered client that this test suite plays."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from connectors.sandbox.app import create_app
from connectors.sandbox.settings import from_environment
from tests.quiet import Quiet
from tests.sandbox.peer import BankPeer, Peer, RegisterPeer


@contextlib.contextmanager
def running(kind: str, clients_file: Path, *, host: str = "127.0.0.1", **more: str) -> Iterator[str]:
    """A source of this kind answers at the address that is given, as long as the block lasts."""
    server = make_server("127.0.0.1", 0, lambda _, __: (), threaded=True, request_handler=Quiet)
    issuer = f"http://{host}:{server.server_port}"
    environment = {
        "MOTCUA_MODE": "test",
        "SANDBOX_KIND": kind,
        "SANDBOX_ISSUER": issuer,
        "SANDBOX_CITIZENS": "300",
        "SANDBOX_CLIENTS_FILE": str(clients_file),
    }
    server.app = create_app(from_environment(environment | more))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _serving(kind: str, peer_class: type[Peer], directory: Path) -> Iterator[Peer]:
    clients_file = directory / f"{kind}.json"
    with running(kind, clients_file) as issuer, peer_class(issuer) as peer:
        clients_file.write_text(json.dumps([peer.registration()]), "utf-8")
        yield peer


@pytest.fixture(scope="session")
def _bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    yield from _serving("banking", BankPeer, tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def _register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    yield from _serving("population", RegisterPeer, tmp_path_factory.mktemp("register"))


def _as_new(peer: Peer) -> Peer:
    peer.forget_everything()
    return peer


@pytest.fixture
def bank(_bank: BankPeer) -> Peer:
    """A client of the bank, in a new browser, at a bank that tells the truth."""
    return _as_new(_bank)


@pytest.fixture
def register(_register: RegisterPeer) -> Peer:
    """A client of the population register, likewise."""
    return _as_new(_register)


@pytest.fixture(params=["bank", "register"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """A client of each kind of source in turn."""
    found: Peer = request.getfixturevalue(request.param)
    return found
