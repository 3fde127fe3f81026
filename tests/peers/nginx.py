"""The real nginx, as it stands before a provider: it ends TLS, and tells in a header whose certificate it has seen.

It trusts no authority by itself (`optional_no_ca`): the handshake proves that the browser has the key, and who may sign
in with it is for whoever reads the header. What a browser sends under that name is overwritten or dropped.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.peers import PeerFailed

HEADER = "X-Client-Certificate"
START_LIMIT_SECONDS = 60

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {home}/server.pem;
        ssl_certificate_key {home}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_verify_client optional_no_ca;
        proxy_set_header Host {host};
        proxy_set_header {header} $ssl_client_escaped_cert;
        location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
        # Of a certificate that has run out it would say so itself, on a page that helps nobody.
        error_page 495 = @provider;
        location @provider {{ proxy_pass http://127.0.0.1:{upstream}; }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Terminator:
    """nginx, where it listens, and what a client must trust to speak to it."""

    url: str
    trusted: Path

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.trusted))


def program() -> str:
    """Where nginx is: Debian keeps it where only root's PATH leads."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise PeerFailed("install nginx: these tests look at a real TLS terminator (apt-get install nginx-light)")
    return found


@contextlib.contextmanager
def terminator(home: Path, upstream_port: int, host: str = "$host") -> Iterator[Terminator]:
    """nginx before the server at this port of ours, as long as the block lasts; `home` is an empty folder.

    `host` is what it says that the request was for, in place of what the client wrote.
    """
    _write_server_certificate(home)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        text = _CONFIGURATION.format(home=home, port=port, upstream=upstream_port, header=HEADER, host=host)
        (home / "nginx.conf").write_text(text)
        # It takes over our open socket, as at its own upgrade, so that nobody else can have taken the port meanwhile.
        process = subprocess.Popen(
            [program(), "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")],
            env={"PATH": os.environ["PATH"], "NGINX": f"{listening.fileno()};"},
            pass_fds=(listening.fileno(),),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_it_answers(process, port, home)
            yield Terminator(url=f"https://127.0.0.1:{port}", trusted=home / "server.pem")
        finally:
            process.terminate()
            process.wait(timeout=START_LIMIT_SECONDS)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, home: Path) -> None:
    """Returns after a first handshake: the socket alone takes connections before nginx is there."""
    context = ssl.create_default_context(cafile=str(home / "server.pem"))
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while True:
        if process.poll() is not None:
            raise PeerFailed((home / "error.log").read_text())
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1"),
            ):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise PeerFailed("nginx did not answer") from None


def _write_server_certificate(home: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a provider in a test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    certificate = builder.sign(key, hashes.SHA256())
    (home / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / "server.key").write_bytes(private)
