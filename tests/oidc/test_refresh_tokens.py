"""Refresh tokens (RFC 6749 section 6, OpenID Connect Core section 12): who has one, what it buys, when it ends."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import update

from idp.clients import Registration
from idp.sources.models import SourceRow
from tests.oidc.holder import OFFLINE, Holder, bought, refreshed, refused, told
from tests.oidc.residents import Resident, seconds_later
from tests.sessions.test_grants import draft
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
DAY = 86_400
SESSION_BOUND = "openid profile"


@pytest.fixture
def portal(portals: Portals) -> Portal:
    """One with a secret, which may go on when the person has left."""
    return portals(**OFFLINE)


def test_who_did_not_register_for_refresh_tokens_gets_none(portals: Portals, residents: Residents) -> None:
    portal = portals()
    tokens = bought(residents(portal), portal, scope="openid profile")
    assert "refresh_token" not in tokens
    other = portals(**OFFLINE)
    theirs = bought(residents(other), other)["refresh_token"]
    refused(refreshed(portal, theirs), "unauthorized_client", "T23")


def test_a_refresh_token_buys_what_the_code_bought(resident: Resident, portal: Portal) -> None:
    first = bought(resident, portal)
    with seconds_later(100):
        later = told(refreshed(portal, first["refresh_token"]))
        assert (later["token_type"], later["scope"]) == ("Bearer", "openid profile offline_access")
        assert later["expires_in"] == first["expires_in"]
        assert later["access_token"] != first["access_token"]
        assert portal.userinfo(later["access_token"]).json() == portal.userinfo(first["access_token"]).json()


def test_a_refreshed_id_token_says_of_the_sign_in_what_the_first_one_said(resident: Resident, portal: Portal) -> None:
    """Section 12.2: auth_time is the sign-in's and not the refresh's; there is no nonce; at_hash is the new token's."""
    first = bought(resident, portal)
    before = portal.claims(first["id_token"])
    with seconds_later(100):
        later = told(refreshed(portal, first["refresh_token"]))
        after = portal.claims(later["id_token"])
    same = {"iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "source_kind"}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert after.keys() == before.keys() - {"nonce"}
    assert after["iat"] >= before["iat"] + 100
    half = hashlib.sha256(later["access_token"].encode()).digest()[:16]
    assert after["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def test_a_client_that_proves_who_it_is_keeps_its_refresh_token(resident: Resident, portal: Portal) -> None:
    """RFC 9700 section 4.14.2 asks rotation of public clients; FAPI 2.0 section 5.3.2.1 forbids it to its own."""
    token = bought(resident, portal)["refresh_token"]
    for later in (0, 1000, 2000):
        with seconds_later(later):
            assert "refresh_token" not in told(refreshed(portal, token))


def test_less_may_be_asked_for_and_more_may_not(resident: Resident, portal: Portal) -> None:
    token = bought(resident, portal)["refresh_token"]
    narrow = told(refreshed(portal, token, scope="openid"))
    assert narrow["scope"] == "openid"
    assert portal.userinfo(narrow["access_token"]).json().keys() == {"sub"}
    assert "id_token" not in told(refreshed(portal, token, scope="profile"))
    for scope in ("openid email", "email", "openid  profile", "openid unheard_of", "OPENID"):
        refused(refreshed(portal, token, scope=scope), "invalid_scope", "T22")
    wide = told(refreshed(portal, token))  # what was left out once is not lost (RFC 6749 section 6)
    assert wide["scope"] == "openid profile offline_access"
    assert "name" in portal.userinfo(wide["access_token"]).json()


def test_another_client_s_refresh_token_is_of_no_use_and_stays_good(portals: Portals, residents: Residents) -> None:
    portal, stranger = portals(**OFFLINE), portals(**OFFLINE)
    tokens = bought(residents(portal, stranger), portal)
    refused(refreshed(stranger, tokens["refresh_token"]), "invalid_grant", "T20")
    assert portal.userinfo(tokens["access_token"]).status_code == 200
    told(refreshed(portal, tokens["refresh_token"]))


@pytest.mark.parametrize("change", [str.lower, lambda t: t[:-1], lambda t: t + "A", lambda _: "mc_rt_", lambda _: "é"])
def test_what_we_did_not_make_is_refused(resident: Resident, portal: Portal, change: Callable[[str], str]) -> None:
    token = bought(resident, portal)["refresh_token"]
    refused(refreshed(portal, change(token)), "invalid_grant", "T20")
    refused(refreshed(portal, bought(resident, portal)["access_token"]), "invalid_grant", "T20")


def test_a_request_without_a_token_is_malformed(portal: Portal) -> None:
    refused(refreshed(portal, ""), "invalid_request", "T07")


# ---- how long ----


def _end(resident: Resident, portal: Portal) -> None:
    with portal.world.house.database.write() as tx:
        portal.world.house.sessions.end(tx, resident.session_id, "in a test")


def test_without_offline_access_it_ends_with_the_session(resident: Resident, portal: Portal) -> None:
    token = bought(resident, portal, scope=SESSION_BOUND)["refresh_token"]
    told(refreshed(portal, token))
    _end(resident, portal)
    refused(refreshed(portal, token), "invalid_grant", "T20")


def test_without_offline_access_it_lives_no_longer_than_an_unused_session(
    country: World, resident: Resident, portal: Portal
) -> None:
    token = bought(resident, portal, scope=SESSION_BOUND)["refresh_token"]
    idle = country.settings.lifetimes.session_idle_seconds
    with seconds_later(idle - 30):
        told(refreshed(portal, token))
    with seconds_later(idle + 30):  # the portal's refreshing did not keep the person signed in
        refused(refreshed(portal, token), "invalid_grant", "T20")
        assert not resident.is_signed_in(portal)


def test_with_offline_access_it_outlives_the_session(resident: Resident, portal: Portal) -> None:
    """OpenID Connect Core section 11."""
    tokens = bought(resident, portal)
    _end(resident, portal)
    later = told(refreshed(portal, tokens["refresh_token"]))
    assert portal.userinfo(later["access_token"]).status_code == 200
    assert portal.claims(later["id_token"])["sid"] == portal.claims(tokens["id_token"])["sid"]
    with seconds_later(20 * DAY):
        told(refreshed(portal, tokens["refresh_token"]))


def test_it_ends_when_it_lies_unused_and_in_the_end_anyway(country: World, resident: Resident, portal: Portal) -> None:
    lifetimes = country.settings.lifetimes
    used, unused = (bought(resident, portal)["refresh_token"] for _ in range(2))
    days = range(0, lifetimes.refresh_token_days, lifetimes.refresh_token_idle_days - 1)
    for day in days:
        with seconds_later(day * DAY):
            told(refreshed(portal, used))
    with seconds_later(lifetimes.refresh_token_idle_days * DAY + 5):
        refused(refreshed(portal, unused), "invalid_grant", "T20")
    with seconds_later(lifetimes.refresh_token_days * DAY + 5):
        refused(refreshed(portal, used), "invalid_grant", "T20")


def _bar(resident: Resident, portal: Portal) -> None:
    with portal.world.house.database.write() as tx:
        portal.world.house.people.set_status(tx, resident.person_id, "barred", "in a test")


def _mourn(resident: Resident, portal: Portal) -> None:
    with portal.world.house.database.write() as tx:
        portal.world.house.people.set_status(tx, resident.person_id, "deceased", "in a test")


@pytest.mark.parametrize("happen", [_bar, _mourn])
def test_it_is_void_with_the_person(resident: Resident, portal: Portal, happen: Any) -> None:
    tokens = bought(resident, portal)
    happen(resident, portal)
    refused(refreshed(portal, tokens["refresh_token"]), "invalid_grant", "T20")
    assert portal.userinfo(tokens["access_token"]).status_code == 401


def test_it_is_void_while_the_portal_is_switched_off(resident: Resident, portal: Portal) -> None:
    tokens, house = bought(resident, portal), portal.world.house
    with house.database.write() as tx:
        house.clients.set_enabled(tx, portal.id, enabled=False)
    refused(refreshed(portal, tokens["refresh_token"]), "invalid_client", "T01")
    assert portal.userinfo(tokens["access_token"]).status_code == 401


def test_what_an_operator_took_from_the_portal_is_not_renewed(residents: Residents, portals: Portals) -> None:
    portal = portals(**OFFLINE | {"may_call": ["https://api.example/"]})
    resident, house = residents(portal), portal.world.house
    asked = {"scope": "openid profile email offline_access", "claims": '{"userinfo": {"birthdate": null}}'}
    token = bought(resident, portal, **asked)["refresh_token"]
    for_api = bought(resident, portal, **asked, resource="https://api.example/")["refresh_token"]
    client = house.clients.find(portal.id)
    assert client is not None
    before = Registration(**{name: getattr(client, name) for name in Registration.model_fields})
    after = before.model_copy(update={"scopes": ("openid", "email", "offline_access"), "may_call": ()})
    with house.database.write() as tx:
        house.clients.change(tx, portal.id, before, after)
    with seconds_later(3):
        later = told(refreshed(portal, token))
        assert later["scope"] == "openid email offline_access"
        assert portal.userinfo(later["access_token"]).json().keys() == {"sub", "email", "email_verified"}
        refused(refreshed(portal, token, scope="openid profile"), "invalid_scope", "T22")
        told(refreshed(portal, for_api))  # the code was for none in particular, its first token for the API


@pytest.fixture
def another_source(country: World) -> Iterator[str]:
    """A source that may be switched off without harm to other tests."""
    with country.house.database.write() as tx:
        country.house.sources.save(tx, draft("vouching"))
        country.house.sources.set_enabled(tx, "vouching", True)
    yield "vouching"
    with country.house.database.write() as tx:
        tx.run(update(SourceRow).where(SourceRow.id == "vouching").values(enabled=0))


def test_it_is_void_with_the_source_that_vouched(residents: Residents, portal: Portal, another_source: str) -> None:
    """Also when the session, in which the source had vouched, is long gone."""
    tokens = bought(residents(portal, source=another_source), portal)
    told(refreshed(portal, tokens["refresh_token"]))
    house = portal.world.house
    with house.database.write() as tx:
        house.sources.set_enabled(tx, another_source, False)
    refused(refreshed(portal, tokens["refresh_token"]), "invalid_grant", "T20")
    assert portal.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("later", [0, 31])
def test_a_code_that_is_used_twice_takes_its_refresh_token_with_it(
    resident: Resident, portal: Portal, later: int
) -> None:
    code, request = resident.code(portal, scope="openid offline_access")
    tokens = told(portal.redeem(code, request.verifier))
    with seconds_later(later):
        refused(portal.redeem(code, request.verifier), "invalid_grant", "T03")
        refused(refreshed(portal, tokens["refresh_token"]), "invalid_grant", "T20")


# ---- bound to a key ----


def test_a_refresh_token_of_a_public_client_is_bound_to_its_key(portals: Portals, residents: Residents) -> None:
    """RFC 9449 section 5. It is not replaced: whoever stole it could do nothing with it."""
    portal = portals(**OFFLINE, token_endpoint_auth_method="none", dpop_bound_access_tokens=True)
    holder = Holder()
    tokens = bought(residents(portal), portal, holder=holder)
    assert tokens["token_type"] == "DPoP"
    refused(refreshed(portal, tokens["refresh_token"], holder=Holder()), "invalid_grant", "T24")
    refused(refreshed(portal, tokens["refresh_token"]), "invalid_dpop_proof", "D01")
    for _ in range(2):
        later = told(refreshed(portal, tokens["refresh_token"], holder=holder))
        assert (later["token_type"], "refresh_token" in later) == ("DPoP", False)


def test_a_client_that_proves_who_it_is_may_take_another_key(portals: Portals, residents: Residents) -> None:
    portal = portals(**OFFLINE, dpop_bound_access_tokens=True)
    tokens = bought(residents(portal), portal, holder=Holder())
    assert told(refreshed(portal, tokens["refresh_token"], holder=Holder()))["token_type"] == "DPoP"
