"""A DPoP proof is good once: four workers over HTTP, two headers of one name, a short-lived store that is lost."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from idp import clock
from tests.races.asking import FORM, Asking, Code
from tests.races.provider import Provider
from tests.races.test_client_assertions import lose_short_lived_store
from tests.races.test_codes import cpu_seconds
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
USES, ROUNDS = 100, 3


class Holder:
    """A portal's DPoP key, and what it last heard of nonces."""

    def __init__(self, running: Provider) -> None:
        self._running = running
        self._portal = running.portal(f"holder-{secrets.token_hex(6)}", dpop_bound_access_tokens=True)
        (self._citizen,) = running.citizens(1, self._portal)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._jwk: dict[str, Any] = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.nonce: str | None = None

    def proof(self, method: str, path: str, token: str = "", **claims: Any) -> str:
        said = {
            "jti": secrets.token_hex(8), "htm": method, "htu": f"{self._running.issuer}{path}", "iat": clock.seconds(),
            "ath": base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode(),
        } | claims  # fmt: skip
        if self.nonce is not None:
            said["nonce"] = self.nonce
        return jwt.encode(said, self._key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": self._jwk})

    def code(self, asking: Asking) -> Code:
        return asking.code(self._citizen, self._portal)

    def redeem(self, asking: Asking, code: Code, proof: str = "") -> tuple[int, dict[str, Any]]:
        """What the code buys with this proof, or with one of its own."""
        form = {
            "grant_type": "authorization_code", "code": code.value, "redirect_uri": self._portal.redirect_uri,
            "code_verifier": code.verifier,
        }  # fmt: skip
        basic = base64.b64encode(f"{self._portal.id}:{self._portal.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", **FORM}
        return self._sent(asking, "POST", "/token", headers, urlencode(form).encode(), proof)

    def token(self, asking: Asking) -> str:
        status, told = self.redeem(asking, self.code(asking))
        assert (status, told.get("token_type")) == (200, "DPoP"), told
        return str(told["access_token"])

    def userinfo(self, asking: Asking, token: str, proof: str = "") -> tuple[int, dict[str, Any]]:
        return self._sent(asking, "GET", "/userinfo", {"Authorization": f"DPoP {token}"}, None, proof, token)

    def _sent(
        self, asking: Asking, method: str, path: str, headers: dict[str, str], body: bytes | None, proof: str,
        token: str = "",
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """The answer; without a proof of somebody's choice one more try, if a nonce is asked for."""
        for _ in range(1 if proof else 2):
            shown = proof or self.proof(method, path, token)
            status, answered, text = asking.ask(method, path, headers | {"DPoP": shown}, body)
            told: dict[str, Any] = json.loads(text)
            if told.get("error") != "use_dpop_nonce":
                break
            self.nonce = answered["DPoP-Nonce"]
        return status, told


@pytest.fixture
def holder(running: Provider) -> Holder:
    return Holder(running)


def test_of_100_uses_of_one_proof_at_userinfo_at_once_one_is_answered(
    running: Provider, holder: Holder, asking: Callable[[], Asking]
) -> None:
    connections = [asking() for _ in range(USES)]
    token, busy_before = holder.token(connections[0]), cpu_seconds(running)
    for _ in range(ROUNDS):
        proof = holder.proof("GET", "/userinfo", token)
        answers = at_once(USES, lambda number, proof=proof: holder.userinfo(connections[number], token, proof))  # type: ignore[misc]
        told = sorted((status, answer.get("error", "")) for status, answer in answers)
        assert told == [(200, ""), *[(401, "invalid_dpop_proof")] * (USES - 1)]
    busy = cpu_seconds(running)
    assert sum(busy[pid] > busy_before.get(pid, 0) for pid in busy) >= 2, "they went to several processes"


def test_of_100_codes_that_come_with_one_proof_at_once_one_is_redeemed(
    holder: Holder, asking: Callable[[], Asking]
) -> None:
    connections = [asking() for _ in range(USES)]
    holder.token(connections[0])
    codes = [holder.code(connections[0]) for _ in range(USES)]
    proof = holder.proof("POST", "/token")
    answers = at_once(USES, lambda number: holder.redeem(connections[number], codes[number], proof))
    told = sorted((status, answer.get("error", "")) for status, answer in answers)
    assert told == [(200, ""), *[(400, "invalid_dpop_proof")] * (USES - 1)]


def test_after_the_short_lived_store_was_lost_proofs_from_before_are_refused_and_new_ones_taken(
    running: Provider, holder: Holder, asking: Callable[[], Asking]
) -> None:
    connections = [asking() for _ in range(8)]
    token = holder.token(connections[0])
    proof = holder.proof("GET", "/userinfo", token)
    assert holder.userinfo(connections[0], token, proof)[0] == 200
    lose_short_lived_store(running)
    for connection in connections:
        status, told = holder.userinfo(connection, token, proof)
        assert (status, told["error"]) in ((401, "use_dpop_nonce"), (401, "invalid_dpop_proof"))
    assert holder.userinfo(connections[0], token)[0] == 200  # with the nonce that it is told
    assert {holder.userinfo(connection, token)[0] for connection in connections} == {200}


@pytest.mark.parametrize("names", [("DPoP", "DPoP"), ("DPoP", "dpop"), ("dpop", "DPOP")])
def test_two_headers_are_refused_by_the_server_that_we_run_in(
    running: Provider, holder: Holder, asking: Callable[[], Asking], names: tuple[str, str]
) -> None:
    """RFC 9449 section 4.3, check 1, as bytes on a socket: what we see of them is what a server makes of them."""
    connection = asking()
    token = holder.token(connection)
    start = f"GET /userinfo HTTP/1.1\r\nHost: {running.issuer[7:]}\r\nAuthorization: DPoP {token}\r\n"
    first, second = (holder.proof("GET", "/userinfo", token) for _ in names)
    for proofs in ((first, second), (first, first), (first, ""), ("", first)):
        lines = "".join(f"{name}: {proof}\r\n" for name, proof in zip(names, proofs, strict=True))
        status, headers = sent(running, f"{start}{lines}Connection: close\r\n\r\n")
        assert status == 401
        assert b'error="invalid_dpop_proof"' in headers
        assert headers.lower().count(b"\r\ndate: ") == 1  # RFC 9110 section 6.6.1; FAPI 2.0 looks for it
    assert holder.userinfo(connection, token, first)[0] == 200, "none of these spent it"


def sent(running: Provider, request: str) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as wire:
        wire.sendall(request.encode("ascii"))
        answer = b""
        while chunk := wire.recv(65536):
            answer += chunk
    headers = answer.partition(b"\r\n\r\n")[0]
    return int(headers.split(b" ", 2)[1]), headers
