"""Two portals served by granian, and the providers they sign in with: an honest, independent one and a crooked one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from relying_party_demo.app import create_app
from relying_party_demo.settings import read_settings
from tests import peers
from tests.peers.crooked_provider import CrookedProvider, SigningKey, crooked_provider
from tests.peers.visitor import Page, Visitor

START_LIMIT_SECONDS = 60
ACCOUNTS = {
    "lan": {
        "name": "Nguyễn Thị Lan",
        "family_name": "Nguyễn",
        "given_name": "Lan",
        "birthdate": "1990-03-15",
        "email": "lan@example.vn",
        "email_verified": True,
        "address": {"locality": "Đà Lạt", "country": "VN"},
        "source_kind": "banking",
    },
    "minh": {"name": "Trần Văn Minh", "source_kind": "population", "max_acr": "LoA2"},
}
SERVICES = {
    "ministry": [
        {
            "id": "driving-licence",
            "name_vi": "Đổi giấy phép lái xe",
            "name_en": "Renew a driving licence",
            "level": "LoA2",
        }
    ],
    "province": [
        {"id": "birth", "name_vi": "Đăng ký khai sinh", "name_en": "Register a birth", "level": "LoA1"},
        {"id": "land", "name_vi": "Đăng ký đất đai", "name_en": "Register land", "level": "LoA3"},
        {
            "id": "licence",
            "name_vi": "Xin giấy phép",
            "name_en": "Ask for a licence",
            "level": "LoA2",
            "organisation": True,
        },
    ],
}
LEVELS = {"ministry": "LoA2", "province": "LoA1"}


@dataclass(frozen=True)
class Portal:
    base: str
    issuer: str
    client_id: str
    folder: Path

    def at(self, path: str) -> str:
        return self.base + path

    def sign_in(self, visitor: Visitor, account: str = "lan", *, at: str = "/sign-in", acr: str = "") -> Page:
        """Sign in by the provider's form and come back to the page that the portal shows then."""
        form = visitor.open(self.at(at))
        return visitor.submit(form, {"account": account, "acr": acr, "decision": "sign-in"})


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def portal_environment(folder: Path, look: str, base: str, issuer: str) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client-secret").write_text(f"secret-of-the-{look}\n")
    return {
        "MOTCUA_MODE": "test",
        "PORTAL_NAME_VI": "Cổng dịch vụ Bộ Giao thông" if look == "ministry" else "Cổng dịch vụ tỉnh Lâm Đồng",
        "PORTAL_NAME_EN": "Transport services" if look == "ministry" else "Lâm Đồng services",
        "PORTAL_LOOK": look,
        "PORTAL_BASE_URL": base,
        "PORTAL_ISSUER": issuer,
        "PORTAL_CLIENT_ID": f"{look}-portal",
        "PORTAL_CLIENT_SECRET_FILE": str(folder / "client-secret"),
        "PORTAL_SCOPE": "openid profile email address",
        "PORTAL_LEVEL": LEVELS[look],
        "PORTAL_SERVICES": json.dumps(SERVICES[look]),
        "PORTAL_SESSION_KEY_FILE": str(folder / "session-key"),
        "PORTAL_DATA": str(folder / "portal.sqlite3"),
    }


def registration(look: str, base: str) -> dict[str, Any]:
    return {
        "client_id": f"{look}-portal",
        "client_secret": f"secret-of-the-{look}",
        "redirect_uris": [f"{base}/callback"],
        "post_logout_redirect_uris": [f"{base}/signed-out"],
        "backchannel_logout_uri": f"{base}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "ES256" if look == "province" else "RS256",
        "subject_type": "pairwise",
    }


@contextlib.contextmanager
def serve(environment: dict[str, str], *, workers: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """The portal by granian, as in production; its output goes to `log` beside its data."""
    port = environment["PORTAL_BASE_URL"].rpartition(":")[2]
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port),
        *("--workers", str(workers), "--no-ws", "relying_party_demo.serve:app"),
    ]
    log_path = Path(environment["PORTAL_DATA"]).with_name("log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        _wait_until_healthy(environment["PORTAL_BASE_URL"], process, log_path)
        yield process
    finally:
        process.terminate()
        process.wait(START_LIMIT_SECONDS)


def _wait_until_healthy(base: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    visitor = Visitor()
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log_path.read_text()
        with contextlib.suppress(requests.ConnectionError):
            if visitor.get(f"{base}/health").html == "ok":
                return
        time.sleep(0.1)
    raise AssertionError(f"no answer from {base}: {log_path.read_text()}")


@dataclass(frozen=True)
class World:
    """The honest provider, its signing keys, and the two portals."""

    issuer: str
    keys: dict[str, SigningKey]
    ministry: Portal
    province: Portal


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("portals")
    keys = {alg: SigningKey.new(alg) for alg in ("RS256", "ES256")}
    bases = {look: f"http://{look}.localhost:{free_port()}" for look in ("ministry", "province")}
    with contextlib.ExitStack() as running:
        issuer = running.enter_context(
            peers.provider(
                clients=[registration(look, base) for look, base in bases.items()],
                accounts=ACCOUNTS,
                JWKS=json.dumps({"keys": [key.jwk(private=True) for key in keys.values()]}),
            )
        )
        portals = {}
        for look, base in bases.items():
            environment = portal_environment(folder / look, look, base, issuer)
            running.enter_context(serve(environment, workers=2))
            portals[look] = Portal(base, issuer, environment["PORTAL_CLIENT_ID"], folder / look)
        yield World(issuer, keys, portals["ministry"], portals["province"])


@pytest.fixture
def ministry(world: World) -> Portal:
    return world.ministry


@pytest.fixture
def province(world: World) -> Portal:
    return world.province


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def another_visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def crooked() -> Iterator[CrookedProvider]:
    with crooked_provider() as provider:
        yield provider


@dataclass
class Guest:
    """Somebody at a portal that runs in this process, whose provider is the crooked one."""

    browser: FlaskClient
    crooked: CrookedProvider
    environment: dict[str, str]

    def get(self, path: str) -> Page:
        return self._page(self.browser.get(path))

    def post(self, path: str, **fields: str) -> Page:
        return self._page(self.browser.post(path, data=fields))

    def _page(self, answer: Any) -> Page:
        return Page(answer.request.url, answer.status_code, answer.headers, answer.text)

    def come_back(self, path: str = "/sign-in") -> Page:
        """Begin a sign-in and come back with a code for which the provider answers as it has been told."""
        sent = query(self.get(path).location)
        self.crooked.client_id, self.crooked.nonce = sent["client_id"], sent["nonce"]
        answer = {"code": "any", "state": sent["state"], "iss": self.crooked.issuer}
        return self.get(f"/callback?{urlencode(answer)}")

    @property
    def signed_in(self) -> bool:
        return self.get("/").has("person")


@pytest.fixture
def guest(crooked: CrookedProvider, environment: Callable[..., dict[str, str]]) -> Guest:
    variables = environment(crooked.issuer)
    return Guest(create_app(read_settings(variables)).test_client(), crooked, variables)


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The environment of one more portal; where `issuer` is not given, nobody listens at its provider's address."""

    def build(issuer: str = "", look: str = "ministry") -> dict[str, str]:
        issuer = issuer or f"http://nobody.localhost:{free_port()}"
        return portal_environment(tmp_path / look, look, f"http://{look}.localhost:{free_port()}", issuer)

    return build
