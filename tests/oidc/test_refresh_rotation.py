"""Refresh tokens of clients that cannot prove who they are: replaced at each use (RFC 9700 section 4.14.2)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from idp.clients import Registration
from tests.oidc.holder import PUBLIC, Holder, bought, refreshed, refused, told
from tests.oidc.residents import Resident, seconds_later
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
REVOKED = ("invalid_grant", "T21")
VOID = ("invalid_grant", "T20")


@pytest.fixture
def portal(portals: Portals) -> Portal:
    return portals(**PUBLIC)


@pytest.fixture
def grace_seconds(country: World) -> int:
    return country.settings.lifetimes.refresh_grace_seconds


def successor(portal: Portal, token: str) -> str:
    return str(told(refreshed(portal, token))["refresh_token"])


def test_each_use_brings_the_next_one(resident: Resident, portal: Portal) -> None:
    chain = [bought(resident, portal)["refresh_token"]]
    for _ in range(5):
        chain.append(successor(portal, chain[-1]))
    assert len(set(chain)) == 6


def test_within_the_grace_the_same_successor_is_given_again(
    resident: Resident, portal: Portal, grace_seconds: int
) -> None:
    """An answer that was lost on its way signs nobody out."""
    token = bought(resident, portal)["refresh_token"]
    following = successor(portal, token)
    for later in (1, grace_seconds // 2, grace_seconds - 5):
        with seconds_later(later):
            again = told(refreshed(portal, token))
            assert again["refresh_token"] == following
            assert portal.userinfo(again["access_token"]).status_code == 200
    with seconds_later(grace_seconds + 100):  # the grace is the old one's: the new one is good as long as any
        assert successor(portal, following) != following


def test_after_the_grace_everything_that_the_grant_bought_is_void(
    resident: Resident, portal: Portal, grace_seconds: int
) -> None:
    untouched = bought(resident, portal)
    tokens = bought(resident, portal)
    later = told(refreshed(portal, tokens["refresh_token"]))
    with seconds_later(grace_seconds + 5):
        refused(refreshed(portal, tokens["refresh_token"]), *REVOKED)
        refused(refreshed(portal, later["refresh_token"]), *VOID)
        for access_token in (tokens["access_token"], later["access_token"]):
            assert portal.userinfo(access_token).status_code == 401
        refused(refreshed(portal, tokens["refresh_token"]), *VOID)
        told(refreshed(portal, untouched["refresh_token"]))
    events = [event for event in portal.world.house.audit.export() if event["client_id"] == portal.id]
    revoked = [event["details"] for event in events if event["event"] == "grant_revoked"]
    assert revoked == [{"reason": "a refresh token was used again after it was replaced"}]


def test_one_that_was_replaced_twice_is_a_stolen_one_also_within_the_grace(resident: Resident, portal: Portal) -> None:
    first = bought(resident, portal)["refresh_token"]
    third = successor(portal, successor(portal, first))
    refused(refreshed(portal, first), *REVOKED)
    refused(refreshed(portal, third), *VOID)


@pytest.mark.parametrize(
    "asked, error, code",
    [
        ({"scope": "openid email"}, "invalid_scope", "T22"),
        ({"resource": "https://api.example/"}, "invalid_target", "A25"),
    ],
)
def test_who_is_refused_has_not_used_the_token(
    resident: Resident, portal: Portal, grace_seconds: int, asked: dict[str, str], error: str, code: str
) -> None:
    """Nothing is replaced by a request that fails: the token is good for longer than a grace."""
    token = bought(resident, portal)["refresh_token"]
    refused(refreshed(portal, token, **asked), error, code)
    with seconds_later(grace_seconds + 100):
        refused(refreshed(portal, token, **asked), error, code)
        following = successor(portal, token)
        refused(refreshed(portal, token, **asked), error, code)
        assert successor(portal, token) == following


def test_another_public_client_neither_uses_nor_revokes(portals: Portals, residents: Residents) -> None:
    portal, stranger = portals(**PUBLIC), portals(**PUBLIC)
    first = bought(residents(portal, stranger), portal)["refresh_token"]
    refused(refreshed(stranger, first), *VOID)
    second = successor(portal, first)
    with seconds_later(1000):
        for token in (first, second):
            refused(refreshed(stranger, token), *VOID)
        successor(portal, second)


def test_a_public_client_that_shows_a_key_unasked_has_its_refresh_token_bound_to_it(
    resident: Resident, portal: Portal
) -> None:
    """RFC 9449 section 5: whoever uses DPoP is bound by it, registered for it or not."""
    holder = Holder()
    token = bought(resident, portal, holder=holder)["refresh_token"]
    refused(refreshed(portal, token), "invalid_grant", "T24")
    refused(refreshed(portal, token, holder=Holder()), "invalid_grant", "T24")
    assert told(refreshed(portal, token, holder=holder))["token_type"] == "DPoP"


def test_a_client_that_stops_replacing_them_goes_on_with_the_one_that_it_has(
    resident: Resident, portal: Portal
) -> None:
    house, token = portal.world.house, bought(resident, portal)["refresh_token"]
    second = successor(portal, token)
    client = house.clients.find(portal.id)
    assert client is not None
    kept = {name: getattr(client, name) for name in Registration.model_fields}
    with house.database.write() as tx:
        before = Registration(**kept)
        house.clients.change(tx, portal.id, before, before.model_copy(update={"dpop_bound_access_tokens": True}))
    holder = Holder()
    for _ in range(2):
        assert "refresh_token" not in told(refreshed(portal, second, holder=holder))


def test_of_many_at_once_all_get_the_same_successor(resident: Resident, portal: Portal) -> None:
    token, start, got = bought(resident, portal)["refresh_token"], threading.Barrier(6), []

    def refresh() -> None:
        start.wait()
        got.append(refreshed(portal, token))

    threads = [threading.Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = [told(answer) for answer in got]
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert len({answer["access_token"] for answer in answers}) == 6
    assert all(portal.userinfo(answer["access_token"]).status_code == 200 for answer in answers)
