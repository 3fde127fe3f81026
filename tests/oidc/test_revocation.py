"""`/revoke` (RFC 7009): a client gives back a token of its own, and the answer tells nothing of any other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.oidc.holder import OFFLINE, PUBLIC, bought, posted, refreshed, refused, told
from tests.oidc.residents import Resident
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture
def portal(portals: Portals) -> Portal:
    return portals(**OFFLINE)


def revoked(portal: Portal, token: str, **also: str) -> requests.Response:
    return posted(portal, "/revoke", {"token": token, **also})


def given_back(portal: Portal, token: str) -> None:
    answer = revoked(portal, token)
    assert (answer.status_code, answer.content) == (200, b""), answer.text


def test_an_access_token_goes_by_itself(resident: Resident, portal: Portal) -> None:
    first = bought(resident, portal)
    second = told(refreshed(portal, first["refresh_token"]))
    given_back(portal, first["access_token"])
    assert portal.userinfo(first["access_token"]).status_code == 401
    assert portal.userinfo(second["access_token"]).status_code == 200
    told(refreshed(portal, first["refresh_token"]))


def test_with_a_refresh_token_goes_all_that_its_grant_bought(resident: Resident, portal: Portal) -> None:
    """Section 2.1. What another sign-in bought stays."""
    other, first = bought(resident, portal), bought(resident, portal)
    second = told(refreshed(portal, first["refresh_token"]))
    given_back(portal, first["refresh_token"])
    for token in (first["access_token"], second["access_token"]):
        assert portal.userinfo(token).status_code == 401
    refused(refreshed(portal, first["refresh_token"]), "invalid_grant", "T20")
    assert portal.userinfo(other["access_token"]).status_code == 200


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_another_client_s_token_stays_good(portals: Portals, resident: Resident, portal: Portal, name: str) -> None:
    tokens = bought(resident, portal)
    given_back(portals(**OFFLINE), tokens[name])
    given_back(portals(**PUBLIC), tokens[name])
    assert portal.userinfo(tokens["access_token"]).status_code == 200
    told(refreshed(portal, tokens["refresh_token"]))


@pytest.mark.parametrize("token", ["nonsense", "mc_at_AAAA", "mc_rt_AAAA", "a.b.c", "é"])
def test_what_is_no_token_is_void_already(portal: Portal, token: str) -> None:
    """Section 2.2."""
    given_back(portal, token)


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_once_more_does_no_harm(resident: Resident, portal: Portal, name: str) -> None:
    token = bought(resident, portal)[name]
    given_back(portal, token)
    given_back(portal, token)


def test_a_client_without_a_secret_may_too(portals: Portals, residents: Residents) -> None:
    """Section 5. One that was replaced already ends the whole family, as if it were used."""
    portal = portals(**PUBLIC)
    first = bought(residents(portal), portal)
    second = told(refreshed(portal, first["refresh_token"]))
    given_back(portal, first["refresh_token"])
    refused(refreshed(portal, second["refresh_token"]), "invalid_grant", "T20")


def test_the_hint_may_be_wrong(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    assert revoked(portal, tokens["refresh_token"], token_type_hint="access_token").status_code == 200
    refused(refreshed(portal, tokens["refresh_token"]), "invalid_grant", "T20")


def test_a_request_without_a_token_is_malformed_and_a_stranger_is_refused(country: World, portal: Portal) -> None:
    refused(posted(portal, "/revoke", {"token_type_hint": "access_token"}), "invalid_request", "I01")
    answer = country.http.post(f"{country.issuer}/revoke", data={"token": "x", "client_id": portal.id}, timeout=30)
    refused(answer, "invalid_client", "T01")


def test_it_is_on_record(resident: Resident, portal: Portal) -> None:
    tokens = bought(resident, portal)
    given_back(portal, tokens["access_token"])
    given_back(portal, tokens["refresh_token"])
    events = [event for event in portal.world.house.audit.export() if event["client_id"] == portal.id]
    assert [event["event"] for event in events] == ["granted", "token_revoked", "grant_revoked"]
    assert events[2]["details"] == {"reason": "its refresh token was given back"}
