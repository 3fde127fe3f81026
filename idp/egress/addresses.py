"""Where a URL leads: which hosts and addresses may be asked (public ones), and how a name becomes addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolver = Callable[[str], Iterable[str]]

URL_CHARACTERS = 8192
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in text.split())


# IANA's special-purpose address registries (RFC 6890), and the one cloud metadata address that looks public (Azure's).
_NOT_PUBLIC = _networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 168.63.129.16/32 "
    "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
)
# What no approval opens: this host, link-local, multicast, reserved, and where clouds keep their machines' credentials.
_NEVER = _networks(
    "0.0.0.0/8 169.254.0.0/16 224.0.0.0/3 168.63.129.16/32 100.100.100.200/32 ::/128 fe80::/10 ff00::/8 fd00:ec2::/32"
)

_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*")
_IN_URLS = re.compile(r"[!-\[\]^-~]+")  # visible ASCII without the backslash
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")  # 2130706433, 0x7f.1: addresses in disguise


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped or NAT64 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether `address` is a host on the public Internet; tunnels into other address spaces (6to4, Teredo) are not."""
    address = embedded(address)
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def may_be_asked(address: Address, allowed: Iterable[Network], *, allow_loopback: bool) -> bool:
    """Whether a connection to `address` may be made; `allowed` are private networks approved for one endpoint."""
    address = embedded(address)
    if any(address in network for network in _NEVER) or (address.is_loopback and not allow_loopback):
        return False
    return is_public(address) or any(address in network for network in allowed)


def is_local(host: str) -> bool:
    """Whether `host` is loopback by its name (RFC 6761 section 6.3)."""
    return host == "localhost" or host.endswith(".localhost")


def is_host(host: str) -> bool:
    """Whether `host`, in lower case, is a plain name or a canonical address, without a zone."""
    if len(host) > 253 or "%" in host:
        return False
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return bool(_HOST.fullmatch(host)) and not _ENDS_IN_A_NUMBER.fullmatch(host)


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where a request goes; `place` is the same for the log, without the query."""

    method: str
    scheme: str
    host: str
    port: int
    default_port: int
    target: str
    place: str


def route(method: str, url: str, *, allow_loopback: bool) -> Route:
    """Where `url` leads; raises ValueError unless it is plainly https, or http on *.localhost where that is allowed."""
    if len(url) > URL_CHARACTERS or not _IN_URLS.fullmatch(url) or "#" in url:
        raise ValueError("not a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # whose text would quote the URL
        raise ValueError("not a URL") from None
    if "@" in parts.netloc or port == 0 or not is_host(host):
        raise ValueError("not a host")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local(host) and allow_loopback):
        raise ValueError("not https")
    default_port = 443 if parts.scheme == "https" else 80
    return Route(
        method=method, scheme=parts.scheme, host=host, port=port or default_port, default_port=default_port,
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        place=f"{method} {parts.scheme}://{parts.netloc}{parts.path}"[:300],
    )  # fmt: skip


def system_addresses(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class Lookups:
    """Name lookups with a time limit. At most one runs per name, so that a dead zone holds one thread, not all."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._lock = threading.Lock()
        self._running: dict[str, Future[list[str]]] = {}

    def addresses(self, host: str, seconds: float) -> list[str]:
        with self._lock:
            future = self._running.get(host)
            if future is None:
                future = self._running[host] = Future()
                threading.Thread(target=self._look_up, args=(host, future), name="lookup", daemon=True).start()
        return future.result(timeout=seconds)

    def _look_up(self, host: str, future: Future[list[str]]) -> None:
        try:
            found = list(self._resolver(host))
        except Exception as problem:  # noqa: BLE001 - whatever it is, it belongs to the threads that wait
            self._forget(host)
            future.set_exception(problem)
        else:
            self._forget(host)
            future.set_result(found)

    def _forget(self, host: str) -> None:
        with self._lock:
            del self._running[host]
