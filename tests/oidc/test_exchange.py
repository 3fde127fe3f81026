"""Token exchange (RFC 8693), in its one form: a portal serves a person, and one API may serve it, for one purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from idp.clients import Registration
from tests.oidc.holder import OFFLINE, Holder, asked, bought, posted, refreshed, refused, told
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.world import Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PURPOSES = ["income.below", "insured.on"]


@pytest.fixture
def api_name() -> str:
    return f"https://{fresh_name('api')}.example/tax"


@pytest.fixture
def api(portals: Portals, api_name: str) -> Portal:
    return portals(resource_uris=[api_name])


@pytest.fixture
def portal(portals: Portals, api_name: str) -> Portal:
    return portals(**exchanging(api_name))


def exchanging(*names: str) -> dict[str, Any]:
    """Registered to exchange tokens of people for tokens for these APIs."""
    return OFFLINE | {
        "grant_types": [*OFFLINE["grant_types"], EXCHANGE], "may_call": list(names), "may_exchange": list(names),
        "api_scopes": PURPOSES,
    }  # fmt: skip


def exchange(portal: Portal, token: str | None, api_name: str | None, **changes: Any) -> requests.Response:
    form: dict[str, Any] = {
        "subject_token": token, "subject_token_type": ACCESS_TOKEN, "resource": api_name, "scope": "income.below",
    } | changes  # fmt: skip
    return asked(portal, EXCHANGE, **form)


def about(portal: Portal, token: str) -> dict[str, Any]:
    return told(posted(portal, "/introspect", {"token": token}))


def test_the_api_learns_who_asks_in_whose_name_and_for_what(
    resident: Resident, portal: Portal, api: Portal, api_name: str
) -> None:
    tokens = bought(resident, portal)
    response = told(exchange(portal, tokens["access_token"], api_name))
    assert response.pop("access_token").startswith("mc_at_")
    assert response == {
        "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "income.below",
    }  # fmt: skip
    said = about(api, told(exchange(portal, tokens["access_token"], api_name))["access_token"])
    assert (said["aud"], said["client_id"], said["act"]) == (api_name, portal.id, {"sub": portal.id})
    assert said["scope"] == "income.below"
    assert said["exp"] - said["iat"] == 300
    people = portal.world.house.people
    assert said["sub"] == people.sub_in(f"{api.id}.localhost", resident.person_id)
    assert people.by_sub(f"{api.id}.localhost", said["sub"]) == resident.person_id


def test_nobody_but_the_api_is_told_the_api_s_name_for_the_person(
    portals: Portals, residents: Residents, api: Portal, api_name: str
) -> None:
    """OpenID Connect Core section 8.1: by it two portals could find out that they serve one person."""
    ones = [portals(**exchanging(api_name)) for _ in range(2)]
    resident = residents(*ones)
    subs = set()
    for portal in ones:
        tokens = bought(resident, portal)
        token = told(exchange(portal, tokens["access_token"], api_name))["access_token"]
        assert about(portal, token)["sub"] == portal.claims(tokens["id_token"])["sub"]
        subs |= {about(portal, token)["sub"], about(api, token)["sub"]}
    assert len(subs) == 3


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_an_api_is_not_asked_about_somebody_who_signed_in_at_too_low_a_level(
    portals: Portals, residents: Residents, api_name: str, token_format: str
) -> None:
    api = portals(resource_uris=[api_name], minimum_level=3)
    portal = portals(**exchanging(api_name), access_token_format=token_format)
    low = residents(portal, level=2, source="bank", proofing=2, authentication=2)
    refused(exchange(portal, bought(low, portal)["access_token"], api_name), "invalid_request", "T29")
    high = bought(residents(portal), portal)["access_token"]
    assert about(api, told(exchange(portal, high, api_name))["access_token"])["active"]


def test_a_level_that_an_api_asks_for_later_counts_for_what_was_exchanged_before(
    resident: Resident, portal: Portal, api: Portal, api_name: str
) -> None:
    token = told(exchange(portal, bought(resident, portal)["access_token"], api_name))["access_token"]
    assert about(api, token)["active"]
    house = portal.world.house
    before = house.clients.find(api.id)
    assert before is not None
    after = Registration(**before.model_dump(include=set(Registration.model_fields)) | {"minimum_level": 4})
    with house.database.write() as tx:
        house.clients.change(tx, api.id, before, after)
    with seconds_later(3):  # once a second a worker looks whether a portal has changed
        assert about(api, token) == about(portal, token) == {"active": False}


def test_the_api_recognises_the_person_by_what_its_agreement_and_the_portal_s_both_name(
    portals: Portals, residents: Residents, api_name: str
) -> None:
    """Never more than the person was told goes to the portal already, and not to the portal by this way either."""
    api = portals(resource_uris=[api_name], scopes=["openid", "birthdate", "personal_number"])
    wide = ["openid", "profile", "personal_number", "offline_access"]
    portal, narrow = portals(**(exchanging(api_name) | {"scopes": wide})), portals(**exchanging(api_name))
    resident = residents(portal, narrow)
    tokens = bought(resident, portal, scope=" ".join(wide))
    told_to_portal = portal.userinfo(tokens["access_token"]).json()
    exchanged = told(exchange(portal, tokens["access_token"], api_name))["access_token"]
    said, seen_by_portal = about(api, exchanged), about(portal, exchanged)
    assert said.keys() - seen_by_portal.keys() == {"birthdate", "personal_number"}
    assert {name: said[name] for name in ("birthdate", "personal_number")} == {
        name: told_to_portal[name] for name in ("birthdate", "personal_number")
    }
    less = told(exchange(narrow, bought(resident, narrow, scope="openid")["access_token"], api_name))
    assert about(api, less["access_token"]).keys() == seen_by_portal.keys()
    plain = portals(**OFFLINE, may_call=[api_name])
    token = bought(residents(plain), plain, resource=api_name)["access_token"]
    assert about(api, token).keys().isdisjoint({"birthdate", "personal_number"}), "not without an exchange"


def test_it_is_on_record(resident: Resident, portal: Portal, api: Portal, api_name: str) -> None:
    """A person can be shown every time that somebody asked an API about them, and why."""
    told(exchange(portal, bought(resident, portal)["access_token"], api_name))
    events = [event for event in portal.world.house.audit.export() if event["event"] == "exchanged"]
    event = next(event for event in events if event["client_id"] == portal.id)
    assert event["details"] == {"resource": api_name, "purpose": "income.below"}
    assert (event["person_id"], event["session_id"]) == (resident.person_id.hex(), resident.session)


def test_it_is_no_key_to_anything_else(resident: Resident, portal: Portal, api: Portal, api_name: str) -> None:
    token = told(exchange(portal, bought(resident, portal)["access_token"], api_name))["access_token"]
    assert portal.userinfo(token).status_code == 401
    assert "refresh_token" not in token
    refused(exchange(portal, token, api_name), "invalid_request", "T26")


def test_it_falls_with_the_grant_and_can_be_given_back(
    resident: Resident, portal: Portal, api: Portal, api_name: str
) -> None:
    tokens = bought(resident, portal)
    first, second = (told(exchange(portal, tokens["access_token"], api_name))["access_token"] for _ in range(2))
    posted(portal, "/revoke", {"token": first})
    assert [about(api, token)["active"] for token in (first, second)] == [False, True]
    posted(portal, "/revoke", {"token": tokens["refresh_token"]})
    assert about(api, second) == {"active": False}


SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("T27", "invalid_request", {"subject_token": None}),
    ("T27", "invalid_request", {"subject_token_type": None}),
    ("T27", "invalid_request", {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}),
    ("T27", "invalid_request", {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}),
    ("T27", "invalid_request", {"resource": None}),
    ("T27", "invalid_request", {"audience": "api"}),
    ("T27", "invalid_request", {"actor_token": "x", "actor_token_type": ACCESS_TOKEN}),
    ("T27", "invalid_request", {"scope": None}),
    ("T27", "invalid_request", {"scope": "income.below insured.on"}),
    ("T22", "invalid_scope", {"scope": "openid"}),
    ("T22", "invalid_scope", {"scope": "income.exact"}),
    ("A25", "invalid_target", {"resource": "https://elsewhere.example/"}),
]


@pytest.mark.parametrize("code, error, changes", SHAPES)
def test_one_token_for_one_api_and_one_purpose(
    resident: Resident, portal: Portal, api: Portal, api_name: str, code: str, error: str, changes: dict[str, Any]
) -> None:
    token = bought(resident, portal)["access_token"]
    refused(exchange(portal, token, api_name, **changes), error, code)


def test_an_api_that_may_be_called_may_not_thereby_be_asked_about_people(
    portals: Portals, residents: Residents, api: Portal, api_name: str
) -> None:
    portal = portals(**(exchanging(api_name) | {"may_exchange": []}))
    refused(exchange(portal, bought(residents(portal), portal)["access_token"], api_name), "invalid_target", "A25")


def test_an_api_that_is_not_there_or_switched_off_is_no_target(
    resident: Resident, portal: Portal, api_name: str, portals: Portals
) -> None:
    token = bought(resident, portal)["access_token"]
    refused(exchange(portal, token, api_name), "invalid_target", "A25")
    api = portals(resource_uris=[api_name])
    with seconds_later(3):  # once a second a worker looks whether a portal has changed
        token = bought(resident, portal)["access_token"]
        told(exchange(portal, token, api_name))
        with portal.world.house.database.write() as tx:
            portal.world.house.clients.set_enabled(tx, api.id, enabled=False)
    with seconds_later(6):
        refused(exchange(portal, token, api_name), "invalid_target", "A25")


def test_only_a_person_s_token_of_one_s_own_is_exchanged(
    portals: Portals, residents: Residents, portal: Portal, api: Portal, api_name: str
) -> None:
    other = portals(**exchanging(api_name))
    resident = residents(portal, other)
    tokens = bought(resident, portal)
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "nonsense", "é"):
        refused(exchange(other, token, api_name), "invalid_request", "T26")
    with seconds_later(tokens["expires_in"] + 1):
        refused(exchange(portal, tokens["access_token"], api_name), "invalid_request", "T26")
    posted(portal, "/revoke", {"token": tokens["access_token"]})
    refused(exchange(portal, tokens["access_token"], api_name), "invalid_request", "T26")
    later = told(refreshed(portal, tokens["refresh_token"]))
    told(exchange(portal, later["access_token"], api_name))


def test_an_api_that_was_called_may_call_the_next_one_in_the_same_name(
    portals: Portals, residents: Residents, api_name: str
) -> None:
    """RFC 8693 section 1.1: the token was granted to the audience that the client is."""
    next_name = f"{api_name}/next"
    middle = portals(**(exchanging(next_name) | {"resource_uris": [api_name]}))
    last = portals(resource_uris=[next_name])
    portal = portals(may_call=[api_name])
    resident = residents(portal)
    token = bought(resident, portal, resource=api_name, scope="openid profile")["access_token"]
    said = about(last, told(exchange(middle, token, next_name))["access_token"])
    assert (said["client_id"], said["act"], said["aud"]) == (middle.id, {"sub": middle.id}, next_name)
    people = portal.world.house.people
    token = told(exchange(middle, token, next_name))["access_token"]
    for one in (middle, last):
        assert about(one, token)["sub"] == people.sub_in(f"{one.id}.localhost", resident.person_id)
    refused(exchange(portal, token, next_name), "unauthorized_client", "T23")


def test_what_was_exchanged_is_not_exchanged_again(portals: Portals, residents: Residents, api_name: str) -> None:
    """The person's portal named one API and one purpose: that API cannot hand it on."""
    next_name = f"{api_name}/next"
    middle = portals(**(exchanging(next_name) | {"resource_uris": [api_name]}))
    portals(resource_uris=[next_name])
    portal = portals(**exchanging(api_name))
    token = told(exchange(portal, bought(residents(portal), portal)["access_token"], api_name))["access_token"]
    assert about(middle, token)["active"]
    refused(exchange(middle, token, next_name), "invalid_request", "T26")


def test_a_bound_token_is_exchanged_by_who_holds_its_key(
    portals: Portals, residents: Residents, api: Portal, api_name: str
) -> None:
    portal, holder = portals(**exchanging(api_name), dpop_bound_access_tokens=True), Holder()
    token = bought(residents(portal), portal, holder=holder)["access_token"]
    refused(exchange(portal, token, api_name, holder=Holder()), "invalid_request", "T26")
    made = told(exchange(portal, token, api_name, holder=holder))
    assert made["token_type"] == "DPoP"
    assert about(api, made["access_token"])["cnf"] == {"jkt": holder.jkt}
