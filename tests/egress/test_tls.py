"""Certificates, names, and the address that a name led to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.base import Failure
from idp.egress import Egress
from idp.settings import UnsafeSettings
from tests.egress.asking import OK, limits, refusal
from tests.egress.sockets import Server, certificate_for, new_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusting(authority: Path) -> Callable[..., Egress]:
    return lambda **options: Egress(limits(certificate_authorities_file=str(authority / "ca.pem")), **options)


def test_the_certificate_must_be_for_the_name_that_was_asked(
    trusting: Callable[..., Egress], authority: Path, serve: Callable[..., Server]
) -> None:
    server = serve(OK, tls=certificate_for(authority, "bank.localhost"))
    egress = trusting()
    assert egress.request("GET", f"https://bank.localhost:{server.port}/").body == b"ok"
    assert server.server_names == ["bank.localhost"]
    problem = refusal(egress, f"https://other.localhost:{server.port}/")
    assert problem.failure is Failure.UNREACHABLE and "certificate" in problem.detail
    egress.close()


def test_an_unknown_authority_is_not_trusted(egress: Egress, authority: Path, serve: Callable[..., Server]) -> None:
    server = serve(OK, tls=certificate_for(authority, "bank.localhost"))
    problem = refusal(egress, f"https://bank.localhost:{server.port}/", idempotent=True)
    assert problem.failure is Failure.UNREACHABLE and "certificate" in problem.detail
    assert server.requests == []


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_found(
    trusting: Callable[..., Egress], authority: Path, serve: Callable[..., Server]
) -> None:
    here = serve(OK, tls=certificate_for(authority, "source.example"), address="127.0.0.1")
    there = serve(OK, tls=certificate_for(authority, "source.example"), address="127.0.0.2", port=here.port)
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    egress = trusting(resolver=lambda _: next(answers)).for_networks("127.0.0.1/32")
    for _ in range(2):  # the second goes over the connection that is there
        assert egress.request("GET", f"https://source.example:{here.port}/").body == b"ok"
    assert (here.connections, there.connections) == (1, 0)
    assert here.server_names == ["source.example"]
    egress.close()
    # The name leads elsewhere by now, to where it may not.
    assert "address" in refusal(egress, f"https://source.example:{here.port}/").detail
    assert there.connections == 0


def test_a_slow_handshake_is_given_up(authority: Path, serve: Callable[..., Server]) -> None:
    server = serve(b"", drip=b"\x16", pause_seconds=0.05)
    egress = Egress(limits(connect_seconds=0.3))
    began = time.monotonic()
    problem = refusal(egress, f"https://bank.localhost:{server.port}/")
    assert problem.failure in (Failure.TIMED_OUT, Failure.UNREACHABLE)
    assert time.monotonic() - began < 5


def test_a_file_that_holds_no_certificates_refuses_to_start(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing\n")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(UnsafeSettings, match="certificate_authorities_file"):
            Egress(limits(certificate_authorities_file=str(path)))
