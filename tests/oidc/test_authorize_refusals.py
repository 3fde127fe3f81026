"""What `/authorize` refuses: on a page until the portal is known for sure, from then on at the portal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest

from idp import errors
from idp.oidc.sealed import NONCE_LIMIT_CHARACTERS
from tests.oidc.residents import Resident, told
from tests.world import Browser, Portal, World

ESSENTIAL_ACR = {"acr": {"essential": True, "values": ["LoA9"]}}
HASH = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B


def refusal(browser: Browser, portal: Portal, **asked: str | None) -> dict[str, str]:
    """The error that the portal is told; the request, but for what a test changes, is a good one."""
    request = portal.ask(**asked)
    answer = told(browser.get(request.url), portal)
    assert answer["iss"] == portal.world.issuer  # RFC 9207: in errors as well
    assert answer.get("state") == request.parameters.get("state")
    assert set(answer) <= {"error", "error_description", "state", "iss"}
    # RFC 6749 section 4.1.2.1: printable ASCII without quotes and backslashes
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer["error_description"])
    return answer


def page(browser: Browser, url: str, code: str, status: int) -> None:
    shown = browser.get(url)
    assert (shown.status, "Location" in shown.headers, shown.onward) == (status, False, None), shown.html[:500]
    assert code in shown.html
    assert shown.headers["Cache-Control"] == "no-store"


# ---- before the portal is known: a page, never a redirect (RFC 6749 section 4.1.2.1) ----


@pytest.mark.parametrize(
    "client_id", [None, "", "nobody", "x" * 65, "x" * 3000, "a\x00b", "cong\n", "cổng", "' or 1=1--"]
)
def test_an_unknown_client_gets_a_page(browser: Browser, portal: Portal, client_id: str | None) -> None:
    page(browser, portal.ask(client_id=client_id).url, "A01", 400)


REDIRECTS_OF_OTHERS: dict[str, Callable[[str], str]] = {
    "a prefix of the registered one": lambda uri: uri[:-1],
    "a longer path": lambda uri: uri + "/more",
    "a final slash": lambda uri: uri + "/",
    "an added query": lambda uri: uri + "?foo=bar",
    "an empty query": lambda uri: uri + "?",
    "a fragment": lambda uri: uri + "#here",
    "an empty fragment": lambda uri: uri + "#",
    "another case in the host": lambda uri: uri.replace(".localhost", ".LocalHost"),
    "another case in the path": lambda uri: uri.replace("/callback", "/Callback"),
    "another case in the scheme": lambda uri: uri.replace("http:", "HTTP:"),
    "another scheme": lambda uri: uri.replace("http:", "https:"),
    "user information": lambda uri: uri.replace("http://", "http://portal@"),
    "the host as user information": lambda uri: uri.replace(":9/", ":9@elsewhere.example/"),
    "the host as a label": lambda uri: uri.replace(":9/", ".elsewhere.example/"),
    "a trailing dot": lambda uri: uri.replace(":9/", ".:9/"),
    "another port": lambda uri: uri.replace(":9/", ":90/"),
    "no port": lambda uri: uri.replace(":9/", "/"),
    "an encoded slash": lambda uri: uri.replace("/callback", "/%2fcallback"),
    "an encoded letter": lambda uri: uri.replace("/callback", "/%63allback"),
    "a dot segment": lambda uri: uri.replace("/callback", "/x/../callback"),
    "a dot segment with a parameter": lambda uri: uri.replace("/callback", "/x/..;/callback"),
    "a double slash": lambda uri: uri.replace("/callback", "//callback"),
    "a backslash": lambda uri: uri.replace("http://", "http:\\\\"),
    "a line break": lambda uri: uri + "\r\nLocation: https://elsewhere.example/",
    "a null byte": lambda uri: uri + "\x00",
    "a space before": lambda uri: " " + uri,
    "an address of IPv6": lambda _: "http://[::ffff:127.0.0.1]:9/callback",
    "a script": lambda _: "javascript:alert(1)",
    "no scheme": lambda uri: uri.removeprefix("http:"),
    "another portal's": lambda _: "http://elsewhere.example/callback",
}


@pytest.mark.parametrize("made_of", REDIRECTS_OF_OTHERS.values(), ids=REDIRECTS_OF_OTHERS.keys())
def test_a_redirect_uri_must_equal_a_registered_one(
    browser: Browser, portal: Portal, made_of: Callable[[str], str]
) -> None:
    """RFC 9700 section 2.1: simple string comparison."""
    page(browser, portal.ask(redirect_uri=made_of(portal.redirect_uri)).url, "A02", 400)


def test_a_registered_query_belongs_to_the_redirect_uri(browser: Browser, portals: Callable[..., Portal]) -> None:
    uri = "http://query.localhost:9/callback?service=land&lang="
    portal = portals(redirect_uris=[uri])
    answer = browser.get(portal.ask(prompt="none").url)
    assert answer.location.startswith(uri + "&error=login_required&")
    for other in (uri[:-6], uri + "en", "http://query.localhost:9/callback", uri.replace("land", "birth")):
        page(browser, portal.ask(redirect_uri=other).url, "A02", 400)


@pytest.mark.parametrize("registered", [1, 2])
def test_a_missing_redirect_uri_is_never_guessed(
    browser: Browser, portals: Callable[..., Portal], registered: int
) -> None:
    """OpenID Connect Core section 3.1.2.1 requires it, also where only one is registered."""
    portal = portals(redirect_uris=[f"http://many.localhost:9/{number}" for number in range(registered)])
    page(browser, portal.ask(redirect_uri=None).url, "A02", 400)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_who_asks_is_never_chosen_from_two(browser: Browser, portal: Portal, name: str) -> None:
    page(browser, f"{portal.ask().url}&{name}={quote(portal.ask().parameters[name])}", "A03", 400)


def test_a_portal_that_is_switched_off_gets_a_page(country: World, browser: Browser, portal: Portal) -> None:
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, portal.id, enabled=False)
    country.house.changes.forget()
    page(browser, portal.ask().url, "A18", 403)


@pytest.mark.parametrize(
    "query", ["client_id=%ff", "%", "&".join(f"a{number}=1" for number in range(51)), "client_id=%ed%a0%80"]
)
def test_a_query_that_is_none_gets_a_page(country: World, browser: Browser, query: str) -> None:
    shown = browser.get(f"{country.issuer}/authorize?{query}")
    assert (shown.status, shown.onward) == (400, None)


# ---- from here on the portal is told ----


@pytest.mark.parametrize(
    "name, value",
    [
        ("scope", "openid"), ("state", "twice"), ("nonce", "n"), ("prompt", "none"), ("response_type", "code"),
        ("code_challenge", HASH), ("max_age", "1"), ("unheard_of", "1"), ("dpop_jkt", HASH),
    ],
)  # fmt: skip
def test_a_repeated_parameter_is_told_to_the_portal(browser: Browser, portal: Portal, name: str, value: str) -> None:
    """RFC 6749 section 3.1. A state that came twice is not chosen from either."""
    url = portal.ask(unheard_of="0", prompt="login", max_age="0", state="once", dpop_jkt=HASH).url
    answer = told(browser.get(f"{url}&{name}={value}"), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("invalid_request", "A03")
    assert answer.get("state") == (None if name == "state" else "once")


REFUSED: list[tuple[str, str, str, dict[str, str | None]]] = [
    # section 3.1.2.1 and RFC 6749 section 3.1.1: response_type
    ("A04", "invalid_request", "response_type is missing", {"response_type": None}),
    ("A04", "invalid_request", "response_type is empty", {"response_type": ""}),
    ("A05", "unsupported_response_type", "implicit", {"response_type": "id_token"}),
    ("A05", "unsupported_response_type", "implicit of OAuth", {"response_type": "token"}),
    ("A05", "unsupported_response_type", "hybrid", {"response_type": "code id_token"}),
    ("A05", "unsupported_response_type", "hybrid with token", {"response_type": "code token"}),
    ("A05", "unsupported_response_type", "none", {"response_type": "none"}),
    ("A05", "unsupported_response_type", "another case", {"response_type": "Code"}),
    # OAuth 2.0 Multiple Response Types section 2.1; the others stand in test_response_modes
    ("A13", "invalid_request", "a response_mode of nobody", {"response_mode": "web_message"}),
    # sections 6.1, 6.2 and 7.2.1; the others stand in test_request_objects
    ("A09", "invalid_request_object", "an unsigned request object", {"request": "eyJhbGciOiJub25lIn0.e30."}),
    ("A10", "invalid_request_uri", "an address not registered", {"request_uri": "https://a.example/r"}),
    ("A11", "registration_not_supported", "registration", {"registration": "{}"}),
    # section 3.1.2.1 and RFC 6749 section 3.3: scope
    ("A08", "invalid_scope", "no scope", {"scope": None}),
    ("A08", "invalid_scope", "without openid", {"scope": "profile"}),
    ("A08", "invalid_scope", "a scope not granted", {"scope": "openid email"}),
    ("A08", "invalid_scope", "a guarded scope", {"scope": "openid personal_number"}),
    ("A08", "invalid_scope", "another case", {"scope": "OpenID profile"}),
    # RFC 7636 sections 4.2 to 4.4.1; RFC 9700 section 2.1.1: PKCE, and S256 alone
    ("A06", "invalid_request", "no PKCE", {"code_challenge": None, "code_challenge_method": None}),
    ("A06", "invalid_request", "no challenge", {"code_challenge": None}),
    ("A06", "invalid_request", "no method, which would mean plain", {"code_challenge_method": None}),
    ("A06", "invalid_request", "plain", {"code_challenge_method": "plain"}),
    ("A06", "invalid_request", "another case", {"code_challenge_method": "s256"}),
    ("A06", "invalid_request", "a short challenge", {"code_challenge": HASH[:-1]}),
    ("A06", "invalid_request", "a long challenge", {"code_challenge": HASH + "AAAA"}),
    ("A06", "invalid_request", "a padded challenge", {"code_challenge": HASH + "="}),
    ("A06", "invalid_request", "not base64url", {"code_challenge": HASH[:-2] + "+/"}),
    ("A06", "invalid_request", "not ASCII", {"code_challenge": HASH[:-1] + "é"}),
    # section 3.1.2.1: prompt, max_age
    ("A12", "invalid_request", "none beside login", {"prompt": "none login"}),
    ("A12", "invalid_request", "none beside what nobody knows", {"prompt": "create none"}),
    ("A12", "invalid_request", "none twice", {"prompt": "none none"}),
    ("A04", "invalid_request", "a negative max_age", {"max_age": "-1"}),
    ("A04", "invalid_request", "a broken max_age", {"max_age": "1.5"}),
    ("A04", "invalid_request", "max_age in words", {"max_age": "soon"}),
    ("A04", "invalid_request", "max_age in other digits", {"max_age": "١"}),
    ("A04", "invalid_request", "max_age beyond all years", {"max_age": "9" * 10}),
    # section 5.5: claims
    ("A04", "invalid_request", "claims are not JSON", {"claims": "name"}),
    ("A04", "invalid_request", "half a claims object", {"claims": '{"userinfo":{'}),
    ("A04", "invalid_request", "claims are a list", {"claims": "[]"}),
    ("A04", "invalid_request", "claims are a number", {"claims": "1"}),
    ("A04", "invalid_request", "claims are null", {"claims": "null"}),
    ("A04", "invalid_request", "userinfo is a list", {"claims": '{"userinfo":["name"]}'}),
    ("A04", "invalid_request", "userinfo is a text", {"claims": '{"userinfo":"name"}'}),
    ("A04", "invalid_request", "id_token is a list", {"claims": '{"id_token":["name"]}'}),
    ("A04", "invalid_request", "acr is a list", {"claims": '{"id_token":{"acr":["LoA1"]}}'}),
    ("A04", "invalid_request", "acr values are a number", {"claims": '{"id_token":{"acr":{"values":1}}}'}),
    ("A04", "invalid_request", "sub is a number", {"claims": '{"id_token":{"sub":{"value":1}}}'}),
    ("A04", "invalid_request", "deeper than any parser", {"claims": "[" * 4000}),
    ("A04", "invalid_request", "a number beyond all numbers", {"claims": '{"userinfo":' + "9" * 4000}),
    ("A16", "unmet_authentication_requirements", "an essential acr of others",
     {"claims": json.dumps({"id_token": ESSENTIAL_ACR})}),
    ("A16", "unmet_authentication_requirements", "an essential acr that no source reaches",
     {"claims": '{"id_token":{"acr":{"essential":true,"value":"LoA4"}}}'}),
    ("A04", "invalid_request", "essential is a word", {"claims": '{"userinfo":{"name":{"essential":"yes"}}}'}),
    ("A04", "invalid_request", "a claim is a text", {"claims": '{"userinfo":{"name":"essential"}}'}),
    ("A04", "invalid_request", "values are a text", {"claims": '{"id_token":{"name":{"values":"a"}}}'}),
    ("A04", "invalid_request", "value and values", {"claims": '{"id_token":{"acr":{"value":"LoA1","values":[]}}}'}),
    ("A04", "invalid_request", "two subs", {"claims": '{"id_token":{"sub":{"values":["a","b"]}}}'}),
    # RFC 8707 section 2, RFC 9449 section 10
    ("A25", "invalid_target", "an API that this portal may not call", {"resource": "https://api.example/"}),
    ("A25", "invalid_target", "no address", {"resource": "api"}),
    ("A04", "invalid_request", "no thumbprint", {"dpop_jkt": "x" * 42}),
    # oversized, and control characters
    ("A04", "invalid_request", "a long nonce", {"nonce": "n" * (NONCE_LIMIT_CHARACTERS + 1)}),
    ("A04", "invalid_request", "a nonce that is not ASCII", {"nonce": "số"}),
    ("A04", "invalid_request", "an oversized parameter", {"claims": '{"userinfo":{}}' + " " * 4096}),
    ("A04", "invalid_request", "an oversized unknown parameter", {"unheard_of": "x" * 4097}),
    ("A04", "invalid_request", "a null byte", {"nonce": "a\x00b"}),
    ("A04", "invalid_request", "a line break", {"login_hint": "a\r\nSet-Cookie: session=x"}),
    ("A04", "invalid_request", "a line break in the state", {"state": "a\nb"}),
    ("A04", "invalid_request", "an escape character", {"ui_locales": "\x1b[31m"}),
    ("A04", "invalid_request", "a delete character", {"display": "\x7f"}),
]  # fmt: skip


@pytest.mark.parametrize("code, error, _, asked", REFUSED, ids=[f"{code}: {what}" for code, _, what, _ in REFUSED])
def test_a_portal_is_told_what_is_wrong(
    browser: Browser, portal: Portal, code: str, error: str, _: str, asked: dict[str, str | None]
) -> None:
    answer = refusal(browser, portal, **asked)
    assert (answer["error"], answer["error_description"][:3]) == (error, code)


def test_a_request_is_refused_whoever_is_signed_in(resident: Resident, portal: Portal) -> None:
    """First the request, then the session: a code is never an answer to a bad request."""
    for _, error, what, asked in REFUSED:
        assert resident.asked(portal, **asked).get("error") == error, what


@pytest.mark.parametrize(
    "pkce",
    [
        {"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_pkce_is_owed_by_every_kind_of_client(
    browser: Browser, portals: Callable[..., Portal], method: str, pkce: dict[str, str | None]
) -> None:
    portal = portals(token_endpoint_auth_method=method)
    assert refusal(browser, portal, **pkce)["error_description"].startswith("A06")


def test_a_client_exempt_from_pkce_owes_a_nonce(browser: Browser, portals: Callable[..., Portal]) -> None:
    """RFC 9700 section 2.1.1."""
    portal = portals(pkce_required=False)
    no_pkce = {"code_challenge": None, "code_challenge_method": None}
    assert refusal(browser, portal, **no_pkce, nonce=None)["error_description"].startswith("A07")
    assert refusal(browser, portal, **no_pkce, prompt="none")["error"] == "login_required"
    # What it need not send it must still send right.
    for broken in ({"code_challenge_method": "plain"}, {"code_challenge": None}, {"code_challenge_method": None}):
        assert refusal(browser, portal, **broken)["error_description"].startswith("A06")


def test_a_state_beyond_all_measure_is_not_sent_back(browser: Browser, portal: Portal) -> None:
    answer = told(browser.get(portal.ask(state="s" * 2049).url), portal)
    assert (answer["error"], "state" in answer) == ("invalid_request", False)


def test_no_sentence_of_the_catalogue_can_break_a_header_or_a_query() -> None:
    """RFC 6749 sections 4.1.2.1 and 5.2."""
    for row in errors.CATALOGUE.values():
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", row.description), row.code
        assert re.fullmatch(r"[a-z_]+", row.error), row.code


def test_a_refusal_leads_to_the_portal_and_nowhere_else(browser: Browser, portal: Portal) -> None:
    location = urlsplit(browser.get(portal.ask(response_type="token").url).location)
    assert f"{location.scheme}://{location.netloc}{location.path}" == portal.redirect_uri
    assert location.fragment == ""
