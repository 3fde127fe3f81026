"""Verified claims by every way to a token, and for as long as a grant lasts: as ordinary claims that were asked for by
name, no more and no longer (IDA section 5; OpenID Connect Core sections 5.5 and 12).
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from flask.testing import FlaskClient

from idp.oidc.sealed import CODE_LIMIT_CHARACTERS, REFRESH_PREFIX
from idp.seal import from_text, to_text
from idp.storage import trips
from tests.oidc.asserting import jwks, public_jwk
from tests.oidc.assured import (
    EVERYTHING,
    Residents,
    asked,
    assured_country,
    country,
    portal,
    residents,
    wanted,
)
from tests.oidc.devices import OFFLINE as OFFLINE_DEVICE
from tests.oidc.devices import agreed, begun, signed_in, typed
from tests.oidc.holder import OFFLINE, bought, posted, refreshed, refused
from tests.oidc.holder import told as answered
from tests.oidc.packing import pushed, request_object, url_of
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.oidc.residents import told as told_at
from tests.oidc.shape_of_verified_claims import assert_well_formed
from tests.world import Portal, World, parameters_of

__all__ = ["assured_country", "country", "portal", "residents"]

BOTH = {"userinfo": wanted("birthdate", verification=EVERYTHING), "id_token": wanted("name")}
NOTHING_ELSE: dict[str, Any] = {"scope": "openid", "claims": asked(**BOTH)}


@pytest.fixture(params=["opaque", "jwt"])
def lasting(country: World, request: pytest.FixtureRequest) -> Portal:
    """A portal that may go on when the person has left, with either sort of access token."""
    return country.portal(fresh_name(), **OFFLINE, access_token_format=request.param)


def read(portal: Portal, access_token: str) -> Any:
    said = portal.userinfo(access_token).json()
    assert not {"birthdate", "name"} & said.keys(), "never as if they were ordinary"
    return said.get("verified_claims")


# ---- as long as the grant lasts ----


def test_a_refresh_token_buys_what_the_code_bought(lasting: Portal, residents: Residents) -> None:
    first = bought(residents(lasting), lasting, scope="openid offline_access", claims=asked(**BOTH))
    before = read(lasting, first["access_token"])
    assert_well_formed(before)
    assert lasting.claims(first["id_token"])["verified_claims"]["claims"].keys() == {"name"}
    with seconds_later(7 * 86_400):  # the session is over by then
        later = answered(refreshed(lasting, first["refresh_token"]))
        assert read(lasting, later["access_token"]) == before
        assert "verified_claims" not in lasting.claims(later["id_token"])  # nor any other claim: Core section 12.2


def test_a_refresh_token_that_is_replaced_hands_it_on(country: World, residents: Residents) -> None:
    app = country.portal(fresh_name(), **OFFLINE | {"token_endpoint_auth_method": "none"})
    tokens = bought(residents(app), app, scope="openid offline_access", claims=asked(**BOTH))
    before, seen = read(app, tokens["access_token"]), {tokens["refresh_token"]}
    for _ in range(3):
        tokens = answered(refreshed(app, tokens["refresh_token"]))
        assert read(app, tokens["access_token"]) == before
        seen.add(tokens["refresh_token"])
    assert len(seen) == 4


@pytest.mark.parametrize("changed", ["another request", "none", "one byte more"])
def test_what_a_refresh_token_asks_for_cannot_be_changed(country: World, residents: Residents, changed: str) -> None:
    portal = country.portal(fresh_name(), **OFFLINE)
    resident = residents(portal)
    little, much = (
        bought(resident, portal, scope="openid offline_access", claims=asked(userinfo=wanted(*names)))["refresh_token"]
        for names in (("name",), ("name", "birthdate", "gender"))
    )
    plain = {token: from_text(token.removeprefix(REFRESH_PREFIX)) for token in (little, much)}
    fixed, rest = plain[little][:52], plain[much][52:]
    forged = {"another request": fixed + rest, "none": fixed, "one byte more": plain[little] + b"x"}[changed]
    refused(refreshed(portal, REFRESH_PREFIX + to_text(forged)), "invalid_grant", "T20")
    answered(refreshed(portal, little))


def test_a_narrower_scope_takes_what_only_stood_for_it(country: World, residents: Residents) -> None:
    """As with ordinary claims: what a scope opened goes with it, what was asked for by name stays."""
    portal = country.portal(fresh_name(), **OFFLINE)
    resident = residents(portal)
    claims = asked(userinfo=wanted("name"))
    for scope, left in (("openid profile offline_access", None), ("openid email offline_access", {"name"})):
        tokens = bought(resident, portal, scope=scope, claims=claims)
        narrow = answered(refreshed(portal, tokens["refresh_token"], scope="openid"))
        found = read(portal, narrow["access_token"])
        assert (found and found["claims"].keys()) == left


def test_a_grant_that_has_ended_tells_nothing(country: World, lasting: Portal, residents: Residents) -> None:
    tokens = bought(residents(lasting), lasting, scope="openid offline_access", claims=asked(**BOTH))
    assert posted(lasting, "/revoke", {"token": tokens["refresh_token"]}).status_code == 200
    assert lasting.userinfo(tokens["access_token"]).status_code == 401


# ---- by every way ----


def test_a_device_is_told_what_it_asked_for(country: World) -> None:
    television = country.portal(fresh_name(), **OFFLINE_DEVICE)
    browser, device = country.browser(), begun(television, scope="openid", claims=asked(**BOTH))
    page = signed_in(browser, agreed(browser, typed(browser, device)), television)
    assert page.status == 200
    tokens = answered(device.ask())
    assert_well_formed(read(television, tokens["access_token"]))
    assert television.claims(tokens["id_token"])["verified_claims"]["claims"].keys() == {"name"}
    later = answered(refreshed(television, tokens["refresh_token"]))
    assert_well_formed(read(television, later["access_token"]))


def test_a_request_may_be_pushed(portal: Portal, residents: Residents) -> None:
    request, resident = portal.ask(**NOTHING_ELSE), residents(portal)
    name = pushed(portal, request.parameters)
    answer = told_at(resident.browser.get(url_of(portal, request_uri=name)), portal)
    tokens = portal.world.redeemed(portal, request, answer)
    assert_well_formed(tokens.userinfo["verified_claims"])


def test_a_request_may_be_signed(country: World, residents: Residents) -> None:
    """RFC 9101 section 4: there `claims` is an object."""
    portal = country.portal(fresh_name(), jwks=jwks(public_jwk("ES256", kid="k1")))
    request = portal.ask(scope="openid")
    inside = dict(request.parameters) | {"claims": {"userinfo": {"verified_claims": wanted("name")}}}
    url = url_of(portal, request=request_object(portal, inside))
    answer = told_at(residents(portal).browser.get(url), portal)
    tokens = country.redeemed(portal, request, answer)
    assert tokens.userinfo["verified_claims"]["claims"].keys() == {"name"}


def test_it_is_signed_where_userinfo_is(country: World, residents: Residents) -> None:
    portal = country.portal(fresh_name(), userinfo_signed_response_alg="ES256")
    tokens = bought(residents(portal), portal, scope="openid", claims=asked(userinfo=wanted("name")))
    answer = portal.userinfo(tokens["access_token"])
    assert answer.headers["Content-Type"] == "application/jwt"
    keys = jwt.PyJWKSet.from_json(country.http.get(f"{country.issuer}/jwks", timeout=30).text)
    key = keys[jwt.get_unverified_header(answer.text)["kid"]]
    said = jwt.decode(answer.text, key, algorithms=["ES256"], audience=portal.id, issuer=country.issuer)
    assert said["verified_claims"]["claims"].keys() == {"name"}


# ---- who else sees a token ----


def test_introspection_tells_no_claims_verified_or_not(lasting: Portal, residents: Residents) -> None:
    tokens = bought(residents(lasting), lasting, scope="openid offline_access", claims=asked(**BOTH))
    for name in ("access_token", "refresh_token"):
        said = posted(lasting, "/introspect", {"token": tokens[name]}).json()
        assert said["active"] is True
        assert not {"verified_claims", "name", "birthdate", "asked"} & said.keys()


def test_a_token_for_an_api_carries_nothing_of_it(country: World, residents: Residents) -> None:
    name = f"https://{fresh_name('api')}.example/"
    country.portal(fresh_name(), resource_uris=[name])
    portal = country.portal(fresh_name(), **OFFLINE, access_token_format="jwt", may_call=[name])
    resident = residents(portal)
    ours, theirs = (
        jwt.decode(
            bought(resident, portal, scope="openid", claims=asked(**BOTH), resource=resource)["access_token"],
            options={"verify_signature": False},
        )
        for resource in (None, name)
    )
    assert ours.keys() - theirs.keys() == {"asked"}


# ---- cost ----


@pytest.fixture
def client(country: World, resident: Resident) -> FlaskClient:
    client: FlaskClient = country.app.test_client()
    client.set_cookie("session", resident.cookie, domain="localhost")
    return client


@pytest.fixture
def resident(portal: Portal, residents: Residents) -> Resident:
    return residents(portal)


def cost_of(client: FlaskClient, portal: Portal, claims: str | None) -> tuple[Counter[str], ...]:
    """What a sign-on costs in trips: at /authorize, /token and /userinfo."""
    request = portal.ask(scope="openid", claims=claims)
    with trips.counted() as authorize:
        answer = client.get(f"/authorize?{urlsplit(request.url).query}")
    form = {
        "grant_type": "authorization_code", "code": parameters_of(answer.headers["Location"])["code"],
        "code_verifier": request.verifier, "redirect_uri": portal.redirect_uri,
    }  # fmt: skip
    with trips.counted() as token:
        answer = client.post("/token", data=form, auth=(portal.id, portal.secret or ""))
    with trips.counted() as userinfo:
        client.get("/userinfo", headers={"Authorization": f"Bearer {answer.json['access_token']}"})
    return authorize, token, userinfo


def test_it_costs_no_trip_but_one_read_for_an_id_token(client: FlaskClient, portal: Portal) -> None:
    """And nobody else pays. Once a second somebody also looks whether sources have changed: the cheapest counts."""
    wishes = (None, asked(userinfo=BOTH["userinfo"]), asked(**BOTH))
    nothing, at_userinfo, at_both = (
        min((cost_of(client, portal, wish) for _ in range(4)), key=lambda cost: sum(map(Counter.total, cost)))
        for wish in wishes
    )
    assert nothing == at_userinfo
    assert (at_both[0], at_both[2]) == (nothing[0], nothing[2])
    assert at_both[1] - nothing[1] == Counter(read=1)


def test_a_code_stays_as_short_as_codes_are_for_what_portals_ask(portal: Portal, residents: Residents) -> None:
    resident = residents(portal)
    usual = {"trust_framework": {"value": "vn_nd69_2024"}, "assurance_level": {"values": ["LoA3", "LoA4"]}}
    for claims in (asked(**BOTH), asked(userinfo=wanted("name", "personal_number", verification=EVERYTHING | usual))):
        code, _ = resident.code(portal, scope="openid", claims=claims)
        assert len(code) <= CODE_LIMIT_CHARACTERS
