"""OpenID Connect Dynamic: relying parties that register themselves, with keys, documents and addresses of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from idp.clients import keys
from idp.keys import ALGORITHMS
from idp.seal import to_text
from tests.conformance.conftest import register
from tests.conformance.deployment import Deployment
from tests.conformance.suite_client import Asked, SuiteClient, random_word
from tests.conformance.suite_keys import SigningKey, assertion, unsigned

Dynamic = Callable[..., SuiteClient]


def test_oidcc_idtoken_rs256(deployment: Deployment, dynamic: Dynamic) -> None:
    tokens = dynamic(id_token_signed_response_alg="RS256").sign_in()  # `checked` has verified it with that alone
    assert deployment.verified(tokens.id_token, "RS256")["sub"] == tokens.claims["sub"]


def test_oidcc_idtoken_signature(deployment: Deployment, dynamic: Dynamic) -> None:
    tokens = dynamic().sign_in()
    assert deployment.verified(tokens.id_token, "RS256")["sub"], "the default"


def test_oidcc_idtoken_unsigned(deployment: Deployment) -> None:
    """`none` is not offered, so that the suite leaves this out; asked for, it is refused."""
    answer = register(deployment, id_token_signed_response_alg="none")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "none" not in deployment.discovery()["id_token_signing_alg_values_supported"]


def test_oidcc_userinfo_rs256(deployment: Deployment, dynamic: Dynamic) -> None:
    first = dynamic(userinfo_signed_response_alg="RS256")
    tokens = first.sign_in(scope="openid profile")
    answer = first.userinfo(tokens.access_token)
    assert answer.headers["Content-Type"].split(";")[0] == "application/jwt"
    told = deployment.verified(answer.text, "RS256")
    assert (told["iss"], told["sub"]) == (deployment.issuer, tokens.claims["sub"])
    assert told["aud"] in (first.id, [first.id])
    assert "nonce" not in told
    assert told["name"]


def test_oidcc_ensure_redirect_uri_in_authorization_request(deployment: Deployment, dynamic: Dynamic) -> None:
    address = f"{deployment.suite.address}/callback"
    first = dynamic(redirect_uris=[address, f"{address}?second=1"])
    visit = first.visit(first.ask(redirect_uri=None))
    assert visit.arrival is None
    assert (visit.page.status, "A02" in visit.page.html) == (400, True)


def test_oidcc_redirect_uri_query_OK(deployment: Deployment, dynamic: Dynamic) -> None:
    address = f"{deployment.suite.address}/callback?foo=bar"
    first = dynamic(redirect_uris=[address])
    asked = first.ask(redirect_uri=address)
    visit = first.visit(asked)
    assert visit.answer["foo"] == "bar"
    assert first.redeem(asked, visit.answer["code"], redirect_uri=address).status_code == 200


def test_oidcc_redirect_uri_query_mismatch(deployment: Deployment, dynamic: Dynamic) -> None:
    address = f"{deployment.suite.address}/callback"
    _is_not_led_to(dynamic(redirect_uris=[f"{address}?foo=bar"]), f"{address}?foo=baz")


def test_oidcc_redirect_uri_query_added(deployment: Deployment, dynamic: Dynamic) -> None:
    address = f"{deployment.suite.address}/callback"
    _is_not_led_to(dynamic(redirect_uris=[address]), f"{address}?foo=bar")


def _is_not_led_to(first: SuiteClient, address: str) -> None:
    visit = first.visit(first.ask(redirect_uri=address))
    assert visit.arrival is None
    assert visit.page.status == 400


def test_oidcc_redirect_uri_regfrag(deployment: Deployment) -> None:
    answer = register(deployment, redirect_uris=[f"{deployment.suite.address}/callback#foobar"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


# ---- what the portal shows of itself ----


def test_oidcc_registration_logo_uri(deployment: Deployment, dynamic: Dynamic) -> None:
    logo = deployment.suite.publish("logo.png", _png(), "image/png")
    assert f'src="{logo}"' in _first_page(dynamic(logo_uri=logo))


def test_oidcc_registration_policy_uri(deployment: Deployment, dynamic: Dynamic) -> None:
    policy = f"{deployment.suite.address}/policy"
    assert f'href="{policy}"' in _first_page(dynamic(policy_uri=policy))


def test_oidcc_registration_tos_uri(deployment: Deployment, dynamic: Dynamic) -> None:
    terms = f"{deployment.suite.address}/tos"
    assert f'href="{terms}"' in _first_page(dynamic(tos_uri=terms))


def _first_page(first: SuiteClient) -> str:
    page = first.visit(first.ask(), automatically=False).page
    assert page.status == 200
    return page.html


def _png() -> bytes:
    return bytes.fromhex("89504e470d0a1a0a0000000d49484452")


# ---- documents of the portal ----


def test_oidcc_registration_jwks_uri(deployment: Deployment, dynamic: Dynamic) -> None:
    key = SigningKey.new("RS256")
    address = deployment.suite.publish(f"jwks-{random_word()}", _jwks(key))
    first = dynamic(
        jwks_uri=address, token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg="RS256"
    )
    _holds(first, key)
    assert first.sign_in().claims["sub"]


def test_oidcc_registration_sector_uri(deployment: Deployment, dynamic: Dynamic) -> None:
    own = [f"{deployment.suite.address}/callback"]
    address = deployment.suite.publish(f"sector-{random_word()}", json.dumps(own).encode())
    first = dynamic(sector_identifier_uri=address, subject_type="pairwise")
    assert first.sign_in().claims["sub"]


def test_oidcc_registration_sector_bad(deployment: Deployment) -> None:
    others = ["https://elsewhere.example/callback"]
    address = deployment.suite.publish(f"sector-{random_word()}", json.dumps(others).encode())
    answer = register(deployment, sector_identifier_uri=address, subject_type="pairwise")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_oidcc_refresh_token_rp_key_rotation(
    deployment: Deployment, dynamic: Dynamic, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = SigningKey.new("RS256"), SigningKey.new("RS256")
    name = f"jwks-{random_word()}"
    address = deployment.suite.publish(name, _jwks(before))
    first = dynamic(
        jwks_uri=address, token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg="RS256",
        grant_types=["authorization_code", "refresh_token"], scope="openid offline_access",
    )  # fmt: skip
    _holds(first, before)
    tokens = first.sign_in(scope="openid offline_access", prompt="consent")
    deployment.suite.publish(name, _jwks(after))
    _holds(first, after)
    monkeypatch.setattr(keys, "ASK_AGAIN_SECONDS", 0)  # the suite waits 60 seconds for us to look again; we need 10
    answer = first.refresh(tokens.refresh_token)
    assert answer.status_code == 200, answer.text
    assert first.checked(answer.json()["id_token"], None if "nonce" not in answer.text else tokens.asked.nonce)


def _holds(first: SuiteClient, key: SigningKey) -> None:
    first.configuration = {**first.configuration, "client": {**first.configuration["client"], "jwks": _set(key, True)}}


def _set(key: SigningKey, private: bool = False) -> dict[str, Any]:
    return {"keys": [dict(key.jwk) if private else key.public]}


def _jwks(key: SigningKey) -> bytes:
    return json.dumps(_set(key)).encode()


# ---- requests that are documents ----


def test_oidcc_request_uri_unsigned(deployment: Deployment, dynamic: Dynamic) -> None:
    """Nothing unsigned is taken: discovery leaves `none` out, so the suite leaves this out; sent, it is refused."""
    address = f"{deployment.suite.address}/request-{random_word()}"
    first = dynamic(request_uris=[address])
    asked = first.ask()
    deployment.suite.publish(address.rpartition("/")[2], unsigned(asked.parameters).encode(), "application/jwt")
    visit = first.visit(Asked({**asked.parameters, "request_uri": address}))
    assert visit.answer["error"] in ("invalid_request_object", "invalid_request_uri", "request_uri_not_supported")
    assert "none" not in deployment.discovery()["request_object_signing_alg_values_supported"]


@pytest.mark.parametrize("with_hash", [True, False])
def test_oidcc_request_uri_signed_rs256(deployment: Deployment, dynamic: Dynamic, with_hash: bool) -> None:
    key, name = SigningKey.new("RS256"), f"request-{random_word()}"
    address = f"{deployment.suite.address}/{name}"
    first = dynamic(request_uris=[address], jwks=_set(key), request_object_signing_alg="RS256")
    _holds(first, key)
    asked = first.ask()
    signed = first.request_object(asked.parameters)
    deployment.suite.publish(name, signed.encode(), "application/jwt")
    fragment = f"#{to_text(sha256(signed.encode()).digest())}" if with_hash else ""
    outside = {name: asked.parameters[name] for name in ("client_id", "response_type", "scope", "redirect_uri")}
    visit = first.visit(Asked(outside | {"request_uri": address + fragment}))
    assert visit.answer["state"] == asked.parameters["state"], "what stands inside counts"
    assert first.redeemed(asked, visit).claims["nonce"] == asked.nonce


# ---- keys of ours, assertions of theirs ----


def test_oidcc_server_rotate_keys(deployment: Deployment) -> None:
    before = {key["kid"] for key in deployment.jwks()}
    with deployment.house.database.write() as tx:
        deployment.house.keys.rotate(tx, ALGORITHMS, at_once=True)
    after = {key["kid"] for key in deployment.jwks()}
    assert before < after


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(deployment: Deployment, dynamic: Dynamic) -> None:
    key = SigningKey.new("RS256")
    first = dynamic(
        jwks=_set(key), token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg="RS256"
    )
    _holds(first, key)
    asked = first.ask()
    code = first.visit(asked).answer["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": first.redirect_uri}
    proof = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_id": first.id,
        "client_assertion": assertion(key, first.id, deployment.issuer),
    }  # fmt: skip
    form |= {"code_verifier": asked.verifier} if asked.verifier else {}
    answer = deployment.http.post(deployment.endpoint("token_endpoint"), data=form | proof, timeout=30)
    assert answer.status_code == 200, answer.text
