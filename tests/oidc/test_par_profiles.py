"""Who must push its requests and who must sign them (FAPI 2.0), and to which key the code is bound from there on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from idp import clock
from tests.oidc.asserting import asserting, public_jwk
from tests.oidc.holder import Holder, posted
from tests.oidc.packing import SIGNING, answered, fapi, push, pushed, request_object, visited
from tests.oidc.residents import Resident
from tests.world import Browser, Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


# ---- who must push, and sign ----


def test_who_must_push_is_refused_without(portals: Portals, residents: Residents) -> None:
    """Section 5, FAPI 2.0 section 5.3.2.2."""
    portal = portals(require_pushed_authorization_requests=True)
    resident = residents(portal)
    answer = answered(resident.browser.get(portal.ask(state="s").url), portal)
    assert (answer["error"], answer["error_description"][:3], answer["state"]) == ("invalid_request", "A23", "s")
    assert "code" in visited(resident.browser, portal, pushed(portal, portal.ask().parameters))


@pytest.mark.parametrize(
    "asked",
    [
        {"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"},
        {"response_type": "code id_token"}, {"response_type": "token"}, {"redirect_uri": None},
    ],
)  # fmt: skip
def test_a_fapi_client_has_the_code_flow_with_s256_and_no_other(portals: Portals, asked: dict[str, str | None]) -> None:
    client = fapi(portals)
    answer = push(client, client.portal.ask(**asked).parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("asked", [{"state": None}, {"nonce": None}, {"nonce": "n" * 64}, {"state": "s" * 1000}])
def test_a_fapi_client_may_leave_out_or_lengthen_state_and_nonce(
    portals: Portals, browser: Browser, asked: dict[str, str | None]
) -> None:
    client = fapi(portals)
    request = client.portal.ask(prompt="none", **asked)
    answer = visited(browser, client.portal, pushed(client, request.parameters))
    assert (answer["error"], answer.get("state")) == ("login_required", request.parameters.get("state"))


def test_a_signed_request_may_be_as_long_as_signed_requests_are_read(portals: Portals, browser: Browser) -> None:
    client = asserting(portals, "ES256", **SIGNING)
    request = client.portal.ask(prompt="none", nonce="n" * 64)
    signed = request_object(client.portal, request.parameters, unknown="u" * 3500)
    assert len(signed) > client.portal.world.settings.limits.parameter_characters
    name = pushed(client, {"client_id": client.portal.id, "request": signed})
    assert "response" in visited(browser, client.portal, name)


def test_who_must_sign_cannot_push_plainly(portals: Portals, browser: Browser) -> None:
    """FAPI 2.0 Message Signing section 5.3."""
    client = asserting(portals, "ES256", **SIGNING)
    portal = client.portal
    asked = dict(portal.ask(prompt="none", response_mode="jwt").parameters)
    assert push(client, asked).json()["error_description"].startswith("A24")
    signed = request_object(portal, asked)
    name = pushed(client, {"client_id": portal.id, "request": signed, "state": "outside", "nonce": "outside"})
    assert "response" in visited(browser, portal, name)
    assert push(client, {"client_id": portal.id, "request": signed}).json()["error"] == "invalid_request_object"


SIGNED_TIMES: list[tuple[str, dict[str, int | None], bool]] = [
    ("nbf 8 seconds ahead", {"nbf": 8, "exp": 308}, True), ("nbf a minute ahead", {"nbf": 61, "exp": 361}, False),
    ("an hour at most", {"nbf": 0, "exp": 3600}, True), ("more than an hour", {"nbf": 0, "exp": 3661}, False),
    ("nbf more than an hour ago", {"nbf": -3700, "exp": -100}, False), ("expired", {"nbf": -400, "exp": -60}, False),
    ("no exp", {"nbf": 0, "exp": None}, False), ("no nbf", {"nbf": None, "exp": 300}, False),
    ("nbf long ago and exp to come", {"nbf": -3661, "exp": 100}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    "times, taken", [(times, taken) for _, times, taken in SIGNED_TIMES], ids=[what for what, _, _ in SIGNED_TIMES]
)
def test_a_fapi_request_object_says_from_when_until_when(
    portals: Portals, times: dict[str, int | None], taken: bool
) -> None:
    """FAPI 2.0 Message Signing section 5.3.1."""
    client = fapi(portals)
    claims = {name: None if value is None else clock.seconds() + value for name, value in times.items()}
    token = request_object(client.portal, client.portal.ask().parameters, iat=None, **claims)
    answer = push(client, {"client_id": client.portal.id, "request": token})
    assert (answer.status_code, answer.json().get("error")) == (
        (201, None) if taken else (400, "invalid_request_object")
    )


@pytest.mark.parametrize(
    "claims, taken",
    [
        ({"aud": ["https://elsewhere.example", "ISSUER"]}, True), ({"aud": "https://elsewhere.example"}, False),
        ({"aud": None}, False), ({"iss": None}, False), ({"iss": "another"}, False), ({"client_id": None}, False),
        ({"redirect_uri": None}, False),
    ],
)  # fmt: skip
def test_a_fapi_request_object_says_from_whom_to_whom(portals: Portals, claims: dict[str, Any], taken: bool) -> None:
    client = fapi(portals)
    said = json.loads(json.dumps(claims).replace("ISSUER", client.issuer))
    token = request_object(client.portal, client.portal.ask().parameters, **said)
    answer = push(client, {"client_id": client.portal.id, "request": token})
    assert answer.status_code == (201 if taken else 400), answer.text


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_a_fapi_request_object_is_not_signed_with_rs256(portals: Portals, alg: str) -> None:
    client = fapi(portals, jwks={"keys": [{**public_jwk("RS256"), "kid": "k1"}, {**public_jwk("ES256"), "kid": "k2"}]})
    client.kid = "k2"
    token = request_object(client.portal, client.portal.ask().parameters, alg)
    answer = push(client, {"client_id": client.portal.id, "request": token})
    assert answer.status_code == (201 if alg == "PS256" else 400), answer.text


# ---- to which key the code will be bound (RFC 9449 section 10) ----


def test_the_proof_s_key_and_dpop_jkt_must_agree(portal: Portal) -> None:
    holder, other = Holder(), Holder()
    for jkt, status in ((None, 201), (holder.jkt, 201), (other.jkt, 400)):
        answer = push(portal, portal.ask(dpop_jkt=jkt).parameters, holder)
        assert answer.status_code == status, answer.text
    assert answer.json()["error_description"].startswith("A27")


def test_whose_key_pushed_the_request_must_redeem_the_code(portals: Portals, residents: Residents) -> None:
    portal, holder = portals(dpop_bound_access_tokens=True), Holder()
    resident = residents(portal)
    for asked, shown in (({}, holder), ({"dpop_jkt": holder.jkt}, None)):
        for redeeming, status in ((Holder(), 400), (holder, 200)):
            request = portal.ask(**asked)
            code = visited(resident.browser, portal, pushed(portal, request.parameters, shown))["code"]
            form = {
                "grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri,
                "code_verifier": request.verifier,
            }  # fmt: skip
            answer = posted(portal, "/token", dict(form), holder=redeeming)
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize("jkt", ["-", "x", "A" * 42, "A" * 43 + "=", "é" * 43])
def test_a_thumbprint_that_is_none_is_refused(portal: Portal, jkt: str) -> None:
    answer = push(portal, portal.ask(dpop_jkt=jkt).parameters)
    assert (answer.status_code, answer.json()["error_description"][:3]) == (400, "A04")


def test_a_proof_that_is_none_is_refused(portal: Portal) -> None:
    url, holder = f"{portal.world.issuer}/par", Holder()
    for wrong in (holder.proof(portal.world.issuer + "/token"), holder.proof(url, "GET"), {"DPoP": "x"}):
        answer = posted(portal, "/par", dict(portal.ask().parameters), headers=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
