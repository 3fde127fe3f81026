"""The proofs that are refused (RFC 9449 section 4.3), each by its name, at the token endpoint and at userinfo.

FAPI 2.0 conformance has most of them: fapi2-security-profile-final-dpop-negative-tests.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idp import clock
from tests.oidc.asserting import private_key, public_jwk
from tests.oidc.proving import ABSENT, Place, Reply, at_token, at_userinfo, ath, b64, bound_token, signed
from tests.oidc.residents import Resident
from tests.world import Portal

Portals = Callable[..., Portal]
Forged = Callable[[Place], list[str]]  # the DPoP headers of a request
OTHER = 2  # the number of another key than the token's
LONGEST_SECONDS = 1.0  # of computing, by client and server together; none takes a twentieth of it


def one(**changes: Any) -> Forged:
    """A right proof but for these claims."""
    return lambda place: [place.proof(**changes)]


def headed(**header: Any) -> Forged:
    """A right proof but for these members of its header."""
    return lambda place: [place.proof(header=header)]


def private_jwk() -> dict[str, Any]:
    return dict(ECAlgorithm.to_jwk(private_key("ES256"), as_dict=True))


def rsa_jwk(bits: int, exponent: int) -> tuple[Any, dict[str, Any]]:
    key = rsa.generate_private_key(exponent, bits)
    return key, {"kty": "RSA", **{name: RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)[name] for name in "en"}}


def rsa_with(bits: int, exponent: int) -> Forged:
    def forged(place: Place) -> list[str]:
        key, jwk = rsa_jwk(bits, exponent)
        return [place.proof("PS256", header={"jwk": jwk}, key=key)]

    return forged


def large_exponent(place: Place) -> list[str]:
    jwk = public_jwk("PS256")
    return [place.proof("PS256", header={"jwk": jwk | {"e": b64(b"\xff" * 255)}})]


def other_curve(place: Place) -> list[str]:
    key = ec.generate_private_key(ec.SECP384R1())
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return [place.proof("ES384", header={"alg": "ES384", "jwk": jwk}, key=key)]


def hmac_with(secret: bytes, **header: Any) -> Forged:
    named = {"typ": "dpop+jwt", "alg": "HS256", "jwk": public_jwk("ES256")} | header

    def forged(place: Place) -> list[str]:
        text = f"{b64(json.dumps(named).encode())}.{b64(json.dumps(place.claims()).encode())}"
        return [f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"]

    return forged


def unsigned(place: Place) -> list[str]:
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": public_jwk("ES256")}
    return [f"{b64(json.dumps(header).encode())}.{b64(json.dumps(place.claims()).encode())}."]


def changed_later(place: Place) -> list[str]:
    head, _, signature = place.proof().split(".")
    return [f"{head}.{b64(json.dumps(place.claims()).encode())}.{signature}"]


def spoilt_key(**members: Any) -> Forged:
    return lambda place: [place.proof(header={"jwk": public_jwk("ES256") | members})]


def deep(place: Place) -> list[str]:
    nested = ("[" * 700 + "]" * 700).encode()
    return [f"{b64(nested)}.{b64(nested)}.AAAA"]


def raw(payload: bytes) -> Forged:
    """A payload that no JSON library would write; {} stands for the right claims."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk("ES256")}

    def forged(place: Place) -> list[str]:
        claims = json.dumps(place.claims()).encode()
        return [signed(header, payload.replace(b"{}", claims[1:-1]), "ES256", private_key("ES256"))]

    return forged


FORGED: dict[str, Forged] = {
    "no proof": lambda _: [],
    "two headers": lambda place: [place.proof(), place.proof()],
    "two headers, the second empty": lambda place: [place.proof(), ""],
    "two headers, the same twice": lambda place: [place.proof()] * 2,
    "two proofs in one header": lambda place: [f"{place.proof()},{place.proof()}"],
    "an empty header": lambda _: [""],
    "a word": lambda _: ["proof"],
    "not ASCII": lambda place: [place.proof() + "\xe9"],
    "four parts": lambda place: [place.proof() + ".AAAA"],
    "oversized": lambda place: [place.proof(filling="x" * 5000)],
    "nested deeply": deep,
    # the header (section 4.2)
    "typ is missing": headed(typ=ABSENT), "typ JWT": headed(typ="JWT"), "typ of an access token": headed(typ="at+jwt"),
    "typ is no text": headed(typ=["dpop+jwt"]),
    "alg is missing": headed(alg=ABSENT), "alg none": unsigned, "alg is no text": headed(alg=["ES256"]),
    "RS256": lambda place: [place.proof("RS256")],
    "ES384": other_curve,
    "HS256 with the public key as secret": hmac_with(json.dumps(public_jwk("ES256")).encode()),
    "HS256 with a symmetric key in jwk": hmac_with(b"s" * 32, jwk={"kty": "oct", "k": b64(b"s" * 32)}),
    "alg of another key": lambda place: [place.proof("PS256", header={"jwk": public_jwk("ES256")})],
    "jwk is missing": headed(jwk=ABSENT), "jwk is null": headed(jwk=None), "jwk is a text": headed(jwk="key"),
    "jwk is empty": headed(jwk={}), "jwk is a set": headed(jwk={"keys": [public_jwk("ES256")]}),
    "a private key in jwk": lambda place: [place.proof(header={"jwk": private_jwk()})],
    "a symmetric key in jwk": headed(jwk={"kty": "oct", "k": b64(b"s" * 32)}),
    "a private member in jwk": spoilt_key(d=None),
    "a point that is not on the curve": spoilt_key(y=b64(b"\1" * 32)),
    "a coordinate that is cut": spoilt_key(x=public_jwk("ES256")["x"][:-2]),
    "a coordinate with padding": spoilt_key(x=public_jwk("ES256")["x"] + "="),
    "a coordinate with a line break": spoilt_key(x=public_jwk("ES256")["x"] + "\n"),
    "a coordinate that is a number": spoilt_key(x=7), "another curve's name": spoilt_key(crv="P-384"),
    "RSA of 1024 bits": rsa_with(1024, 65537), "RSA with another exponent": rsa_with(2048, 3),
    "RSA with a huge exponent": large_exponent,
    "the key's certificates": headed(x5c=["MIIB"]), "the key's certificates alone": headed(jwk=ABSENT, x5c=["MIIB"]),
    "the key by an address": headed(jwk=ABSENT, jku="http://127.0.0.1:9/jwks"),
    "an address of keys beside the key": headed(jku="http://127.0.0.1:9/jwks"),
    "an address of certificates": headed(x5u="http://127.0.0.1:9/c"),
    "the key by its name": headed(jwk=ABSENT, kid="k1"), "kid is no text": headed(kid=7),
    "an extension that nobody knows": headed(crit=["exp"], exp=1),
    "an unencoded payload": headed(crit=["b64"], b64=False),
    "compressed": headed(zip="DEF"),
    # the signature
    "signed with another key": lambda place: [place.proof(key=private_key("ES256", OTHER))],
    "without its signature": lambda place: [place.proof().rpartition(".")[0] + "."],
    "changed after it was signed": changed_later,
    # the claims
    "jti is missing": one(jti=ABSENT), "jti is empty": one(jti=""), "jti is a number": one(jti=7),
    "jti is too long": one(jti="x" * 257), "jti is half a character": one(jti="\ud800"), "jti is null": one(jti=None),
    "htm is missing": one(htm=ABSENT), "htm of another method": one(htm="PUT"), "htm is a list": one(htm=["GET"]),
    "htm in lower case": lambda place: [place.proof(htm=place.method.lower())],
    "htu is missing": one(htu=ABSENT), "htu is a number": one(htu=7), "htu is no address": one(htu="http://[x"),
    "htu of another path": lambda place: [place.proof(htu=place.issuer + "/jwks")],
    "htu with a longer path": lambda place: [place.proof(htu=place.url + "/")],
    "htu without a path": lambda place: [place.proof(htu=place.issuer)],
    "htu without a host": lambda place: [place.proof(htu=place.path)],
    "htu of another host": lambda place: [place.proof(htu=place.url.replace("idp.", "bank."))],
    "htu of another port": lambda place: [place.proof(htu=f"http://idp.localhost:1{place.path}")],
    "htu with an odd port": lambda place: [place.proof(htu=f"http://idp.localhost:x{place.path}")],
    "htu of another scheme": lambda place: [place.proof(htu=place.url.replace("http:", "https:"))],
    "htu with a user": lambda place: [place.proof(htu=place.url.replace("://", "://idp@"))],
    "iat is missing": one(iat=ABSENT), "iat is a text": lambda place: [place.proof(iat=str(clock.seconds()))],
    "iat is true": one(iat=True), "iat an hour ago": lambda place: [place.proof(iat=clock.seconds() - 3600)],
    "iat in an hour": lambda place: [place.proof(iat=clock.seconds() + 3600)],
    "iat in milliseconds": lambda place: [place.proof(iat=clock.milliseconds())],
    "iat is more than a minute old": lambda place: [place.proof(iat=clock.seconds() - 62)],
    "iat is half a minute ahead": lambda place: [place.proof(iat=clock.seconds() + 30)],
    "iat without end": one(iat=float("inf")), "iat is no number": one(iat=float("nan")),
    "exp has passed": lambda place: [place.proof(exp=clock.seconds() - 60)],
    "nbf has not come": lambda place: [place.proof(nbf=clock.seconds() + 60)],
    "exp is no time": one(exp="soon"), "exp is a list": one(exp=[]), "exp without end": one(exp=float("inf")),
    "nbf is an object": one(nbf={}),
    "claims are a list": raw(b"[1]"), "claims are no JSON": raw(b"{{}"), "claims are not UTF-8": raw(b"{\xff}"),
    "a number of a thousand digits": raw(b'{"x":' + b"9" * 1000 + b'e9,"iat":' + b"9" * 1000 + b"}"),
}  # fmt: skip

AT_USERINFO: dict[str, Forged] = {
    "another key than the token's": lambda place: [place.proof(number=OTHER)],
    "another kind of key than the token's": lambda place: [place.proof("EdDSA")],
    "ath is missing": one(ath=ABSENT), "ath is null": one(ath=None), "ath is empty": one(ath=""),
    "ath of another token": one(ath=ath("mc_at_x")), "ath is the token": lambda place: [place.proof(ath=place.token)],
    "ath with padding": lambda place: [place.proof(ath=ath(place.token or "") + "=")],
    "ath in a list": lambda place: [place.proof(ath=[ath(place.token or "")])],
    "made for the token endpoint": lambda place: [place.proof(htm="POST", htu=place.issuer + "/token", ath=ABSENT)],
}  # fmt: skip


def asked(place: Place, *proofs: str, **headers: str) -> Reply:
    began = time.process_time()
    reply = place.send(*proofs, **headers)
    assert time.process_time() - began < LONGEST_SECONDS
    return reply


def refused_at_token(reply: Reply, error: str = "invalid_dpop_proof") -> None:
    assert (reply.status, reply.told["error"]) == (400, error), reply.text
    assert reply.headers["Cache-Control"] == "no-store"


def refused_at_userinfo(reply: Reply, error: str = "invalid_dpop_proof") -> None:
    """Section 7.1."""
    assert (reply.status, reply.told["error"]) == (401, error), reply.text
    used, other = reply.headers.get_all("WWW-Authenticate")
    assert used.startswith('DPoP realm="userinfo", ')
    assert f'error="{error}"' in used
    assert used.endswith('algs="ES256 PS256 EdDSA"')
    assert other == 'Bearer realm="userinfo"'


@pytest.fixture
def portal(portals: Portals) -> Portal:
    return portals(dpop_bound_access_tokens=True)


@pytest.mark.parametrize("forged", FORGED)
def test_at_the_token_endpoint_it_is_refused_and_the_code_is_not_spent(
    resident: Resident, portal: Portal, forged: str
) -> None:
    place = at_token(resident, portal)
    refused_at_token(asked(place, *FORGED[forged](place)))
    assert place.send(place.proof()).status == 200


@pytest.mark.parametrize("forged", FORGED | AT_USERINFO)
def test_at_userinfo_it_is_refused_and_the_token_stays_good(resident: Resident, portal: Portal, forged: str) -> None:
    place = at_userinfo(portal, bound_token(resident, portal))
    refused_at_userinfo(asked(place, *(FORGED | AT_USERINFO)[forged](place)))
    assert place.send(place.proof()).status == 200


def test_at_the_token_endpoint_a_proof_is_good_once(resident: Resident, portal: Portal) -> None:
    first, second = at_token(resident, portal), at_token(resident, portal)
    proof = first.proof()
    assert first.send(proof).status == 200
    refused_at_token(asked(second, proof))
    assert second.send(second.proof()).status == 200


def test_at_userinfo_a_proof_is_good_once(resident: Resident, portal: Portal) -> None:
    place = at_userinfo(portal, bound_token(resident, portal))
    proof = place.proof()
    assert place.send(proof).status == 200
    refused_at_userinfo(asked(place, proof))


def test_the_name_of_a_proof_is_good_once_whatever_else_another_one_says(resident: Resident, portal: Portal) -> None:
    place = at_userinfo(portal, bound_token(resident, portal))
    assert place.send(place.proof(jti="named")).status == 200
    refused_at_userinfo(asked(place, place.proof(jti="named", iat=clock.seconds() - 1)))


def test_a_refused_proof_is_not_in_the_answer(resident: Resident, portal: Portal) -> None:
    """Nor is what was wrong with it: that is for our log."""
    place = at_userinfo(portal, bound_token(resident, portal))
    texts = {
        asked(place, place.proof(**changes)).text
        for changes in ({"htm": "PUT"}, {"htu": "http://x/"}, {"jti": "x" * 300}, {"ath": "x"})
    }
    assert len(texts) == 1
