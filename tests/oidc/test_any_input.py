"""Whatever is sent: an answer that means something, never a fault of ours, and nothing of it shown as it came."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from idp.clients.registration import DEVICE_CODE
from idp.oidc.request_objects import TOKEN_CLAIMS
from tests.oidc.asserting import jwks, public_jwk
from tests.oidc.devices import TELEVISION, begun
from tests.oidc.packing import request_object
from tests.oidc.residents import Resident
from tests.world import Portal, World

MARK = "<b id=\"x'>&"
quick = settings(
    max_examples=80, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

NAMES = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age", "claims", "acr_values", "id_token_hint", "ui_locales", "request", "request_uri", "display",
    "response_mode", "login_hint", "posted", "grant_type", "code", "code_verifier", "client_secret", "access_token",
    "post_logout_redirect_uri", "form_token", "decision", "next", "RelayState", "iss", "error", "lang", "problem",
    "dpop_jkt", "resource", "user_code", "device_code",
)  # fmt: skip
TELLING = (
    "", "0", "-1", "1e400", "null", "{}", "[]", "[[", '{"id_token":{"acr":{"essential":true,"values":[{}]}}}',
    '{"id_token":{"sub":{"value":"\\ud800"}}}', '{"userinfo":null,"id_token":{"name":[]}}', "none", "none login",
    "code", "openid", "openid profile", "S256", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOltdfQ.W10.AA",
    "bank", "\x00",
    "\ud7ff\uffff", "javascript:alert(1)", "//elsewhere.example", "x" * 5000, "\r\nSet-Cookie: a=b", "%", "%zz", "+",
    MARK,
)  # fmt: skip
values = st.one_of(
    st.sampled_from(TELLING),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: MARK + text),
    st.text(max_size=12, alphabet='Bearer basicABC-_.~=%&+ \t01{}[]":,'),
)
fields = st.lists(st.tuples(st.sampled_from(NAMES) | st.text("ab[]<.", max_size=5), values), max_size=8)
forms = fields.map(lambda pairs: urlencode(pairs).encode())
bodies = forms | st.binary(max_size=60) | st.binary(max_size=30).map(lambda raw: b"state=" + raw)
CONTENT_TYPES = (
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16", "application/json",
    "multipart/form-data", "multipart/form-data; boundary=", "text/plain", "\xff",
)  # fmt: skip
latin = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=30)
tried = st.sampled_from(["Basic", "Basic ", "Basic Og==", "Basic gIA6gA==", "Bearer", "Bearer \xe9", "Basic \x85x"])
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": tried | latin.map(lambda text: f"Basic {text}"),
        "Cookie": latin.map(lambda text: f"session={text}"),
        "Content-Type": st.sampled_from(CONTENT_TYPES),
        "Accept-Language": latin,
    },
)


@pytest.fixture
def anybody(country: World) -> FlaskClient:
    client: FlaskClient = country.app.test_client(use_cookies=False)
    return client


def send(client: FlaskClient, method: str, path: str, query: bytes, body: bytes, given: dict[str, str]) -> TestResponse:
    """The request just as it is: the query and the body are bytes that nobody has put in order."""
    environ: dict[str, Any] = {"QUERY_STRING": query.decode("latin-1")}
    if method == "POST":
        given = {"Content-Type": "application/x-www-form-urlencoded"} | given
    for name, value in given.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return client.open(path, method=method, data=body if method == "POST" else None, environ_overrides=environ)


def check(answer: TestResponse) -> None:
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert MARK not in answer.text
    assert all("\n" not in value and "\r" not in value for value in answer.headers.values())
    if answer.mimetype == "application/json" and answer.status_code >= 400:
        assert answer.get_json().keys() == {"error", "error_description"}
    elif answer.status_code >= 400:
        assert answer.mimetype == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers.get("Location", "/").startswith(("/", "http://cong-")), answer.headers["Location"]


PATHS = (
    "/authorize",
    "/par",
    "/token",
    "/userinfo",
    "/logout",
    "/callback/bank",
    "/callback/population",
    "/logout/confirm",
    "/device",
    "/device_authorization",
)


@pytest.mark.parametrize("path", PATHS)
@quick
@given(
    method=st.sampled_from(["GET", "POST"]), query=forms | st.binary(max_size=40), body=bodies, given_headers=headers
)
def test_anything_has_an_answer(
    anybody: FlaskClient, path: str, method: str, query: bytes, body: bytes, given_headers: dict[str, str]
) -> None:
    answer = send(anybody, method, path, query, body, given_headers)
    check(answer)
    if answer.status_code == 303 and "posted=" in answer.headers["Location"]:  # a cross-site POST: and by GET
        check(anybody.get(answer.headers["Location"]))


@quick
@given(changed=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3))
def test_a_good_request_gone_wrong_has_an_answer(
    anybody: FlaskClient, portal: Portal, resident: Resident, changed: dict[str, str]
) -> None:
    """Closer to home: all but a little is right, and somebody is signed in."""
    query = urlencode(portal.ask(**changed).parameters).encode()
    check(send(anybody, "GET", "/authorize", query, b"", {"Cookie": f"session={resident.cookie}"}))


@quick
@given(changed=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3))
def test_a_good_push_gone_wrong_has_an_answer(anybody: FlaskClient, portal: Portal, changed: dict[str, str]) -> None:
    fields = dict(portal.ask(**changed).parameters)
    check(anybody.post("/par", data=fields, auth=(portal.id, portal.secret or "")))


@quick
@given(changed=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3))
def test_a_good_device_gone_wrong_has_an_answer(country: World, anybody: FlaskClient, changed: dict[str, str]) -> None:
    television = country.portal("cong-television", **TELEVISION)
    said = {"client_id": television.id, "scope": "openid"}
    check(anybody.post("/device_authorization", data=said | changed))
    code = begun(television).told["device_code"]
    check(anybody.post("/token", data=said | {"grant_type": DEVICE_CODE, "device_code": code} | changed))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@quick
@given(changed=st.dictionaries(st.sampled_from((*NAMES, *TOKEN_CLAIMS)), json_values, min_size=1, max_size=3))
def test_a_good_request_object_gone_wrong_has_an_answer(
    country: World, anybody: FlaskClient, changed: dict[str, Any]
) -> None:
    """The signature is right, so that every value inside is read."""
    portal = country.portal("cong-signing", jwks=jwks(public_jwk("ES256", kid="k1")))
    token = request_object(portal, portal.ask().parameters, **changed)
    query = urlencode({"client_id": portal.id, "redirect_uri": portal.redirect_uri, "request": token}).encode()
    check(send(anybody, "GET", "/authorize", query, b"", {}))


@quick
@given(changed=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3))
def test_a_good_redemption_gone_wrong_has_an_answer(
    country: World, portal: Portal, resident: Resident, changed: dict[str, str]
) -> None:
    code, request = resident.code(portal)
    form = {
        "grant_type": "authorization_code", "code": code, "code_verifier": request.verifier,
        "redirect_uri": portal.redirect_uri,
    } | changed  # fmt: skip
    answer = country.app.test_client().post("/token", data=form, auth=(portal.id, portal.secret or ""))
    check(answer)


@quick
@given(text=st.binary(max_size=80).map(quote_from_bytes) | values)
def test_an_address_that_nobody_made_has_an_answer(anybody: FlaskClient, text: str) -> None:
    for path in (
        f"/sign-in/{text}",
        f"/authorize/continue/{text}",
        f"/callback/{text}",
        f"/device/{text}",
        f"/device/{text}/end",
        f"/{text}",
    ):
        check(send(anybody, "GET", path.replace("?", "%3F").replace("#", "%23"), b"", b"", {}))
