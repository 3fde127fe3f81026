"""A server that sends exactly the bytes it is told to, and certificates for it."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Server:
    """Answers each request with the next of `answers`, the last one again and again; counts what it saw."""

    RESET = object()  # as an answer: the connection is reset instead

    def __init__(
        self, *answers: object, drip: bytes | None = None, pause_seconds: float = 0.0, close_after: bool = False,
        tls: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0,
    ) -> None:  # fmt: skip
        self._answers = answers
        self._drip, self._pause_seconds, self._close_after, self._tls = drip, pause_seconds, close_after, tls
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._closed = threading.Semaphore(0)
        self._open: set[socket.socket] = set()
        self.connections = 0
        self.requests: list[bytes] = []
        self.server_names: list[str] = []
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        self._listener = socket.create_server((address, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://bank.localhost:{self.port}{path}"

    def wait_until_closed(self) -> None:
        """Returns when one more connection than before has been closed by this side."""
        assert self._closed.acquire(timeout=10)

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        connection = plain
        with contextlib.suppress(OSError):
            try:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(plain, server_side=True)
                    with self._lock:
                        self._open.add(connection)
                while self._answer_one(connection):
                    pass
            finally:
                with self._lock:
                    self._open -= {plain, connection}
                connection.close()
                self._closed.release()

    def _answer_one(self, connection: socket.socket) -> bool:
        request = self._read(connection)
        if not request:
            return False
        with self._lock:
            self.requests.append(request)
            answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if not isinstance(answer, bytes):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        connection.sendall(answer)
        if self._drip is not None:
            while not self._ended.is_set():
                time.sleep(self._pause_seconds)
                connection.sendall(self._drip)
        return not self._close_after and b"\r\nConnection: close\r\n" not in answer

    def _read(self, connection: socket.socket) -> bytes:
        request = b""
        while b"\r\n\r\n" not in request and not request.startswith(b"\x16"):
            piece = connection.recv(65536)
            if not piece:
                return b""
            request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def _save(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.key").write_bytes(private)
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def new_authority(folder: Path) -> Path:
    """A certificate authority of our own: `ca.pem` and `ca.key` are in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("test authority", "test authority", key)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True).add_extension(identifier, critical=False)
    _save(folder, "ca", key, builder.sign(key, hashes.SHA256()))
    return folder


def certificate_for(authority: Path, name: str) -> ssl.SSLContext:
    """What a server called `name` needs to speak TLS, its certificate signed by the authority."""
    ca_key = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, "test authority", key)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key())  # type: ignore[arg-type]
    builder = builder.add_extension(issuer, critical=False)
    _save(authority, name, key, builder.sign(ca_key, hashes.SHA256()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / f"{name}.pem", authority / f"{name}.key")
    return context


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that are gone when the test is."""
    servers: list[Server] = []

    def start(*answers: Any, **options: Any) -> Server:
        servers.append(Server(*answers, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
