"""OpenID Connect Basic and Form Post: the happy flows, the scopes, userinfo, and what must not stand in the way."""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.suite_client import SuiteClient, Tokens

PROFILE = {
    "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
}  # fmt: skip
OF_SCOPE = {
    "profile": PROFILE, "email": {"email", "email_verified"}, "phone": {"phone_number", "phone_number_verified"},
    "address": {"address"},
}  # fmt: skip


def test_oidcc_server(deployment: Deployment, basic: NewClient) -> None:
    first = basic()
    tokens = first.sign_in(scope="openid profile email")
    assert tokens.visit.arrival is not None
    assert tokens.visit.arrival.mode == (first.response_mode or "query")
    assert tokens.visit.answer["state"] == tokens.asked.parameters["state"]
    assert {"code", "state", "iss"} <= tokens.visit.answer.keys() <= {"code", "state", "iss", "session_state"}
    assert len(tokens.visit.answer["code"]) >= 22, "at least 128 bits (RFC 6749 section 10.10)"
    assert tokens.body.keys() >= {"access_token", "id_token", "token_type", "expires_in"}
    assert isinstance(tokens.body["expires_in"], int)
    assert not {"name", "email", "birthdate"} & tokens.claims.keys(), "claims of scopes are for userinfo"
    userinfo = first.userinfo(tokens.access_token)
    assert (userinfo.status_code, userinfo.headers["Content-Type"].split(";")[0]) == (200, "application/json")
    assert userinfo.json()["sub"] == tokens.claims["sub"]
    assert deployment.discovery()["issuer"] == tokens.claims["iss"]
    second = basic("client2")
    assert second.sign_in().claims["aud"] != tokens.claims["aud"]


def test_oidcc_server_client_secret_post(client: NewClient) -> None:
    first = client("basic", "client_secret_post")
    assert first.registered.token_endpoint_auth_method == "client_secret_post"
    assert first.sign_in().claims["sub"]


def test_oidcc_userinfo_get(basic: NewClient) -> None:
    _userinfo_by(basic(), "get")


def test_oidcc_userinfo_post_header(basic: NewClient) -> None:
    _userinfo_by(basic(), "post-header")


def test_oidcc_userinfo_post_body(basic: NewClient) -> None:
    _userinfo_by(basic(), "post-body")


def _userinfo_by(first: SuiteClient, by: str) -> None:
    tokens = first.sign_in()
    answer = first.userinfo(tokens.access_token, by=by)
    assert (answer.status_code, answer.json()) == (200, {"sub": tokens.claims["sub"]})


def test_oidcc_scope_profile(basic: NewClient) -> None:
    _has_claims_of(basic(), "profile")


def test_oidcc_scope_email(basic: NewClient) -> None:
    _has_claims_of(basic(), "email")


def test_oidcc_scope_address(basic: NewClient) -> None:
    _has_claims_of(basic(), "address")


def test_oidcc_scope_phone(basic: NewClient) -> None:
    _has_claims_of(basic(), "phone")


def test_oidcc_scope_all(basic: NewClient) -> None:
    _has_claims_of(basic(), "address", "email", "phone", "profile")


def _has_claims_of(first: SuiteClient, *scopes: str) -> None:
    """All claims of these scopes and no other, in userinfo and not in the id_token, each as section 5.1 has it."""
    tokens = first.sign_in(scope=" ".join(("openid", *scopes)))
    told = first.userinfo(tokens.access_token).json()
    asked = set().union(*(OF_SCOPE[scope] for scope in scopes))
    assert told.keys() == {"sub"} | asked
    assert not tokens.claims.keys() & asked
    _are_well_formed(told)


def _are_well_formed(told: dict[str, Any]) -> None:
    assert not [name for name, value in told.items() if value in (None, "", "null", {}, [])]
    kinds: dict[str, type] = {"email_verified": bool, "phone_number_verified": bool, "updated_at": int, "address": dict}
    for name, value in told.items():
        assert isinstance(value, kinds.get(name, str)), name
    if "birthdate" in told:
        assert re.fullmatch(r"(0000|\d{4})-\d\d-\d\d|\d{4}", told["birthdate"])
    if "updated_at" in told:
        assert 1_500_000_000 < told["updated_at"] < 10_000_000_000, "seconds"
    if "address" in told:
        parts = {"formatted", "street_address", "locality", "region", "postal_code", "country"}
        assert told["address"].keys() <= parts
        assert all(told["address"].values())
    for name in told.keys() & {"profile", "picture", "website"}:
        assert re.match(r"https?://", told[name])
    if "phone_number" in told:
        assert re.fullmatch(r"\+[0-9][0-9 ]{5,20}(;ext=[0-9]+)?", told["phone_number"]), "E.164"


def test_oidcc_alternate_happy_flow(basic: NewClient) -> None:
    first = basic()
    asked = first.ask(scope="email profile openid")
    reversed_order = dict(reversed(list(asked.parameters.items())))
    tokens = first.redeemed(asked, first.visit(type(asked)(reversed_order, asked.nonce, asked.verifier, asked.key)))
    assert OF_SCOPE["email"] <= first.userinfo(tokens.access_token).json().keys()


def test_oidcc_display_page(basic: NewClient) -> None:
    assert basic().sign_in(display="page").claims


def test_oidcc_display_popup(basic: NewClient) -> None:
    assert basic().sign_in(display="popup").claims


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(basic: NewClient) -> None:
    assert basic().sign_in(extra="foobar").claims


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(basic: NewClient) -> None:
    assert "nonce" not in basic().sign_in(nonce=None).claims


def test_oidcc_ensure_post_request_succeeds(basic: NewClient) -> None:
    first = basic()
    asked = first.ask()
    assert first.redeemed(asked, first.visit(asked, method="POST")).claims["sub"]


def test_oidcc_ensure_request_with_valid_pkce_succeeds(basic: NewClient) -> None:
    first = basic()
    asked = first.ask(with_pkce=True)
    assert asked.verifier
    assert first.redeemed(asked, first.visit(asked)).claims["sub"]


def test_oidcc_login_hint(deployment: Deployment, basic: NewClient) -> None:
    assert basic().sign_in(login_hint="buffy@idp.localhost").claims


def test_oidcc_ui_locales(basic: NewClient) -> None:
    assert basic().sign_in(ui_locales="se").claims


def test_oidcc_claims_locales(basic: NewClient) -> None:
    assert basic().sign_in(claims_locales="se").claims


def test_oidcc_ensure_request_with_acr_values_succeeds(deployment: Deployment, basic: NewClient) -> None:
    offered = deployment.discovery()["acr_values_supported"]
    tokens: Tokens = basic().sign_in(acr_values=" ".join(offered))
    assert tokens.claims["acr"] in offered


def test_oidcc_claims_essential(basic: NewClient) -> None:
    first = basic()
    tokens = first.sign_in(claims='{"userinfo":{"name":{"essential":true}}}')
    told = first.userinfo(tokens.access_token).json()
    assert told["name"], "asked for by claims alone, and in userinfo"
    assert told.keys() == {"sub", "name"}
    assert "name" not in tokens.claims
