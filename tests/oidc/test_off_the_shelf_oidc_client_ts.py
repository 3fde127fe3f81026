"""A client that is not ours and runs in browsers, npm's oidc-client-ts: it signs in, refreshes and signs out again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests import peers
from tests.oidc.counters import OFFLINE, walked
from tests.world import Browser, Portal

Portals = Callable[..., Portal]
PUBLIC = {"token_endpoint_auth_method": "none"}


def at(portal: Portal, **environment: str) -> AbstractContextManager[peers.RelyingParty]:
    """The client, which has begun to sign somebody in at this portal."""
    return peers.oidc_client_ts(
        issuer=portal.world.issuer, client_id=portal.id, redirect_uri=portal.redirect_uri, **environment
    )


def test_it_signs_in_and_refreshes(portals: Portals, browser: Browser) -> None:
    """It checks state, PKCE and nonce, and that everything is of the same person, by itself."""
    portal = portals(**OFFLINE, **PUBLIC)
    with at(portal, REFRESH="yes", SCOPE="openid profile offline_access") as party:
        result = party.finish(walked(party.authorization_url, portal, browser))
    assert result["token_type"] == "Bearer"
    assert result["profile"]["name"] == result["refreshed"]["profile"]["name"] == "Trần Minh Quân"
    assert result["refreshed"]["refresh_token_rotated"] is True


def test_it_signs_the_person_out(portals: Portals, browser: Browser) -> None:
    """OpenID Connect RP-Initiated Logout 1.0: it makes the address, and knows its own state again afterwards."""
    portal = portals(**PUBLIC)
    back = portal.post_logout_redirect_uri
    with at(portal, LOGOUT_REDIRECT_URI=back) as party:
        result = party.finish(walked(party.authorization_url, portal, browser))
        page = browser.follow(browser.get(result["end_session_url"]), until=back)
        while page.onward is None:  # the source asks whether to sign out there as well
            page = browser.follow(browser.submit(page, follow=False), until=back)
        assert party.leave(page.onward) == {"signed_out": {"from": "the page of one application"}}
    with at(portal, PROMPT="none") as party, pytest.raises(peers.PeerFailed, match="login_required"):
        party.finish(walked(party.authorization_url, portal, browser))


def test_it_believes_no_farewell_that_it_did_not_ask_for(portals: Portals, browser: Browser) -> None:
    portal = portals(**PUBLIC)
    with at(portal, LOGOUT_REDIRECT_URI=portal.post_logout_redirect_uri) as party:
        party.finish(walked(party.authorization_url, portal, browser))
        with pytest.raises(peers.PeerFailed, match="No matching state"):
            party.leave(f"{portal.post_logout_redirect_uri}?state=another")
