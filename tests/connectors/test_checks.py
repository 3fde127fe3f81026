"""`sources check`: every line says what it should about a source that is well, and about one that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.banking import Banking, BankingConfiguration
from connectors.base import Check
from connectors.checks import LATENCY_MILLISECONDS, LATENCY_TRIES, clock, latency, line
from tests.connectors.door import Door
from tests.connectors.liar import DISCOVERY, KEYS, Liar, Wire


def failed(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.passed}


def test_a_good_source_passes_every_line(liar: Liar, door: Door, bank: Banking) -> None:
    checks = bank.checks(door.context)
    assert failed(checks) == set()
    assert [check.name for check in checks] == [
        "discovery", "metadata", "tls", "clock", "keys", "id_token algorithm", "code flow", "client authentication",
        "client assertion algorithm", "PKCE", "PAR", "userinfo", "acr values", "credentials", "latency",
    ]  # fmt: skip
    assert all(check.detail for check in checks)
    assert checks[0].milliseconds > 0 and checks[-1].milliseconds > 0


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {other: value for other, value in document.items() if other != name}


def changed(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {**document, **changes}


@pytest.mark.parametrize(
    "lie,expected",
    [
        (changed(issuer="https://another.example"), {"metadata"}),
        (changed(token_endpoint="https://attacker.example/"), {"metadata"}),
        (changed(id_token_signing_alg_values_supported=["HS256", "none"]), {"id_token algorithm"}),
        (changed(response_types_supported=["id_token"]), {"code flow"}),
        (changed(token_endpoint_auth_methods_supported=["client_secret_basic"]), {"client authentication"}),
        (without("token_endpoint_auth_methods_supported"), {"client authentication"}),
        (changed(token_endpoint_auth_signing_alg_values_supported=["RS256"]), {"client assertion algorithm"}),
        (without("code_challenge_methods_supported"), {"PKCE"}),
        (changed(code_challenge_methods_supported=["plain"]), {"PKCE"}),
        (without("pushed_authorization_request_endpoint"), {"PAR"}),
        (without("userinfo_endpoint"), {"userinfo"}),
        (changed(acr_values_supported=["bank:pwd"]), {"acr values"}),
        (without("acr_values_supported"), set()),
        (changed(code_challenge_methods_supported="S256"), {"PKCE"}),
    ],
)
def test_each_fault_has_its_line(
    liar: Liar, door: Door, bank: Banking, lie: Callable[[Any], Any], expected: set[str]
) -> None:
    liar.lies["discovery"] = lie
    assert failed(bank.checks(door.context)) == expected


def test_keys_that_do_not_serve_are_counted(liar: Liar, door: Door, bank: Banking) -> None:
    liar.lies["jwks"] = lambda _: {"keys": [KEYS["ES256"].jwk(), {"kty": "oct", "k": "AA"}, {"kty": "RSA"}]}
    (keys,) = [check for check in bank.checks(door.context) if check.name == "keys"]
    assert keys.passed and keys.detail.startswith("1 of 3 keys")
    documents: list[dict[str, Any]] = [{"keys": []}, {}, {"keys": [{"kty": "oct", "k": "AA"}]}]
    for document in documents:
        liar.wire["/jwks"] = Wire(body=json.dumps(document).encode())
        assert failed(bank.checks(door.context)) == {"keys"}
    only_rsa = Banking(BankingConfiguration(issuer=liar.issuer, client_id="one-door", id_token_algorithms=("RS256",)))
    liar.wire["/jwks"] = Wire(body=json.dumps({"keys": [KEYS["ES256"].jwk()]}).encode())
    assert failed(only_rsa.checks(door.context)) == {"keys"}


@pytest.mark.parametrize("seconds", [40, -40])
def test_a_clock_that_is_off_shows(liar: Liar, door: Door, bank: Banking, seconds: int) -> None:
    door.shift = timedelta(seconds=seconds)
    assert "clock" in failed(bank.checks(door.context))


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sun, 99 Nov 2026 01:00:00 GMT", "1 Nov 2026 01:00:00 -0000"])
def test_a_clock_that_cannot_be_read_is_not_right(door: Door, date: str | None) -> None:
    told = clock(door.context, date, 1e12)
    assert (told.passed, told.detail) == (False, "the answer has no readable Date")


@pytest.mark.parametrize(
    "odd_one,expected",
    [
        (line("a try", True, "", LATENCY_MILLISECONDS), True),
        (line("a try", True, "", LATENCY_MILLISECONDS + 1), False),
        (line("a try", False, ""), False),
    ],
)
def test_one_try_that_is_slow_or_fails_is_enough_to_show(odd_one: Check, expected: bool) -> None:
    tries = iter([odd_one, *[line("a try", True, "", 20.0)] * (LATENCY_TRIES - 1)])
    told = latency(lambda: next(tries))
    assert (told.passed, told.milliseconds) == (expected, 20.0)


def test_credentials_that_the_source_does_not_know_show(liar: Liar, door: Door, bank: Banking) -> None:
    stranger = Banking(BankingConfiguration(issuer=liar.issuer, client_id="somebody-else"))
    assert failed(stranger.checks(door.context)) == {"credentials"}
    del door.credentials["client_key"]
    assert failed(bank.checks(door.context)) == {"credentials"}


@pytest.mark.parametrize("wire", [Wire(503), Wire(reset=True), Wire(404)])
def test_a_source_that_is_not_there_has_one_line(liar: Liar, door: Door, bank: Banking, wire: Wire) -> None:
    liar.wire[DISCOVERY] = wire
    (check,) = bank.checks(door.context)
    assert (check.name, check.passed) == ("discovery", False)
    assert check.detail
