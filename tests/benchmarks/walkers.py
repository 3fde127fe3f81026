"""Browsers, portals and APIs of the load: each walker is one connection that stays open, and what is asked over it.

A walker reads as much of HTTP/1.1 as the providers of this benchmark speak. What it does over and over is its work:
`begin` sends the first request of a round, `go_on` reads answers, sends what follows, and is True at the round's end.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

FLOW = ("authorize", "token", "userinfo")
CLAIMS = {"sub", "name", "birthdate"}
CHALLENGES_EACH = 32
REFRESH_EVERY, REVOKE_EVERY = 8, 11  # rounds of a portal's everyday
TOKENS_EACH = 10  # so that no cache of a handful of tokens answers
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]*)", re.I)
_CODE = re.compile(rb"[?&]code=([^&#]+)")
_STATE = re.compile(rb"[?&]state=([^&#]+)")

Answered = Callable[[int, bytes, bytes], str | None]  # status, head, body: the next request, or None at the end


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the provider is and who asks it. Browser number i uses portal number i, counted round the shorter list."""

    port: int
    host: str
    paths: dict[str, str]
    portals: list[list[str]]  # id, secret, redirect_uri
    cookies: list[str]  # whole Cookie headers of browsers that are signed in


class Walker:
    """A connection on which nothing is asked; below are those who ask."""

    ready = True  # False: it still collects what its work needs

    def __init__(self, place: Place, number: int, of: int) -> None:
        self.place, self._browser, self._step = place, number, of
        self._buffer, self.began, self.ended = b"", 0.0, 0.0
        self.id_token = self.nonce = ""
        self._then: Answered = lambda *_: None
        self.socket = self._connected()

    def begin(self, at: float) -> None:
        """A round begins; what is timed of it is counted from the moment `at`."""
        self.began = at
        self._browser += self._step
        self._send(self.first())

    def first(self) -> str:
        raise NotImplementedError

    def go_on(self) -> bool:
        """Reads what came; True when the round is complete. Raises ValueError for a bad answer."""
        data = self.socket.recv(65536)
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not data:
            raise ValueError(f"{type(self).__name__}: the connection ended")
        if not found or not _is_whole(head, body):
            return False
        self._buffer = b""
        if b"\r\nconnection: close" in head.lower():  # whoever answered is about to leave
            self.anew()
        following = self._then(int(head[9:12]), head, body)
        if following is not None:
            self._send(following)
        return following is None

    def anew(self) -> None:
        """A new connection in place of one that has gone bad."""
        self.socket.close()
        self._buffer = b""
        self.socket = self._connected()

    def now(self) -> None:
        """A round begins, timed from now."""
        self.begin(time.perf_counter())

    @property
    def portal(self) -> list[str]:
        return self.place.portals[self._browser % len(self.place.portals)]

    def get(self, path: str, header: str, then: Answered) -> str:
        self._then = then
        return f"GET {path} HTTP/1.1\r\nHost: {self.place.host}\r\n{header}\r\n\r\n"

    def post(self, path: str, form: str, then: Answered) -> str:
        """A form from this walker's portal, which proves itself with its secret."""
        self._then = then
        client_id, secret, _ = self.portal
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self.place.host}\r\nAuthorization: {_basic(client_id, secret)}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
        )

    def _send(self, request: str) -> None:
        self.socket.sendall(request.encode())

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.place.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Bare(Walker):
    """One request that anything answers."""

    def first(self) -> str:
        return self.get("/", "X-Load: 1", self._answered)

    def _answered(self, status: int, _head: bytes, body: bytes) -> None:
        if status != 200 or not body:
            raise ValueError(f"bare: {status}")


class SignOn(Walker):
    """authorize with a session, token, userinfo: what a person's second portal costs."""

    def __init__(self, place: Place, number: int, of: int) -> None:
        super().__init__(place, number, of)
        self._challenges = itertools.cycle([_challenge() for _ in range(CHALLENGES_EACH)])
        self._nonces, self._state, self._verifier = (f"{secrets.token_hex(8)}{n}" for n in itertools.count()), "", ""

    def first(self) -> str:
        self._verifier, challenge = next(self._challenges)
        self.nonce = self._state = next(self._nonces)
        client_id, _, redirect_uri = self.portal
        query = f"{_asking(client_id, redirect_uri)}&state={self._state}&nonce={self.nonce}&code_challenge={challenge}"
        cookie = self.place.cookies[self._browser % len(self.place.cookies)]
        return self.get(f"{self.place.paths['authorize']}?{query}", f"Cookie: {cookie}", self._got_code)

    def _got_code(self, status: int, head: bytes, body: bytes) -> str:
        location = _first(_LOCATION, head)
        code, state = _first(_CODE, location), _first(_STATE, location)
        if status not in (302, 303) or not code or state != self._state.encode():
            raise ValueError(f"authorize: {status} {location!r} {body[:300]!r}")
        form = f"{_redeeming(self.portal[2])}&code={code.decode()}&code_verifier={self._verifier}"
        return self.post(self.place.paths["token"], form, self._got_token)

    def _got_token(self, status: int, _head: bytes, body: bytes) -> str | None:
        told = json.loads(body) if status == 200 else {}
        if "access_token" not in told or "id_token" not in told:
            raise ValueError(f"token: {status} {body[:300]!r}")
        self.id_token = told["id_token"]
        return self.bought(told)

    def bought(self, told: dict[str, Any]) -> str | None:
        bearer = f"Authorization: Bearer {told['access_token']}"
        return self.get(self.place.paths["userinfo"], bearer, self.got_claims)

    def got_claims(self, status: int, _head: bytes, body: bytes) -> str | None:
        told = json.loads(body) if status == 200 else {}
        if not told.keys() >= CLAIMS:
            raise ValueError(f"userinfo: {status} {body[:300]!r}")
        return None


class _WithTokens(SignOn):
    """Signs on a few times, and from then on uses in turn what it got."""

    kept = "access_token"

    def __init__(self, place: Place, number: int, of: int) -> None:
        super().__init__(place, number, of)
        self.ready = False
        self._kept: list[tuple[int, str]] = []  # a browser, and what was bought for it

    def first(self) -> str:
        if not self.ready:
            return super().first()
        self._browser, token = self._kept[0]
        self._kept.append(self._kept.pop(0))
        return self.use(token)

    def bought(self, told: dict[str, Any]) -> str | None:
        self._kept.append((self._browser, told[self.kept]))
        self.ready = len(self._kept) >= TOKENS_EACH
        return None

    def use(self, token: str) -> str:
        raise NotImplementedError


class UserInfo(_WithTokens):
    def use(self, token: str) -> str:
        return self.get(self.place.paths["userinfo"], f"Authorization: Bearer {token}", self.got_claims)


class Introspect(_WithTokens):
    def use(self, token: str) -> str:
        return self.post(self.place.paths["introspect"], urlencode({"token": token}), self._told)

    def _told(self, status: int, _head: bytes, body: bytes) -> None:
        told = json.loads(body) if status == 200 else {}
        if told.get("active") is not True or "sub" not in told or told.get("client_id") != self.portal[0]:
            raise ValueError(f"introspect: {status} {body[:300]!r}")


class Refresh(_WithTokens):
    kept = "refresh_token"

    def __init__(self, place: Place, number: int, of: int) -> None:
        super().__init__(place, number, of)
        self._last = ""  # access token

    def use(self, token: str) -> str:
        form = urlencode({"grant_type": "refresh_token", "refresh_token": token})
        return self.post(self.place.paths["token"], form, self._renewed)

    def _renewed(self, status: int, _head: bytes, body: bytes) -> None:
        told = json.loads(body) if status == 200 else {}
        if "id_token" not in told or told.get("access_token", self._last) == self._last:
            raise ValueError(f"refresh: {status} {body[:300]!r}")
        self._last = told["access_token"]
        if self.kept in told:
            self._kept[-1] = (self._browser, told[self.kept])


class Everyday(Refresh):
    """What a portal asks all day: that people sign on; sometimes it refreshes, or gives an access token back."""

    def __init__(self, place: Place, number: int, of: int) -> None:
        super().__init__(place, number, of)
        self.ready = True
        self._rounds, self._access_token = number, ""

    def first(self) -> str:
        self._rounds += 1
        if self._kept and self._rounds % REFRESH_EVERY == 0:
            return super().first()
        return SignOn.first(self)

    def bought(self, told: dict[str, Any]) -> str | None:
        self._kept = [*self._kept[1 - TOKENS_EACH :], (self._browser, told[self.kept])]
        self._access_token = told["access_token"]
        return SignOn.bought(self, told)

    def got_claims(self, status: int, head: bytes, body: bytes) -> str | None:
        super().got_claims(status, head, body)
        if self._rounds % REVOKE_EVERY:
            return None
        return self.post(self.place.paths["revoke"], urlencode({"token": self._access_token}), self._revoked)

    def _revoked(self, status: int, _head: bytes, body: bytes) -> None:
        if status != 200:
            raise ValueError(f"revoke: {status} {body[:300]!r}")


class System(Walker):
    """client_credentials."""

    def __init__(self, place: Place, number: int, of: int) -> None:
        super().__init__(place, number, of)
        self._last = ""

    def first(self) -> str:
        return self.post(self.place.paths["token"], "grant_type=client_credentials", self._got)

    def _got(self, status: int, _head: bytes, body: bytes) -> None:
        told = json.loads(body) if status == 200 else {}
        if "expires_in" not in told or told.get("access_token", self._last) == self._last:
            raise ValueError(f"client credentials: {status} {body[:300]!r}")
        self._last = told["access_token"]


WORKS: dict[str, type[Walker]] = {
    "bare": Bare, "sign-on": SignOn, "userinfo": UserInfo, "introspection": Introspect, "refresh": Refresh,
    "client credentials": System, "everyday": Everyday,
}  # fmt: skip


def _challenge() -> tuple[str, str]:
    verifier = secrets.token_urlsafe(32)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@cache
def _asking(client_id: str, redirect_uri: str) -> str:
    return urlencode({
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": "openid profile",
        "code_challenge_method": "S256",
    })  # fmt: skip


@cache
def _redeeming(redirect_uri: str) -> str:
    return urlencode({"grant_type": "authorization_code", "redirect_uri": redirect_uri})


@cache
def _basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(client_id)}:{quote(secret)}".encode()).decode()


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.search(text)
    return found[1] if found else b""


def _is_whole(head: bytes, body: bytes) -> bool:
    length = _LENGTH.search(head)
    if length is None:
        return b"\r\ntransfer-encoding: chunked" not in head.lower() or body.endswith(b"0\r\n\r\n")
    return len(body) >= int(length[1])
