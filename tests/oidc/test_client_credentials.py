"""Tokens of systems (RFC 6749 section 4.4): for themselves, with the words that an operator granted, nobody's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.oidc.asserting import FAPI, asserting
from tests.oidc.holder import Holder, asked, posted, refused, told
from tests.oidc.residents import fresh_name, seconds_later
from tests.world import Portal

Portals = Callable[..., Portal]
SYSTEM: dict[str, Any] = {
    "grant_types": ["client_credentials"], "redirect_uris": [], "post_logout_redirect_uris": [],
    "api_scopes": ["tax.read", "tax.file"],
}  # fmt: skip


@pytest.fixture
def system(portals: Portals) -> Portal:
    return portals_of(portals)


def portals_of(portals: Portals, **also: Any) -> Portal:
    """A system; it has no address to which anybody could be sent."""
    name = fresh_name()
    uris = {
        "redirect_uris": [f"http://{name}.localhost:9/unused"],
        "post_logout_redirect_uris": ["http://a.localhost/"],
    }
    return portals(**(SYSTEM | uris | also))


def about(portal: Portal, token: str) -> dict[str, Any]:
    return told(posted(portal, "/introspect", {"token": token}))


def test_a_system_gets_a_token_for_itself_with_all_its_words(system: Portal) -> None:
    response = told(asked(system, "client_credentials"))
    assert response.keys() == {"access_token", "token_type", "expires_in", "scope"}  # section 4.4.3: no refresh token
    assert (response["token_type"], response["scope"]) == ("Bearer", "tax.read tax.file")
    assert response["expires_in"] == system.world.settings.lifetimes.access_token_seconds
    said = about(system, response["access_token"])
    assert (said["active"], said["sub"], said["client_id"]) == (True, system.id, system.id)
    assert said.keys().isdisjoint({"auth_time", "acr"})


def test_it_may_ask_for_fewer_and_for_no_others(system: Portal) -> None:
    assert told(asked(system, "client_credentials", scope="tax.file"))["scope"] == "tax.file"
    for scope in ("openid", "tax.read openid", "tax.write", "tax.read  tax.file", "TAX.READ", "offline_access"):
        refused(asked(system, "client_credentials", scope=scope), "invalid_scope", "T22")


def test_it_opens_nobody_s_data(system: Portal) -> None:
    token = told(asked(system, "client_credentials"))["access_token"]
    answer = system.userinfo(token)
    assert answer.status_code in (401, 403), answer.text
    assert "sub" not in answer.json()


def test_who_is_not_a_system_gets_none(portals: Portals) -> None:
    refused(asked(portals(), "client_credentials"), "unauthorized_client", "T23")
    public = portals(token_endpoint_auth_method="none")
    refused(asked(public, "client_credentials"), "unauthorized_client", "T23")


def test_a_system_has_no_codes(system: Portal) -> None:
    refused(system.redeem("none", "v" * 43), "unauthorized_client", "T23")


def test_it_is_for_the_api_that_was_asked_for(portals: Portals) -> None:
    """RFC 8707."""
    name = fresh_name("api")
    api = portals_of(portals, resource_uris=[f"https://{name}.example/"])
    system = portals_of(portals, may_call=[f"https://{name}.example/"])
    token = told(asked(system, "client_credentials", resource=f"https://{name}.example/"))["access_token"]
    assert about(api, token)["aud"] == f"https://{name}.example/"
    assert about(api, token)["client_id"] == system.id
    for resource in ("https://elsewhere.example/", f"https://{name}.example", "tax", system.world.issuer):
        refused(asked(system, "client_credentials", resource=resource), "invalid_target", "A25")


def test_it_is_good_until_it_expires_or_is_given_back(system: Portal) -> None:
    token, other = (told(asked(system, "client_credentials"))["access_token"] for _ in range(2))
    assert posted(system, "/revoke", {"token": token}).status_code == 200
    assert about(system, token) == {"active": False}
    assert about(system, other)["active"]
    with seconds_later(system.world.settings.lifetimes.access_token_seconds + 1):
        assert about(system, other) == {"active": False}


def test_it_is_void_while_its_system_is_switched_off(portals: Portals) -> None:
    name = f"https://{fresh_name('api')}.example/"
    api, system = portals_of(portals, resource_uris=[name]), portals_of(portals, may_call=[name])
    token = told(asked(system, "client_credentials", resource=name))["access_token"]
    with system.world.house.database.write() as tx:
        system.world.house.clients.set_enabled(tx, system.id, enabled=False)
    with seconds_later(3):
        assert about(api, token) == {"active": False}


def test_what_a_system_got_is_on_record(system: Portal) -> None:
    told(asked(system, "client_credentials", scope="tax.read"))
    events = [event for event in system.world.house.audit.export() if event["client_id"] == system.id]
    assert [event["event"] for event in events] == ["system_granted"]
    assert events[0]["details"] == {"resource": None, "scopes": ["tax.read"]}
    assert events[0]["person_id"] is None


def test_a_system_under_fapi_signs_and_binds(portals: Portals) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1: sender-constrained tokens only, for confidential clients."""
    signer = asserting(lambda **given: portals_of(portals, **given), "PS256", **FAPI)
    portal, holder = signer.portal, Holder()
    refused(asked(portal, "client_credentials", signer=signer), "invalid_dpop_proof", "D01")
    response = told(asked(portal, "client_credentials", signer=signer, holder=holder))
    assert response["token_type"] == "DPoP"
    said = told(posted(portal, "/introspect", {"token": response["access_token"]}, signer=signer))
    assert said["cnf"] == {"jkt": holder.jkt}
    assert said["token_type"] == "DPoP"
