"""Browsers that sign in by the dozen each second: as much HTTP/1.1 and HTML as that takes, in one asyncio loop.

`python -m tests.benchmarks.browsers` reads an `Errand` as JSON, keeps its pace whatever the answers take, and prints an
`Outcome` as JSON. What is timed of a sign-in is the provider's answers alone, each from the request's last byte.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import itertools
import json
import re
import secrets
import sys
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, quote, urlencode, urlsplit

PATIENCE_SECONDS = 40
_TOKEN = re.compile(rb'name="form_token" value="([^"]+)"')
_ONWARD = re.compile(rb'http-equiv="refresh" content="0; url=([^"]+)"')
_TELLING = re.compile(rb'<form method="post" action="([^"]+shown_to=[^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Whom to sign in where, how often. `paces` are sign-ins a second by source; only `measured` is timed.

    `at_once` browsers go to the measured source one sign-in after the other, where it is not 0, and nobody elsewhere.
    """

    provider: str  # host:port
    client_id: str
    client_secret: str
    redirect_uri: str
    numbers: list[str]  # personal numbers
    measured: str
    paces: dict[str, float]
    seconds: float
    at_once: int = 0


@dataclass(kw_only=True)
class Outcome:
    milliseconds: list[float] = field(default_factory=list)  # of each measured sign-in
    failed: list[str] = field(default_factory=list)  # measured ones that did not end with claims
    elsewhere: dict[str, int] = field(default_factory=dict)  # sign-ins begun at the other sources


@dataclass
class Answer:
    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}: *(.*?)\r?$", self.head, re.M | re.I)
        return found[1] if found else ""


class Browser:
    """One person's browser at the provider; its cookies, and how long the provider took in all."""

    def __init__(
        self, errand: Errand, pools: dict[str, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
    ) -> None:
        self._errand = errand
        self._pools = pools
        self._cookies: dict[str, str] = {}
        self.seconds = 0.0

    async def sign_in(self, source: str, number: str) -> None:
        """The portal has the person's claims; raises ValueError at the first answer that is not as it should be.

        Whoever is told what the portal will read goes on.
        """
        verifier = secrets.token_urlsafe(32)
        page = await self._choice(verifier)
        path = page.header("x-path")
        token = html.unescape(_found(_TOKEN, page.body))
        sent_on = await self._ours("POST", path, {"form_token": token, "source": source})
        upstream = html.unescape(_found(_ONWARD, sent_on.body))
        back = await self._ask("GET", f"{upstream}&login_hint={number}")
        arrived = await self._ours("GET", _path(back.header("location")))
        for _ in range(6):
            if (onward := _ONWARD.search(arrived.body)) is not None:
                return await self._redeem(html.unescape(onward[1].decode()), verifier)
            if (telling := _TELLING.search(arrived.body)) is not None:
                form = {"form_token": html.unescape(_found(_TOKEN, arrived.body)), "decision": "continue"}
                arrived = await self._ours("POST", html.unescape(telling[1].decode()), form)
                continue
            location = arrived.header("location")
            if arrived.status != 303 or not location:
                break
            if location.startswith(self._errand.redirect_uri):
                return await self._redeem(location, verifier)
            arrived = await self._ours("GET", _path(location))
        raise ValueError(f"no answer: {arrived.status} {arrived.body[:200]!r}")

    async def _choice(self, verifier: str) -> Answer:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode({
            "response_type": "code", "client_id": self._errand.client_id, "redirect_uri": self._errand.redirect_uri,
            "scope": "openid profile", "code_challenge_method": "S256", "code_challenge": challenge,
            "state": secrets.token_hex(8), "nonce": secrets.token_hex(16),
        })  # fmt: skip
        begun = await self._ours("GET", f"/authorize?{query}")
        path = _path(begun.header("location"))
        page = await self._ours("GET", path)
        page.head += f"\r\nx-path: {path}\r\n"
        return page

    async def _redeem(self, returned_to: str, verifier: str) -> None:
        told = parse_qs(urlsplit(returned_to).query)
        if "code" not in told:
            raise ValueError(f"no code: {returned_to.partition('?')[2][:200]}")
        basic = base64.b64encode(f"{self._errand.client_id}:{quote(self._errand.client_secret)}".encode()).decode()
        form = {
            "grant_type": "authorization_code", "code": told["code"][0], "redirect_uri": self._errand.redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        tokens = json.loads((await self._ours("POST", "/token", form, f"Basic {basic}")).body)
        claims = await self._ours("GET", "/userinfo", None, f"Bearer {tokens['access_token']}")
        if "sub" not in json.loads(claims.body):
            raise ValueError(f"userinfo: {claims.status}")

    async def _ours(
        self, method: str, path: str, form: dict[str, str] | None = None, authorization: str = ""
    ) -> Answer:
        began = time.perf_counter()
        answer = await self._ask(method, f"http://{self._errand.provider}{path}", form, authorization)
        self.seconds += time.perf_counter() - began
        for line in re.findall(r"^set-cookie: *([^;\r\n]+)", answer.head, re.M | re.I):
            name, _, value = line.partition("=")
            self._cookies[name] = value
        if answer.status not in (200, 303):
            raise ValueError(f"{path.partition('?')[0]}: {answer.status}")
        return answer

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None, authorization: str = "") -> Answer:
        parts = urlsplit(url)
        body = urlencode(form).encode() if form is not None else b""
        lines = [f"{method} {parts.path}{'?' if parts.query else ''}{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
        if parts.netloc == self._errand.provider and self._cookies and not authorization:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if authorization:
            lines.append(f"Authorization: {authorization}")
        if form is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
        return await asyncio.wait_for(self._exchanged(parts.netloc, parts.port or 80, request), PATIENCE_SECONDS)

    async def _exchanged(self, netloc: str, port: int, request: bytes) -> Answer:
        pool = self._pools.setdefault(netloc, [])
        while True:
            is_fresh = not pool
            reader, writer = pool.pop() if pool else await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                if is_fresh:  # else the server had closed it while it lay idle, as it may
                    raise
        answer = Answer(int(head[9:12]), head, b"")
        answer.body = await reader.readexactly(int(answer.header("content-length") or 0))
        pool.append((reader, writer))
        return answer


def _found(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    if found is None:
        raise ValueError(f"nothing like {pattern.pattern!r} on the page: {body[:300]!r}")
    return found[1].decode()


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def run(errand: Errand) -> Outcome:
    """Every source gets its pace of people for the errand's time; whoever is under way then may finish."""
    outcome, numbers = Outcome(), itertools.cycle(errand.numbers)
    pools: dict[str, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

    async def one(source: str) -> None:
        browser = Browser(errand, pools)
        try:
            await browser.sign_in(source, next(numbers))
        except (ValueError, OSError, asyncio.IncompleteReadError, TimeoutError) as problem:
            if source == errand.measured:
                outcome.failed.append(f"{type(problem).__name__}: {problem}")
        else:
            if source == errand.measured:
                outcome.milliseconds.append(browser.seconds * 1000)

    async def stream(source: str, pace: float) -> None:
        began, under_way = time.perf_counter(), []
        for number in range(round(errand.seconds * pace)):
            await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
            under_way.append(asyncio.create_task(one(source)))
        if source == errand.measured:
            await asyncio.gather(*under_way)
        else:
            outcome.elsewhere[source] = len(under_way)

    async def one_after_the_other() -> None:
        while time.perf_counter() < until:
            await one(errand.measured)

    until = time.perf_counter() + errand.seconds
    if errand.at_once:
        await asyncio.gather(*(one_after_the_other() for _ in range(errand.at_once)))
    else:
        await asyncio.gather(*(stream(source, pace) for source, pace in errand.paces.items()))
    return outcome


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(Errand(**json.load(sys.stdin)))))))
