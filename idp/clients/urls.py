"""Addresses that a portal may register: absolute, unambiguous, and safe to put into a header."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

URL_LIMIT_CHARACTERS = 512
URL_CHARACTERS = re.compile(r"[!-~]*", re.ASCII)  # urlsplit would silently drop a line break, a header would not
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123 section 2.1
HOST_LIMIT_CHARACTERS = 253  # RFC 1035 section 2.3.4, written with dots
PORTS = range(1, 65536)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)  # a host that ends in one is an IPv4 address to a browser
HOST_AND_PORT = re.compile(rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?", re.ASCII)
# Claimed by an app as its reversed domain name (RFC 8252 section 7.1); a scheme without a dot is anybody's. In small
# letters, and never with a host. This and loopback are read letter by letter: what a parser would forgive is no match.
PRIVATE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/(?!/).*", re.ASCII)
# RFC 8252 section 7.3: never the name `localhost`, which may resolve to something else.
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)", re.ASCII)
# A response parameter in a registered redirect_uri could be taken for ours (Keycloak's CVE-2026-9689).
RESPONSE_PARAMETERS = frozenset(
    {"code", "state", "iss", "error", "error_description", "id_token", "access_token", "session_state", "response"}
)


def checked_url(value: str) -> str:
    """The URL, fit for a browser to be sent to; raises ValueError."""
    _refuse_odd_characters(value)
    parts = urlsplit(value)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(host)):
        raise ValueError(f"{value} must begin with https:// (http:// only for *.localhost)")
    if not HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError(f"{value} must name a host, and have no user name")
    if len(host) > HOST_LIMIT_CHARACTERS or int(parts.netloc.partition(":")[2] or 1) not in PORTS:
        raise ValueError(f"{value} has a host or a port that no browser can reach")
    return value


def checked_redirect_uri(value: str, *, native: bool) -> str:
    """The URL, fit to carry our answer: an app on a device may have a scheme of its own, or listen on loopback."""
    if not (native and is_of_native_app(value)):
        checked_url(value)
    _refuse_odd_characters(value)
    query = parse_qsl(urlsplit(value).query, keep_blank_values=True)
    if RESPONSE_PARAMETERS.intersection(name for name, _ in query):
        raise ValueError(f"{value} holds a parameter that our response uses")
    return value


def is_of_native_app(value: str) -> bool:
    """Whether this is an address within the person's own device (RFC 8252 sections 7.1 and 7.3)."""
    return is_loopback(value) or PRIVATE.fullmatch(value) is not None


def has_owner(value: str, *, local_allowed: bool = False) -> bool:
    """Whether the host of this web address is the same one for everybody, so that somebody can own it: no name of each
    person's own machine (RFC 6761 section 6.3), none without a dot, and nothing that browsers read as an IP address
    (WHATWG URL section 3.5), which in every network may be another machine.
    """
    host = urlsplit(value).hostname or ""
    if _is_local(host):
        return local_allowed
    return "." in host and not NUMBER.fullmatch(host.rpartition(".")[2])


def is_loopback(value: str) -> bool:
    """Whether this is http on a loopback address, whose port is chosen when the app asks (RFC 8252 section 7.3)."""
    return LOOPBACK.fullmatch(value) is not None


def matches(registered: str, asked: str) -> bool:
    """Whether the asked redirect_uri is the registered one: character for character, but for a loopback's port."""
    if registered == asked:
        return True
    one, other = LOOPBACK.fullmatch(registered), LOOPBACK.fullmatch(asked)
    return one is not None and other is not None and one.groups() == other.groups()


@lru_cache(maxsize=4096)
def origin(url: str) -> str | None:
    """The origin of a registered web address as browsers write it (RFC 6454 section 6.2); None for an app's scheme."""
    parts = urlsplit(url)
    usual_port = {"http": ":80", "https": ":443"}.get(parts.scheme)
    return None if usual_port is None else f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual_port)}"


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _refuse_odd_characters(value: str) -> None:
    if len(value) > URL_LIMIT_CHARACTERS or not URL_CHARACTERS.fullmatch(value):
        raise ValueError(f"a URL may have {URL_LIMIT_CHARACTERS} characters, of printable ASCII and no spaces")
    if any(sign in value for sign in '#*\\"<>'):
        raise ValueError(f"{value} must have no fragment, wildcard, backslash or quote")
