"""The algorithm matrix on request objects: whatever a header says, only the registered keys and algorithms count."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import RSAKey

from tests.oidc.asserting import private_key, public_jwk
from tests.oidc.packing import answered, push, request_object, signing, url_of
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
Forge = Callable[[Portal, dict[str, str]], str]
SLOW_SECONDS = 5.0


def _b64(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _with_alg(alg: str, portal: Portal, asked: dict[str, str], signature: bytes = b"") -> str:
    header, payload, _ = request_object(portal, asked).split(".")
    changed = json.loads(base64.urlsafe_b64decode(header + "==")) | {"alg": alg}
    return f"{_b64(changed)}.{payload}.{_b64(signature)}"


def _hmac_by(form: PublicFormat, encoding: Encoding) -> Forge:
    """Signed by HS256 with our copy of the public key as the secret (CVE-2015-9235 and its heirs)."""

    def forge(portal: Portal, asked: dict[str, str]) -> str:
        secret = private_key("ES256").public_key().public_bytes(encoding, form)
        return _hmac(portal, asked, secret)

    return forge


def _hmac(portal: Portal, asked: dict[str, str], secret: bytes) -> str:
    import hashlib
    import hmac

    unsigned = _with_alg("HS256", portal, asked).rpartition(".")[0]
    return f"{unsigned}.{_b64(hmac.digest(secret, unsigned.encode(), hashlib.sha256))}"


def _other_key(**header: Any) -> Forge:
    """Signed by a key of the forger's, which the header brings along."""
    return lambda portal, asked: request_object(
        portal, asked, key=private_key("ES256", 7), header={"kid": None, **header}
    )


def _own(**header: Any) -> Forge:
    """Signed by the right key, under a header that nobody may send."""
    return lambda portal, asked: request_object(portal, asked, header=header)


def _changed(portal: Portal, asked: dict[str, str]) -> str:
    header, payload, signature = request_object(portal, asked).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | {"scope": "openid email"}
    return f"{header}.{_b64(claims)}.{signature}"


def _encrypted(portal: Portal, asked: dict[str, str]) -> str:
    key = RSAKey.generate_key(2048)
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}
    return jwe.encrypt_compact(header, request_object(portal, asked), key, algorithms=["RSA-OAEP-256", "A256GCM"])


def _twice(portal: Portal, asked: dict[str, str]) -> str:
    """A member that stands twice: what we read must be what everybody reads."""
    payload = json.dumps({**asked, "iss": portal.id, "aud": portal.world.issuer})[:-1] + ', "scope": "openid email"}'
    return jwt.PyJWS().encode(payload.encode(), private_key("ES256"), algorithm="ES256", headers={"kid": "k1"})


def _payload(payload: bytes) -> Forge:
    return lambda *_: jwt.PyJWS().encode(payload, private_key("ES256"), algorithm="ES256", headers={"kid": "k1"})


EMBEDDED = public_jwk("ES256", 7)
FORGED: dict[str, Forge] = {
    "none": lambda portal, asked: _with_alg("none", portal, asked),
    "None": lambda portal, asked: _with_alg("None", portal, asked),
    "none with a signature": lambda portal, asked: _with_alg("none", portal, asked, b"x" * 64),
    "no alg": lambda portal, asked: _with_alg("", portal, asked),
    "a stripped signature": lambda portal, asked: _with_alg("ES256", portal, asked),
    "a zero signature": lambda portal, asked: _with_alg("ES256", portal, asked, bytes(64)),
    "HS256 with the public key as PEM": _hmac_by(PublicFormat.SubjectPublicKeyInfo, Encoding.PEM),
    "HS256 with the public key as DER": _hmac_by(PublicFormat.SubjectPublicKeyInfo, Encoding.DER),
    "HS256 with the point": _hmac_by(PublicFormat.UncompressedPoint, Encoding.X962),
    "HS256 with the client's secret": lambda portal, asked: _hmac(portal, asked, (portal.secret or "").encode()),
    "an embedded jwk": _other_key(jwk=EMBEDDED),
    "an embedded jwk under the right kid": _other_key(jwk=EMBEDDED, kid="k1"),
    "a jku": _other_key(jku="https://elsewhere.example/jwks", kid="k1"),
    "an x5u": _other_key(x5u="https://elsewhere.example/cert", kid="k1"),
    "an x5c": _other_key(x5c=["MIIB"], kid="k1"),
    "a jwk of the right key": _own(jwk=public_jwk("ES256")),
    "an unknown kid": _own(kid="k2"), "an empty kid": _own(kid=""), "a long kid": _own(kid="k" * 201),
    "the wrong key": _other_key(kid="k1"), "the wrong key without kid": _other_key(),
    "another curve": lambda portal, asked: request_object(
        portal, asked, "ES384", key=ec.generate_private_key(ec.SECP384R1())
    ),
    "another algorithm": lambda portal, asked: request_object(
        portal, asked, "RS256", key=rsa.generate_private_key(65537, 2048)
    ),
    "crit": _own(crit=["b64"], b64=True), "unencoded": _own(crit=["exp"]),
    "another kind of token": _own(typ="at+jwt"), "a logout token": _own(typ="logout+jwt"),
    "a client assertion": lambda portal, asked: request_object(portal, asked, sub=portal.id),
    "changed after it was signed": _changed, "a member twice": _twice, "encrypted": _encrypted,
    "no object": _payload(b"[]"), "no JSON": _payload(b"openid"), "NaN": _payload(b'{"exp": NaN}'),
    "a number without end": _payload(b'{"exp": 1e999, "jti": "1"}'), "far below zero": _payload(b'{"max_age": -1e999}'),
    "deeper than any parser": _payload(b"[" * 1500), "a number beyond all numbers": _payload(b'{"exp":' + b"9" * 2000),
    "not UTF-8": _payload(b'{"a": "\xff"}'), "two parts": lambda *_: "e30.e30", "dots": lambda *_: "..",
    "nothing": lambda *_: ".", "not ASCII": lambda *_: "\u00e9.\u00e9.\u00e9", "a long one": lambda *_: "x" * 4000,
}  # fmt: skip


@pytest.fixture(scope="module")
def signer(country: World) -> Portal:
    return signing(lambda **given: country.portal("forged-requests", **given))


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_request_object_is_refused_and_soon(signer: Portal, browser: Browser, kind: str) -> None:
    asked = dict(signer.ask(prompt="none", state="inside").parameters)
    token = FORGED[kind](signer, asked)
    began = time.monotonic()
    page = browser.get(url_of(signer, request=token, redirect_uri=signer.redirect_uri, state="outside"))
    answer = answered(page, signer)
    pushed = push(signer, {"client_id": signer.id, "request": token})
    assert time.monotonic() - began < SLOW_SECONDS
    assert (answer["error"], answer["state"]) == ("invalid_request_object", "outside")
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object"), pushed.text


def test_what_is_forged_above_is_right_but_for_the_forgery(signer: Portal, browser: Browser) -> None:
    """So that each refusal is for the reason that it names."""
    for header in ({}, {"kid": None}, {"typ": None}, {"typ": "JWT"}, {"typ": "application/oauth-authz-req+JWT"}):
        token = request_object(signer, signer.ask(prompt="none").parameters, header=header)
        assert answered(browser.get(url_of(signer, request=token)), signer)["error"] == "login_required"


@pytest.mark.parametrize("registered", ["RS256", "PS256"])
def test_a_registered_algorithm_is_the_only_one(portals: Portals, browser: Browser, registered: str) -> None:
    """The same RSA key could do both."""
    key = {**public_jwk("RS256"), "kid": "k1"}
    portal = portals(jwks={"keys": [key]}, request_object_signing_alg=registered)
    for alg in ("RS256", "PS256"):
        token = request_object(portal, portal.ask(prompt="none").parameters, alg)
        answer = answered(browser.get(url_of(portal, request=token, redirect_uri=portal.redirect_uri)), portal)
        assert answer["error"] == ("login_required" if alg == registered else "invalid_request_object")


def test_a_portal_without_keys_signs_nothing(portal: Portal, browser: Browser) -> None:
    token = request_object(portal, portal.ask(prompt="none").parameters)
    answer = answered(browser.get(url_of(portal, request=token, redirect_uri=portal.redirect_uri)), portal)
    assert answer["error"] == "invalid_request_object"


def test_the_keys_are_those_of_who_asks(portals: Portals, browser: Browser) -> None:
    """A request that another client signed (conformance: matching key in authorization request)."""
    mine, other = signing(portals), portals(jwks={"keys": [{**public_jwk("ES256", 2), "kid": "k1"}]})
    token = request_object(other, other.ask(prompt="none").parameters)  # signed by the key of `mine`
    answer = answered(browser.get(url_of(other, request=token, redirect_uri=other.redirect_uri)), other)
    assert answer["error"] == "invalid_request_object"
    assert answered(browser.get(url_of(mine, request=token, redirect_uri=mine.redirect_uri)), mine)["error"] == (
        "invalid_request_object"
    )
