"""FAPI 2.0: the suite's DPoP steps at an API (RFC 9449 sections 4.3 and 7), each by its name, all with one token."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.conftest import NewClient
from tests.conformance.fapi2 import with_dpop_and_systems
from tests.conformance.suite_keys import SigningKey, changed
from tests.oidc.proving import Place, Reply, ath, b64, signed

HOUR_SECONDS = 3600


@dataclass
class Resource:
    """An API of ours, a token that opens it, and the key that the token is bound to; `nonce` once one was asked for."""

    url: str
    token: str
    key: SigningKey
    nonce: str | None = None
    jti: str = field(default_factory=secrets.token_hex)  # of the proof that is used twice

    def header(self, **changes: Any) -> dict[str, Any]:
        jwk = {name: value for name, value in self.key.public.items() if name not in ("kid", "use", "alg")}
        return changed({"typ": "dpop+jwt", "alg": self.key.alg, "jwk": jwk}, changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        said = {"jti": secrets.token_hex(), "htm": "GET", "htu": self.url, "iat": int(time.time()), "nonce": self.nonce}
        return changed(said | {"ath": ath(self.token)}, changes)

    def proof(
        self, header: Mapping[str, Any] | None = None, *, alg: str | None = None, key: SigningKey | None = None,
        **changes: Any,
    ) -> str:  # fmt: skip
        private = (key or self.key).opened()
        return signed(self.header(**(header or {})), self.claims(**changes), alg or self.key.alg, private)

    def reply(self, step: Step) -> Reply:
        """What the API answers; asked once more where it wants a nonce (section 9)."""
        reply = self._sent(step)
        if "use_dpop_nonce" in reply.text:
            self.nonce = reply.headers["DPoP-Nonce"]
            reply = self._sent(step)
        return reply

    def _sent(self, step: Step) -> Reply:
        shown = {"Authorization": f"{step.scheme} {self.token}"}
        to = urlsplit(self.url)
        place = Place(issuer=f"{to.scheme}://{to.netloc}", path=to.path + step.query, method="GET", headers=shown)
        proofs = step.proofs(self)
        return place.send(*proofs) if step.named == "DPoP" else place.send(**dict.fromkeys([step.named], proofs[0]))


@dataclass(frozen=True)
class Step:
    name: str
    proofs: Callable[[Resource], list[str]]  # how the proof is changed, and how many of them are sent
    accepted: bool = False
    named: str = "DPoP"
    scheme: str = "DPoP"
    query: str = ""


def said(**claims: Any) -> Callable[[Resource], list[str]]:
    """A right proof but for these claims; None leaves out."""
    return lambda resource: [resource.proof(**claims)]


def headed(**header: Any) -> Callable[[Resource], list[str]]:
    """A right proof but for these members of its header; None leaves out."""
    return lambda resource: [resource.proof(header)]


def at(url: Callable[[str], str]) -> Callable[[Resource], list[str]]:
    """A right proof but for how its htu is written."""
    return lambda resource: [resource.proof(htu=url(resource.url))]


def later(seconds: int) -> Callable[[Resource], list[str]]:
    return lambda resource: [resource.proof(iat=int(time.time()) + seconds)]


def unsigned(resource: Resource) -> list[str]:
    header, claims = resource.header(alg="none"), resource.claims()
    return [f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}."]


def signed_otherwise(resource: Resource) -> list[str]:
    one, other = (resource.proof().rpartition(".") for _ in range(2))
    return [f"{one[0]}.{other[2]}"]


def with_private_key(resource: Resource) -> list[str]:
    private = {name: value for name, value in resource.key.jwk.items() if name not in ("kid", "use", "alg")}
    return [resource.proof({"jwk": private})]


def by_another_key(resource: Resource) -> list[str]:
    return [replace(resource, key=SigningKey.new("PS256")).proof()]


STEPS = (
    Step("a right proof", said(), accepted=True),
    Step("the header's name in capitals", said(), accepted=True, named="DPOP"),
    Step("more than one proof", lambda resource: [resource.proof(), resource.proof()]),
    Step("no well-formed JWT", lambda resource: [resource.proof().replace(".", "!")]),
    Step("typ is missing", headed(typ=None)),
    Step("alg is missing", headed(alg=None)),
    Step("jwk is missing", headed(jwk=None)),
    Step("jti is missing", said(jti=None)),
    Step("htm is missing", said(htm=None)),
    Step("htu is missing", said(htu=None)),
    Step("iat is missing", said(iat=None)),
    Step("ath is missing", said(ath=None)),
    Step("typ is that of another token", headed(typ="JWT")),
    Step("alg is RS256", lambda resource: [resource.proof({"alg": "RS256"}, alg="RS256")]),
    Step("alg is none", unsigned),
    Step("the signature is another proof's", signed_otherwise),
    Step("jwk holds the private key", with_private_key),
    Step("htm is another method", said(htm="PUT")),
    Step("htu has a query and a fragment", at(lambda url: f"{url}?a=b#c"), accepted=True),
    Step("htu lacks the query of the request", said(), accepted=True, query="?a=b"),
    Step("htu is another address", at(lambda url: f"{url}/token")),
    Step("htu is at another host", at(lambda url: url.replace("idp.", "other."))),
    Step("iat is in an hour", later(HOUR_SECONDS)),
    Step("iat is an hour ago", later(-HOUR_SECONDS)),
    Step("jti is used", lambda resource: [resource.proof(jti=resource.jti)], accepted=True),
    Step("jti is used again", lambda resource: [resource.proof(jti=resource.jti)]),
    Step("ath is another token's", said(ath=b64(hashlib.sha256(b"another").digest()))),
    Step("another key than the token's", by_another_key),
    Step("more in header and claims than anybody knows", lambda resource: [resource.proof({"cty": "x"}, more="y")],
         accepted=True),
    Step("htu in capitals", at(lambda url: url.replace("http://idp.localhost", "HTTP://IDP.LOCALHOST")), accepted=True),
    Step("htu with the usual port, where ours is another", at(lambda url: re.sub(r":\d+", ":80", url))),
    Step("no proof", lambda _: []),
    Step("no proof, and the token as Bearer", lambda _: [], scheme="Bearer"),
    Step("a right proof, and the token as Bearer", said(), scheme="Bearer"),
    Step("a right proof, after all that", said(), accepted=True),
)  # fmt: skip


@with_dpop_and_systems
def test_fapi2_security_profile_final_dpop_negative_tests(client: NewClient, profile: str) -> None:
    first = client(profile)
    first.dpop = SigningKey.new("PS256")
    resource = Resource(first.resource_url, first.access_token(), first.dpop)
    wrong = []
    for step in STEPS:
        reply = resource.reply(step)
        if reply.status not in ((200,) if step.accepted else (400, 401)):
            wrong.append(f"{step.name}: {reply.status} {reply.text}")
        elif not step.accepted and reply.told["error"] not in ("invalid_dpop_proof", "invalid_token"):
            wrong.append(f"{step.name}: {reply.text}")
    assert wrong == []
