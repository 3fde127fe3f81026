"""What is sent and what comes back, over connections that are kept, reset or inherited."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connectors.base import Failure
from idp.egress import Egress
from idp.egress.client import IDLE_SECONDS_BEFORE_A_POST
from tests.egress.asking import OK, limits, refusal
from tests.egress.sockets import Server


def test_names_under_localhost_are_loopback_without_asking_the_dns(serve: Callable[..., Server]) -> None:
    def no_dns(host: str) -> list[str]:
        raise AssertionError(host)

    server = serve(OK)
    egress = Egress(limits(), resolver=no_dns)
    answer = egress.request("GET", f"http://bank.localhost:{server.port}/a/b?c=d")
    assert (answer.status, answer.body) == (200, b"ok")
    assert server.requests[0].startswith(f"GET /a/b?c=d HTTP/1.1\r\nHost: bank.localhost:{server.port}\r\n".encode())
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]
    egress.close()


def test_a_form_is_posted_and_headers_arrive_in_lower_case(egress: Egress, serve: Callable[..., Server]) -> None:
    server = serve(b"HTTP/1.1 201 Created\r\nX-One: a\r\nx-one: b\r\nContent-Length: 0\r\n\r\n")
    answer = egress.request("POST", server.url("/token"), form={"code": "a+b c", "tên": "ữ"}, headers={"X-A": "1"})
    assert answer.status == 201 and answer.headers["x-one"] == "a, b"
    assert server.requests[0].endswith(b"\r\n\r\ncode=a%2Bb+c&t%C3%AAn=%E1%BB%AF")
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in server.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(egress: Egress, serve: Callable[..., Server], status: int) -> None:
    server = serve(f"HTTP/1.1 {status} Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".encode())
    answer = egress.request("GET", server.url("/"))
    assert answer.status == status and len(server.requests) == 1


def test_neither_cookies_nor_proxies_nor_netrc_exist(
    egress: Egress, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine bank.localhost login somebody password secret\n")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.localhost:1")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok", OK)
    for _ in range(2):
        assert egress.request("GET", server.url("/")).status == 200
    assert b"cookie" not in server.requests[1].lower() and b"authorization" not in server.requests[1].lower()


@pytest.mark.parametrize("status", [429, 503])
def test_overload_is_an_answer(egress: Egress, serve: Callable[..., Server], status: int) -> None:
    server = serve(f"HTTP/1.1 {status} No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n".encode())
    assert egress.request("GET", server.url("/")).status == status


def test_an_unknown_name_is_unreachable() -> None:
    def unknown(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    assert refusal(Egress(limits(), resolver=unknown), "https://nobody.example/").failure is Failure.UNREACHABLE


def test_nobody_listening_is_unreachable(egress: Egress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert refusal(egress, f"http://bank.localhost:{port}/").failure is Failure.UNREACHABLE


def test_a_reset_is_tried_once_more_only_where_that_is_allowed(egress: Egress, serve: Callable[..., Server]) -> None:
    server = serve(Server.RESET, OK)
    assert egress.request("GET", server.url("/"), idempotent=True).body == b"ok"
    assert len(server.requests) == 2

    server = serve(Server.RESET, Server.RESET, OK)
    assert refusal(egress, server.url("/"), idempotent=True).failure is Failure.UNREACHABLE
    assert len(server.requests) == 2

    server = serve(Server.RESET, OK)
    assert refusal(egress, server.url("/")).failure is Failure.UNREACHABLE
    assert len(server.requests) == 1


def test_a_connection_is_kept_and_replaced_when_the_server_has_closed_it(
    egress: Egress, serve: Callable[..., Server]
) -> None:
    server = serve(OK)
    for _ in range(3):
        egress.request("GET", server.url("/"), idempotent=True)
    assert server.connections == 1

    server = serve(OK, close_after=True)
    for _ in range(3):
        egress.request("POST", server.url("/"), form={})  # not repeatable, and does not have to be
        server.wait_until_closed()
    assert server.connections == 3


def test_what_must_not_be_repeated_goes_over_no_connection_that_has_been_idle(
    egress: Egress, serve: Callable[..., Server]
) -> None:
    server = serve(OK)
    egress.request("GET", server.url("/"), idempotent=True)
    time.sleep(IDLE_SECONDS_BEFORE_A_POST + 0.1)
    egress.request("POST", server.url("/"), form={})
    assert server.connections == 2


def test_threads_share_it(egress: Egress, serve: Callable[..., Server]) -> None:
    server = serve(OK)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: egress.request("GET", server.url("/"), idempotent=True).body, range(200)))
    assert answers == [b"ok"] * 200 and server.connections <= 60


def test_a_forked_child_uses_connections_of_its_own(egress: Egress, serve: Callable[..., Server]) -> None:
    server = serve(OK)
    egress.request("GET", server.url("/"))
    child = os.fork()
    if child == 0:
        body = b""
        try:
            body = egress.request("GET", server.url("/")).body
        finally:
            os._exit(0 if body == b"ok" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert egress.request("GET", server.url("/")).body == b"ok"
    assert server.connections == 2
