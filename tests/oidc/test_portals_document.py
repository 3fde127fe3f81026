"""What docs/portals.md promises: its lines are taken from it as they stand, run, and somebody signs in with them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from idp.clients import Registration
from tests import peers
from tests.node import node
from tests.oidc.residents import fresh_name
from tests.peers import PeerFailed
from tests.races.provider import free_port
from tests.world import CITIZEN, Browser, Portal, World

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "portals.md").read_text("utf-8")
RUN = {"Flask": "python", "Django": "python", "Node with openid-client": "js", "Node with express-openid-connect": "js"}
START_LIMIT_SECONDS = 60


def lines_for(title: str, language: str) -> str:
    """What stands in the one block of that language below this heading."""
    section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", DOCUMENT, re.S | re.M)
    assert section is not None, title
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", section[1], re.S | re.M)
    return str(found)


def command(title: str, port: int, folder: Path) -> list[str]:
    if RUN[title] == "python":
        file = folder / "portal.py"
        file.write_text(lines_for(title, "python"), "utf-8")
        return [sys.executable, str(ROOT / "tests" / "peers" / "documented.py"), str(file), str(port)]
    home = peers.script("localhost.mjs").parent  # beside the packages, so that the lines find them
    file = home / f"portal-{secrets.token_hex(6)}.mjs"
    file.write_text(lines_for(title, "js"), "utf-8")
    return [node(), "--import", (home / "localhost.mjs").as_uri(), str(file)]


@contextlib.contextmanager
def running(title: str, portal: Portal, base: str, port: int, folder: Path) -> Iterator[None]:
    arguments = command(title, port, folder)
    environment = {
        "PATH": os.environ["PATH"], "ISSUER": portal.world.issuer, "CLIENT_ID": portal.id, "BASE_URL": base,
        "CLIENT_SECRET": str(portal.secret), "SESSION_SECRET": secrets.token_urlsafe(32), "PORT": str(port),
        "NODE_NO_WARNINGS": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (folder / "portal.log").open("wb") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        await_start(process, port, folder / "portal.log")
        yield
    finally:
        process.terminate()
        process.wait(START_LIMIT_SECONDS)
        if RUN[title] == "js":
            Path(arguments[-1]).unlink()


def await_start(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_LIMIT_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > until:
            raise PeerFailed(log.read_text())
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/", headers={"Host": f"portal.localhost:{port}"}, timeout=30)
            return
        time.sleep(0.05)


@pytest.mark.parametrize("title", RUN)
def test_somebody_signs_in_with_the_lines_of_the_document(
    country: World, browser: Browser, tmp_path: Path, title: str
) -> None:
    name, port = fresh_name("portal"), free_port()
    base = f"http://{name}.localhost:{port}"
    portal = country.portal(
        name, home_url=f"{base}/", redirect_uris=[f"{base}/callback"], post_logout_redirect_uris=[base]
    )
    with running(title, portal, base, port, tmp_path):
        assert shown(browser, base) == {}
        page = browser.open(f"{base}/login")
        for _ in range(4):
            if page.url.startswith(base):
                break
            page = browser.follow(browser.step(page, portal, citizen=CITIZEN, source="population"))
        log = (tmp_path / "portal.log").read_text()
        assert page.url.startswith(base), f"{page.status} {page.url}\n{page.html[:1000]}\n{log}"
        person = shown(browser, base)
    assert (person["name"], person["acr"][:3]) == ("Trần Minh Quân", "LoA"), person
    assert person["iss"] == country.issuer and len(person["sub"]) >= 20


@pytest.mark.parametrize("title", RUN)
def test_an_answer_that_nobody_asked_for_signs_nobody_in(
    country: World, browser: Browser, tmp_path: Path, title: str
) -> None:
    name, port = fresh_name("portal"), free_port()
    base = f"http://{name}.localhost:{port}"
    portal = country.portal(name, home_url=f"{base}/", redirect_uris=[f"{base}/callback"])
    with running(title, portal, base, port, tmp_path):
        answer = browser.get(f"{base}/callback?code=stolen&state=guessed&iss={country.issuer}")
        assert answer.status >= 400, answer.html
        assert shown(browser, base) == {}


def shown(browser: Browser, base: str) -> dict[str, Any]:
    """Whom the portal has signed in, as its first page says."""
    said: dict[str, Any] = json.loads(browser.get(f"{base}/").html)
    return said


def test_what_the_operator_is_told_to_register_can_be_registered() -> None:
    described, *_ = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.S | re.M)
    given = json.loads(described)
    assert given.pop("id") == "library"
    assert Registration(**given).redirect_uris == ("https://library.example.vn/callback",)


def test_the_readme_leads_there() -> None:
    assert "(docs/portals.md)" in (ROOT / "README.md").read_text("utf-8")
