"""FAPI 2.0: authorization requests that are refused, where they are pushed or where the browser brings their name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.conftest import NewClient
from tests.conformance.fapi2 import PAR, form_of, named, of_every_plan, refused
from tests.conformance.suite_browser import Visit
from tests.conformance.suite_client import Asked, SuiteClient, random_word
from tests.conformance.suite_keys import pkce
from tests.oidc.residents import seconds_later


def _is_refused(first: SuiteClient, **changes: Any) -> None:
    """Already where it is pushed, so that no browser comes in vain."""
    refused(first.push(first.ask(**changes).parameters), "invalid_request")


def _is_a_page(visit: Visit) -> None:
    """Nobody is sent anywhere by a request that cannot be read; the page says so."""
    assert visit.arrival is None, visit.answer
    assert visit.page.status == 400


def _with(asked: Asked, **outside: str) -> Asked:
    return replace(asked, parameters={**asked.parameters, **outside})


# ---- what is pushed ----


@of_every_plan
def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    client: NewClient, profile: str
) -> None:
    """Where the request is signed, a redirect_uri beside it does not count."""
    first = client(profile)
    form = form_of(first, first.ask(redirect_uri=None).parameters)
    refused(first.post(PAR, form, dpop=first.uses_dpop), "invalid_request")
    if "request" in form:
        beside = form_of(first, first.ask(redirect_uri=None).parameters) | {"redirect_uri": first.redirect_uri}
        refused(first.post(PAR, beside, dpop=True), "invalid_request")


@of_every_plan
def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(
    client: NewClient, profile: str
) -> None:
    _is_refused(client(profile), redirect_uri=None)


@of_every_plan
def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(
    client: NewClient, profile: str
) -> None:
    """RFC 9126 section 2.4 would let us take it; we do not."""
    first = client(profile)
    _is_refused(first, redirect_uri=f"{first.redirect_uri}/{random_word()}")


@of_every_plan
def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), response_type="code id_token")


@of_every_plan
def test_fapi2_security_profile_final_ensure_response_type_token_fails(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), response_type="token")


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(
    client: NewClient, profile: str
) -> None:
    """Longer than a code has room for."""
    _is_refused(client(profile), nonce=random_word(384))


@of_every_plan
def test_fapi2_security_profile_final_par_ensure_pkce_required(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), code_challenge=None, code_challenge_method=None)


@of_every_plan
def test_fapi2_security_profile_final_par_plain_pkce_rejected(client: NewClient, profile: str) -> None:
    _, verifier = pkce()  # in the form of a challenge, so that only its method is wrong
    for method in ("plain", None):  # without a method it is plain (RFC 7636 section 4.3)
        _is_refused(client(profile), code_challenge=verifier, code_challenge_method=method)


@of_every_plan
def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    form = form_of(first, first.ask().parameters)
    form["request_uri"] = f"urn:ietf:params:oauth:request_uri:{random_word(43)}"
    refused(first.post(PAR, form, dpop=first.uses_dpop), "invalid_request")


@of_every_plan
def test_fapi2_security_profile_final_par_attempt_invalid_http_method(client: NewClient, profile: str) -> None:
    first = client(profile)
    url = first.deployment.endpoint(PAR)
    for method in ("GET", "PUT", "DELETE"):
        answer = first.deployment.http.request(method, url, timeout=30)
        assert answer.status_code == 405, method
        assert "POST" in answer.headers["Allow"]


# ---- what the browser brings ----


@of_every_plan
def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    request = first.ask()
    told = first.answer(first.visit(request))
    assert told["error"] == "invalid_request"
    assert told["state"] == request.parameters["state"]
    assert "code" not in told


@of_every_plan
def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    client: NewClient, profile: str
) -> None:
    """Of three ways that are allowed, ours: outside of what was pushed nothing counts."""
    first = client(profile)
    asked = first.ask_pushed()
    assert first.redeemed(asked, first.visit(_with(asked, nonce=random_word()))).claims["nonce"] == asked.nonce


@of_every_plan
def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    request = first.ask()
    asked = named(first, request, first.push(request.parameters))
    tokens = first.redeemed(asked, first.visit(_with(asked, state=random_word())))
    assert first.answer(tokens.visit)["state"] == request.parameters["state"]


@of_every_plan
def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    asked = first.ask_pushed(state=None)
    tokens = first.redeemed(asked, first.visit(_with(asked, state=random_word())))
    assert "state" not in first.answer(tokens.visit)


@of_every_plan
def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(client: NewClient, profile: str) -> None:
    first = client(profile)
    asked = first.ask_pushed()
    assert first.redeemed(asked, first.visit(asked))
    _is_a_page(first.visit(asked))


@pytest.mark.time_is_moved
@of_every_plan
def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(client: NewClient, profile: str) -> None:
    first = client(profile)
    request = first.ask()
    answer = first.push(request.parameters)
    asked = named(first, request, answer)
    with seconds_later(answer.json()["expires_in"] + 1):
        _is_a_page(first.visit(asked))


@of_every_plan
def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    client: NewClient, profile: str
) -> None:
    first, second = client(profile), client(profile, "client2")
    _is_a_page(second.visit(_with(first.ask_pushed(), client_id=second.id)))
