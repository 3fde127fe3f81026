"""FAPI 2.0: what ends well, over the whole way from the pushed request to the resource."""

from __future__ import annotations

import json
import time

from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.fapi2 import (
    SIGNING,
    code_of,
    named,
    of_every_plan,
    of_every_plan_and_system,
    with_assertions,
    with_dpop,
    with_dpop_and_systems,
    with_request_objects,
)
from tests.conformance.suite_client import SuiteClient, random_word

FAPI_ALGORITHMS = {"PS256", "ES256", "EdDSA"}  # FAPI 2.0 Security Profile section 5.4
CODE_CHARACTERS = 22  # 128 bits (section 5.3.2.1)


def test_fapi2_security_profile_final_discovery_end_point_verification(deployment: Deployment) -> None:
    document = deployment.discovery()
    assert document["issuer"] == deployment.issuer
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"], "nothing that puts a token into the browser"
    assert {"jwt", "query.jwt"} <= set(document["response_modes_supported"])
    assert {"authorization_code", "refresh_token", "client_credentials"} <= set(document["grant_types_supported"])
    assert {"private_key_jwt", "self_signed_tls_client_auth"} <= set(document["token_endpoint_auth_methods_supported"])
    for name in ("token_endpoint_auth_signing", "dpop_signing", "request_object_signing", "authorization_signing",
                 "id_token_signing"):  # fmt: skip
        assert set(document[f"{name}_alg_values_supported"]) >= FAPI_ALGORITHMS, name
    assert set(document["dpop_signing_alg_values_supported"]) == FAPI_ALGORITHMS
    assert document["claims_parameter_supported"] is True
    assert "openid" in document["scopes_supported"]
    assert document["tls_client_certificate_bound_access_tokens"] is True
    aliases = document["mtls_endpoint_aliases"]
    for name in ("token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint"):
        assert document[name].startswith(f"{deployment.issuer}/"), name
        assert aliases[name] != document[name], "another host, where the browser is never asked for a certificate"
    for name in ("authorization_endpoint", "jwks_uri"):
        assert document[name].startswith(f"{deployment.issuer}/"), name


@of_every_plan_and_system
def test_fapi2_security_profile_final_happy_flow(client: NewClient, profile: str) -> None:
    """Twice: with what is usual, and with a redirect_uri that has a query; systems, where nobody signs in, twice."""
    first = client(profile)
    if first.is_system:
        _opens_what_systems_open(first, client(profile, "client2"))
        return
    request = first.ask(scope="openid email")
    answer = first.push(request.parameters)
    asked = named(first, request, answer)
    assert answer.json().keys() == {"request_uri", "expires_in"}
    assert isinstance(answer.json()["expires_in"], int)
    assert 5 <= answer.json()["expires_in"] < 600, "section 5.3.2.2"
    assert "no-store" in answer.headers["Cache-Control"]
    tokens = first.redeemed(asked, first.visit(asked))
    told = first.answer(tokens.visit)
    assert ("response" in tokens.visit.answer) is (profile == SIGNING)
    assert told["state"] == request.parameters["state"]
    assert len(told["code"]) >= CODE_CHARACTERS
    assert isinstance(tokens.body["expires_in"], int)
    assert set(tokens.body["scope"].split()) == {"openid", "email"}
    _opens_the_resource(first, tokens.access_token, str(tokens.claims["sub"]))
    _goes_where_a_query_is(client(profile, "client2"))


def _opens_the_resource(first: SuiteClient, access_token: str, sub: str) -> None:
    userinfo = first.resource(access_token)
    assert (userinfo.status_code, userinfo.json()["sub"]) == (200, sub)
    assert "Date" in userinfo.headers
    _takes_no_token_from_the_query(first, access_token)


def _takes_no_token_from_the_query(first: SuiteClient, access_token: str) -> None:
    in_query = first.deployment.http.get(f"{first.resource_url}?access_token={access_token}", timeout=30)
    assert in_query.status_code in (400, 401), "RFC 6750 section 2.3 is not for FAPI"


def _opens_what_systems_open(first: SuiteClient, second: SuiteClient) -> None:
    for each in (first, second):
        body = each.asked_for_itself().json()
        assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}, "RFC 6749 section 4.4.3"
        assert body["token_type"] == ("DPoP" if each.uses_dpop else "Bearer")
        assert len(body["access_token"]) >= CODE_CHARACTERS
        assert isinstance(body["expires_in"], int)
        interaction = {"x-fapi-interaction-id": "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"}
        answer = each.resource(body["access_token"], **interaction, Accept="application/json; charset=utf-8")
        assert (answer.status_code, answer.json()["client_id"]) == (200, each.id)
        assert interaction.items() <= answer.headers.items()
        assert "Date" in answer.headers
        _takes_no_token_from_the_query(each, body["access_token"])
    stolen = second.access_token()
    assert first.resource(stolen).status_code == 401, "with the first client's key, or certificate"
    assert second.resource(stolen).status_code == 200


def _goes_where_a_query_is(second: SuiteClient) -> None:
    uri = f"{second.redirect_uri}?dummy1=lorem&dummy2=ipsum"
    asked = second.ask_pushed(redirect_uri=uri)
    visit = second.visit(asked)
    assert visit.arrival is not None
    assert visit.arrival.url.startswith(f"{uri}&")
    signed = visit.answer.get("response")
    told = visit.answer if signed is None else second.opened(signed)
    assert told["iss"] == second.deployment.issuer
    assert second.redeem(asked, told["code"], redirect_uri=uri).status_code == 200


@of_every_plan
def test_fapi2_security_profile_final_user_rejects_authentication(client: NewClient, profile: str) -> None:
    first = client(profile)
    request = first.ask()
    told = first.answer(first.visit(named(first, request, first.push(request.parameters))))
    assert told["error"] == "access_denied"
    assert told["state"] == request.parameters["state"]
    assert "code" not in told


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    request = first.ask()
    audience = ["https://other.example", first.deployment.issuer]
    asked = named(first, request, first.push(request.parameters, aud=audience))
    assert first.redeemed(asked, first.visit(asked))


@with_request_objects
def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    request = first.ask()
    asked = named(first, request, first.push(request.parameters, nbf=int(time.time()) + 8))
    assert first.redeemed(asked, first.visit(asked))


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    tokens = first.sign_in(state=None)
    assert "state" not in first.answer(tokens.visit)
    assert "s_hash" not in tokens.claims


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    client: NewClient, profile: str
) -> None:
    assert "nonce" not in client(profile).sign_in(nonce=None).claims


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    client: NewClient, profile: str
) -> None:
    nonce = random_word(64)
    assert client(profile).sign_in(nonce=nonce).claims["nonce"] == nonce


@of_every_plan
def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    state = random_word(1000)
    assert first.answer(first.sign_in(state=state).visit)["state"] == state


@of_every_plan
def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(client: NewClient, profile: str) -> None:
    tokens = client(profile).sign_in(scope="email profile openid")
    assert set(tokens.body["scope"].split()) == {"openid", "profile", "email"}


@of_every_plan
def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(client: NewClient, profile: str) -> None:
    first = client(profile)
    wanted = {"id_token": {"given_name": {"essential": True}}, "userinfo": {"email": None}}
    tokens = first.sign_in(claims=wanted if profile == SIGNING else json.dumps(wanted))
    assert tokens.claims["given_name"]
    assert "email" not in tokens.claims
    assert first.userinfo(tokens.access_token).json().keys() == {"sub", "email"}


@of_every_plan_and_system
def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(
    client: NewClient, profile: str
) -> None:
    """RFC 9110 section 11.1."""
    first = client(profile)
    token = first.access_token()
    usual = first.resource(token)
    for scheme in ("dpop", "DPOP") if first.uses_dpop else ("bearer", "BEARER"):
        answer = first.resource(token, Authorization=f"{scheme} {token}")
        assert (answer.status_code, answer.json()) == (200, usual.json()), scheme


@of_every_plan
def test_fapi2_security_profile_final_par_without_duplicate_parameters(client: NewClient, profile: str) -> None:
    """RFC 9101 section 5: beside the name of the request stands nothing but client_id."""
    first = client(profile)
    asked = first.ask_pushed()
    assert asked.parameters.keys() == {"client_id", "request_uri"}
    assert first.redeemed(asked, first.visit(asked))


@of_every_plan
def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    asked = first.ask_pushed()
    for _ in range(2):
        begun = first.visit(asked, automatically=False)
        assert (begun.arrival, begun.page.status) == (None, 200), "our page: nothing is answered yet"
    assert first.redeemed(asked, first.visit(asked))


@with_dpop_and_systems
def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(client: NewClient, profile: str) -> None:
    _ends_well_with_proofs_that_say(client(profile), nbf=0, exp=60)


@with_dpop_and_systems
def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    client: NewClient, profile: str
) -> None:
    _ends_well_with_proofs_that_say(client(profile), iat=-10)


@with_dpop_and_systems
def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    client: NewClient, profile: str
) -> None:
    _ends_well_with_proofs_that_say(client(profile), iat=10)


def _ends_well_with_proofs_that_say(first: SuiteClient, **from_now: int) -> None:
    first.proves = lambda: {name: int(time.time()) + seconds for name, seconds in from_now.items()}
    assert first.resource(first.access_token()).status_code == 200


@with_dpop
def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
    client: NewClient, profile: str
) -> None:
    assert client(profile).sign_in().body["token_type"] == "DPoP"


@with_dpop
def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(client: NewClient, profile: str) -> None:
    first = client(profile)
    request = first.ask(dpop_jkt=first.dpop.thumbprint)
    asked = named(first, request, first.push(request.parameters))
    assert first.redeem(asked, code_of(first, asked)).status_code == 200


@with_assertions
def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    client: NewClient, profile: str
) -> None:
    first = client(profile)
    first.asserts = lambda: {"nbf": int(time.time()) + 8}
    assert first.push(first.ask().parameters).status_code == 201
