"""What is refused of whoever registers by themselves, each by the error of RFC 7591 section 3.2.2."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from idp import clock
from idp.clients.invitations import Invitations
from tests.clients.key_sets import jwk, key_set
from tests.oidc.registering import OPEN, WISHES, Office, office, refusal


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("refusals")) as opened:
        yield opened


# ---- the token ----


def test_nobody_registers_without_an_invitation(registry: Office) -> None:
    answer = registry.post(WISHES, None)
    assert refusal(answer)[:2] == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="registration"'


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 3000, "a b", "%00"])
def test_an_unknown_invitation_is_refused(registry: Office, token: str) -> None:
    answer = registry.post(WISHES, token)
    assert refusal(answer)[:2] == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="registration", error="invalid_token"'


@pytest.mark.parametrize("header", ["Basic {}", "DPoP {}", "{}", "Bearer", "Bearer  "])
def test_an_invitation_comes_as_a_bearer_token(registry: Office, header: str) -> None:
    address, headers = f"{registry.world.issuer}/register", {"Authorization": header.format(registry.invite())}
    assert refusal(registry.ask("POST", address, json=WISHES, headers=headers))[:2] == (401, "invalid_token")


def test_an_invitation_in_the_query_or_the_body_is_none(registry: Office) -> None:
    token = registry.invite()
    address = f"{registry.world.issuer}/register?access_token={token}"
    answer = registry.ask("POST", address, json=WISHES | {"access_token": token})
    assert refusal(answer)[:2] == (401, "invalid_token")


def test_an_invitation_is_good_for_so_many_portals(registry: Office) -> None:
    invitation = registry.invite(uses=2)
    assert registry.register(invitation).id != registry.register(invitation).id
    assert refusal(registry.post(WISHES, invitation))[:2] == (401, "invalid_token")


def test_an_invitation_ends_with_its_day(registry: Office) -> None:
    invitation = registry.invite(seconds=3600)
    with time_machine.travel(clock.seconds() + 3601):
        assert refusal(registry.post(WISHES, invitation))[:2] == (401, "invalid_token")


def test_an_invitation_that_was_withdrawn_is_refused(registry: Office) -> None:
    token = registry.invite()
    invitations = Invitations(registry.house.database)
    invitation = invitations.of_token(token)
    assert invitation is not None
    with registry.house.database.write() as tx:
        assert invitations.withdraw(tx, invitation.id)
    assert refusal(registry.post(WISHES, token))[:2] == (401, "invalid_token")


# ---- the body ----


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "", "application/jsonp"])
def test_the_body_must_be_json_by_its_type(registry: Office, kind: str) -> None:
    answer = registry.ask(
        "POST", f"{registry.world.issuer}/register", registry.invite(), data=json.dumps(WISHES),
        headers={"Content-Type": kind},
    )  # fmt: skip
    assert refusal(answer)[:2] == (415, "invalid_client_metadata")


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '"text"', "[" * 30_000, '{"client_name": "a", "client_name": "b"}', "\xff",
     '{"software_id": "\\ud800"}', '{"jwks": {"keys": [{"x": "\\udfff"}]}}', '{"default_max_age": NaN}', '{"x": 1e999}',
     '{"default_max_age": -Infinity}', '{"default_max_age": ' + "9" * 5000 + "}", '\xef\xbb\xbf{}'],
)  # fmt: skip
def test_the_body_must_be_one_json_object(registry: Office, body: str) -> None:
    answer = registry.ask(
        "POST", f"{registry.world.issuer}/register", registry.invite(), data=body.encode("latin-1"),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    status, error, said = refusal(answer)
    assert (status, error) == (400, "invalid_client_metadata")
    assert "one JSON object" in said


# ---- redirect_uris ----

BAD_REDIRECTS: dict[str, Any] = {
    "a fragment": ["https://land.example/callback#here"], "an empty fragment": ["https://land.example/callback#"],
    "plain http": ["http://land.example/callback"], "a wildcard": ["https://*.land.example/callback"],
    "user information": ["https://land@land.example/"], "a relative one": ["/callback"], "none": [],
    "a parameter of ours": ["https://land.example/callback?state=x"], "a script": ["javascript:alert(1)"],
    "one bad beside a good one": ["https://land.example/callback", "http://land.example/"],
    "an app's scheme for a web client": ["com.land.app:/callback"], "loopback for a web client": ["http://127.0.0.1/"],
    "a number": [7], "a text": "https://land.example/callback", "an object": {"0": "https://land.example/callback"},
    "nothing": None, "too many": [f"https://land.example/{number}" for number in range(21)], "a null": [None],
    "half an address": ["https://[::1/"],
}  # fmt: skip


@pytest.mark.parametrize("uris", BAD_REDIRECTS.values(), ids=BAD_REDIRECTS.keys())
def test_a_redirect_uri_that_cannot_be_is_invalid_redirect_uri(registry: Office, uris: Any) -> None:
    status, error, said = registry.refused(WISHES | {"redirect_uris": uris})
    assert (status, error) == (400, "invalid_redirect_uri")
    assert said.startswith("R04: ")


def test_nobody_can_register_a_name_for_the_persons_own_machine_in_production(tmp_path: Path) -> None:
    with office(tmp_path, outbound={"allow_loopback": False}) as strict:
        for uri in ("http://land.localhost:9/", "https://app.localhost/callback", "https://localhost:8443/callback"):
            for kind in ("web", "native"):
                wishes = {"redirect_uris": [uri], "application_type": kind}
                assert strict.refused(WISHES | wishes)[:2] == (400, "invalid_redirect_uri")
        app = {"application_type": "native", "redirect_uris": ["http://127.0.0.1/", "com.land.app:/"]}
        assert strict.register(token_endpoint_auth_method="none", **app).id


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.5", "2130706433", "0x7f.1", "land.0x", "LAND.0XA", "203.0.113.7:8443", "land.example.1",
     "health"],
)  # fmt: skip
def test_nobody_can_register_a_host_that_nobody_owns(registry: Office, host: str) -> None:
    """Two who know nothing of each other would know people by the same sub there."""
    for kind, beside in (("web", []), ("native", ["com.land.app:/callback"])):
        wishes = {"redirect_uris": [f"https://{host}/callback", *beside], "application_type": kind}
        status, error, said = registry.refused(WISHES | wishes)
        assert (status, error) == (400, "invalid_redirect_uri")
        assert "name hosts of the Internet" in said


# ---- everything else ----

BAD_METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "a hybrid flow": ({"response_types": ["code id_token"]}, "response_types"),
    "a flow beside the code": ({"response_types": ["code", "token"]}, "response_types"),
    "a flow without its grant": ({"response_types": ["token"], "grant_types": ["refresh_token"]}, "response_types"),
    "response types as text": ({"response_types": "code"}, "response_types"),
    "a code without its grant": ({"response_types": ["code"], "grant_types": ["refresh_token"]}, "response_types"),
    "its grant without a code": ({"response_types": [], "grant_types": ["authorization_code"]}, "response_types"),
    "the implicit grant": ({"grant_types": ["authorization_code", "implicit"]}, "grant_types"),
    "a password grant": ({"grant_types": ["authorization_code", "password"]}, "grant_types"),
    "grant types as text": ({"grant_types": "authorization_code"}, "grant_types"),
    "grant types that are none": ({"grant_types": ["authorization_code", {}]}, "grant_types"),
    "token exchange": (
        {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]}, "token exchange"),
    "client credentials without a scope": ({"grant_types": ["client_credentials"], "redirect_uris": []}, "scope"),
    "a public subject": ({"subject_type": "public"}, "subject_type"),
    "an unsigned id_token": ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
    "an id_token signed by the secret": ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
    "an unsigned userinfo": ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
    "an unsigned request object": ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
    "an old encryption": ({"id_token_encrypted_response_alg": "RSA1_5"}, "id_token_encrypted_response_alg"),
    "encryption without a key": ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "needs jwks"),
    "a way to authenticate nobody knows": ({"token_endpoint_auth_method": "basic"}, "token_endpoint_auth_method"),
    "a key method without keys": ({"token_endpoint_auth_method": "private_key_jwt"}, "needs jwks or jwks_uri"),
    "a certificate without a name": ({"token_endpoint_auth_method": "tls_client_auth"}, "exactly one"),
    "a certificate with two names": (
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example",
         "tls_client_auth_san_ip": "10.0.0.1"}, "exactly one"),
    "keys twice": ({"jwks": key_set(jwk("P-256")), "jwks_uri": "https://land.example/jwks"}, "not be used together"),
    "a private key": ({"jwks": key_set(jwk("P-256", private=True))}, "private or a symmetric key"),
    "a weak key": ({"jwks": key_set(jwk("weak"))}, "2048"),
    "keys as text": ({"jwks": "{}"}, "jwks"),
    "keys over http": ({"jwks_uri": "http://land.example/jwks"}, "jwks_uri"),
    "a start of sign-in over http": ({"initiate_login_uri": "http://land.example/begin"}, "initiate_login_uri"),
    "a logo that is a script": ({"logo_uri": "javascript:alert(1)"}, "logo_uri"),
    "a policy as data": ({"policy_uri": "data:text/html,x"}, "policy_uri"),
    "terms over ftp": ({"tos_uri": "ftp://land.example/terms"}, "tos_uri"),
    "a front page over http": ({"client_uri": "http://land.example/"}, "client_uri"),
    "a front page as a list": ({"client_uri": ["https://land.example/"]}, "client_uri"),
    "a name as a number": ({"client_name": 7}, "client_name"),
    "an empty name": ({"client_name": ""}, "client_name"),
    "a name without end": ({"client_name": "x" * 121}, "client_name"),
    "a name that runs backwards": ({"client_name": "Cổng \u202ethuế"}, "client_name"),
    "a name of two lines": ({"client_name#en": "Tax\noffice"}, "client_name"),
    "a name that cannot be seen": ({"client_name": "\u200b"}, "client_name"),
    "a name with room around it": ({"client_name": " Cổng"}, "client_name"),
    "a contact without end": ({"contacts": ["x" * 321]}, "contacts"),
    "a contact that cannot be seen": ({"contacts": ["\u200b"]}, "contacts"),
    "too many contacts": ({"contacts": ["ops@land.example"] * 11}, "contacts"),
    "a scope as a list": ({"scope": ["openid"]}, "scope"),
    "a negative age": ({"default_max_age": -1}, "default_max_age"),
    "an age as text": ({"default_max_age": "soon"}, "default_max_age"),
    "a request over http": ({"request_uris": ["http://land.example/r"]}, "request_uris"),
    "a sign-out with a fragment": ({"post_logout_redirect_uris": ["https://land.example/#"]}, "post_logout"),
    "a back-channel over http": ({"backchannel_logout_uri": "http://land.example/"}, "backchannel_logout_uri"),
    "a front-channel over http": ({"frontchannel_logout_uri": "http://land.example/"}, "frontchannel_logout_uri"),
    "another sort of application": ({"application_type": "toaster"}, "application_type"),
    "another profile": ({"profile": "fapi1"}, "profile"),
    "FAPI with a secret": (
        {"profile": "fapi2_security", "token_endpoint_auth_method": "client_secret_basic"}, "private_key_jwt or"),
    "FAPI with an old signature": (
        {"profile": "fapi2_security", "jwks": key_set(jwk("P-256")), "id_token_signed_response_alg": "RS256"}, "PS256"),
    "FAPI without PAR": (
        {"profile": "fapi2_security", "jwks": key_set(jwk("P-256")), "require_pushed_authorization_requests": False},
        "require_pushed"),
    "FAPI with tokens bound to nothing": (
        {"profile": "fapi2_security", "jwks": key_set(jwk("P-256")), "dpop_bound_access_tokens": False}, "bound"),
    "several hosts": (
        {"redirect_uris": ["https://land.example/callback", "https://other.example/callback"]}, "several hosts"),
    "software that is no text": ({"software_id": {"a": 1}}, "software_id"),
}  # fmt: skip


@pytest.mark.parametrize("wishes, said", BAD_METADATA.values(), ids=BAD_METADATA.keys())
def test_metadata_that_cannot_be_is_invalid_client_metadata(
    registry: Office, wishes: dict[str, Any], said: str
) -> None:
    status, error, description = registry.refused(WISHES | wishes)
    assert (status, error) == (400, "invalid_client_metadata")
    assert description.startswith("R03: ") and said in description


def test_a_description_holds_what_the_standard_lets_into_it(registry: Office) -> None:
    """RFC 6749 section 5.2: printable ASCII without quotes and backslashes; whatever the portal wrote."""
    for odd in ('https://"\\\r\n\tcổng.example/' + "x" * 2000, 'https://land.example/"', "https://land.example/\\"):
        description = registry.refused(WISHES | {"client_uri": odd, "logo_uri": odd})[2]
        assert description.isascii() and description.isprintable() and len(description) < 700
        assert not {'"', "\\"}.intersection(description)


# ---- a flood ----


def test_requests_from_one_network_are_counted(tmp_path: Path) -> None:
    with office(tmp_path, registration=OPEN | {"requests_per_network_per_minute": 3}) as strict:
        assert [strict.post(WISHES, "guess").status_code for _ in range(3)] == [401] * 3
        answer = strict.post(WISHES, strict.invite())
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        assert strict.ask("GET", f"{strict.world.issuer}/register/portal", "guess").status_code == 429


def test_a_refusal_is_on_record_without_what_was_sent(registry: Office) -> None:
    registry.refused(WISHES | {"redirect_uris": ["https://user:password@land.example/"]})
    events = [event for event in registry.house.audit.export() if event["event"] == "refused"]
    assert "R04" in {event["details"]["code"] for event in events}
    assert "password" not in str(events)
