"""What the shipped nginx lets through to the provider, and what it answers itself."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from tests.oidc.certificates import Held, authority, issued
from tests.production.installed import CERTIFICATE_HOST, HOST, Site, site
from tests.servers import eventually

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Echo(BaseHTTPRequestHandler):
    """Tells what reached it, and at /authorize not before it is allowed to."""

    protocol_version = "HTTP/1.1"
    may_go_on = threading.Event()
    under_way: list[str] = []

    def do_GET(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/authorize":
            self.under_way.append(self.path)
            self.may_go_on.wait(30)
        told = json.dumps({"headers": self.headers.items(), "bytes": size}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass

    def address_string(self) -> str:
        return ""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def echo(at: Path) -> Iterator[None]:
    with Server(str(at), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            Echo.may_go_on.set()
            server.shutdown()
            thread.join()
            at.unlink()


@pytest.fixture(scope="module")
def root() -> Held:
    return authority("Root of this test")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, root: Held) -> Iterator[Site]:
    few = {"limit_conn motcua_beginning 600": "limit_conn motcua_beginning 2"}
    with site(tmp_path_factory.mktemp("n"), root, few) as found:
        yield found


@pytest.fixture
def upstream(place: Site) -> Iterator[None]:
    with echo(place.upstream):
        yield


def reached(answer: requests.Response) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer.text
    found: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        found.setdefault(name.lower().replace("_", "-"), []).append(value)
    return found


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize("host", [HOST, CERTIFICATE_HOST])
def test_nothing_that_only_a_proxy_may_say_comes_from_outside(place: Site, host: str) -> None:
    lies = {
        "X-Forwarded-For": "203.0.113.9", "X_Forwarded_For": "203.0.113.9", "Forwarded": "for=203.0.113.9",
        "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Client-Certificate": "forged",
        "X_Client_Certificate": "forged", "X-Request-Start": "t=1", "X_Request_Start": "t=1",
    }  # fmt: skip
    before = time.time()
    headers = reached(place.browser().get(f"https://{host}/jwks", headers=lies, timeout=30))
    assert headers["x-forwarded-for"] == ["127.0.0.1"] and headers["host"] == [host]
    assert not headers.keys() & {"forwarded", "x-forwarded-proto", "x-forwarded-host", "x-client-certificate"}
    (started,) = headers["x-request-start"]
    assert before - 1 < float(started.removeprefix("t=")) < time.time() + 1


@pytest.mark.usefixtures("upstream")
def test_a_certificate_is_handed_on_where_it_is_asked_for_and_nowhere_else(
    place: Site, root: Held, tmp_path: Path
) -> None:
    for held in (issued(root), issued(), issued(authority("of nobody's"))):
        with place.browser(held.files(tmp_path)) as browser:
            (told,) = reached(browser.get(f"https://{CERTIFICATE_HOST}/jwks", timeout=30))["x-client-certificate"]
            assert unquote(told).strip() == held.pem.decode().strip()
            assert "x-client-certificate" not in reached(browser.get(f"https://{HOST}/jwks", timeout=30))


def test_http_2_is_spoken_and_to_no_name_but_ours(place: Site) -> None:
    assert place.handshake(HOST, "h2", "http/1.1") == place.handshake(CERTIFICATE_HOST, "h2", "http/1.1") == "h2"
    for name in ("other.example.vn", None):
        with pytest.raises(ssl.SSLError):
            place.handshake(name, "http/1.1")


@pytest.mark.usefixtures("upstream")
def test_bodies_are_as_long_as_the_provider_would_take_them(place: Site) -> None:
    with place.browser() as browser:
        for path, size, status in (
            ("/token", 60_000, 200), ("/token", 70_000, 413),
            ("/callback/tax", 500_000, 200), ("/callback/tax", 600_000, 413),
        ):  # fmt: skip
            answer = browser.post(f"https://{HOST}{path}", data=b"x" * size, timeout=30)
            assert answer.status_code == status
            assert status == 413 or answer.json()["bytes"] == size


@pytest.mark.usefixtures("upstream")
def test_metrics_are_for_this_machine_and_not_for_the_host_of_certificates(place: Site) -> None:
    with place.browser() as browser:
        for path in ("/metrics", "/health/ready"):
            assert browser.get(f"https://{HOST}{path}", timeout=30).status_code == 200
            assert browser.get(f"https://{CERTIFICATE_HOST}{path}", timeout=30).status_code == 404
    assert "allow 127.0.0.1;\n        allow ::1;\n        deny all;" in (place.home / "nginx.conf").read_text()


def test_while_the_provider_is_away_a_person_gets_a_page_and_a_program_json(tmp_path: Path, root: Held) -> None:
    with site(tmp_path, root) as place, place.browser() as browser:
        page = browser.get(f"https://{HOST}/authorize?x=1", headers=PAGE, timeout=30)
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert "Bạn không mất gì cả" in page.text and "Nothing is lost" in page.text
        told = browser.post(f"https://{HOST}/token", data={"a": "b"}, timeout=30)
        assert (told.status_code, told.json()["error"]) == (503, "temporarily_unavailable")
        for answer in (page, told):
            assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("5", "no-store")
        assert "[warn]" not in (place.home / "error.log").read_text(), "nginx has nothing to remark on our files"


@pytest.mark.usefixtures("upstream")
def test_with_too_many_beginnings_under_way_those_in_the_middle_get_through(place: Site) -> None:
    Echo.may_go_on.clear()
    Echo.under_way.clear()
    address, answers = f"https://{HOST}/authorize", list[int]()

    def begin() -> None:
        answers.append(place.browser().get(address, timeout=60).status_code)

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(Echo.under_way) == 2)
    with place.browser() as browser:
        assert browser.get(address, headers=PAGE, timeout=30).status_code == 503
        assert browser.post(f"https://{HOST}/token", data={"a": "b"}, timeout=30).status_code == 200
    Echo.may_go_on.set()
    for thread in threads:
        thread.join()
    assert answers == [200, 200]


def test_whoever_speaks_without_tls_is_sent_to_where_there_is_some(place: Site) -> None:
    text = (place.home / "nginx.conf").read_text()
    port = int(text.partition("default_server;\n    return 308")[0].rpartition("127.0.0.1:")[2].split()[0])
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        plain.sendall(b"GET /authorize?a=b HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        answer = plain.makefile("rb").read()
    assert b"308" in answer.split(b"\r\n")[0]
    assert b"Location: https://dangnhap.example.vn/authorize?a=b\r\n" in answer
