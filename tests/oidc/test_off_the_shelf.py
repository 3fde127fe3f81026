"""A relying party that is not ours, npm's openid-client, signs in with us as it would with anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import peers
from tests.oidc.residents import Resident
from tests.world import CITIZEN, Browser, Portal

Portals = Callable[..., Portal]


def sign_in(portal: Portal, browser: Browser, *, source: str = "population", **environment: str) -> dict[str, Any]:
    secret = {"CLIENT_SECRET": portal.secret} if portal.secret else {}
    with peers.openid_client(
        issuer=portal.world.issuer, client_id=portal.id, redirect_uri=portal.redirect_uri, **(secret | environment)
    ) as party:
        page = browser.open_at(party.authorization_url, portal)
        for _ in range(8):
            if page.onward is not None:
                return party.finish(page.onward)
            page = browser.step(page, portal, source=source, citizen=CITIZEN)
    raise AssertionError(f"no answer; last: {page.url}")


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_openid_client_signs_in(portals: Portals, browser: Browser, method: str, alg: str) -> None:
    """It checks state, iss, nonce, PKCE, at_hash, the id_token's signature and userinfo's sub by itself."""
    portal = portals(
        token_endpoint_auth_method=method, id_token_signed_response_alg=alg, scopes=["openid", "profile", "email"]
    )
    result = sign_in(portal, browser, TOKEN_AUTH=method, ID_TOKEN_ALG=alg, SCOPE="openid profile")
    assert result["id_token_header"]["alg"] == alg
    assert result["id_token_claims"]["aud"] == portal.id
    assert result["userinfo"]["name"] == "Trần Minh Quân"
    assert result["userinfo"]["sub"] == result["id_token_claims"]["sub"]
    assert (result["token_type"], result["scope"]) == ("bearer", "openid profile")


def test_it_gets_the_level_that_it_must_have(portal: Portal, browser: Browser) -> None:
    asked = {"claims": json.dumps({"id_token": {"acr": {"essential": True, "value": "LoA3"}, "name": None}})}
    result = sign_in(portal, browser, PARAMETERS=json.dumps(asked))
    assert (result["id_token_claims"]["acr"], result["id_token_claims"]["name"]) == ("LoA3", "Trần Minh Quân")


def test_it_is_told_why_not(resident: Resident, portal: Portal, portals: Portals) -> None:
    """And trusts the answer, since state and iss are there in errors too."""
    with pytest.raises(peers.PeerFailed, match="login_required"):
        sign_in(portal, resident.country.browser(), PARAMETERS='{"prompt": "none"}')
    with pytest.raises(peers.PeerFailed, match="unmet_authentication_requirements"):
        sign_in(portals(minimum_level=4), resident.browser)


def test_its_wrong_secret_is_refused(portal: Portal, resident: Resident) -> None:
    with pytest.raises(peers.PeerFailed, match="invalid_client"):
        sign_in(portal, resident.browser, CLIENT_SECRET="guessed")
