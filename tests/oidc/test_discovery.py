"""What we publish (OpenID Connect Discovery 1.0 sections 3 and 4, RFC 7517): true in every word, whoever asks how."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from idp.keys import ALGORITHMS, PUBLISHED_AFTER_USE_SECONDS, PUBLISHED_BEFORE_USE_SECONDS
from idp.people import claims
from tests.oidc.residents import Resident, seconds_later, told
from tests.oidc.test_id_tokens import keys_of
from tests.oidc.test_token_authentication import WITH, Counter
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture(scope="module")
def document(country: World) -> dict[str, Any]:
    answer = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json()
    return found


def test_it_says_what_discovery_requires(country: World, document: dict[str, Any]) -> None:
    """Section 3; RFC 8414, RFC 9207 and Back-Channel Logout section 2.1."""
    required = {
        "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "scopes_supported",
        "response_types_supported", "response_modes_supported", "grant_types_supported", "acr_values_supported",
        "subject_types_supported", "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported",
        "claims_supported", "claims_parameter_supported", "request_parameter_supported", "end_session_endpoint",
        "request_uri_parameter_supported", "code_challenge_methods_supported", "backchannel_logout_supported",
        "backchannel_logout_session_supported", "authorization_response_iss_parameter_supported",
    }  # fmt: skip
    assert required <= document.keys()
    assert document["issuer"] == country.issuer == country.settings.issuer
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["subject_types_supported"] == ["pairwise"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]  # section 3: must be there
    assert not {"none", "HS256"} & set(document["id_token_signing_alg_values_supported"])
    for name in ("request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"):
        assert document[name] is True, name
    assert "RS256" in document["request_object_signing_alg_values_supported"]
    for name in ("request_object_signing_alg_values_supported", "authorization_signing_alg_values_supported"):
        assert not {"none", "HS256"} & set(document[name]), name
    assert document["require_signed_request_object"] is document["require_pushed_authorization_requests"] is False


def test_every_address_in_it_is_ours_and_answers(country: World, browser: Browser, document: dict[str, Any]) -> None:
    addresses = {name: value for name, value in document.items() if str(value).startswith("http") and name != "issuer"}
    assert len(addresses) >= 7
    for name, address in addresses.items():
        assert address.startswith(country.issuer + "/"), name
        assert browser.get(address).status in {200, 400, 401, 405}, name


def test_every_algorithm_and_method_in_it_works(
    portals: Portals, residents: Residents, document: dict[str, Any]
) -> None:
    for alg in document["id_token_signing_alg_values_supported"]:
        for method in document["token_endpoint_auth_methods_supported"]:
            given = {"token_endpoint_auth_method": method} | WITH.get(method, {})
            portal = portals(id_token_signed_response_alg=alg, **given)
            answer = Counter(residents(portal), portal).by(method)
            assert jwt.get_unverified_header(answer.json()["id_token"])["alg"] == alg
    for name in (name for name in document if name.endswith("_auth_methods_supported")):
        algorithms = set(document[name.replace("methods", "signing_alg_values")])
        assert algorithms == {"RS256", "PS256", "ES256", "EdDSA", "HS256"}, name  # test_client_assertions tries each


def test_every_scope_and_every_claim_in_it_can_be_had(
    portals: Portals, residents: Residents, document: dict[str, Any]
) -> None:
    portal = portals(
        scopes=document["scopes_supported"], grant_types=["authorization_code", "refresh_token"]
    )  # fmt: skip
    every_claim = dict.fromkeys(document["claims_supported"])
    tokens = residents(portal).tokens(
        portal, scope=" ".join(document["scopes_supported"]), claims=json.dumps({"id_token": every_claim})
    )
    of_organisations = set(claims.of_organisation(claims.BY_NAME))  # for whoever acts for one: tests/journeys
    assert tokens.claims.keys() == set(document["claims_supported"]) - of_organisations


def test_every_level_and_every_prompt_in_it_is_understood(
    portals: Portals, residents: Residents, document: dict[str, Any]
) -> None:
    portal = portals()
    resident = residents(portal)
    for acr in document["acr_values_supported"]:
        asked = json.dumps({"id_token": {"acr": {"essential": True, "values": [acr, "LoA1"]}}})
        assert "code" in resident.asked(portal, claims=asked)
    pages = {resident.browser.open_at(portal.ask(prompt=prompt).url, portal).status
             for prompt in document["prompt_values_supported"] if prompt != "none"}  # fmt: skip
    assert pages == {200}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
def test_portals_in_a_browser_may_read_it_and_keep_it_for_a_while(country: World, path: str) -> None:
    headers = country.http.get(country.issuer + path, timeout=30).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "public, max-age=300"
    assert PUBLISHED_BEFORE_USE_SECONDS >= 2 * 300  # who keeps it so long still meets no key that they do not know


# ---- keys (RFC 7517, RFC 7518) ----


def test_keys_show_their_public_half_alone(country: World) -> None:
    keys = country.http.get(f"{country.issuer}/jwks", timeout=30).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) >= 2
    members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
    for key in keys:
        assert key.keys() == {"kty", "kid", "use", "alg"} | members[key["kty"]]
        assert key["use"] == "sig"
    assert {key["alg"] for key in keys} == set(ALGORITHMS)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(
    portals: Portals, residents: Residents, alg: str
) -> None:
    portal = portals(id_token_signed_response_alg=alg)
    resident, house = residents(portal), portal.world.house

    def signer() -> str:
        kid: str = jwt.get_unverified_header(resident.tokens(portal).id_token)["kid"]
        assert kid in keys_of(portal.world)
        return kid

    old = signer()
    with house.database.write() as tx:
        (new,) = house.keys.rotate(tx, [alg])
    house.changes.forget()
    assert {old, new} <= keys_of(portal.world).keys()
    assert signer() == old
    with seconds_later(PUBLISHED_BEFORE_USE_SECONDS - 30):
        assert signer() == old
        last_of_old = resident.tokens(portal).id_token
    with seconds_later(PUBLISHED_BEFORE_USE_SECONDS + 1):
        assert signer() == new
        assert portal.claims(last_of_old)["sub"]
        assert "code" in resident.asked(portal, id_token_hint=last_of_old)
    with seconds_later(PUBLISHED_BEFORE_USE_SECONDS + PUBLISHED_AFTER_USE_SECONDS + 1):
        assert old not in keys_of(portal.world)
        assert new in keys_of(portal.world)


# ---- whoever asks how: nothing that a request says of our name is believed ----


LIES = [
    {"Host": "elsewhere.example"},
    {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"},
    {"X-Forwarded-Prefix": "/elsewhere", "X-Forwarded-Port": "1"},
    {"Forwarded": "host=elsewhere.example;proto=https"},
    {"X-Original-URL": "/elsewhere", "X-Rewrite-URL": "/elsewhere"},
]


@pytest.mark.parametrize("lie", LIES, ids=[next(iter(lie)) for lie in LIES])
def test_our_name_is_what_the_settings_say(
    country: World, browser: Browser, portal: Portal, document: dict[str, Any], lie: dict[str, str]
) -> None:
    client = country.app.test_client()
    path = "/.well-known/openid-configuration"
    assert json.loads(client.get(path, headers=lie).data) == document
    for asked in (portal.ask(), portal.ask(prompt="none"), portal.ask(client_id="nobody")):
        answer = client.get(f"/authorize?{urlsplit(asked.url).query}", headers=lie)
        assert "elsewhere" not in answer.headers.get("Location", "") + answer.text
    page = browser.open_at(portal.ask().url, portal)
    login = urlsplit(page.url).path
    assert told(browser.get(portal.ask(prompt="none").url), portal)["iss"] == country.issuer
    shown = browser.request("GET", country.issuer + login, headers={k: v for k, v in lie.items() if k != "Host"})
    assert shown.status == 200
    assert "elsewhere" not in shown.html


@pytest.mark.parametrize(
    "path", ["/authorize//continue/x", "/sign-in//x", "/callback//bank?code=c", "/jwks/", "//jwks"]
)
def test_no_tidying_of_an_address_leads_elsewhere(country: World, path: str) -> None:
    """Werkzeug would redirect to the address without the double slash, at whatever host the request named."""
    path, _, query = path.partition("?")
    answer = country.app.test_client().open(
        headers={"Host": "elsewhere.example"}, environ_overrides={"PATH_INFO": path, "QUERY_STRING": query}
    )
    assert "elsewhere" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("lie", LIES[:4], ids=[next(iter(lie)) for lie in LIES[:4]])
def test_a_token_names_the_issuer_of_the_settings(resident: Resident, portal: Portal, lie: dict[str, str]) -> None:
    code, request = resident.code(portal)
    assert portal.secret
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri,
        "code_verifier": request.verifier,
    }  # fmt: skip
    answer = portal.world.app.test_client().post("/token", data=form, auth=(portal.id, portal.secret), headers=lie)
    assert portal.claims(answer.get_json()["id_token"])["iss"] == portal.world.settings.issuer
