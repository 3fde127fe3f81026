"""A service for people and for businesses: the portal asks for whom somebody acts, and shows what it was told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relying_party_demo.app import create_app
from relying_party_demo.settings import read_settings
from tests.relying_party_demo.conftest import SERVICES, Guest, query

FIRM = {"org_name": "Công ty TNHH Gốm sứ Sao Biếc", "org_tax_code": "9900000016", "org_role": "Giám đốc"}


@pytest.fixture
def guest(crooked: Any, environment: Any) -> Guest:
    variables = environment(crooked.issuer, look="province") | {"PORTAL_SERVICES": json.dumps(SERVICES["province"])}
    return Guest(create_app(read_settings(variables)).test_client(), crooked, variables)


def told(guest: Guest, **claims: Any) -> None:
    """What the provider's userinfo will say."""
    guest.crooked.userinfo = claims


@pytest.mark.parametrize("service, asks", [("licence", True), ("land", False), (None, False)])
def test_only_a_service_for_organisations_asks_for_whom_somebody_acts(
    guest: Guest, service: str | None, asks: bool
) -> None:
    sent = query(guest.get(f"/sign-in?service={service}" if service else "/sign-in").location)
    assert ("organisation" in sent["scope"].split()) is asks
    assert "prompt" not in sent


def test_whoever_wants_to_act_for_somebody_else_is_asked_again(guest: Guest) -> None:
    assert query(guest.get("/sign-in?service=licence&again=1").location)["prompt"] == "consent"
    assert "prompt" not in query(guest.get("/sign-in?service=land&again=1").location)


def test_who_has_not_been_asked_is_sent_to_be_asked(guest: Guest) -> None:
    guest.come_back("/sign-in?service=birth")
    assert guest.get("/services/licence").location.endswith("/sign-in?service=licence")


def test_the_service_says_for_whom(guest: Guest) -> None:
    told(guest, **FIRM)
    guest.come_back("/sign-in?service=licence")
    page = guest.get("/services/licence")
    assert page.text("acting-for") == FIRM["org_name"] and page.text("org-tax-code") == FIRM["org_tax_code"]
    assert page.link("act-for").endswith("/sign-in?service=licence&again=1")
    me = guest.get("/me")
    assert {name: me.text(f"claim-{name}") for name in FIRM} == FIRM


def test_who_acts_for_themselves_is_told_so(guest: Guest) -> None:
    guest.come_back("/sign-in?service=licence")
    page = guest.get("/services/licence")
    assert page.text("acting-for") == "chính bạn" and not page.has("org-tax-code")


def test_the_home_page_says_which_services_are_for_businesses_too(guest: Guest) -> None:
    assert guest.get("/").html.count("Cho bạn hoặc cho doanh nghiệp của bạn") == 1
