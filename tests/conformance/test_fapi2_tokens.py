"""FAPI 2.0: the token endpoint, and what a client assertion must say there and where requests are pushed."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.conformance.conftest import NewClient
from tests.conformance.fapi2 import (
    BOTH,
    MTLS,
    MTLS_SYSTEMS,
    by_every_client_and_system,
    code_form,
    code_of,
    of_every_plan,
    of_every_plan_and_system,
    pushed_without_proof,
    refused,
    token_form,
    with_assertions,
    with_assertions_and_systems,
    with_dpop,
)
from tests.conformance.suite_client import SuiteClient
from tests.conformance.suite_keys import SigningKey, pkce, proof
from tests.oidc.residents import seconds_later


def _redeemed(first: SuiteClient, **changes: Any) -> requests.Response:
    asked = first.ask_pushed()
    return first.redeem(asked, code_of(first, asked), **changes)


# ---- the code ----


@of_every_plan
def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(client: NewClient, profile: str) -> None:
    refused(_redeemed(client(profile), code_verifier=None), "invalid_grant")


@of_every_plan
def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(client: NewClient, profile: str) -> None:
    refused(_redeemed(client(profile), code_verifier=pkce()[0]), "invalid_grant")


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    client: NewClient, profile: str
) -> None:
    """The second client knows the person, and holds everything that belongs to the code, the DPoP key too."""
    first = client(profile)
    second = client(profile, "client2", browser=first.browser)
    second.sign_in()
    asked = first.ask_pushed()
    second.dpop = first.dpop
    refused(second.redeem(asked, code_of(first, asked)), "invalid_grant")


@pytest.mark.time_is_moved
@of_every_plan
def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    tokens = first.sign_in()
    assert first.userinfo(tokens.access_token).status_code == 200
    with seconds_later(1):
        refused(first.redeem(tokens.asked, first.answer(tokens.visit)["code"]), "invalid_grant")
        assert first.userinfo(tokens.access_token).status_code == 401, "what the code bought is void"


@pytest.mark.time_is_moved
@of_every_plan
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    asked = first.ask_pushed()
    code = code_of(first, asked)
    with seconds_later(61):
        refused(first.redeem(asked, code), "invalid_grant")


# ---- who comes with it, and with which key ----


@of_every_plan_and_system
def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(client: NewClient, profile: str) -> None:
    """The first client's proof, in all that it is, beside the second's client_id."""
    first, second = client(profile), client(profile, "client2")
    form = token_form(first)
    said = {"iss": first.id, "sub": first.id}
    first.asserts = lambda: said
    first.configuration = {**first.configuration, "client": {**first.configuration["client"], "client_id": second.id}}
    refused(first.post("token_endpoint", form, dpop=first.uses_dpop), "invalid_client")


@by_every_client_and_system
def test_fapi2_security_profile_final_ensure_holder_of_key_required(client: NewClient, profile: str) -> None:
    """Neither where the request was pushed nor here does the client show a key."""
    first = client(profile)
    form = token_form(first) if first.is_system else code_form(first, pushed_without_proof(first, first.ask()))
    first.configuration = {name: value for name, value in first.configuration.items() if name != "mtls"}
    errors = {MTLS: ("invalid_client",), MTLS_SYSTEMS: ("invalid_client",), BOTH: ("invalid_request",)}.get(
        profile, ("invalid_dpop_proof",)
    )
    refused(first.post("token_endpoint", form), *errors)


@with_dpop
def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(client: NewClient, profile: str) -> None:
    first = client(profile)
    asked = first.ask(dpop_jkt=SigningKey.new("ES256").thumbprint)
    refused(first.push(asked.parameters), "invalid_request", "invalid_dpop_proof")


@with_dpop
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    client: NewClient, profile: str
) -> None:
    """The code is bound by the proof that came with the pushed request (RFC 9449 section 10.1)."""
    first = client(profile)
    asked = first.ask_pushed()
    code, first.dpop = code_of(first, asked), SigningKey.new("ES256")
    refused(first.redeem(asked, code), "invalid_grant", "invalid_dpop_proof")


@with_dpop
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    client: NewClient, profile: str
) -> None:
    """The code is bound by a parameter of the request alone."""
    first = client(profile)
    asked = pushed_without_proof(first, first.ask(dpop_jkt=first.dpop.thumbprint))
    code, first.dpop = code_of(first, asked), SigningKey.new("ES256")
    refused(first.redeem(asked, code), "invalid_grant", "invalid_dpop_proof")


# ---- the refresh token ----


@pytest.mark.time_is_moved
@of_every_plan
def test_fapi2_security_profile_final_refresh_token(client: NewClient, profile: str) -> None:
    """It is the client's, is not replaced, and is bound to no key of a client that proves itself each time."""
    first, second = client(profile), client(profile, "client2")
    before = first.sign_in(scope="openid email offline_access", prompt="consent")
    refused(second.refresh(before.refresh_token), "invalid_grant")
    body = _refreshed(first, before.refresh_token)
    claims = first.checked(body["id_token"], None, body["access_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert claims[name] == before.claims[name], name
    assert body["access_token"] != before.access_token
    assert first.userinfo(body["access_token"]).json().keys() == {"sub", "email", "email_verified"}
    with seconds_later(31):
        _refreshed(first, before.refresh_token)
    first.dpop = SigningKey.new("ES256")
    again = _refreshed(first, before.refresh_token)
    assert first.userinfo(again["access_token"]).status_code == 200


def _refreshed(first: SuiteClient, refresh_token: str) -> dict[str, Any]:
    answer = first.refresh(refresh_token)
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    body: dict[str, Any] = answer.json()
    assert body.get("refresh_token", refresh_token) == refresh_token, "FAPI 2.0 section 5.3.2.1: not rotated"
    assert body["token_type"] == ("DPoP" if first.uses_dpop else "Bearer")
    return body


# ---- the assertion, at the token endpoint ----


def _asserting_is_refused(first: SuiteClient, **said: Any) -> None:
    """Of a request in which everything else is right."""
    form = token_form(first)
    first.asserts = lambda: said
    refused(first.post("token_endpoint", form, dpop=first.uses_dpop), "invalid_client")


@with_assertions_and_systems
def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails(
    client: NewClient, profile: str
) -> None:
    _asserting_is_refused(client(profile), alg="RS256")


@with_assertions_and_systems
def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    url = first.deployment.endpoint("token_endpoint")
    form = token_form(first) | {"client_id": first.id}
    shown = {"DPoP": proof(first.dpop, "POST", url)}
    refused(first.deployment.http.post(url, data=form, headers=shown, timeout=30), "invalid_client")


@with_assertions_and_systems
def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    client: NewClient, profile: str
) -> None:
    now = int(time.time())
    _asserting_is_refused(client(profile), iat=now - 360, exp=now - 300)


@with_assertions_and_systems
def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(
    client: NewClient, profile: str
) -> None:
    _asserting_is_refused(client(profile), aud="https://other.example")


@with_assertions_and_systems
def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(
    client: NewClient, profile: str
) -> None:
    _asserting_is_refused(client(profile), sub=None)


# ---- the assertion, where a request is pushed ----


def _pushing_is_refused(first: SuiteClient, **said: Any) -> None:
    first.asserts = lambda: said
    refused(first.push(first.ask().parameters), "invalid_client", "invalid_request")


@with_assertions
def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    client: NewClient, profile: str
) -> None:
    ahead = int(time.time()) + 70
    _pushing_is_refused(client(profile), iat=ahead, nbf=ahead, exp=ahead + 60)


@with_assertions
def test_fapi2_security_profile_final_par_test_array_as_audience_fails(client: NewClient, profile: str) -> None:
    first = client(profile)
    _pushing_is_refused(first, aud=[first.deployment.issuer])


@with_assertions
def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    _pushing_is_refused(first, aud=first.deployment.endpoint("pushed_authorization_request_endpoint"))


@with_assertions
def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    _pushing_is_refused(first, aud=first.deployment.endpoint("token_endpoint"))
