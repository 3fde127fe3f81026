"""How long an answer may take and how large it may be."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.base import Failure
from idp.egress import Egress
from tests.egress.asking import limits, refusal
from tests.egress.sockets import Server


@pytest.mark.parametrize("drip", ["status line", "headers", "body", "chunks"])
def test_a_slow_drip_is_stopped_at_the_deadline(serve: Callable[..., Server], drip: str) -> None:
    beginnings = {
        "status line": b"",
        "headers": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
    }
    server = serve(beginnings[drip], drip=b"H" if drip == "status line" else b"a", pause_seconds=0.05)
    egress = Egress(limits(total_seconds=0.5))
    began = time.monotonic()
    assert refusal(egress, server.url("/"), idempotent=True).failure is Failure.TIMED_OUT
    assert 0.4 < time.monotonic() - began < 10


def test_a_silent_server_and_a_silent_name_server_are_given_up(serve: Callable[..., Server]) -> None:
    server = serve(b"", drip=b"", pause_seconds=5)
    assert refusal(Egress(limits(total_seconds=0.3)), server.url("/")).failure is Failure.TIMED_OUT
    released = threading.Event()
    lookups: list[str] = []

    def never(host: str) -> list[str]:
        lookups.append(host)
        released.wait(10)
        return []

    dead = Egress(limits(connect_seconds=0.2, total_seconds=0.4), resolver=never)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: refusal(dead, "https://dead.example/").failure, range(8)))
    assert set(found) == {Failure.TIMED_OUT} and time.monotonic() - began < 9
    assert lookups == ["dead.example"]  # one thread waits, not eight
    released.set()


def packed(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def answer_with(body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        answer_with(b"a" * 100_001),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"a" * 2_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"7d0\r\n%b\r\n" % (b"a" * 2000) * 60 + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 9000 + b"\r\na\r\n" * 60,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"a" * 2_000_000,
        answer_with(packed(b"a" * 5_000_000), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 60_000 + b"\r\n" + b"Y: " + b"a" * 60_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(500)) + b"\r\n",
        b"HTTP/1.1 " + b"2" * 200_000,
    ],
    ids=["length", "close", "chunks", "extensions", "negative chunk", "bomb", "headers", "many headers", "status"],
)
def test_what_is_too_large_is_cut_off(egress: Egress, serve: Callable[..., Server], answer: bytes) -> None:
    problem = refusal(egress, serve(answer).url("/path?code=secret"))
    assert problem.failure is Failure.BROKEN_ANSWER
    assert "aaaa" not in problem.detail and "secret" not in problem.detail


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nfive!",
        answer_with(packed(b"whole")[:-9], "Content-Encoding: gzip"),
        answer_with(b"not packed", "Content-Encoding: gzip"),
        answer_with(b"what", "Content-Encoding: br"),
        b"SSH-2.0-secret banner\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00",
    ],
)
def test_half_an_answer_is_no_answer(egress: Egress, serve: Callable[..., Server], answer: bytes) -> None:
    problem = refusal(egress, serve(answer, close_after=True).url("/"))
    assert problem.failure is Failure.BROKEN_ANSWER and "secret" not in problem.detail


def test_a_packed_answer_within_the_limit_is_unpacked(egress: Egress, serve: Callable[..., Server]) -> None:
    for encoding in ("gzip", "deflate"):
        body = packed(b"whole") if encoding == "gzip" else zlib.compress(b"whole")
        server = serve(answer_with(body, f"Content-Encoding: {encoding}"))
        assert egress.request("GET", server.url("/")).body == b"whole"
