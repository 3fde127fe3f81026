"""A client that is not ours, by other authors than openid-client's: npm's @openid4vc, which pushes every request.

With it a person signs in at a portal of FAPI 2.0 Message Signing. It has no word for devices, and none for signing out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import peers
from tests.oidc.counters import MESSAGE_SIGNING, OFFLINE, signing_key, walked
from tests.oidc.residents import fresh_name
from tests.world import Browser, Portal, World, world

Portals = Callable[..., Portal]
ASKED = "openid profile offline_access"
FAPI = {
    "CLIENT_KEY": json.dumps(signing_key()), "DPOP": "yes", "USE_JAR": "yes", "USE_JARM": "yes", "SCOPE": ASKED,
}  # fmt: skip


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A country whose provider asks for a nonce of its own in every proof (RFC 9449 section 8)."""
    with world(tmp_path_factory.mktemp("strict"), dpop={"nonce_required": True}) as strict:
        yield strict


@pytest.fixture
def signing(strict: World) -> Portal:
    return strict.portal(fresh_name(), **MESSAGE_SIGNING)


def at(portal: Portal, **environment: str) -> AbstractContextManager[peers.RelyingParty]:
    """The client, which has begun to sign somebody in at this portal."""
    secret = {"CLIENT_SECRET": portal.secret} if portal.secret else {}
    return peers.openid4vc(
        issuer=portal.world.issuer, client_id=portal.id, redirect_uri=portal.redirect_uri, **(secret | environment)
    )


def sign_in(
    portal: Portal, browser: Browser, *, bent: Callable[[str], str] = str, **environment: str
) -> dict[str, Any]:
    """What it got; `bent` is what becomes of our answer on its way back to it."""
    with at(portal, **environment) as party:
        return party.finish(bent(walked(party.authorization_url, portal, browser)))


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
def test_it_signs_in_and_refreshes(portals: Portals, browser: Browser, method: str) -> None:
    """It checks iss, PKCE, and the id_token with its nonce by itself."""
    portal = portals(**OFFLINE, token_endpoint_auth_method=method)
    result = sign_in(portal, browser, REFRESH="yes", SCOPE=ASKED)
    assert (result["token_type"], result["scope"]) == ("Bearer", ASKED)
    assert (result["id_token_header"]["alg"], result["id_token_claims"]["aud"]) == ("RS256", portal.id)
    assert result["userinfo"]["name"] == "Trần Minh Quân"
    assert result["refreshed"]["userinfo"] == result["userinfo"]
    assert result["refreshed"]["id_token_claims"]["auth_time"] == result["id_token_claims"]["auth_time"]


def test_it_pushes_a_signed_request_and_gets_a_signed_answer_and_bound_tokens(strict: World, signing: Portal) -> None:
    """FAPI 2.0 Message Signing: PAR, JAR, DPoP, JARM; nonces are asked of it at /par, /token and /userinfo."""
    result = sign_in(signing, strict.browser(), **FAPI, REFRESH="yes")
    assert (result["token_type"], result["id_token_header"]["alg"]) == ("DPoP", "PS256")
    assert result["userinfo"]["name"] == result["refreshed"]["userinfo"]["name"] == "Trần Minh Quân"
    assert result["userinfo"]["sub"] == result["id_token_claims"]["sub"]


def test_a_client_of_that_profile_that_does_less_is_refused(strict: World, signing: Portal) -> None:
    with pytest.raises(peers.PeerFailed, match="invalid_request"):
        sign_in(signing, strict.browser(), **FAPI | {"USE_JAR": "no"})
    with pytest.raises(peers.PeerFailed, match="invalid_dpop_proof"):
        sign_in(signing, strict.browser(), **FAPI | {"DPOP": "no"})


def test_it_believes_no_answer_that_somebody_wrote_again(strict: World, signing: Portal) -> None:
    """That it opens our signed answers says something only if it does not open others."""

    def signed_by_nobody(came_back: str) -> str:
        signed, _, signature = came_back.rpartition(".")
        return f"{signed}.{signature[::-1]}"

    with pytest.raises(peers.PeerFailed, match="Jarm Auth Response is not valid"):
        sign_in(signing, strict.browser(), bent=signed_by_nobody, **FAPI)


def test_it_believes_no_answer_that_was_meant_for_another_portal(strict: World, signing: Portal) -> None:
    other = strict.portal(fresh_name(), **MESSAGE_SIGNING)

    def somebody_elses(_: str) -> str:
        with at(other, **FAPI) as party:
            return walked(party.authorization_url, other, strict.browser())

    with pytest.raises(peers.PeerFailed, match="Invalid 'aud' claim in JARM"):
        sign_in(signing, strict.browser(), bent=somebody_elses, **FAPI)


def test_it_is_told_why_not(strict: World, signing: Portal, portals: Portals, browser: Browser) -> None:
    """In a signed answer, in a plain one, and where it pushes its request."""
    portal = portals(token_endpoint_auth_method="client_secret_post")
    with pytest.raises(peers.PeerFailed, match="login_required"):
        sign_in(signing, strict.browser(), **FAPI, PROMPT="none")
    with pytest.raises(peers.PeerFailed, match="login_required"):
        sign_in(portal, browser, PROMPT="none")
    with pytest.raises(peers.PeerFailed, match="invalid_client"):
        sign_in(portal, browser, CLIENT_SECRET="guessed-by-somebody-who-does-not-know")
