"""The API that systems call for themselves, in conformance mode alone: what opens it, and how it refuses."""

from __future__ import annotations

import re

import pytest
import requests

from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.fapi2 import DPOP, DPOP_SYSTEMS, MTLS_SYSTEMS
from tests.conformance.suite_client import SuiteClient
from tests.oidc.residents import seconds_later

INTERACTION = "x-fapi-interaction-id"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
of_every_system = pytest.mark.parametrize("profile", [DPOP_SYSTEMS, MTLS_SYSTEMS])


def is_refused(answer: requests.Response, error: str, code: str, status: int = 401) -> None:
    """As RFC 6750 section 3 has it, and userinfo too."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    told = answer.json()
    assert (told["error"], told["error_description"][:3]) == (error, code)
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'realm="conformance"' in answer.headers["WWW-Authenticate"]
    assert INTERACTION not in answer.headers


@of_every_system
def test_it_tells_a_system_who_it_is_and_what_it_may(client: NewClient, profile: str) -> None:
    system = client(profile)
    for by in ("get", "post-header"):
        answer = system.resource(system.access_token(), by=by)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert answer.json() == {"client_id": system.id, "scope": "conformance"}


def test_a_token_that_is_bound_to_a_certificate_may_come_in_a_form(client: NewClient) -> None:
    system = client(MTLS_SYSTEMS)
    assert system.resource(system.access_token(), by="post-body").json()["client_id"] == system.id


def test_an_interaction_keeps_its_name_and_gets_one_where_it_has_none(client: NewClient) -> None:
    system = client(MTLS_SYSTEMS)
    token, named = system.access_token(), "93BAC548-D2DE-4546-B106-880A5018460D"
    assert system.resource(token, **{INTERACTION: named}).headers[INTERACTION] == named
    made = [system.resource(token, **given).headers[INTERACTION] for given in ({}, {INTERACTION: "<b>" * 99})]
    assert all(UUID.fullmatch(each) for each in made)
    assert len(set(made)) == 2


@of_every_system
def test_what_a_system_gave_back_opens_nothing_any_more(client: NewClient, profile: str) -> None:
    system = client(profile)
    token, other = system.access_token(), system.access_token()
    assert system.post("revocation_endpoint", {"token": token}, dpop=system.uses_dpop).status_code == 200
    is_refused(system.resource(token), "invalid_token", "U02")
    assert system.resource(other).status_code == 200


@pytest.mark.time_is_moved
def test_a_token_opens_it_until_it_expires(client: NewClient, deployment: Deployment) -> None:
    system = client(MTLS_SYSTEMS)
    token = system.access_token()
    with seconds_later(deployment.house.settings.lifetimes.access_token_seconds + 1):
        is_refused(system.resource(token), "invalid_token", "U02")


def test_a_system_that_is_switched_off_opens_nothing(client: NewClient, deployment: Deployment) -> None:
    system = client(DPOP_SYSTEMS, "client2")
    token = system.access_token()
    _switch(deployment, system, on=False)
    try:
        is_refused(system.resource(token), "invalid_token", "U02")
    finally:
        _switch(deployment, system, on=True)
    assert system.resource(token).status_code == 200


def _switch(deployment: Deployment, system: SuiteClient, *, on: bool) -> None:
    with deployment.house.database.write() as tx:
        deployment.house.clients.set_enabled(tx, system.id, enabled=on)
    deployment.house.changes.forget()


def test_a_person_s_token_does_not_open_it_nor_a_system_s_a_person_s_claims(client: NewClient) -> None:
    person, system = client(DPOP), client(DPOP_SYSTEMS)
    tokens = person.sign_in()
    person.configuration = {**person.configuration, "resource": system.configuration["resource"]}
    is_refused(person.resource(tokens.access_token), "invalid_token", "U02")
    assert person.userinfo(tokens.access_token).status_code == 200
    answer = system.userinfo(system.access_token())
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


@of_every_system
def test_a_token_without_the_key_that_it_is_bound_to_opens_nothing(client: NewClient, profile: str) -> None:
    system = client(profile)
    token, http = system.access_token(), system.deployment.http
    bearer = {"Authorization": f"Bearer {token}"}
    is_refused(http.get(system.resource_url, headers=bearer, timeout=30), "invalid_token", "D03")
    if system.uses_dpop:
        held = {"Authorization": f"DPoP {token}"}
        is_refused(http.get(system.resource_url, headers=held, timeout=30), "invalid_dpop_proof", "D01")


def test_whoever_brings_nothing_or_nonsense_is_told_how_to_ask(client: NewClient) -> None:
    system = client(DPOP_SYSTEMS)
    http, url = system.deployment.http, system.resource_url
    is_refused(http.get(url, timeout=30), "invalid_request", "U01")
    is_refused(http.get(f"{url}?access_token=x", timeout=30), "invalid_request", "U03", 400)
    is_refused(http.get(url, headers={"Authorization": "DPoP x"}, timeout=30), "invalid_token", "U02")
    answer = http.put(url, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (405, "invalid_request")
