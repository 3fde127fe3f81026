"""A second client that is not ours: requests-oauth2client, with jwskate, by another author and in another language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from jwskate import Jwk, JwkSet, SignedJwt
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

from idp import clock
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


def test_it_pushes_a_signed_request_and_gets_a_signed_answer_and_bound_tokens(
    portals: Portals, browser: Browser
) -> None:
    """FAPI 2.0 Message Signing: PAR, JAR, DPoP, JARM."""
    portal = portals(**MESSAGE_SIGNING)
    issuer, key = portal.world.issuer, Jwk(signing_key())
    client = client_of(
        portal, PrivateKeyJwt(portal.id, key, aud=issuer), dpop_bound_access_tokens=True,
        id_token_signed_response_alg="PS256",
    )  # fmt: skip
    now = clock.seconds()
    asked = client.authorization_request(scope=ASKED, iss=portal.id, aud=issuer, iat=now, nbf=now, exp=now + 60)
    # The library pushes the members of `args`, and signs requests, but has no word for one that is pushed and signed.
    request = {"client_id": portal.id, "request": str(asked.sign_request_jwt(key, "PS256"))}
    pushed = client.pushed_authorization_request(SimpleNamespace(args=request, dpop_key=asked.dpop_key))
    came_back = walked(pushed.uri, portal, browser)
    # Told to check the id_token of a bound token too, the library stumbles over itself: jwskate does it.
    tokens = client.authorization_code(asked.validate_callback(plain(came_back, portal)), validate=False)
    opened(str(tokens.id_token), portal)
    assert (tokens.token_type, tokens.id_token.alg) == ("DPoP", "PS256")
    assert client.userinfo(tokens)["name"] == "Trần Minh Quân"
    assert client.userinfo(client.refresh_token(tokens))["name"] == "Trần Minh Quân"


def plain(came_back: str, portal: Portal) -> str:
    """The answer out of the token that it came in (JARM section 2.4), for a library that has no word for it."""
    (response,) = parse_qs(urlsplit(came_back).query)["response"]
    said = {name: value for name, value in opened(response, portal).items() if name not in ("aud", "exp")}
    return f"{portal.redirect_uri}?{urlencode(said)}"


def opened(token: str, portal: Portal) -> dict[str, Any]:
    """What we signed for this portal, as jwskate reads it: key, algorithm, issuer, audience and time."""
    keys, signed = JwkSet(portal.world.http.get(metadata(portal)["jwks_uri"], timeout=30).json()), SignedJwt(token)
    signed.validate(keys.get_jwk_by_kid(signed.kid), alg="PS256", issuer=portal.world.issuer, audience=portal.id)
    claims: dict[str, Any] = signed.claims
    return claims


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


def test_it_signs_the_person_out(portal: Portal, browser: Browser) -> None:
    """OpenID Connect RP-Initiated Logout 1.0; the library has no word for it, so the metadata and its id_token do."""
    client = client_of(portal)
    asked = client.authorization_request(scope="openid")
    tokens = finished(client, asked, walked(asked.uri, portal, browser))
    out = {"id_token_hint": str(tokens.id_token), "post_logout_redirect_uri": portal.post_logout_redirect_uri}
    page = browser.get(f"{metadata(portal)['end_session_endpoint']}?{urlencode(out)}")
    page = browser.follow(page, until=portal.post_logout_redirect_uri)
    while page.onward is None:
        page = browser.follow(browser.submit(page, follow=False), until=portal.post_logout_redirect_uri)
    assert page.onward == portal.post_logout_redirect_uri
    again = client.authorization_request(scope="openid", prompt="none")
    assert "login_required" in walked(again.uri, portal, browser)
