"""OpenID Connect Basic and Form Post: what is refused, at the door and at the token endpoint."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import NewClient
from tests.conformance.suite_client import SuiteClient
from tests.conformance.suite_keys import unsigned
from tests.oidc.residents import seconds_later


def test_oidcc_response_type_missing(basic: NewClient) -> None:
    first = basic()
    asked = first.ask(response_type=None)
    visit = first.visit(asked)
    assert visit.answer["error"] in ("unsupported_response_type", "invalid_request")
    assert visit.answer["state"] == asked.parameters["state"]


def test_oidcc_ensure_registered_redirect_uri(basic: NewClient) -> None:
    first = basic()
    visit = first.visit(first.ask(redirect_uri=f"{first.redirect_uri}/elsewhere"))
    assert visit.arrival is None
    assert visit.page.status == 400
    assert "redirect_uri" in visit.page.html


def test_oidcc_codereuse(basic: NewClient) -> None:
    first = basic()
    tokens = first.sign_in()
    again = first.redeem(tokens.asked, tokens.visit.answer["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert first.userinfo(tokens.access_token).status_code == 401, "what the code bought is void"


@pytest.mark.time_is_moved
def test_oidcc_codereuse_30seconds(basic: NewClient) -> None:
    first = basic()
    tokens = first.sign_in()
    assert first.userinfo(tokens.access_token).status_code == 200
    with seconds_later(30):
        again = first.redeem(tokens.asked, tokens.visit.answer["code"])
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert first.userinfo(tokens.access_token).status_code == 401


def test_oidcc_refresh_token(basic: NewClient) -> None:
    first, second = basic(), basic("client2")
    before = first.sign_in(scope="openid offline_access", prompt="consent")
    answer = first.refresh(before.refresh_token)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    again = first.checked(body["id_token"], before.asked.nonce if "nonce" in _claims(first, body) else None)
    for name in ("iss", "sub", "aud", "auth_time"):
        assert again[name] == before.claims[name], name
    assert body["access_token"] != before.access_token
    assert first.userinfo(body["access_token"]).json()["sub"] == before.claims["sub"]
    strangers = second.refresh(body.get("refresh_token", before.refresh_token))
    assert (strangers.status_code, strangers.json()["error"]) == (400, "invalid_grant")
    assert first.refresh(body.get("refresh_token", before.refresh_token)).status_code == 200, "nothing was spent"


def _claims(first: SuiteClient, body: dict[str, str]) -> dict[str, object]:
    return first.deployment.verified(body["id_token"], first.registered.id_token_signed_response_alg)


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(basic: NewClient) -> None:
    first = basic()
    asked = first.ask()
    visit = first.visit(type(asked)({**asked.parameters, "request": unsigned({"state": "inside", **asked.parameters})}))
    assert visit.answer["error"] in ("request_not_supported", "invalid_request_object")
    assert "code" not in visit.answer


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(basic: NewClient) -> None:
    first = basic()
    asked = first.ask()
    document = unsigned(asked.parameters)
    address = first.deployment.suite.publish(f"requests/{first.id}", document.encode(), "application/jwt")
    visit = first.visit(type(asked)({**asked.parameters, "request_uri": address}))
    assert visit.answer["error"] in ("request_uri_not_supported", "invalid_request_uri", "invalid_request_object")


def test_oidcc_ensure_request_object_with_redirect_uri(basic: NewClient) -> None:
    """Two redirect_uris, one of them inside: refused here, because nobody signed which of them is meant."""
    first = basic()
    asked = first.ask()
    inside = unsigned({**asked.parameters, "redirect_uri": f"{first.redirect_uri}/inside"})
    visit = first.visit(type(asked)({**asked.parameters, "request": inside}))
    assert visit.arrival is None or "error" in visit.answer
    assert visit.arrival is None or visit.arrival.url.partition("?")[0] == first.redirect_uri
