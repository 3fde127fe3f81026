"""Sockets that know when to stop, and the TLS they speak."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from idp import clock
from idp.settings import UnsafeSettings


class TooLarge(Exception):
    """More arrived than was allowed for."""


class Deadline:
    """A socket that stops at its deadline, however little arrives at a time, and counts what it received."""

    deadline = 0.0
    allowance = 0  # bytes that may still be received

    def recv_into(self, *arguments: Any) -> int:
        self._hurry()
        received = int(super().recv_into(*arguments))  # type: ignore[misc]
        self.allowance -= received
        if self.allowance < 0:
            raise TooLarge
        return received

    def send(self, *arguments: Any) -> int:
        self._hurry()
        return int(super().send(*arguments))  # type: ignore[misc]

    def sendall(self, *arguments: Any) -> None:
        self._hurry()
        super().sendall(*arguments)  # type: ignore[misc]

    def _hurry(self) -> None:
        self.settimeout(left(self.deadline))  # type: ignore[attr-defined]


class PlainSocket(Deadline, socket.socket):
    """TCP with a deadline."""


class TlsSocket(Deadline, ssl.SSLSocket):
    """TLS with a deadline."""


def left(deadline: float) -> float:
    """The seconds until `deadline`; raises TimeoutError when there are none."""
    seconds = deadline - clock.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def tls_context(authorities_file: str) -> ssl.SSLContext:
    """TLS 1.2 or later, names and certificates checked, by the system's authorities and those in the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs()
    if authorities_file:
        try:
            context.load_verify_locations(cafile=authorities_file)
        except OSError as problem:
            reason = problem.strerror or "it holds no certificate"
            raise UnsafeSettings(f"outbound.certificate_authorities_file: {authorities_file}: {reason}") from None
    return context
