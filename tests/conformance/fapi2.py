"""What the modules of FAPI 2.0 share: in which plans they stand, how a request is pushed, and what a refusal is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.conformance.suite_client import Asked, SuiteClient

SIGNING, DPOP, MTLS, BOTH = "fapi2-signing", "fapi2-dpop", "fapi2-mtls", "fapi2-jwt-mtls"
DPOP_SYSTEMS, MTLS_SYSTEMS = "fapi2-dpop-systems", "fapi2-mtls-systems"
PAR = "pushed_authorization_request_endpoint"

of_every_plan = pytest.mark.parametrize("profile", [SIGNING, DPOP, MTLS])
with_dpop = pytest.mark.parametrize("profile", [SIGNING, DPOP])
with_assertions = pytest.mark.parametrize("profile", [SIGNING, DPOP, BOTH])  # MTLS: by the certificate alone
# Modules that there are also in the variant in which systems ask for themselves.
of_every_plan_and_system = pytest.mark.parametrize("profile", [SIGNING, DPOP, MTLS, DPOP_SYSTEMS, MTLS_SYSTEMS])
by_every_client_and_system = pytest.mark.parametrize("profile", [SIGNING, DPOP, MTLS, BOTH, DPOP_SYSTEMS, MTLS_SYSTEMS])
with_dpop_and_systems = pytest.mark.parametrize("profile", [SIGNING, DPOP, DPOP_SYSTEMS])
with_assertions_and_systems = pytest.mark.parametrize("profile", [SIGNING, DPOP, BOTH, DPOP_SYSTEMS])
with_request_objects = pytest.mark.parametrize("profile", [SIGNING])


def form_of(first: SuiteClient, parameters: Mapping[str, Any], **object_changes: Any) -> dict[str, Any]:
    """The request as this client pushes it: signed where it must."""
    if not first.registered.require_signed_request_object:
        return dict(parameters)
    return {"client_id": first.id, "request": first.request_object(parameters, **object_changes)}


def named(first: SuiteClient, asked: Asked, answer: requests.Response) -> Asked:
    """What goes to /authorize of a request that was pushed."""
    assert answer.status_code == 201, answer.text
    return replace(asked, parameters={"client_id": first.id, "request_uri": answer.json()["request_uri"]})


def pushed_without_proof(first: SuiteClient, asked: Asked) -> Asked:
    """Pushed by a client that does not say yet with which key it will come for its tokens."""
    return named(first, asked, first.post(PAR, form_of(first, asked.parameters)))


def code_of(first: SuiteClient, asked: Asked) -> str:
    return first.answer(first.visit(asked))["code"]


def code_form(first: SuiteClient, asked: Asked) -> dict[str, Any]:
    """What redeems a code for this request, but for who the client is."""
    return {
        "grant_type": "authorization_code", "code": code_of(first, asked), "redirect_uri": first.redirect_uri,
        "code_verifier": asked.verifier,
    }  # fmt: skip


def token_form(first: SuiteClient) -> dict[str, Any]:
    """What buys its first token, but for who the client is: somebody's code, or nothing but that it is a system."""
    if first.is_system:
        return {"grant_type": "client_credentials", "scope": first.configuration[first.part]["scope"]}
    return code_form(first, first.ask_pushed())


def refused(answer: requests.Response, *errors: str) -> None:
    """One of these errors, as JSON that nobody stores (RFC 6749 section 5.2)."""
    said = answer.json()
    assert said.get("error") in errors, said
    assert answer.status_code in ((400, 401) if said["error"] == "invalid_client" else (400,))
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    assert not {"access_token", "id_token", "refresh_token", "request_uri"} & said.keys()
