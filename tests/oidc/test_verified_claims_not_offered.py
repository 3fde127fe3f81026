"""Where no operator has said by whose rules people are proofed, nothing is told as verified (IDA sections 5.6.2, 8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.oidc.assured import asked, wanted
from tests.oidc.residents import Resident
from tests.world import Portal, World


@pytest.mark.parametrize("element", [wanted("name"), [wanted("name")], [], None, "nonsense"])
def test_they_are_a_claim_that_nobody_knows(resident: Resident, portal: Portal, element: Any) -> None:
    claims = json.dumps({part: {"verified_claims": element} for part in ("userinfo", "id_token")})
    tokens = resident.tokens(portal, scope="openid", claims=claims)
    assert tokens.userinfo.keys() == {"sub"}
    assert not {"name", "verified_claims"} & tokens.claims.keys()


def test_nobody_is_told_of_what_is_not_told(country: World, portal: Portal) -> None:
    browser = country.browser()
    page = browser.open_at(portal.ask(scope="openid", claims=asked(userinfo=wanted("name"))).url, portal)
    while not page.url.endswith("/information"):
        page = browser.step(page, portal)
    assert "Họ và tên" not in page.html


def test_discovery_says_nothing_of_them(country: World) -> None:
    document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert not [name for name in document if "verified_claims" in name or "evidence" in name or "framework" in name]
