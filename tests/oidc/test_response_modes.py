"""How an answer reaches its portal: query, fragment or form, each plain or as one signed token (JARM)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from idp import clock
from tests.oidc.asserting import asserting
from tests.oidc.packing import SIGNING, answered, push, pushed, request_object, signing, url_of
from tests.oidc.residents import Resident
from tests.peers.visitor import Page
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
PLAIN = ("query", "fragment", "form_post")
SIGNED = ("query.jwt", "fragment.jwt", "form_post.jwt", "jwt")


def opened(answer: dict[str, str], portal: Portal, alg: str = "RS256") -> dict[str, Any]:
    """The signed answer as a portal checks it (JARM section 2.4): by our published keys, for itself, in time."""
    assert answer.keys() == {"response"}
    keys = jwt.PyJWKSet.from_json(portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).text)
    key = keys[jwt.get_unverified_header(answer["response"])["kid"]]
    claims = jwt.decode(
        answer["response"], key, algorithms=[alg], audience=portal.id, issuer=portal.world.issuer,
        options={"require": ["iss", "aud", "exp"]},
    )  # fmt: skip
    assert 0 < claims["exp"] - clock.seconds() <= 600  # JARM section 2.1
    return claims


def place(page: Page) -> str:
    """Where in the message the answer is."""
    if page.onward is None:
        return "form_post"
    return "fragment" if urlsplit(page.onward).fragment else "query"


@pytest.mark.parametrize("mode", PLAIN)
def test_a_code_goes_the_way_that_was_asked_for(resident: Resident, portal: Portal, mode: str) -> None:
    """Multiple Response Types section 2.1, Form Post Response Mode section 2."""
    request = portal.ask(response_mode=mode, state="a b&c=d'\">")
    page = resident.browser.get(request.url)
    answer = answered(page, portal)
    assert (place(page), answer.keys()) == (mode, {"code", "state", "iss", "session_state"})
    assert (answer["state"], answer["iss"]) == ("a b&c=d'\">", portal.world.issuer)
    assert portal.redeem(answer["code"], request.verifier).status_code == 200


@pytest.mark.parametrize("mode", SIGNED)
def test_a_signed_answer_says_who_tells_whom_and_until_when(resident: Resident, portal: Portal, mode: str) -> None:
    request = portal.ask(response_mode=mode, state="s")
    page = resident.browser.get(request.url)
    claims = opened(answered(page, portal), portal)
    assert place(page) == {"jwt": "query"}.get(mode, mode.removesuffix(".jwt"))
    assert claims.keys() == {"iss", "aud", "exp", "code", "state", "session_state"}
    assert portal.redeem(claims["code"], request.verifier).status_code == 200


@pytest.mark.parametrize("mode", [*PLAIN, *SIGNED])
def test_an_error_goes_the_same_way(browser: Browser, portal: Portal, mode: str) -> None:
    """What was wrong with the request, and what came of a good one, alike (behaviour 5.7)."""
    for asked, error in (({"prompt": "none"}, "login_required"), ({"scope": "profile"}, "invalid_scope")):
        page = browser.get(portal.ask(response_mode=mode, state="s", **asked).url)
        answer: dict[str, Any] = answered(page, portal)
        if mode in SIGNED:
            answer = opened(answer, portal)
        assert place(page) == {"jwt": "query"}.get(mode, mode.removesuffix(".jwt"))
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "s", portal.world.issuer)


@pytest.mark.parametrize("mode", [*PLAIN, "query.jwt", "form_post.jwt"])
def test_a_journey_ends_the_way_that_was_asked_for_and_two_clicks_get_one_answer(
    country: World, browser: Browser, portal: Portal, mode: str
) -> None:
    request = portal.ask(response_mode=mode)
    page = browser.open_at(request.url, portal)
    login = urlsplit(page.url).path.split("/")[2]
    while page.onward is None and "data-submit-now" not in page.html:
        page = browser.step(page, portal)
    again = browser.get(f"{country.issuer}/authorize/continue/{login}")
    told = [answered(each, portal) for each in (page, again)]
    if mode.endswith(".jwt"):
        told = [opened(answer, portal) for answer in told]
    assert told[0]["code"] == told[1]["code"]
    assert (place(page), page.status) == (mode.removesuffix(".jwt"), 200)  # after a form, by a page
    assert portal.redeem(told[0]["code"], request.verifier).status_code == 200


def test_a_form_sends_itself_and_has_a_button_for_those_without_script(resident: Resident, portal: Portal) -> None:
    """Form Post Response Mode section 2. No script stands in the page, and none is a module."""
    page = resident.browser.get(portal.ask(response_mode="form_post").url)
    assert page.headers["Cache-Control"] == "no-store"
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert f"http://{portal.id}.localhost:9" in policy["form-action"].split()
    assert policy["script-src"] == "'self'"
    assert "<button" in page.html and 'type="module"' not in page.html
    script = next(part for part in page.html.split('"') if part.endswith("/send.js"))
    text = resident.browser.get(portal.world.issuer + script).html
    code = "\n".join(line for line in text.splitlines() if not line.strip().startswith("//"))
    assert "requestSubmit" in code
    assert not [modern for modern in ("=>", "const ", "let ", "?.", "`", "import ", "class ") if modern in code]


def test_discovery_names_these_modes_and_no_other(country: World) -> None:
    document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert sorted(document["response_modes_supported"]) == sorted([*PLAIN, *SIGNED])


@pytest.mark.parametrize("mode", ["", "Query", "web_message", "query jwt", "form_post.jws", "jwt.query", "x" * 100])
def test_a_mode_that_is_none_is_told_by_query(browser: Browser, portal: Portal, mode: str) -> None:
    page = browser.get(portal.ask(response_mode=mode, prompt="none").url)
    answer = answered(page, portal)
    assert (place(page), answer["error"]) == ("query", "invalid_request" if mode else "login_required")


def test_a_mode_that_came_twice_is_not_chosen_from(browser: Browser, portal: Portal) -> None:
    page = browser.get(portal.ask(response_mode="form_post").url + "&response_mode=form_post")
    assert (place(page), answered(page, portal)["error_description"][:3]) == ("query", "A03")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_an_answer_is_signed_as_the_portal_registered(portals: Portals, residents: Residents, alg: str) -> None:
    portal = portals(authorization_signed_response_alg=alg)
    page = residents(portal).browser.get(portal.ask(response_mode="jwt").url)
    assert opened(answered(page, portal), portal, alg)["code"]


def test_a_portal_that_takes_only_signed_answers_gets_no_other(portals: Portals, browser: Browser) -> None:
    """FAPI 2.0 Message Signing section 5.4: what it asks for plainly is refused, in the way that it takes."""
    client = asserting(portals, "ES256", **SIGNING)
    portal = client.portal
    asked = {name: value for name, value in portal.ask(prompt="none").parameters.items() if name != "client_id"}
    for mode in (None, "jwt", "form_post.jwt"):
        inside = request_object(portal, {**asked, "client_id": portal.id, "response_mode": mode})
        name = pushed(client, {"client_id": portal.id, "request": inside})
        answer = answered(browser.get(url_of(portal, request_uri=name)), portal)
        assert opened(answer, portal, "PS256")["error"] == "login_required"
    for mode in PLAIN:
        inside = request_object(portal, {**asked, "client_id": portal.id, "response_mode": mode})
        refused = push(client, {"client_id": portal.id, "request": inside})
        assert (refused.status_code, refused.json()["error_description"][:3]) == (400, "A13")


@pytest.mark.parametrize("alg, enc", [("ECDH-ES", "A128GCM"), ("ECDH-ES+A256KW", "A256CBC-HS512"), ("ECDH-ES", None)])
def test_an_answer_can_be_encrypted_for_its_portal(
    portals: Portals, residents: Residents, alg: str, enc: str | None
) -> None:
    """JARM section 2.2: signed, then encrypted."""
    key = ECKey.generate_key("P-256")
    public = key.as_dict(private=False) | {"kid": "e1", "use": "enc"}
    portal = portals(
        jwks={"keys": [public]}, authorization_encrypted_response_alg=alg, authorization_encrypted_response_enc=enc
    )
    page = residents(portal).browser.get(portal.ask(response_mode="jwt", state="s").url)
    response = answered(page, portal)["response"]
    opened_box = jwe.decrypt_compact(response, key, algorithms=[alg, enc or "A128CBC-HS256"])
    assert (opened_box.protected["cty"], opened_box.protected["kid"]) == ("JWT", "e1")
    assert opened_box.plaintext is not None
    assert opened({"response": opened_box.plaintext.decode()}, portal)["state"] == "s"


def test_what_cannot_be_encrypted_is_not_sent(portals: Portals, residents: Residents) -> None:
    """Nothing goes out less protected than was agreed; the person is told."""
    portal = signing(portals, "RS256", authorization_encrypted_response_alg="ECDH-ES")
    page = residents(portal).browser.get(portal.ask(response_mode="jwt").url)
    assert (page.status, page.onward, "A30" in page.html) == (400, None, True)
    assert "code" in residents(portal).asked(portal)  # the plain modes are as they were


# ---- apps on the person's own device (RFC 8252 section 7) ----


@pytest.mark.parametrize(
    "registered, asked",
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"), ("http://[::1]:80/cb", "http://[::1]:61023/cb"),
        ("http://127.0.0.1:9/cb", "http://127.0.0.1/cb"), ("vn.gov.mobile:/cb", "vn.gov.mobile:/cb"),
        ("https://app.example/cb", "https://app.example/cb"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", [*PLAIN, "jwt"])
def test_an_app_gets_its_answer(portals: Portals, residents: Residents, registered: str, asked: str, mode: str) -> None:
    """A scheme of its own, or a loopback address with whatever port it listens on now; the page after a form too."""
    portal = portals(application_type="native", token_endpoint_auth_method="none", redirect_uris=[registered])
    portal.redirect_uri = asked
    for resident in (residents(portal), residents()):  # a stranger has to be told first in any case
        request = portal.ask(response_mode=mode)
        page = resident.browser.open_at(request.url, portal)
        while page.onward is None and "data-submit-now" not in page.html:
            page = resident.browser.step(page, portal)
        answer = answered(page, portal)
        if mode == "jwt":
            answer = opened(answer, portal)
        assert portal.redeem(answer["code"], request.verifier).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.2:1/cb", "http://localhost:1/cb", "http://127.0.0.1:1/cb2", "http://127.0.0.1:1/cb?x=1",
        "https://127.0.0.1:1/cb", "http://[::1]:1/cb", "http://127.0.0.1:1@elsewhere.example/cb", "vn.gov.other:/cb",
        "http://127.0.0.1:x/cb", "http://127.0.0.1:123456/cb", " http://127.0.0.1:1/cb", "http://127.0.0.1:1/\ncb",
        "\thttp://127.0.0.1:1/cb", "http://127.0.0.1:1/cb#", "http://u@127.0.0.1:1/cb", "http://127.0.0.1:1\\cb",
    ],
)  # fmt: skip
def test_only_the_port_of_a_loopback_address_is_free(portals: Portals, browser: Browser, asked: str) -> None:
    portal = portals(
        application_type="native", token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/cb", "vn.gov.mobile:/cb"],
    )  # fmt: skip
    page = browser.get(portal.ask(redirect_uri=asked).url)
    assert (page.status, page.onward, "A02" in page.html) == (400, None, True)
