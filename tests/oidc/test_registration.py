"""Portals that register themselves, invited by an operator (RFC 7591, OpenID Connect Dynamic Client Registration)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import peers
from tests.clients.key_sets import jwk, key_set
from tests.oidc.registering import WISHES, Office, office
from tests.oidc.residents import move_in
from tests.world import Portal


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("registry")) as opened:
        yield opened


def test_the_answer_is_201_and_shows_everything_that_was_registered(registry: Office) -> None:
    answer = registry.post(WISHES, registry.invite())
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    told = answer.json()
    assert told.pop("client_id").startswith("self-")
    assert len(told.pop("client_secret")) == len(told.pop("registration_access_token")) == 43
    assert told.pop("registration_client_uri").startswith(f"{registry.world.issuer}/register/self-")
    assert told.pop("client_id_issued_at") > 1_700_000_000
    assert told == {
        "client_name": "Cổng đất đai", "client_name#vi": "Cổng đất đai", "client_name#en": "Land portal",
        "client_uri": "https://land.example/", "redirect_uris": ["https://land.example/callback"],
        "application_type": "web", "grant_types": ["authorization_code"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256",
        "authorization_signed_response_alg": "RS256", "introspection_signed_response_alg": "RS256",
        "scope": "openid", "subject_type": "pairwise", "require_auth_time": True, "pkce_required": True,
        "profile": "openid", "client_secret_expires_at": 0, "require_pushed_authorization_requests": False,
        "require_signed_request_object": False, "dpop_bound_access_tokens": False,
        "tls_client_certificate_bound_access_tokens": False, "backchannel_logout_session_required": False,
        "frontchannel_logout_session_required": False,
    }  # fmt: skip


EVERYTHING: dict[str, Any] = {
    "application_type": "web", "contacts": ["ops@land.example"], "logo_uri": "https://land.example/logo.svg",
    "policy_uri": "https://land.example/policy", "tos_uri": "https://land.example/terms",
    "initiate_login_uri": "https://land.example/begin", "request_uris": ["https://land.example/request#abc"],
    "grant_types": ["authorization_code", "refresh_token"], "default_max_age": 600,
    "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
    "jwks": key_set(jwk("P-256", kid="one"), jwk("RSA", kid="two", use="enc")), "request_object_signing_alg": "ES256",
    "id_token_signed_response_alg": "ES256", "id_token_encrypted_response_alg": "RSA-OAEP-256",
    "id_token_encrypted_response_enc": "A256GCM", "userinfo_signed_response_alg": "RS256",
    "userinfo_encrypted_response_alg": "RSA-OAEP-256", "authorization_signed_response_alg": "ES256",
    "introspection_signed_response_alg": "ES256", "require_pushed_authorization_requests": True,
    "require_signed_request_object": True, "dpop_bound_access_tokens": True,
    "post_logout_redirect_uris": ["https://land.example/out"],
    "backchannel_logout_uri": "https://land.example/backchannel", "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://land.example/frontchannel", "frontchannel_logout_session_required": True,
    "software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.2",
}  # fmt: skip


def test_every_member_is_kept_as_it_was_said_and_shown_again(registry: Office) -> None:
    registered = registry.register(**EVERYTHING)
    assert {name: registered.told[name] for name in EVERYTHING} == EVERYTHING
    assert "client_secret" not in registered.told
    assert registry.ask("GET", registered.address, registered.token).json() == registered.told
    kept = registry.client(registered)
    assert kept.post_logout_redirect_uris == ("https://land.example/out",)
    assert (kept.default_max_age, kept.sector, kept.home_url) == (600, "land.example", "https://land.example/")


def test_unknown_members_and_those_of_operators_are_passed_over(registry: Office) -> None:
    registered = registry.register(
        unheard_of={"deep": [1]}, sector="bank.example", minimum_level=4, may_call=["https://api.example/"],
        consent_required=True, access_token_format="jwt", client_id="mine", client_secret="mine", software_id=None,
    )  # fmt: skip
    kept = registry.client(registered)
    assert (kept.sector, kept.minimum_level, kept.may_call, kept.consent_required) == ("land.example", 1, (), False)
    assert (kept.access_token_format, kept.id == "mine", kept.knows_secret("mine")) == ("opaque", False, False)


@pytest.mark.parametrize(
    "wishes, vi, en",
    [
        ({"client_name": "A", "client_name#en": None}, "A", "A"),
        ({"client_name": "A", "client_name#vi": "B", "client_name#en": "C"}, "B", "C"),
        ({"client_name": "A", "client_name#vi-VN": "B", "client_name#en-GB": "C", "client_name#fr": "D"}, "B", "C"),
        ({"client_name": None, "client_name#en": None}, "land.example", "land.example"),
    ],
)  # fmt: skip
def test_a_name_is_taken_in_each_language(registry: Office, wishes: dict[str, Any], vi: str, en: str) -> None:
    kept = registry.client(registry.register(**wishes))
    assert (kept.name("vi"), kept.name("en")) == (vi, en)


def test_the_front_page_is_that_of_the_redirect_uri_where_nothing_is_said(registry: Office) -> None:
    uris = ["https://land.example:8443/callback"]
    assert (
        registry.client(registry.register(client_uri=None, redirect_uris=uris)).home_url == "https://land.example:8443/"
    )


SCOPES = [
    (None, ["openid", "profile", "email"], ["authorization_code"], "openid profile email"),
    ("openid profile", ["openid", "profile", "email"], ["authorization_code"], "openid profile"),
    ("profile", ["openid", "profile"], ["authorization_code"], "openid profile"),
    ("openid personal_number phone", ["openid"], ["authorization_code"], "openid"),
    ("openid offline_access", ["openid", "offline_access"], ["authorization_code"], "openid"),
    ("openid offline_access", ["openid", "offline_access"], ["authorization_code", "refresh_token"],
     "openid offline_access"),
    ("openid land.read", ["openid"], ["authorization_code"], "openid"),
    ("openid land.read other", ["openid"], ["authorization_code", "client_credentials"], "openid land.read"),
]  # fmt: skip


@pytest.mark.parametrize("scope, granted, grants, told", SCOPES)
def test_a_portal_has_of_the_scopes_it_asks_for_those_of_its_invitation(
    registry: Office, scope: str | None, granted: list[str], grants: list[str], told: str
) -> None:
    invitation = registry.invite(scopes=granted, api_scopes=["land.read"])
    assert registry.register(invitation, scope=scope, grant_types=grants).told["scope"] == told


def test_the_invitation_says_which_level_and_consent_the_portal_owes(registry: Office) -> None:
    invitation = registry.invite(minimum_level=3, consent_required=True)
    kept = registry.client(registry.register(invitation))
    assert (kept.minimum_level, kept.consent_required) == (3, True)


@pytest.mark.parametrize(
    "exempt, wishes, required",
    [
        (False, {}, True), (False, {"pkce_required": False}, True), (True, {}, False),
        (True, {"pkce_required": True}, True), (True, {"token_endpoint_auth_method": "none"}, True),
        (True, {"profile": "fapi2_security", "jwks": key_set(jwk("P-256"))}, True),
    ],
)  # fmt: skip
def test_pkce_is_owed_unless_the_invitation_exempts_who_can_do_without(
    registry: Office, exempt: bool, wishes: dict[str, Any], required: bool
) -> None:
    told = registry.register(registry.invite(pkce_required=not exempt), **wishes).told
    assert told["pkce_required"] is required


@pytest.mark.parametrize("profile, signs_requests", [("fapi2_security", False), ("fapi2_message_signing", True)])
def test_the_fapi_profile_switches_everything_on(registry: Office, profile: str, signs_requests: bool) -> None:
    told = registry.register(profile=profile, jwks=key_set(jwk("P-256"))).told
    assert told["token_endpoint_auth_method"] == "private_key_jwt"
    assert told["require_pushed_authorization_requests"] is told["dpop_bound_access_tokens"] is True
    assert told["require_signed_request_object"] is signs_requests
    assert told["id_token_signed_response_alg"] == told["authorization_signed_response_alg"] == "PS256"
    assert registry.client(registry.register(profile=profile, jwks=key_set(jwk("P-256")))).is_fapi


def test_a_system_needs_no_redirect_uri_and_has_a_sector_of_its_own(registry: Office) -> None:
    invitation = registry.invite(api_scopes=["land.read"])
    registered = registry.register(invitation, grant_types=["client_credentials"], redirect_uris=None)
    assert registered.told["response_types"] == []
    assert registry.client(registered).sector == f"app:{registered.id}"
    assert registry.client(registered).api_scopes == ("land.read",)


APPS = [
    ["com.land.app:/callback"], ["http://127.0.0.1/callback"], ["http://[::1]:8000/callback", "com.land.app:/callback"]
]  # fmt: skip


@pytest.mark.parametrize("uris", APPS)
def test_an_app_on_a_device_has_a_sector_of_its_own(registry: Office, uris: list[str]) -> None:
    """What leads into a person's device proves nothing about who the app is from."""
    wishes = {"application_type": "native", "token_endpoint_auth_method": "none", "redirect_uris": uris}
    first, second = registry.register(**wishes), registry.register(**wishes)
    assert registry.client(first).sector != registry.client(second).sector
    assert "client_secret" not in first.told


def test_an_app_with_a_claimed_address_shares_the_sector_of_its_host(registry: Office) -> None:
    registered = registry.register(application_type="native", token_endpoint_auth_method="none")
    assert registry.client(registered).sector == "land.example"


def test_a_secret_that_signs_is_kept_sealed_and_told_again(registry: Office) -> None:
    registered = registry.register(token_endpoint_auth_method="client_secret_jwt")
    secret = registered.told["client_secret"]
    assert registry.house.clients.secret_of(registry.client(registered)) == secret
    shown = registry.ask("GET", registered.address, registered.token).json()
    assert shown["client_secret"] == secret


def test_a_portal_that_registered_itself_signs_people_in(registry: Office) -> None:
    """With nothing but what it was told."""
    base = "http://land.localhost:9"
    registered = registry.register(
        registry.invite(scopes=["openid", "profile"]), redirect_uris=[f"{base}/callback"], client_uri=base
    )
    registry.client(registered)
    portal = registry.portal(registered)
    resident = move_in(registry.world, portal)
    tokens = resident.tokens(portal)
    assert tokens.claims["sub"] == tokens.userinfo["sub"]
    assert tokens.userinfo["name"] == "Nguyễn Thị Mai Anh"


def test_a_party_that_is_not_ours_registers_itself_and_signs_somebody_in(registry: Office) -> None:
    """npm's openid-client, which finds the endpoint by discovery."""
    uri = "http://water.localhost:9/callback"
    wishes = {"client_name": "Cổng nước", "redirect_uris": [uri], "token_endpoint_auth_method": "client_secret_post"}
    with peers.openid_client(
        issuer=registry.world.issuer, client_id="", redirect_uri=uri, METADATA=json.dumps(wishes),
        INITIAL_ACCESS_TOKEN=registry.invite(),
    ) as party:  # fmt: skip
        client_id = parse_qs(urlsplit(party.authorization_url).query)["client_id"][0]
        resident = move_in(registry.world, Portal(registry.world, client_id, None, uri, ""))
        onward = resident.browser.get(party.authorization_url).onward
        assert onward is not None
        assert party.finish(onward)["id_token_claims"]["aud"] == client_id
    with (
        pytest.raises(peers.PeerFailed, match="invalid_token"),
        peers.openid_client(
            issuer=registry.world.issuer, client_id="", redirect_uri=uri, METADATA=json.dumps(wishes),
            INITIAL_ACCESS_TOKEN="guessed",
        ),
    ):  # fmt: skip
        raise AssertionError("it registered")


def test_it_is_on_record_who_registered_by_which_invitation(registry: Office) -> None:
    registered = registry.register()
    events = [event for event in registry.house.audit.export() if event["client_id"] == registered.id]
    assert [event["event"] for event in events] == ["portal_changed"]
    assert events[0]["details"]["change"].startswith("registered itself by invitation ")
    assert registered.token not in str(events) and registered.told["client_secret"] not in str(events)


def test_registration_is_off_unless_it_is_switched_on(tmp_path: Path) -> None:
    with office(tmp_path, registration={"open_to": "nobody"}) as closed:
        assert closed.post(WISHES, closed.invite()).status_code == 404
        for method in ("GET", "PUT", "DELETE"):
            assert closed.ask(method, f"{closed.world.issuer}/register/portal", "token").status_code == 404
        assert "registration_endpoint" not in discovered(closed)


def discovered(at: Office) -> dict[str, Any]:
    answer = at.ask("GET", f"{at.world.issuer}/.well-known/openid-configuration")
    return dict(answer.json())


def test_discovery_names_the_endpoint_where_it_is_on(registry: Office) -> None:
    assert discovered(registry)["registration_endpoint"] == f"{registry.world.issuer}/register"
