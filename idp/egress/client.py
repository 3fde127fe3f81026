"""Requests with limits on time and size, no redirects, addresses vetted and pinned.

Built on `http.client`, since the two things that matter lie below any client library's interface: which address a
connection is made to (a name is looked up once, every address it has must be allowed, and the connection goes to
one of those), and how long an answer may take in all (a socket here knows its deadline, so neither headers nor
body can be dripped past it). Nothing is read from the environment: no proxy, no netrc; cookies do not exist.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import select
import socket
import ssl
import threading
import weakref
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any, NoReturn
from urllib.parse import urlencode

from connectors.base import Failure, HttpAnswer, OutboundError
from idp import clock
from idp.egress import addresses
from idp.egress.addresses import Address, Lookups, Resolver, Route
from idp.egress.sockets import PlainSocket, TooLarge, left, tls_context
from idp.settings import Outbound

HEADER_BYTES = 65536  # of one answer, all headers together
PIECE_BYTES = 65536
ADDRESSES_TRIED = 4  # of one name
IDLE_SECONDS = 15  # a connection is kept so long; servers close idle ones after 5 (node) to 75 seconds (nginx)
IDLE_SECONDS_BEFORE_A_POST = 1  # what must not be sent twice must not meet a server that is about to close
IDLE_CONNECTIONS_PER_HOST = 8


class _Reset(Exception):
    pass


class _Connection(http.client.HTTPConnection):
    auto_open = 0  # connected by `Egress._dial` or not at all
    idle_since = 0.0

    def is_dropped(self) -> bool:
        """Whether the other side closed, or sent something that nobody asked for."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))


class Egress:
    """Asks the world by HTTP (`connectors.base.Http`); shared by all threads, and usable after a fork."""

    def __init__(
        self, limits: Outbound, *, user_agent: str = "MotCua", resolver: Resolver = addresses.system_addresses
    ) -> None:
        self._limits = limits
        self._user_agent = user_agent
        self._resolver = resolver
        self._networks: list[addresses.Network] = []
        self._tls = tls_context(limits.certificate_authorities_file)
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}
        self._start_afresh()
        _EVERY_EGRESS.add(self)

    def _start_afresh(self) -> None:
        """Let go of every connection: after a fork they are the parent's, who does not hear us close our copies."""
        self._lock = threading.Lock()
        self._lookups = Lookups(self._resolver)
        self.close()

    def for_networks(self, *networks: str) -> Egress:
        """A way out, with connections of its own, that also reaches these networks (two operators approved them)."""
        other = copy(self)
        other._networks = [ipaddress.ip_network(network) for network in networks]
        other._idle = {}
        other._start_afresh()
        _EVERY_EGRESS.add(other)
        return other

    def close(self) -> None:
        """Idle connections are closed; the object stays usable."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotent: bool = False,
    ) -> HttpAnswer:
        """The answer, whatever its status; raises OutboundError. `idempotent` allows one more try after a reset."""
        try:
            route = addresses.route(method, url, allow_loopback=self._limits.allow_loopback)
        except ValueError as problem:
            raise OutboundError(Failure.UNREACHABLE, f"{method}: no address that may be asked: {problem}") from None
        sent = {"User-Agent": self._user_agent, **(headers or {})}
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        deadline = clock.monotonic() + self._limits.total_seconds
        try:
            with _told(route):
                kept = self._take(route, IDLE_SECONDS if idempotent else IDLE_SECONDS_BEFORE_A_POST)
                return self._ask(kept or self._dial(route, deadline), route, sent, body, deadline)
        except _Reset:
            if not idempotent:
                raise _error(route, Failure.UNREACHABLE, "the connection broke") from None
        try:
            with _told(route):
                return self._ask(self._dial(route, deadline), route, sent, body, deadline)
        except _Reset:
            raise _error(route, Failure.UNREACHABLE, "the connection broke twice") from None

    def _ask(
        self, connection: _Connection, route: Route, headers: dict[str, str], body: bytes | None, deadline: float
    ) -> HttpAnswer:
        sock: Any = connection.sock
        sock.deadline, sock.allowance = deadline, HEADER_BYTES
        whole = False
        try:
            connection.request(route.method, route.target, body=body, headers=headers)
            with connection.getresponse() as response:
                sock.allowance = 2 * self._limits.answer_bytes + HEADER_BYTES  # twice: chunks have framing
                answer = _read(response, self._limits.answer_bytes)
                whole = response.isclosed() and not response.will_close
        finally:
            if not whole:
                connection.close()
                sock.close()
        if whole:
            self._keep(route, connection)
        return answer

    # --- where to: the URL, its addresses, a connection

    def _dial(self, route: Route, deadline: float) -> _Connection:
        """A new connection to the first of the vetted addresses that takes it."""
        problem = OSError()
        for address in self._vetted(route, deadline)[:ADDRESSES_TRIED]:
            try:
                sock = self._connected(route, address, deadline)
            except ssl.SSLError:
                raise  # another address of the same name would show the same certificate
            except OSError as failed:
                problem = failed
            else:
                connection = _Connection(route.host, route.port)
                connection.default_port = route.default_port  # which the Host header leaves out
                connection.sock = sock
                return connection
        raise problem

    def _vetted(self, route: Route, deadline: float) -> list[Address]:
        """The addresses behind a name, all of which may be asked. This is the only lookup there is."""
        if addresses.is_local(route.host):
            return [addresses.LOOPBACK] if self._limits.allow_loopback else self._refuse(route)
        with suppress(ValueError):
            return self._all_allowed(route, [ipaddress.ip_address(route.host)])
        try:
            found = self._lookups.addresses(route.host, min(self._limits.connect_seconds, left(deadline)))
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise _error(route, Failure.UNREACHABLE, "its name is not known") from None
        return self._all_allowed(route, [ipaddress.ip_address(one) for one in dict.fromkeys(found)])

    def _all_allowed(self, route: Route, found: list[Address]) -> list[Address]:
        loopback = self._limits.allow_loopback
        if not found or not all(addresses.may_be_asked(one, self._networks, allow_loopback=loopback) for one in found):
            self._refuse(route)
        return found

    def _refuse(self, route: Route) -> NoReturn:
        raise _error(route, Failure.UNREACHABLE, "its address is not one that may be asked")

    def _connected(self, route: Route, address: Address, deadline: float) -> Any:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        sock: socket.socket = PlainSocket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(self._limits.connect_seconds, left(deadline)))
            sock.connect((str(address), route.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if route.scheme == "https":
                sock = self._tls.wrap_socket(sock, server_hostname=route.host)
        except BaseException:
            sock.close()
            raise
        return sock

    # --- connections kept alive

    def _take(self, route: Route, idle_seconds: float) -> _Connection | None:
        while True:
            with self._lock:
                idle = self._idle.get((route.scheme, route.host, route.port))
                connection = idle.pop() if idle else None
            if connection is None:
                return None
            if clock.monotonic() - connection.idle_since < idle_seconds and not connection.is_dropped():
                return connection
            connection.close()

    def _keep(self, route: Route, connection: _Connection) -> None:
        now = connection.idle_since = clock.monotonic()
        with self._lock:
            for key, idle in list(self._idle.items()):
                while idle and now - idle[0].idle_since >= IDLE_SECONDS:
                    idle.pop(0).close()
                if not idle:
                    del self._idle[key]
            idle = self._idle.setdefault((route.scheme, route.host, route.port), [])
            idle.append(connection)
            if len(idle) > IDLE_CONNECTIONS_PER_HOST:
                idle.pop(0).close()


def _error(route: Route, failure: Failure, reason: str) -> OutboundError:
    return OutboundError(failure, f"{route.place}: {reason}")


_EVERY_EGRESS: weakref.WeakSet[Egress] = weakref.WeakSet()


def _after_fork() -> None:
    for egress in _EVERY_EGRESS:
        egress._start_afresh()


os.register_at_fork(after_in_child=_after_fork)


def _read(response: http.client.HTTPResponse, limit: int) -> HttpAnswer:
    headers: dict[str, str] = {}
    for sent_name, value in response.getheaders():
        name = sent_name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = b"".join(_unpacked(_pieces(response), headers.get("content-encoding", "").lower(), limit))
    return HttpAnswer(status=response.status, headers=headers, body=body)


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    expected = response.length  # None where the body is chunked or ends with the connection
    received = 0
    while piece := response.read(PIECE_BYTES):
        received += len(piece)
        yield piece
    if expected is not None and received < expected:
        raise http.client.IncompleteRead(b"")


def _unpacked(pieces: Iterator[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The body, at most `limit` bytes of it, also where the source compresses although it was asked not to."""
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise http.client.UnknownTransferEncoding
    unpacker = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS) if encoding in ("gzip", "deflate") else None
    total = received = 0
    for piece in pieces:
        received += len(piece)
        unpacked = unpacker.decompress(piece, limit - total + 1) if unpacker is not None else piece
        total += len(unpacked)
        if total > limit or received > limit:
            raise TooLarge
        yield unpacked
    if unpacker is not None and received and not unpacker.eof:
        raise http.client.IncompleteRead(b"")


@contextmanager
def _told(route: Route) -> Iterator[None]:
    """Every way in which a connection fails, told as OutboundError or _Reset, in our words: theirs may quote a body."""
    try:
        yield
    except TimeoutError:
        raise _error(route, Failure.TIMED_OUT, "no complete answer in time") from None
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise _Reset from None
    except ssl.SSLCertVerificationError as problem:
        raise _error(route, Failure.UNREACHABLE, f"certificate refused ({problem.verify_message})") from None
    except ssl.SSLError:
        raise _error(route, Failure.UNREACHABLE, "TLS failed") from None
    except OSError as problem:
        reason = os.strerror(problem.errno) if problem.errno else "no way there"
        raise _error(route, Failure.UNREACHABLE, reason) from None
    except TooLarge:
        raise _error(route, Failure.BROKEN_ANSWER, "the answer is too large") from None
    except (http.client.HTTPException, zlib.error):
        raise _error(route, Failure.BROKEN_ANSWER, "the answer is not whole, or not HTTP") from None
