"""A client that is not ours and is written in Python: requests-oauth2client, with jwskate, for all that it can do.

By itself it signs in with PKCE, pushes requests, proves with DPoP, refreshes, revokes, asks for a device, and gets a
system its token by a certificate. It cannot push a request that is signed nor open a signed answer, which @openid4vc
does, nor make the address for signing out, which oidc-client-ts does: see the files beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from jwskate import Jwk
from requests_oauth2client import (
    AccessDenied,
    AuthorizationRequest,
    ClientSecretBasic,
    DeviceAuthorizationPollingJob,
    InvalidClient,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
    TokenEndpointError,
)

from tests.oidc.counters import MESSAGE_SIGNING, OFFLINE, Counter, counter, signing_key, walked
from tests.oidc.devices import TELEVISION, agreed, declined, signed_in
from tests.world import Browser, Portal

Portals = Callable[..., Portal]
ASKED = "openid profile offline_access"


@pytest.fixture(scope="module")
def at_the_counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with counter(tmp_path_factory) as open_counter:
        yield open_counter


def client_of(portal: Portal, auth: Any = None, **options: Any) -> OAuth2Client:
    """Configured by our metadata, which it reads but for one endpoint; `testing` lets it speak plain http."""
    endpoint = {"device_authorization_endpoint": metadata(portal)["device_authorization_endpoint"]}
    found: OAuth2Client = OAuth2Client.from_discovery_endpoint(
        issuer=portal.world.issuer, session=portal.world.http, testing=True,
        auth=auth or ClientSecretBasic(portal.id, str(portal.secret)),
        redirect_uri=portal.redirect_uri or None, **endpoint, **options,
    )  # fmt: skip
    return found


def metadata(portal: Portal) -> dict[str, Any]:
    address = f"{portal.world.issuer}/.well-known/openid-configuration"
    found: dict[str, Any] = portal.world.http.get(address, timeout=30).json()
    return found


def finished(client: OAuth2Client, asked: AuthorizationRequest, came_back: str) -> Any:
    """Tokens for what the browser brought back: state, iss, and the id_token are checked by the library."""
    return client.authorization_code(asked.validate_callback(came_back), validate=True)


def test_it_signs_in_refreshes_and_reads_userinfo(portals: Portals, browser: Browser) -> None:
    portal = portals(**OFFLINE)
    client = client_of(portal)
    asked = client.authorization_request(scope=ASKED)
    tokens = finished(client, asked, walked(asked.uri, portal, browser))
    assert client.userinfo(tokens)["name"] == "Trần Minh Quân"
    again = client.refresh_token(tokens)
    assert client.userinfo(again)["sub"] == tokens.id_token.claims["sub"]
    assert client.revoke_access_token(again) is True


def test_a_public_client_s_refresh_token_is_replaced(portals: Portals, browser: Browser) -> None:
    portal = portals(**OFFLINE, token_endpoint_auth_method="none")
    client = client_of(portal, PublicApp(portal.id))
    asked = client.authorization_request(scope=ASKED)
    tokens = finished(client, asked, walked(asked.uri, portal, browser))
    again = client.refresh_token(tokens)
    assert again.refresh_token not in (None, tokens.refresh_token)


def test_it_pushes_its_request_and_gets_bound_tokens(portals: Portals, browser: Browser) -> None:
    """FAPI 2.0 Security Profile: PAR and DPoP."""
    portal = portals(**MESSAGE_SIGNING | {"profile": "fapi2_security"})
    auth = PrivateKeyJwt(portal.id, Jwk(signing_key()), aud=portal.world.issuer)
    client = client_of(portal, auth, dpop_bound_access_tokens=True, id_token_signed_response_alg="PS256")
    asked = client.authorization_request(scope=ASKED)
    pushed = client.pushed_authorization_request(asked)
    # Not validated: told to check the id_token of a bound token too, the library stumbles over its own constructor.
    answer = asked.validate_callback(walked(pushed.uri, portal, browser))
    tokens = client.authorization_code(answer, validate=False)
    assert (tokens.token_type, tokens.id_token.alg) == ("DPoP", "PS256")
    assert client.userinfo(tokens)["name"] == "Trần Minh Quân"
    assert client.userinfo(client.refresh_token(tokens))["name"] == "Trần Minh Quân"


def test_its_device_gets_in_when_somebody_signs_in_for_it(portals: Portals, browser: Browser) -> None:
    portal = portals(**TELEVISION)
    client = client_of(portal, PublicApp(portal.id))
    begun = client.authorize_device(scope="openid profile")
    job = DeviceAuthorizationPollingJob(client, begun.device_code, interval=1)
    assert job() is None, "nobody has decided"
    page = browser.submit(browser.get(begun.verification_uri), {"user_code": begun.user_code})
    signed_in(browser, agreed(browser, page), portal)
    tokens = job()
    assert tokens is not None
    assert client.userinfo(tokens)["name"] == "Trần Minh Quân"
    assert portal.claims(str(tokens.id_token))["sub"] == client.userinfo(tokens)["sub"]
    with pytest.raises(TokenEndpointError, match="T03"):
        client.device_code(begun)


def test_its_device_is_told_that_somebody_declined(portals: Portals, browser: Browser) -> None:
    portal = portals(**TELEVISION)
    client = client_of(portal, PublicApp(portal.id))
    begun = client.authorize_device(scope="openid")
    declined(browser, browser.submit(browser.get(begun.verification_uri_complete)))
    with pytest.raises(AccessDenied):
        client.device_code(begun)


def test_its_system_proves_itself_by_a_certificate_and_gets_a_token_bound_to_it(at_the_counter: Counter) -> None:
    """RFC 8705, with the real nginx."""
    system, session = at_the_counter.system(), requests.Session()
    session.trust_env = False
    session.verify, session.cert = str(at_the_counter.proxy.trusted), at_the_counter.files()
    place = at_the_counter.proxy.url
    client = OAuth2Client(
        f"{place}/token", PublicApp(system.id), introspection_endpoint=f"{place}/introspect", session=session,
        testing=True,
    )  # fmt: skip
    token = client.client_credentials(scope="tax.read tax.file")
    assert (token.token_type, token.scope) == ("Bearer", "tax.read tax.file")
    assert "x5t#S256" in client.introspect_token(token)["cnf"]
    session.cert = None
    with pytest.raises(InvalidClient):
        client.client_credentials(scope="tax.read")
