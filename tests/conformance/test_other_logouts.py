"""Front-channel and back-channel logout and session management: the suite's modules by name."""

from __future__ import annotations

import re
import time
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from idp.worker import Worker
from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.suite_client import SuiteClient, random_word
from tests.conformance.test_rp_initiated_logout import assert_nobody_is_signed_in, leave, return_address

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(deployment: Deployment) -> None:
    document = deployment.discovery()
    assert document["frontchannel_logout_supported"] is document["frontchannel_logout_session_supported"] is True
    assert document["end_session_endpoint"]


def test_oidcc_frontchannel_rp_initiated_logout(client: NewClient) -> None:
    first = client("frontchannel")
    tokens, state = first.sign_in(), random_word()
    endpoint = first.deployment.endpoint("end_session_endpoint")
    page = first.browser.get(
        f"{endpoint}?id_token_hint={tokens.id_token}&post_logout_redirect_uri={return_address(first)}&state={state}"
    )
    framed = [found.replace("&amp;", "&") for found in re.findall(r'<iframe[^>]* src="([^"]+)"', page.html)]
    assert [url.partition("?")[0] for url in framed] == [f"{first.deployment.suite.address}/frontchannel_logout"]
    told = {name: values[0] for name, values in parse_qs(urlsplit(framed[0]).query).items()}
    assert told == {"iss": first.deployment.issuer, "sid": tokens.claims["sid"]}
    assert page.onward == f"{return_address(first)}?state={state}", "and on, by itself"
    assert_nobody_is_signed_in(first)


def test_oidcc_backchannel_logout_discovery_endpoint_verification(deployment: Deployment) -> None:
    document = deployment.discovery()
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True
    assert document["end_session_endpoint"]


def test_oidcc_backchannel_rp_initiated_logout(deployment: Deployment, client: NewClient) -> None:
    first = client("backchannel")
    tokens, state = first.sign_in(), random_word()
    visit = leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=return_address(first), state=state)
    assert visit.answer == {"state": state}
    Worker(deployment.house).send()
    received = deployment.suite.wait_for("backchannel_logout")
    assert (received.method, received.form.keys()) == ("POST", {"logout_token"})
    told = deployment.verified(received.form["logout_token"], first.registered.id_token_signed_response_alg)
    assert (told["iss"], told["sub"], told["sid"]) == (deployment.issuer, tokens.claims["sub"], tokens.claims["sid"])
    assert told["aud"] in (first.id, [first.id])
    assert told["events"] == {EVENT: {}}
    assert told["jti"]
    assert abs(time.time() - told["iat"]) < 300
    assert "nonce" not in told
    assert_nobody_is_signed_in(first)


def test_oidcc_session_management_discovery_endpoint_verification(deployment: Deployment) -> None:
    document = deployment.discovery()
    assert document["check_session_iframe"].startswith(f"{deployment.issuer}/")
    assert document["end_session_endpoint"]
    page = deployment.http.get(document["check_session_iframe"], timeout=30)
    assert page.status_code == 200
    assert "X-Frame-Options" not in page.headers
    assert "frame-ancestors 'none'" not in page.headers["Content-Security-Policy"]


def test_oidcc_session_management_rp_initiated_logout(deployment: Deployment, client: NewClient) -> None:
    first = client("basic")
    tokens = first.sign_in()
    state = tokens.visit.answer["session_state"]
    assert " " not in state
    assert _check_session(first, state) == "unchanged"
    visit = leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=return_address(first))
    assert visit.arrival is not None
    assert _check_session(first, state) == "changed"
    assert_nobody_is_signed_in(first)


def _check_session(first: SuiteClient, state: str) -> str:
    """What the page in the frame works out (section 3.2), from the cookie that its script can read."""
    held = [cookie.value for cookie in first.browser.cookies if "state" in cookie.name]
    address = urlsplit(first.redirect_uri)
    salt = state.partition(".")[2]
    text = f"{first.id} {address.scheme}://{address.netloc} {held[0] if held else ''} {salt}"
    return "unchanged" if state == f"{sha256(text.encode()).hexdigest()}.{salt}" else "changed"
