"""Whatever goes wrong where libraries ask, they are told in JSON (RFC 6749 section 5.2, RFC 7591 section 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.oidc.registering import Office, office

FORM = "application/x-www-form-urlencoded"
POSTED = ("/token", "/par", "/introspect", "/revoke", "/device_authorization", "/register")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("told")) as opened:
        yield opened


def is_told(answer: requests.Response, status: int, error: str, code: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert (told["error"], told["error_description"][:3]) == (error, code)


@pytest.mark.parametrize("path", POSTED)
def test_a_body_beyond_all_measure(registry: Office, path: str) -> None:
    form = {"Content-Type": FORM}
    answer = registry.ask("POST", registry.world.issuer + path, data="a=" + "x" * 70_000, headers=form)
    is_told(answer, 413, "invalid_request", "G03")


@pytest.mark.parametrize("path", [*POSTED, "/userinfo", "/jwks", "/register/nobody"])
def test_a_method_that_is_none_there(registry: Office, path: str) -> None:
    answer = registry.ask("PATCH", registry.world.issuer + path)
    is_told(answer, 405, "invalid_request", "G02")
    assert answer.headers["Allow"]


def test_people_are_told_on_a_page(registry: Office) -> None:
    for path in ("/nowhere", "/tokens", "/registered"):
        answer = registry.ask("GET", registry.world.issuer + path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
