"""A relying party as the suite plays it: asks, is answered, redeems, reads. Every parameter is in a test's hands."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import requests

from idp.clients import Client
from tests.conformance.deployment import CERTIFICATE_HEADER, Deployment
from tests.conformance.suite_browser import SuiteBrowser, Visit
from tests.conformance.suite_keys import SigningKey, assertion, changed, half_hash, pkce, proof, request_object

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ISSUED_WITHIN_SECONDS = 300
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Asked:
    """An authorization request: its parameters as they go to /authorize, and what belongs to it."""

    parameters: Mapping[str, Any]
    nonce: str | None = None
    verifier: str | None = None
    key: SigningKey | None = None  # the DPoP key that the code is bound to


@dataclass(frozen=True)
class Tokens:
    """What a whole sign-in brought. `claims` are the id_token's, checked as the suite checks them."""

    asked: Asked
    visit: Visit
    body: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.body["access_token"])

    @property
    def id_token(self) -> str:
        return str(self.body["id_token"])

    @property
    def refresh_token(self) -> str:
        return str(self.body["refresh_token"])


@dataclass
class SuiteClient:
    """`configuration` is what `idp conformance prepare` wrote for a profile, `part` which client of it this is."""

    deployment: Deployment
    configuration: Mapping[str, Any]
    part: str = "client"
    module: str = ""  # the suite's module, for what its browser does differently there
    response_mode: str | None = None  # asked for in every request
    # What each of its assertions, and each of its DPoP proofs, says in place of what it should.
    asserts: Callable[[], Mapping[str, Any]] = dict
    proves: Callable[[], Mapping[str, Any]] = dict
    browser: SuiteBrowser = field(init=False)
    dpop: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self.browser = SuiteBrowser(self.deployment.suite.address)
        self.dpop = SigningKey.new("ES256")

    # ---- who it is ----

    @property
    def id(self) -> str:
        return str(self.configuration[self.part]["client_id"])

    @property
    def registered(self) -> Client:
        found = self.deployment.house.clients.find(self.id)
        assert found is not None
        return found

    @property
    def redirect_uri(self) -> str:
        return f"{self.deployment.suite.address}/callback"

    @property
    def key(self) -> SigningKey:
        """With what it signs assertions and request objects."""
        return SigningKey(self.configuration[self.part]["jwks"]["keys"][0])

    @property
    def certificate_pem(self) -> str | None:
        shown = self.configuration.get("mtls2" if self.part == "client2" else "mtls")
        return None if shown is None else str(shown["cert"])

    @property
    def is_system(self) -> bool:
        """Whether it asks for itself, and nobody signs in."""
        return "client_credentials" in self.registered.grant_types

    @property
    def resource_url(self) -> str:
        return str(self.configuration["resource"]["resourceUrl"])

    @property
    def uses_dpop(self) -> bool:
        return self.registered.dpop_bound_access_tokens

    def authenticated(self, **changes: Any) -> tuple[dict[str, str], dict[str, str]]:
        """The form members and headers that prove who it is, as it registered; `changes` are of its assertion."""
        method, secret = self.registered.token_endpoint_auth_method, self.configuration[self.part].get("client_secret")
        if method == "client_secret_basic":
            pair = f"{quote_plus(self.id)}:{quote_plus(secret)}"
            return {}, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if method == "client_secret_post":
            return {"client_id": self.id, "client_secret": secret}, {}
        if method == "private_key_jwt":
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            signed = assertion(self.key, self.id, self.deployment.issuer, **{**self.asserts(), **changes})
            return {"client_id": self.id, "client_assertion_type": kind, "client_assertion": signed}, {}
        return {"client_id": self.id}, {}

    # ---- asking ----

    def ask(self, *, with_pkce: bool | None = None, **changes: Any) -> Asked:
        """A request with what the suite sends: no PKCE unless the client must. Changes replace; None leaves out."""
        given: dict[str, Any] = {
            "client_id": self.id, "redirect_uri": self.redirect_uri, "scope": "openid", "response_type": "code",
            "state": random_word(), "nonce": random_word(), "response_mode": self.response_mode,
        }  # fmt: skip
        verifier = None
        if self.registered.pkce_required if with_pkce is None else with_pkce:
            verifier, challenge = pkce()
            given |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        parameters = changed(given, changes)
        key = self.dpop if self.uses_dpop else None
        return Asked(parameters, parameters.get("nonce"), verifier, key)

    def ask_pushed(self, *, signed: bool | None = None, **changes: Any) -> Asked:
        """As `ask`, pushed first (and signed where the client must): what goes to /authorize is the request_uri."""
        asked = self.ask(**changes)
        answer = self.push(asked.parameters, signed=signed)
        assert answer.status_code == 201, answer.text
        onward = {"client_id": self.id, "request_uri": answer.json()["request_uri"]}
        return Asked(onward, asked.nonce, asked.verifier, asked.key)

    def push(self, parameters: Mapping[str, Any], *, signed: bool | None = None, **object_changes: Any) -> Any:
        """The answer of the PAR endpoint (RFC 9126); `object_changes` are of the request object's claims."""
        sent = dict(parameters)
        if self.registered.require_signed_request_object if signed is None else signed:
            sent = {"client_id": self.id, "request": self.request_object(parameters, **object_changes)}
        return self.post("pushed_authorization_request_endpoint", sent, dpop=self.uses_dpop)

    def request_object(self, parameters: Mapping[str, Any], **changes: Any) -> str:
        return request_object(self.key, self.id, self.deployment.issuer, parameters, **changes)

    def visit(self, asked: Asked, *, method: str = "GET", automatically: bool = True) -> Visit:
        """Where the request leads its browser; without tasks it stops at the first page of ours."""
        endpoint = self.deployment.endpoint("authorization_endpoint")
        entries = self._tasks() if automatically else []
        if method == "POST":
            return self.browser.visit(endpoint, entries, method="POST", data=dict(asked.parameters))
        return self.browser.visit(f"{endpoint}?{urlencode(asked.parameters, quote_via=quote)}", entries)

    def _tasks(self) -> list[Mapping[str, Any]]:
        special = self.configuration["override"].get(self.module, self.configuration)
        found: list[Mapping[str, Any]] = special["browser"]
        return found

    # ---- redeeming ----

    def post(self, endpoint: str, form: Mapping[str, Any], *, dpop: bool = False, **headers: str) -> requests.Response:
        """The answer of one of our endpoints, by its name in discovery, to this client, proven as it registered."""
        url = self.deployment.endpoint(endpoint, mtls=self.certificate_pem is not None)

        def send(proven_by: Mapping[str, str]) -> requests.Response:
            members, proven = self.authenticated()  # anew each time: an assertion is good for one request
            sent = {**proven, **self._shown(), **proven_by, **headers}
            return self.deployment.http.post(url, data={**form, **members}, headers=sent, timeout=TIMEOUT_SECONDS)

        return self._proving("POST", url, send) if dpop and "DPoP" not in headers else send({})

    def _proving(
        self, method: str, url: str, send: Callable[[Mapping[str, str]], requests.Response],
        access_token: str | None = None,
    ) -> requests.Response:  # fmt: skip
        """The answer to a request with a proof, once more with a nonce where one is asked for (RFC 9449 section 8)."""
        answer = send({"DPoP": proof(self.dpop, method, url, access_token=access_token, **self.proves())})
        if "use_dpop_nonce" not in answer.text:
            return answer
        proving = {"nonce": answer.headers["DPoP-Nonce"], **self.proves()}
        return send({"DPoP": proof(self.dpop, method, url, access_token=access_token, **proving)})

    def redeem(self, asked: Asked, code: str, **changes: Any) -> requests.Response:
        """The token endpoint's answer to the code."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri,
            "code_verifier": asked.verifier,
        }  # fmt: skip
        return self.post("token_endpoint", changed(form, changes), dpop=self.uses_dpop)

    def asked_for_itself(self, **changes: Any) -> requests.Response:
        """The token endpoint's answer to a system (RFC 6749 section 4.4)."""
        form = {"grant_type": "client_credentials", "scope": self.configuration[self.part]["scope"]}
        return self.post("token_endpoint", changed(form, changes), dpop=self.uses_dpop)

    def refresh(self, refresh_token: str, **changes: Any) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("token_endpoint", changed(form, changes), dpop=self.uses_dpop)

    def userinfo(self, access_token: str, *, by: str = "get", **headers: str) -> requests.Response:
        """The claims, asked for `by` get, post-header or post-body (OpenID Connect Core section 5.3.1)."""
        url = self.deployment.endpoint("userinfo_endpoint", mtls=self.certificate_pem is not None)
        return self._called(url, access_token, by, headers)

    def resource(self, access_token: str, *, by: str = "get", **headers: str) -> requests.Response:
        """The answer of the API that its configuration names: userinfo, or what systems call."""
        return self._called(self.resource_url, access_token, by, headers)

    def _called(self, url: str, access_token: str, by: str, headers: Mapping[str, str]) -> requests.Response:
        method, in_body = "GET" if by == "get" else "POST", by == "post-body"
        shown = {} if in_body else {"Authorization": f"{'DPoP' if self.uses_dpop else 'Bearer'} {access_token}"}
        data = {"access_token": access_token} if in_body else None

        def send(proven_by: Mapping[str, str]) -> requests.Response:
            sent = {**shown, **self._shown(), **proven_by, **headers}
            return self.deployment.http.request(method, url, data=data, headers=sent, timeout=TIMEOUT_SECONDS)

        return self._proving(method, url, send, access_token) if self.uses_dpop and "DPoP" not in headers else send({})

    def _shown(self) -> dict[str, str]:
        """Its certificate, as the proxy in front of the provider hands it on."""
        return {} if self.certificate_pem is None else {CERTIFICATE_HEADER: quote(self.certificate_pem)}

    # ---- the whole way ----

    def access_token(self) -> str:
        """One that opens its resource: somebody's who signs in, or a system's own."""
        if not self.is_system:
            return self.sign_in().access_token
        answer = self.asked_for_itself()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def sign_in(self, **changes: Any) -> Tokens:
        """The happy flow: ask (pushed where the client must), sign in, redeem, and check all that came."""
        pushed = self.registered.require_pushed_authorization_requests
        asked = self.ask_pushed(**changes) if pushed else self.ask(**changes)
        return self.redeemed(asked, self.visit(asked))

    def redeemed(self, asked: Asked, visit: Visit) -> Tokens:
        told = self.answer(visit)
        answer = self.redeem(asked, told["code"])
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["token_type"] == ("DPoP" if self.uses_dpop else "Bearer")
        return Tokens(asked, visit, body, self.checked(body["id_token"], asked.nonce, body["access_token"]))

    def answer(self, visit: Visit) -> Mapping[str, str]:
        """The parameters of the answer, out of their signed token where it is one; `iss` is ours in any case."""
        told = visit.answer
        if "response" in told:
            assert told.keys() == {"response"}, "JARM: nothing beside the token"
            told = self.opened(told["response"])
        assert told["iss"] == self.deployment.issuer, "RFC 9207"
        return told

    def opened(self, response: str) -> Mapping[str, str]:
        """A signed answer, checked (JARM section 2.4)."""
        claims = self.deployment.verified(response, self.registered.authorization_signed_response_alg)
        assert (claims["iss"], claims["aud"]) == (self.deployment.issuer, self.id)
        assert time.time() < claims["exp"] <= time.time() + 600
        return {name: value for name, value in claims.items() if name not in ("aud", "exp")}

    def checked(self, id_token: str, nonce: str | None, access_token: str | None = None) -> Mapping[str, Any]:
        """The claims of an id_token, after what the suite demands of each (OpenID Connect Core section 3.1.3.7)."""
        alg = self.registered.id_token_signed_response_alg
        claims = self.deployment.verified(id_token, alg)
        assert claims["iss"] == self.deployment.issuer
        assert claims["aud"] in (self.id, [self.id])
        assert claims.get("azp", self.id) == self.id
        assert isinstance(claims["sub"], str)
        assert 0 < len(claims["sub"]) <= 255
        assert abs(time.time() - claims["iat"]) < ISSUED_WITHIN_SECONDS
        assert claims["exp"] > time.time()
        assert claims.get("nonce") == nonce
        assert claims.get("acr") != ""
        assert claims["auth_time"] <= claims["iat"] + 5
        if access_token is not None and "at_hash" in claims:
            assert claims["at_hash"] == half_hash(access_token, alg)
        return claims


def random_word(characters: int = 10) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(characters))
