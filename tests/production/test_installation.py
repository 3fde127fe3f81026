"""The whole of config/production at work: nginx, `idp serve` in mode production, PostgreSQL, Valkey; and a sign-on."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import jwt
import pytest
import requests

from idp import seal
from idp.clients import Registration
from idp.house import House, build
from idp.settings import load
from idp.storage import schema
from tests.cli.busy import handed_over
from tests.oidc.certificates import Held, authority, issued
from tests.production.installed import CERTIFICATE_HOST, FILES, HOST, Site, site, valkey
from tests.races.provider import said, sign_in
from tests.served import is_ready
from tests.servers import eventually, postgresql_url

__all__ = ["postgresql_url"]
ROOT = Path(__file__).parents[2]
BACK = "https://ministry.example.vn/callback"
PORTAL: dict[str, Any] = {
    "name_vi": "Bộ", "name_en": "Ministry", "home_url": "https://ministry.example.vn/", "redirect_uris": [BACK],
    "scopes": ["openid", "profile"], "sector": "ministry.example.vn",
}  # fmt: skip
SYSTEM: dict[str, Any] = {
    "name_vi": "Thuế", "name_en": "Tax", "home_url": "https://tax.example.vn/", "redirect_uris": [],
    "sector": "tax.example.vn", "grant_types": ["client_credentials"], "api_scopes": ["tax.read"],
    "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=cổng,O=Sở Tư pháp\\, tỉnh,C=VN",
    "tls_client_certificate_bound_access_tokens": True,
}  # fmt: skip


@dataclass(frozen=True)
class Installation:
    house: House
    site: Site
    root: Held
    secret: str
    process: subprocess.Popen[bytes]

    def at(self, path: str, host: str = HOST) -> str:
        return f"https://{host}{path}"


@pytest.fixture
def installation(tmp_path: Path, postgresql_url: str) -> Iterator[Installation]:
    root, home = authority("Root of this test"), tmp_path / "n"
    home.mkdir()
    with ExitStack() as stack:
        short_lived = stack.enter_context(valkey(tmp_path))
        places = {
            "database_url": postgresql_url, "short_lived_url": f"unix://{short_lived}",
            "master_keys_file": str(tmp_path / "master.keys"), "metrics_token_file": str(tmp_path / "metrics.token"),
            "client_certificate_authorities_file": str(home / "root.pem"),
        }  # fmt: skip
        (tmp_path / "metrics.token").write_text("t" * 43)
        (home / "root.pem").write_bytes(root.pem)
        seal.add_master_key(places["master_keys_file"])
        schema.upgrade(postgresql_url)
        house = build(load(str(FILES / "motcua.toml"), **places))
        stack.callback(house.database.engine.dispose)
        house.keys.ensure()
        with house.database.write() as tx:
            secret = house.clients.add(tx, "ministry", Registration(**PORTAL))
            house.clients.add(tx, "tax", Registration(**SYSTEM))
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "IDP_CONFIG": str(FILES / "motcua.toml")}
        environment |= {f"IDP_{name.upper()}": value for name, value in places.items()}
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(home / "serve.sock"))
        listening.listen(100)
        command = [sys.executable, "-c", "from idp.cli import main; main()", "serve", "--workers", "2"]
        process = stack.enter_context(handed_over(listening, command, environment, tmp_path / "log"))
        eventually(lambda: process.poll() is not None or is_ready(str(home / "serve.sock")), 120)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield Installation(house, stack.enter_context(site(home, root)), root, secret or "", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def signed_on(installation: Installation, browser: requests.Session) -> dict[str, Any]:
    """Somebody who is signed in comes from the portal, which redeems what they bring; its id_token, verified."""
    house, verifier = installation.house, secrets.token_urlsafe(48)
    client = house.clients.find("ministry")
    assert client is not None
    citizen = sign_in(house, said(secrets.randbelow(10**12)), _Known("ministry"))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode({
        "response_type": "code", "client_id": "ministry", "redirect_uri": BACK, "scope": "openid profile",
        "state": "s", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
    })  # fmt: skip
    answer = browser.get(
        installation.at(f"/authorize?{query}"), headers={"Cookie": f"__Host-session={citizen.cookie}"},
        allow_redirects=False, timeout=30,
    )  # fmt: skip
    assert answer.status_code == 303 and answer.headers["Location"].startswith(BACK), answer.text
    told = parse_qs(urlsplit(answer.headers["Location"]).query)
    form = {
        "grant_type": "authorization_code",
        "code": told["code"][0],
        "redirect_uri": BACK,
        "code_verifier": verifier,
    }
    tokens = browser.post(installation.at("/token"), form, auth=("ministry", installation.secret), timeout=30).json()
    authorization = {"Authorization": f"Bearer {tokens['access_token']}"}
    claims = browser.get(installation.at("/userinfo"), headers=authorization, timeout=30).json()
    keys = jwt.PyJWKSet.from_json(browser.get(installation.at("/jwks"), timeout=30).text)
    id_token: dict[str, Any] = jwt.decode(
        tokens["id_token"], keys[jwt.get_unverified_header(tokens["id_token"])["kid"]],
        algorithms=["RS256", "ES256"], audience="ministry", issuer=f"https://{HOST}",
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )  # fmt: skip
    assert claims["sub"] == id_token["sub"] and claims["name"] == "Nguyễn Thị Mai Anh"
    return id_token


@dataclass(frozen=True)
class _Known:
    """As much of a portal as signing somebody in needs."""

    id: str
    secret: str = ""
    redirect_uri: str = BACK


def test_a_sign_on_and_a_system_with_a_certificate_get_through(installation: Installation, tmp_path: Path) -> None:
    with installation.site.browser() as browser:
        assert signed_on(installation, browser)["nonce"] == "n"
    form = {"grant_type": "client_credentials", "scope": "tax.read", "client_id": "tax"}
    held = issued(installation.root)
    with installation.site.browser(held.files(tmp_path)) as system:
        let_in = system.post(installation.at("/token", CERTIFICATE_HOST), form, timeout=30)
        assert let_in.status_code == 200, let_in.text
        assert system.post(installation.at("/token"), form, timeout=30).status_code == 401, "only at the other host"
    forged = {name: quote(held.pem.decode()) for name in ("X-Client-Certificate", "X_Client_Certificate")}
    with installation.site.browser() as liar:
        for host in (HOST, CERTIFICATE_HOST):
            refused = liar.post(installation.at("/token", host), form, headers=forged, timeout=30)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    foreign = issued(authority("Somebody else's"))
    with installation.site.browser(foreign.files(tmp_path)) as other:
        assert other.post(installation.at("/token", CERTIFICATE_HOST), form, timeout=30).status_code == 401


def test_a_reload_behind_nginx_loses_no_request(installation: Installation) -> None:
    """Nor those that nginx would not send again: a POST on a connection that is just being closed."""
    answers, over = Counter[int](), threading.Event()
    children = Path(f"/proc/{installation.process.pid}/task/{installation.process.pid}/children")
    before = set(children.read_text().split())

    def ask() -> None:
        with installation.site.browser() as browser:
            while not over.is_set():
                form = {"grant_type": "authorization_code", "client_id": f"nobody-{len(answers)}"}
                answers[browser.post(installation.at("/token"), form, timeout=60).status_code] += 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: answers[401] > 50)
        installation.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(before & set(children.read_text().split())) <= 1, 180)  # multiprocessing's own stays
        so_far = answers.total()
        eventually(lambda: answers.total() > so_far + 50)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert answers.keys() <= {401, 429}, "429: that nobody fails too often"


def test_the_settings_say_nothing_that_is_so_by_default() -> None:
    """What stands in two places is one day said in two ways."""
    ours = tomllib.loads((FILES / "motcua.toml").read_text("utf-8"))
    usual = tomllib.loads((ROOT / "config" / "default.toml").read_text("utf-8"))
    same = [name for name, value in ours.items() if value == usual[name] and name != "mode"]
    assert same == []
