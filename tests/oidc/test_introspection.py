"""`/introspect` (RFC 7662, RFC 9701): what a token is good for, told to those whom it concerns, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests

from idp.oidc.sealed import read_refresh_token
from tests.oidc.holder import OFFLINE, PUBLIC, Holder, bought, posted, refreshed, refused, told
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
JWT = "application/token-introspection+jwt"
NOTHING = {"active": False}


@pytest.fixture
def api_name() -> str:
    return f"https://{fresh_name('api')}.example/records"


@pytest.fixture
def api(portals: Portals, api_name: str) -> Portal:
    """An API that answers to this name."""
    return portals(resource_uris=[api_name])


@pytest.fixture
def portal(portals: Portals, api_name: str) -> Portal:
    return portals(**OFFLINE, may_call=[api_name])


def asked_about(portal: Portal, token: str, **headers: str) -> requests.Response:
    return posted(portal, "/introspect", {"token": token}, headers=headers)


def about(portal: Portal, token: str) -> dict[str, Any]:
    answer = asked_about(portal, token)
    assert answer.headers["Cache-Control"] == "no-store"
    return told(answer)


def test_a_portal_learns_what_its_own_token_is_good_for(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    claims = portal.claims(tokens["id_token"])
    said = about(portal, tokens["access_token"])
    assert said.pop("jti")
    assert said == {
        "active": True, "iss": portal.world.issuer, "client_id": portal.id, "aud": portal.world.issuer,
        "sub": claims["sub"], "scope": tokens["scope"], "token_type": "Bearer", "auth_time": claims["auth_time"],
        "acr": claims["acr"], "iat": said["iat"], "exp": said["iat"] + tokens["expires_in"],
    }  # fmt: skip


def test_a_refresh_token_is_its_own_client_s_affair(portals: Portals, resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    said = about(portal, tokens["refresh_token"])
    assert (said["active"], said["client_id"], said["scope"]) == (True, portal.id, tokens["scope"])
    assert said["sub"] == portal.claims(tokens["id_token"])["sub"]
    assert "token_type" not in said
    assert about(portals(), tokens["refresh_token"]) == NOTHING


def test_a_refresh_token_that_was_replaced_is_not_active(portals: Portals, residents: Residents) -> None:
    """Asked in the rooms, since a client that has its tokens replaced cannot prove who it is, and may not ask."""
    portal = portals(**PUBLIC)
    first = bought(residents(portal), portal)["refresh_token"]
    second = told(refreshed(portal, first))["refresh_token"]
    house = portal.world.house
    client = house.clients.find(portal.id)
    assert client is not None
    read = [read_refresh_token(house.sealer, token) for token in (first, second)]
    assert [house.grants.refreshable(one.grant_id, one.generation, client) is not None for one in read] == [False, True]


def test_an_api_learns_of_tokens_for_it_and_knows_the_person_by_its_own_sub(
    resident: Resident, portal: Portal, api: Portal, api_name: str
) -> None:
    """RFC 8707; OpenID Connect Core section 8.1: two sectors have nothing to compare."""
    tokens = bought(resident, portal, resource=api_name)
    said = about(api, tokens["access_token"])
    assert (said["active"], said["aud"], said["client_id"]) == (True, api_name, portal.id)
    assert said["sub"] != portal.claims(tokens["id_token"])["sub"]
    house = portal.world.house
    assert said["sub"] == house.people.sub_in(f"{api.id}.localhost", resident.person_id)
    assert about(portal, tokens["access_token"])["sub"] == portal.claims(tokens["id_token"])["sub"]


@pytest.mark.parametrize("level, active", [(3, True), (4, False)])
def test_a_token_is_good_for_no_api_that_asks_for_a_higher_level_than_the_person_signed_in_at(
    portals: Portals, resident: Resident, portal: Portal, api_name: str, level: int, active: bool
) -> None:
    api = portals(resource_uris=[api_name], minimum_level=level)
    token = bought(resident, portal, resource=api_name)["access_token"]
    assert [about(asker, token)["active"] for asker in (api, portal)] == [active, active]


def test_what_is_for_an_api_is_not_for_userinfo(resident: Resident, portal: Portal, api: Portal, api_name: str) -> None:
    token = bought(resident, portal, resource=api_name)["access_token"]
    assert portal.userinfo(token).status_code == 401


@pytest.mark.parametrize("for_api", [True, False])
def test_nobody_else_learns_anything(
    portals: Portals, resident: Resident, portal: Portal, api: Portal, api_name: str, for_api: bool
) -> None:
    """Section 2.2: not even that there is such a token."""
    tokens = bought(resident, portal, resource=api_name if for_api else None)
    other_api = portals(resource_uris=[f"{api_name}/other"])
    for stranger in (portals(), other_api, *([] if for_api else [api])):
        assert about(stranger, tokens["access_token"]) == NOTHING
        assert about(stranger, tokens["refresh_token"]) == NOTHING


@pytest.mark.parametrize("token", ["nonsense", "mc_at_", "mc_rt_AAAA", "a.b.c", "é", "x" * 3000])
def test_what_is_no_token_of_ours_is_not_active(portal: Portal, token: str) -> None:
    assert about(portal, token) == NOTHING


def test_nor_is_one_that_expired_or_lost_what_it_stood_on(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    with seconds_later(tokens["expires_in"] + 1):
        assert about(portal, tokens["access_token"]) == NOTHING
        assert about(portal, tokens["refresh_token"])["active"]
    with portal.world.house.database.write() as tx:
        portal.world.house.people.set_status(tx, resident.person_id, "barred", "in a test")
    assert about(portal, tokens["access_token"]) == about(portal, tokens["refresh_token"]) == NOTHING


def test_the_hint_may_be_wrong(resident: Resident, portal: Portal) -> None:
    """Section 2.1: what it says helps nobody and hurts nobody."""
    tokens = bought(resident, portal)
    for hint in ("access_token", "refresh_token", "unheard_of"):
        for name in ("access_token", "refresh_token"):
            form = {"token": tokens[name], "token_type_hint": hint}
            assert told(posted(portal, "/introspect", form))["active"]


def test_a_bound_token_names_its_key(portals: Portals, residents: Residents) -> None:
    """RFC 9449 section 6.2."""
    portal, holder = portals(dpop_bound_access_tokens=True), Holder()
    tokens = bought(residents(portal), portal, holder=holder, scope="openid profile")
    said = about(portal, tokens["access_token"])
    assert (said["token_type"], said["cnf"]) == ("DPoP", {"jkt": holder.jkt})


# ---- who may ask ----


def test_who_cannot_prove_who_it_is_may_not_ask(portals: Portals) -> None:
    refused(asked_about(portals(token_endpoint_auth_method="none"), "x"), "invalid_client", "T01")


def test_nor_may_who_has_a_wrong_secret(portal: Portal) -> None:
    url = f"{portal.world.issuer}/introspect"
    for auth in ((portal.id, "wrong"), None):
        refused(portal.world.http.post(url, data={"token": "x"}, auth=auth, timeout=30), "invalid_client", "T01")


def test_a_question_without_a_token_is_malformed(portal: Portal) -> None:
    refused(posted(portal, "/introspect", {"token_type_hint": "access_token"}), "invalid_request", "I01")


def test_it_is_not_asked_by_get(country: World) -> None:
    assert country.http.get(f"{country.issuer}/introspect?token=x", timeout=30).status_code == 405


# ---- signed (RFC 9701) ----


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_the_answer_is_signed_for_whoever_asks_for_that(portals: Portals, residents: Residents, alg: str) -> None:
    portal = portals(introspection_signed_response_alg=alg)
    token = bought(residents(portal), portal, scope="openid profile")["access_token"]
    answer = asked_about(portal, token, Accept=JWT)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, JWT)
    header = jwt.get_unverified_header(answer.text)
    assert (header["alg"], header["typ"]) == (alg, "token-introspection+jwt")
    said = opened(portal, answer.text)
    assert said.keys() == {"iss", "aud", "iat", "token_introspection"}  # section 5: no sub, no exp of its own
    assert said["token_introspection"] == about(portal, token)
    nothing = opened(portal, asked_about(portal, "nonsense", Accept=JWT).text)
    assert nothing["token_introspection"] == NOTHING


def test_a_signed_answer_is_no_id_token(resident: Resident, portal: Portal) -> None:
    """RFC 9701 section 8.1: `typ` tells them apart, and at our own logout we take it for none."""
    token = bought(resident, portal)["access_token"]
    answer = asked_about(portal, token, Accept=JWT).text
    assert about(portal, answer) == NOTHING
    assert portal.userinfo(answer).status_code == 401


def opened(portal: Portal, text: str) -> dict[str, Any]:
    """As the one who asked verifies it."""
    keys = jwt.PyJWKSet.from_json(portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).text)
    header = jwt.get_unverified_header(text)
    said: dict[str, Any] = jwt.decode(
        text, keys[header["kid"]], algorithms=[header["alg"]], audience=portal.id, issuer=portal.world.issuer
    )
    return said
