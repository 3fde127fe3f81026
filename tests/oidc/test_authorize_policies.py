"""What `/authorize` does by a portal's registration (max_age, nonce, APIs), and what a code is bound to."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from idp.oidc.sealed import Code, open_code, resource_mark
from idp.seal import from_text
from tests.oidc.holder import Holder
from tests.oidc.packing import push
from tests.oidc.residents import Resident, seconds_later
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
API = "https://api.example.vn/land"
NO_PKCE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


def sealed_in(country: World, resident: Resident, portal: Portal, **asked: str | None) -> Code:
    """What a code for this request holds."""
    code, _ = resident.code(portal, **asked)
    return open_code(country.house.sealer, code, country.settings.lifetimes.code_seconds)


def test_a_registered_max_age_is_meant_where_the_request_names_none(portals: Portals, residents: Residents) -> None:
    """Dynamic Client Registration section 2, default_max_age."""
    portal = portals(default_max_age=100)
    resident = residents(portal)
    assert "code" in resident.asked(portal, prompt="none")
    with seconds_later(200):
        assert resident.asked(portal, prompt="none")["error"] == "login_required"
        assert "code" in resident.asked(portal, prompt="none", max_age="10000")


def test_a_registered_max_age_of_none_asks_always(portals: Portals, residents: Residents) -> None:
    portal = portals(default_max_age=0)
    assert residents(portal).asked(portal, prompt="none")["error"] == "login_required"


def test_a_portal_may_be_exempt_from_pkce_and_from_nonce(portals: Portals, residents: Residents) -> None:
    """Conformance: a request without either succeeds in the code flow. What it sends it still must send right."""
    portal = portals(pkce_required=False, nonce_required=False)
    resident = residents(portal)
    code, _ = resident.code(portal, nonce=None, **NO_PKCE)
    answer = portal.redeem(code, "", code_verifier=None)
    assert "nonce" not in portal.claims(answer.json()["id_token"])
    assert resident.asked(portal, nonce=None, code_challenge_method="plain")["error"] == "invalid_request"


def test_a_system_has_nobody_sign_in(portals: Portals, browser: Browser) -> None:
    """RFC 6749 section 4.1.2.1: only who is registered for codes gets them, also by a pushed request."""
    portal = portals(grant_types=["client_credentials"])
    assert "error=unauthorized_client" in browser.get(portal.ask().url).location
    answer = push(portal, portal.ask().parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("length", [1, 64, 100])
def test_a_nonce_comes_back_as_it_was(portals: Portals, residents: Residents, length: int) -> None:
    portal = portals()
    assert residents(portal).tokens(portal, nonce="n" * length).claims["nonce"] == "n" * length


def test_a_code_is_for_the_api_that_was_asked_for(country: World, portals: Portals, residents: Residents) -> None:
    """RFC 8707 section 2.1: only what an operator lets this portal call."""
    portal = portals(may_call=[API, "https://api.example.vn/tax"])
    resident = residents(portal)
    assert sealed_in(country, resident, portal).resource is None
    assert sealed_in(country, resident, portal, resource=API).resource == resource_mark(API)
    for other in (API + "/", API + "#x", "https://api.example.vn", "api", API.upper()):
        assert resident.asked(portal, resource=other)["error"] == "invalid_target", other


def test_of_two_apis_none_is_chosen(portals: Portals, browser: Browser) -> None:
    portal = portals(may_call=[API, "https://api.example.vn/tax"])
    page = browser.get(f"{portal.ask(resource=API).url}&resource=https%3A%2F%2Fapi.example.vn%2Ftax")
    assert "error=invalid_target" in page.location


def test_a_code_is_for_the_key_that_was_named(country: World, resident: Resident, portal: Portal) -> None:
    """RFC 9449 section 10."""
    holder = Holder()
    assert sealed_in(country, resident, portal).dpop_jkt is None
    assert sealed_in(country, resident, portal, dpop_jkt=holder.jkt).dpop_jkt == from_text(holder.jkt)


@pytest.mark.parametrize("part", ["id_token", "userinfo"])
def test_a_sub_may_be_asked_of_either_part(residents: Residents, portal: Portal, part: str) -> None:
    """Section 5.5.1."""
    anh, chi = residents(portal), residents(portal)
    sub = anh.tokens(portal).claims["sub"]
    for wanted in ({"value": sub}, {"values": [sub]}, {"essential": True, "value": sub}):
        claims = json.dumps({part: {"sub": wanted}})
        assert "code" in anh.asked(portal, claims=claims, prompt="none")
        assert chi.asked(portal, claims=claims, prompt="none")["error"] == "login_required"


def test_two_parts_that_ask_for_two_people_are_met_by_nobody(residents: Residents, portal: Portal) -> None:
    anh, chi = residents(portal), residents(portal)
    subs = [who.tokens(portal).claims["sub"] for who in (anh, chi)]
    claims = json.dumps({"id_token": {"sub": {"value": subs[0]}}, "userinfo": {"sub": {"value": subs[1]}}})
    assert {who.asked(portal, claims=claims, prompt="none").get("error") for who in (anh, chi)} == {"login_required"}
