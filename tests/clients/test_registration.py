"""What a portal can register, and what is refused (OpenID Connect Dynamic Client Registration 1.0, RFC 9700)."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from idp import entropy
from idp.clients import AuthenticationRequest, Client, Registration
from idp.clients.jwks import SIGNING_ALGORITHMS
from idp.clients.registration import SigningAlgorithm
from idp.keys import ALGORITHMS
from idp.people.claims import SCOPES
from tests.clients.key_sets import jwk, key_set

GOOD: dict[str, Any] = {
    "name_vi": "Cổng", "name_en": "Portal", "home_url": "https://portal.example/", "sector": "portal.example",
    "redirect_uris": ["https://portal.example/callback"],
}  # fmt: skip


def registration(**changes: Any) -> Registration:
    return Registration(**(GOOD | changes))


def test_what_is_left_out_is_the_safe_thing() -> None:
    made = registration()
    assert (made.token_endpoint_auth_method, made.id_token_signed_response_alg) == ("client_secret_basic", "RS256")
    assert (made.pkce_required, made.scopes, made.minimum_level) == (True, ("openid",), 1)
    assert (made.post_logout_redirect_uris, made.backchannel_logout_uri) == ((), None)


GOOD_URLS = [
    "https://portal.example/callback", "https://portal.example:8443/callback", "https://portal.example",
    "https://portal.example/callback?service=land", "https://portal.example/cb?", "https://10.0.0.1/cb",
    "https://a.b-c.d.example/%C4%91", "http://portal.localhost:9/cb", "http://localhost/cb", "https://PORTAL.example/cb",
    "https://xn--cng-5na.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD_URLS)
def test_an_address_that_a_browser_can_be_sent_to_is_taken_as_it_is(url: str) -> None:
    made = registration(redirect_uris=[url], post_logout_redirect_uris=[url], home_url=url, backchannel_logout_uri=url)
    assert made.redirect_uris == made.post_logout_redirect_uris == (url,)


BAD_URLS = {
    "plain http": "http://portal.example/callback",
    "http of a look-alike": "http://localhost.portal.example/",
    "http of another look-alike": "http://portallocalhost/",
    "another scheme": "ftp://portal.example/",
    "a script": "javascript:alert(1)//portal.localhost",
    "a data URL": "data:text/html,x",
    "no scheme": "//portal.example/callback",
    "a path": "/callback",
    "no host": "https:///callback",
    "a port alone": "https://:443/callback",
    "user information": "https://portal@portal.example/",
    "a user and a password": "https://a:b@portal.example/",
    "a fragment": "https://portal.example/#here",
    "an empty fragment": "https://portal.example/#",
    "a wildcard in the host": "https://*.portal.example/",
    "a wildcard in the path": "https://portal.example/*",
    "a line break": "https://portal.example/\r\nX-A: b",
    "a line break that urlsplit drops": "https://portal.example/\ncallback",
    "a tab": "https://portal.example/\tcallback",
    "a space": "https://portal.example/call back",
    "a null byte": "https://portal.example/\x00",
    "a backslash": "https://portal.example\\elsewhere.example/",
    "a backslash in the path": "https://portal.example/\\x",
    "a quote": 'https://portal.example/"onclick',
    "a tag": "https://portal.example/<script>",
    "not ASCII": "https://cổng.example/",
    "an empty label": "https://portal..example/",
    "a trailing dot": "https://portal.example./",
    "a label that is too long": f"https://{'x' * 64}.example/",
    "an underscore": "https://my_portal.example/",
    "an address of IPv6": "https://[::1]/",
    "half an address of IPv6": "https://[::1/",
    "a port in words": "https://portal.example:https/",
    "a policy of its own": "https://portal.example;script-src *",
    "beyond all measure": "https://portal.example/" + "x" * 500,
    "nothing": "",
}


@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris", "home_url", "backchannel_logout_uri"])
@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS.keys())
def test_an_address_that_means_two_things_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match=name):
        registration(**{name: [url] if name.endswith("uris") else url})


@pytest.mark.parametrize(
    "query",
    ["code=x", "state=", "iss=x", "a=b&error=x", "error_description", "id_token=1", "access_token=1", "session_state=1",
     "c%6Fde=x", "%63%6f%64%65", "a=b&st%61te=1"],
)  # fmt: skip
def test_an_address_that_holds_a_parameter_of_our_answer_is_refused(query: str) -> None:
    """Or one of them could be taken for ours; written in whichever way a portal would read it."""
    with pytest.raises(ValidationError, match="our response uses"):
        registration(redirect_uris=[f"https://portal.example/cb?{query}"])


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"redirect_uris": []}, "redirect_uris"), ({"redirect_uris": ["https://a.example/"] * 21}, "redirect_uris"),
        ({"scopes": ["profile"]}, "openid"), ({"scopes": ["openid", "unheard_of"]}, "unheard_of"),
        ({"scopes": []}, "openid"),
        ({"token_endpoint_auth_method": "attest_jwt_client_auth"}, "token_endpoint_auth_method"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"minimum_level": 0}, "minimum_level"), ({"minimum_level": 5}, "minimum_level"),
        ({"sector": ""}, "sector"), ({"name_vi": ""}, "name_vi"), ({"name_en": "x" * 121}, "name_en"),
        ({"token_endpoint_auth_method": "none", "pkce_required": False}, "PKCE"), ({"unheard_of": 1}, "unheard_of"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        registration(**changes)


@pytest.mark.parametrize("name", ["name_vi", "name_en", "home_url", "redirect_uris", "sector"])
def test_what_nobody_can_guess_must_be_said(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Registration(**{key: value for key, value in GOOD.items() if key != name})


def test_every_scope_can_be_granted() -> None:
    made = registration(scopes=SCOPES, grant_types=["authorization_code", "refresh_token"])
    assert made.scopes == SCOPES


def test_a_registration_cannot_be_changed_in_passing() -> None:
    with pytest.raises(ValidationError):
        registration().minimum_level = 1  # type: ignore[misc]


# ---- the portal as other rooms see it ----


def client(secret: str | None = "secret", **changes: Any) -> Client:
    kept = None if secret is None else entropy.fingerprint(secret)
    return Client(**(GOOD | changes), id="portal", enabled=True, secret_fingerprint=kept)


@pytest.mark.parametrize("guess", ["", "Secret", "secret ", "secre", "s" * 300, "bí mật", "secret\x00"])
def test_a_secret_is_known_or_not(guess: str) -> None:
    assert client().knows_secret("secret")
    assert not client().knows_secret(guess)
    assert not client(secret=None).knows_secret(guess)


def test_a_secret_without_end_is_not_even_hashed() -> None:
    assert not client("s" * 300).knows_secret("s" * 300)


def test_a_form_may_lead_to_where_the_portal_may_be_answered() -> None:
    uris = ["https://b.example/cb", "https://b.example/other", "https://a.example:8443/cb"]
    made = client(redirect_uris=uris, post_logout_redirect_uris=["https://c.example/"])
    assert made.origins == ("https://a.example:8443", "https://b.example", "https://c.example")


def test_a_portal_has_a_name_in_each_language() -> None:
    assert (client().name("vi"), client().name("en"), client().name("fr")) == ("Cổng", "Portal", "Cổng")


def test_a_request_survives_being_written_down() -> None:
    """It waits in the short-lived store while the person is away."""
    request = AuthenticationRequest(
        client_id="portal", redirect_uri="https://portal.example/cb", state="trạng thái", nonce=None,
        code_challenge="c",
        scopes=("openid", "profile"), id_token_claims=("name",), userinfo_claims=("email",), prompts=("login",),
        max_age_seconds=0, owed_level=3, wished_level=4, hinted_person_id="", ui_locales=("vi",),
        requested_at=1,
    )  # fmt: skip
    assert AuthenticationRequest.from_json(request.to_json()) == request
    assert json.loads(request.to_json())["state"] == "trạng thái"


def test_what_a_request_does_not_say_is_not_written_down() -> None:
    """While workers are replaced, one of the release before may have to read what one of this release wrote."""
    required = {"client_id": "portal", "redirect_uri": "r", "state": None, "nonce": None, "code_challenge": None}
    request = AuthenticationRequest(scopes=("openid",), **required)  # type: ignore[arg-type]
    assert json.loads(request.to_json()) == required | {"scopes": ["openid"]}


# ---- rules and profiles ----

KEYS = {"jwks": key_set(jwk("P-256"))}
FAPI = {"profile": "fapi2_security"} | KEYS


def test_a_profile_completes_what_is_left_out_and_overrules_nothing() -> None:
    made = registration(**FAPI)
    assert made == registration(**made.model_dump())
    assert (made.id_token_signed_response_alg, made.introspection_signed_response_alg) == ("PS256", "PS256")
    assert registration(**FAPI, id_token_signed_response_alg="ES256").id_token_signed_response_alg == "ES256"
    certificates = registration(
        **FAPI, token_endpoint_auth_method="self_signed_tls_client_auth",
        tls_client_certificate_bound_access_tokens=True,
    )  # fmt: skip
    assert not certificates.dpop_bound_access_tokens


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"token_endpoint_auth_method": "none"}, "authenticate by private_key_jwt or a certificate"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "authenticate by private_key_jwt or a certificate"),
        ({"pkce_required": False}, "needs pkce_required"),
        ({"require_pushed_authorization_requests": False}, "require_pushed_authorization_requests"),
        ({"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens or tls_client_certificate_bound"),
        ({"profile": "fapi2_message_signing", "require_signed_request_object": False}, "require_signed_request_object"),
        *[
            ({name: "RS256"}, "FAPI 2.0 signs with PS256, ES256, EdDSA")
            for name in ("id_token_signed_response_alg", "userinfo_signed_response_alg", "request_object_signing_alg",
                         "authorization_signed_response_alg", "introspection_signed_response_alg",
                         "token_endpoint_auth_signing_alg")
        ],
    ],
)  # fmt: skip
def test_what_the_fapi_profile_forbids_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        registration(**FAPI | changes)


def test_portals_sign_by_what_can_be_registered_and_we_by_the_same() -> None:
    assert get_args(SigningAlgorithm) == SIGNING_ALGORITHMS == ALGORITHMS


def test_algorithms_follow_the_registration_and_else_the_profile() -> None:
    assert client(**FAPI).request_object_algorithms == ("PS256", "ES256", "EdDSA")
    assert client(**KEYS).request_object_algorithms == ("RS256", "PS256", "ES256", "EdDSA")
    chosen = client(**KEYS, token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg="ES256")
    assert chosen.assertion_algorithms == ("ES256",)


TRICKS = [
    "Cổng\nthuế", "Cổng\u202e", "\u200b", " Cổng", "Cổng\x00", "Cổng\t", "\u3164", "\u115f\u1160", "\u2800",
    "Cổng\u2800\u2800thuế", "Cổng \uffa0", "C\u034fổng", "Cổng\ufe0f", "Cổng\U000e0100", "\u17b4", "\u180f", "\u00ad",
    "a" + "\u0301" * 100, "a\u0301\u0302\u0303", "ấ\u0323", "\u0e01\u0e34\u0e48\u0e34", "a\u20dd\u20dd\u20dd",
]  # fmt: skip


@pytest.mark.parametrize("name", TRICKS, ids=ascii)
def test_a_name_that_would_play_tricks_on_a_page_is_refused(name: str) -> None:
    for field in ("name_vi", "name_en"):
        with pytest.raises(ValidationError, match=field):
            registration(**{field: name})


@pytest.mark.parametrize(
    "name", ["Cổng Tiếng Nguyễn Ấp Rẫy", "Cổng đất & nước – 2026", "กิ่ง", "한국 포털", "C++ “Ví” №1"]
)
def test_a_name_is_kept_as_it_is_read_however_its_letters_were_put_together(name: str) -> None:
    """Of two ways to write the same name, one is kept (Unicode Standard Annex #15)."""
    for written in (name, unicodedata.normalize("NFD", name)):
        assert registration(name_vi=written).name_vi == name
