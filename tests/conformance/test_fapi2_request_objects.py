"""FAPI 2.0 Message Signing: request objects that are refused (section 5.3.1, RFC 9101)."""

from __future__ import annotations

import time
from typing import Any

import jwt

from tests.conformance.conftest import NewClient
from tests.conformance.fapi2 import PAR, form_of, refused, with_request_objects
from tests.conformance.suite_client import SuiteClient
from tests.conformance.suite_keys import unsigned

HOUR_AND_MORE_SECONDS = 4200


def _is_refused(first: SuiteClient, **object_changes: Any) -> None:
    refused(first.push(first.ask().parameters, **object_changes), "invalid_request", "invalid_request_object")


def _is_refused_as(first: SuiteClient, token: str) -> None:
    answer = first.post(PAR, {"client_id": first.id, "request": token}, dpop=True)
    refused(answer, "invalid_request", "invalid_request_object")


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), exp=None)


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), nbf=None)


@with_request_objects
def test_fapi2_security_profile_final_ensure_expired_request_object_fails(client: NewClient, profile: str) -> None:
    now = int(time.time())
    _is_refused(client(profile), nbf=now - 600, iat=now - 600, exp=now - 300)


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(client: NewClient, profile: str) -> None:
    _is_refused(client(profile), aud="https://other.example")


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(
    client: NewClient, profile: str
) -> None:
    _is_refused(client(profile), exp=int(time.time()) + HOUR_AND_MORE_SECONDS)


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(
    client: NewClient, profile: str
) -> None:
    _is_refused(client(profile), nbf=int(time.time()) - HOUR_AND_MORE_SECONDS)


@with_request_objects
def test_fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails(
    client: NewClient, profile: str
) -> None:
    _is_refused(client(profile), alg="RS256")


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    token = first.request_object(first.ask().parameters)
    _is_refused_as(first, unsigned(jwt.decode(token, options={"verify_signature": False})))


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    signed, other = (first.request_object(first.ask().parameters).rpartition(".") for _ in range(2))
    _is_refused_as(first, f"{signed[0]}.{other[2]}")


@with_request_objects
def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    client: NewClient, profile: str
) -> None:
    """The second client's signature, under the second's key id and under the first's."""
    first, second = client(profile), client(profile, "client2")
    claims = jwt.decode(first.request_object(first.ask().parameters), options={"verify_signature": False})
    for kid in (second.key.jwk["kid"], first.key.jwk["kid"]):
        _is_refused_as(first, second.key.signed(claims, {"typ": "oauth-authz-req+jwt", "kid": kid}))
        claims |= {"jti": f"another than {kid}"}


@with_request_objects
def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    refused(first.push(first.ask().parameters, signed=False), "invalid_request", "invalid_request_object")


@with_request_objects
def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    form = form_of(first, first.ask().parameters, request_uri="urn:ietf:params:oauth:request_uri:inside")
    refused(first.post(PAR, form, dpop=True), "invalid_request", "invalid_request_object")
