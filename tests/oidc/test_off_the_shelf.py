"""A relying party that is not ours, npm's openid-client, signs in with us as it would with anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from idp.seal import to_text
from tests import peers
from tests.oidc.counters import MESSAGE_SIGNING, OFFLINE, Counter, counter, signing_key, walked
from tests.oidc.devices import TELEVISION, agreed, declined, heading, signed_in
from tests.oidc.residents import Resident
from tests.world import Browser, Portal

Portals = Callable[..., Portal]


@pytest.fixture(scope="module")
def at_the_counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with counter(tmp_path_factory) as open_counter:
        yield open_counter


def sign_in(portal: Portal, browser: Browser, *, source: str = "population", **environment: str) -> dict[str, Any]:
    secret = {"CLIENT_SECRET": portal.secret} if portal.secret else {}
    with peers.openid_client(
        issuer=portal.world.issuer, client_id=portal.id, redirect_uri=portal.redirect_uri, **(secret | environment)
    ) as party:
        return party.finish(walked(party.authorization_url, portal, browser, source=source))


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


FAPI = {"CLIENT_KEY": json.dumps(signing_key()), "ID_TOKEN_ALG": "PS256", "DPOP": "yes", "USE_PAR": "yes"}


def test_it_pushes_a_signed_request_and_gets_a_signed_answer_and_bound_tokens(
    portals: Portals, browser: Browser
) -> None:
    """FAPI 2.0 Message Signing: PAR, JAR, DPoP, JARM; and a refresh token that is not replaced."""
    portal = portals(**MESSAGE_SIGNING)
    result = sign_in(
        portal, browser, **FAPI, USE_JAR="yes", USE_JARM="yes", REFRESH="yes", SCOPE="openid profile offline_access",
        METADATA='{"authorization_signed_response_alg": "PS256"}',
    )  # fmt: skip
    assert (result["token_type"], result["id_token_header"]["alg"]) == ("dpop", "PS256")
    assert result["userinfo"]["name"] == result["refreshed"]["userinfo"]["name"] == "Trần Minh Quân"
    assert result["refreshed"]["refresh_token_rotated"] is True  # "undefined": it keeps the one it has


def test_a_client_of_that_profile_that_does_less_is_refused(portals: Portals, browser: Browser) -> None:
    portal = portals(**MESSAGE_SIGNING)
    with pytest.raises(peers.PeerFailed, match="invalid_request"):
        sign_in(portal, browser, **FAPI, USE_JARM="yes")
    with pytest.raises(peers.PeerFailed, match="invalid_request"):
        sign_in(portal, browser, **FAPI | {"USE_PAR": "no"}, USE_JARM="yes")


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_it_refreshes(portals: Portals, browser: Browser, method: str) -> None:
    portal = portals(**OFFLINE, token_endpoint_auth_method=method)
    result = sign_in(portal, browser, REFRESH="yes", SCOPE="openid profile offline_access")
    refreshed = result["refreshed"]
    assert refreshed["userinfo"] == result["userinfo"]
    assert refreshed["id_token_claims"]["auth_time"] == result["id_token_claims"]["auth_time"]
    assert "nonce" not in refreshed["id_token_claims"]


def test_it_signs_the_person_out(portal: Portal, browser: Browser) -> None:
    """OpenID Connect RP-Initiated Logout 1.0."""
    result = sign_in(portal, browser, LOGOUT_REDIRECT_URI=portal.post_logout_redirect_uri)
    page = browser.follow(browser.get(result["end_session_url"]), until=portal.post_logout_redirect_uri)
    while page.onward is None:  # the source asks whether to sign out there as well
        page = browser.follow(browser.submit(page, follow=False), until=portal.post_logout_redirect_uri)
    assert page.onward == f"{portal.post_logout_redirect_uri}?state=out"
    with pytest.raises(peers.PeerFailed, match="login_required"):
        sign_in(portal, browser, PARAMETERS='{"prompt": "none"}')


@pytest.mark.parametrize("bound", ["no", "yes"])
def test_its_device_gets_in_when_somebody_signs_in_for_it(portals: Portals, browser: Browser, bound: str) -> None:
    portal = portals(**TELEVISION, dpop_bound_access_tokens=bound == "yes")
    issuer = portal.world.issuer
    with peers.openid_client_device(issuer=issuer, client_id=portal.id, SCOPE="openid profile", DPOP=bound) as device:
        page = browser.submit(browser.get(device.shown["verification_uri"]), {"user_code": device.shown["user_code"]})
        end = signed_in(browser, agreed(browser, page), portal)
        assert heading(end) == "Bạn có thể quay lại thiết bị của mình"
        result = device.finish()
    assert result["token_type"] == ("dpop" if bound == "yes" else "bearer")
    assert result["userinfo"]["name"] == "Trần Minh Quân"


def test_its_device_is_told_that_somebody_declined(portals: Portals, browser: Browser) -> None:
    portal = portals(**TELEVISION)
    with peers.openid_client_device(issuer=portal.world.issuer, client_id=portal.id) as device:
        declined(browser, browser.submit(browser.get(device.shown["verification_uri_complete"])))
        with pytest.raises(peers.PeerFailed, match="access_denied"):
            device.finish()


def test_its_system_proves_itself_by_a_certificate_and_gets_a_token_bound_to_it(at_the_counter: Counter) -> None:
    """RFC 8705 sections 2, 3 and 5, with the real nginx; it finds the place by mtls_endpoint_aliases."""
    system = at_the_counter.system()
    told = peers.openid_client_system(
        issuer=system.world.issuer, client_id=system.id, SCOPE="tax.read", INTROSPECT="yes",
        METADATA='{"use_mtls_endpoint_aliases": true}', **at_the_counter.as_environment(),
    )  # fmt: skip
    assert (told["token_type"], told["scope"]) == ("bearer", "tax.read")
    assert told["introspected"]["active"] is True
    assert told["introspected"]["cnf"] == {"x5t#S256": to_text(at_the_counter.held.thumbprint)}


def test_its_system_without_the_certificate_gets_nothing(at_the_counter: Counter) -> None:
    system = at_the_counter.system()
    with pytest.raises(peers.PeerFailed, match="invalid_client"):
        peers.openid_client_system(issuer=system.world.issuer, client_id=system.id, SCOPE="tax.read")
