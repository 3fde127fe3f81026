"""Access tokens as JWTs (RFC 9068), for the portals that registered so, and resource indicators (RFC 8707)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.oidc.holder import OFFLINE, Holder, asked, bought, posted, refreshed, refused, told
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.oidc.test_client_credentials import portals_of
from tests.world import Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture
def api_name() -> str:
    return f"https://{fresh_name('api')}.example/"


@pytest.fixture
def portal(portals: Portals, api_name: str) -> Portal:
    return portals(**OFFLINE, access_token_format="jwt", may_call=[api_name, f"{api_name}other"])


def opened(portal: Portal, token: str, audience: str) -> dict[str, Any]:
    """As an API verifies it, which knows our keys and its own name (section 4)."""
    keys = jwt.PyJWKSet.from_json(portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).text)
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    said: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], algorithms=["RS256", "PS256", "ES256", "EdDSA"], audience=audience,
        issuer=portal.world.issuer, options={"require": ["exp", "iat", "sub", "client_id", "jti", "aud", "iss"]},
    )  # fmt: skip
    return said


def test_it_says_what_an_api_needs_and_nothing_of_the_person(
    portals: Portals, resident: Resident, portal: Portal, api_name: str
) -> None:
    """Section 2.2."""
    portals(resource_uris=[api_name])
    tokens = bought(resident, portal, resource=api_name)
    claims, said = portal.claims(tokens["id_token"]), opened(portal, tokens["access_token"], api_name)
    assert said.keys() == {"iss", "aud", "client_id", "sub", "iat", "exp", "jti", "scope", "auth_time", "acr"}
    assert (said["client_id"], said["scope"]) == (portal.id, tokens["scope"])
    assert (said["auth_time"], said["acr"]) == (claims["auth_time"], claims["acr"])
    assert told(posted(portal, "/introspect", {"token": tokens["access_token"]}))["sub"] == claims["sub"]
    assert 0 < said["exp"] - said["iat"] == tokens["expires_in"] <= 300


def test_two_portals_cannot_compare_whom_they_serve_by_what_their_tokens_for_one_api_say(
    portals: Portals, residents: Residents, portal: Portal, api_name: str
) -> None:
    """OpenID Connect Core section 8.1: whoever holds a JWT reads it, so its sub is the portal's and the API's alone."""
    api, other = portals(resource_uris=[api_name]), portals(**OFFLINE, access_token_format="jwt", may_call=[api_name])
    resident = residents(portal, other)
    tokens = [bought(resident, one, resource=api_name) for one in (portal, other, portal)]
    first, second, again = (opened(portal, one["access_token"], api_name)["sub"] for one in tokens)
    own = [portal.claims(tokens[0]["id_token"])["sub"], other.claims(tokens[1]["id_token"])["sub"]]
    api_s = told(posted(api, "/introspect", {"token": tokens[0]["access_token"]}))["sub"]
    assert first == again and len({first, second, api_s, *own}) == 5
    assert api_s == told(posted(api, "/introspect", {"token": tokens[1]["access_token"]}))["sub"]
    assert api_s == portal.world.house.people.sub_in(f"{api.id}.localhost", resident.person_id)


def test_without_an_api_it_is_for_us_and_userinfo_takes_it(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    said = opened(portal, tokens["access_token"], portal.world.issuer)
    assert said["sub"] == portal.claims(tokens["id_token"])["sub"]
    assert portal.userinfo(tokens["access_token"]).json()["sub"] == said["sub"]


def test_it_is_revoked_like_any_other(resident: Resident, portal: Portal) -> None:
    """A JWT is believed here only together with what its grant stands on."""
    first, second = bought(resident, portal), bought(resident, portal)
    posted(portal, "/revoke", {"token": first["access_token"]})
    assert portal.userinfo(first["access_token"]).status_code == 401
    assert told(posted(portal, "/introspect", {"token": first["access_token"]})) == {"active": False}
    assert portal.userinfo(second["access_token"]).status_code == 200
    with portal.world.house.database.write() as tx:
        portal.world.house.people.set_status(tx, resident.person_id, "barred", "in a test")
    assert portal.userinfo(second["access_token"]).status_code == 401


def test_it_expires(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    with seconds_later(tokens["expires_in"] + 1):
        assert portal.userinfo(tokens["access_token"]).status_code == 401


def test_nothing_else_that_we_sign_passes_for_one(resident: Resident, portal: Portal) -> None:
    """RFC 8725 section 3.11: `typ` tells them apart, both ways."""
    tokens = bought(resident, portal)
    assert portal.userinfo(tokens["id_token"]).status_code == 401
    hinted = portal.world.http.get(
        f"{portal.world.issuer}/logout", params={"id_token_hint": tokens["access_token"]}, timeout=30
    )
    assert hinted.status_code == 400


def test_a_token_whose_signature_is_not_ours_is_refused(resident: Resident, portal: Portal) -> None:
    token = bought(resident, portal)["access_token"]
    head, body, signature = token.split(".")
    for wrong in (f"{head}.{body}.", f"{head}.{body}.{signature[:-6]}AAAAAA", f"{body}.{body}.{signature}"):
        assert portal.userinfo(wrong).status_code == 401
    forged = jwt.encode(opened(portal, token, portal.world.issuer), "x" * 64, "HS256", {"typ": "at+jwt"})
    assert portal.userinfo(forged).status_code == 401


def test_a_bound_one_names_its_key(portals: Portals, residents: Residents) -> None:
    """RFC 9449 section 6.1."""
    portal, holder = portals(access_token_format="jwt", dpop_bound_access_tokens=True), Holder()
    token = bought(residents(portal), portal, holder=holder, scope="openid")["access_token"]
    assert opened(portal, token, portal.world.issuer)["cnf"] == {"jkt": holder.jkt}
    said = told(posted(portal, "/introspect", {"token": token}))
    assert (said["cnf"], said["token_type"]) == ({"jkt": holder.jkt}, "DPoP")


def test_a_system_s_names_the_system(portals: Portals, api_name: str) -> None:
    """Section 2.2: without a person the sub is the client's."""
    system = portals_of(portals, access_token_format="jwt", may_call=[api_name])
    token = told(asked(system, "client_credentials", resource=api_name))["access_token"]
    said = opened(system, token, api_name)
    assert (said["sub"], said["client_id"], said["scope"]) == (system.id, system.id, "tax.read tax.file")
    assert said.keys().isdisjoint({"auth_time", "acr"})
    assert told(posted(system, "/introspect", {"token": token}))["sub"] == system.id


# ---- resource indicators (RFC 8707) ----


def test_a_grant_for_no_api_in_particular_serves_each_that_may_be_called(
    resident: Resident, portal: Portal, api_name: str
) -> None:
    token = bought(resident, portal)["refresh_token"]
    for name in (api_name, f"{api_name}other"):
        opened(portal, told(refreshed(portal, token, resource=name))["access_token"], name)
    opened(portal, told(refreshed(portal, token))["access_token"], portal.world.issuer)
    refused(refreshed(portal, token, resource="https://elsewhere.example/"), "invalid_target", "A25")


def test_a_code_for_one_api_buys_tokens_for_that_one(resident: Resident, portal: Portal, api_name: str) -> None:
    """Section 2.2: narrower than what was asked of the person, never wider."""
    ask = {"scope": "openid offline_access", "resource": api_name}
    code, request = resident.code(portal, **ask)
    tokens = told(portal.redeem(code, request.verifier))
    opened(portal, tokens["access_token"], api_name)
    opened(portal, told(refreshed(portal, tokens["refresh_token"]))["access_token"], api_name)
    refused(refreshed(portal, tokens["refresh_token"], resource=f"{api_name}other"), "invalid_target", "A25")
    code, request = resident.code(portal, **ask)
    refused(portal.redeem(code, request.verifier, resource=f"{api_name}other"), "invalid_target", "A25")
    told(portal.redeem(code, request.verifier, resource=api_name))  # and nothing was spent by that
