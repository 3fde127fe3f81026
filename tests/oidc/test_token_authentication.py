"""Who may ask `/token`: each client by the one method it registered (RFC 6749 sections 2.3 and 3.2.1)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests

from tests.oidc.asserting import TYPE, Asserting, jwks, private_key, public_jwk
from tests.oidc.residents import Resident, fresh_name
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
METHODS = ("client_secret_basic", "client_secret_post", "none", "client_secret_jwt", "private_key_jwt")
# What must be registered with a method; certificates come with a handshake, of which there is none in these tests.
WITH: dict[str, dict[str, Any]] = {
    "private_key_jwt": {"jwks": jwks(public_jwk("ES256", kid="k1"))},
    "self_signed_tls_client_auth": {"jwks": jwks(public_jwk("ES256", kid="k1"))},
    "tls_client_auth": {"tls_client_auth_san_dns": "cong.example.vn"},
}
FORM = "application/x-www-form-urlencoded"


def basic(client_id: str, secret: str) -> dict[str, str]:
    """RFC 6749 section 2.3.1: both halves are form-encoded first."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class Counter:
    """The token endpoint, asked about one fresh code in one way or another."""

    def __init__(self, resident: Resident, portal: Portal) -> None:
        self.portal = portal
        code, request = resident.code(portal)
        self.form: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri,
            "code_verifier": request.verifier,
        }  # fmt: skip

    def ask(self, headers: dict[str, str] | None = None, **fields: str | None) -> requests.Response:
        sent = {name: value for name, value in (self.form | fields).items() if value is not None}
        return self.send(urlencode(sent), headers)

    def send(self, body: str | bytes, headers: dict[str, str] | None = None, method: str = "POST") -> requests.Response:
        headers = {"Content-Type": FORM} | (headers or {})
        world = self.portal.world
        return world.http.request(method, f"{world.issuer}/token", data=body, headers=headers, timeout=30)

    def by(self, method: str, *, client_id: str | None = None, secret: str | None = None) -> requests.Response:
        client_id, secret = client_id or self.portal.id, secret or self.portal.secret or "s"
        if method == "client_secret_basic":
            return self.ask(basic(client_id, secret))
        if method == "client_secret_post":
            return self.ask(client_id=client_id, client_secret=secret)
        if method == "none":
            return self.ask(client_id=client_id)
        of_secret = Asserting(self.portal, "HS256", secret.ljust(32, "x"), None)
        signer = of_secret if method == "client_secret_jwt" else Asserting(self.portal, "ES256", private_key("ES256"))
        assertion = signer.signed(iss=client_id, sub=client_id)
        return self.ask(client_assertion=assertion, client_assertion_type=TYPE)


def refused(answer: requests.Response, error: str, status: int) -> dict[str, Any]:
    """RFC 6749 section 5.2."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["error"]) == (status, error), answer.text
    assert told.keys() == {"error", "error_description"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return told


@pytest.mark.parametrize("registered", [*METHODS, "tls_client_auth", "self_signed_tls_client_auth"])
@pytest.mark.parametrize("used", METHODS)
def test_a_client_authenticates_by_its_own_method_and_no_other(
    portals: Portals, residents: Residents, registered: str, used: str
) -> None:
    portal = portals(token_endpoint_auth_method=registered, **WITH.get(registered, {}))
    counter = Counter(residents(portal), portal)
    answer = counter.by(used)
    if registered == used:
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
        return
    assert refused(answer, "invalid_client", 401)["error_description"].startswith("T01")
    if registered in METHODS:
        assert counter.by(registered).status_code == 200  # a failure to authenticate spends nothing


@pytest.mark.parametrize("method", METHODS[:2])
@pytest.mark.parametrize("secret", ["guessed", " ", "x" * 4000, "mật khẩu", "%00", "a:b"])
def test_a_wrong_secret_is_refused(portals: Portals, residents: Residents, method: str, secret: str) -> None:
    portal = portals(token_endpoint_auth_method=method)
    counter = Counter(residents(portal), portal)
    answer = counter.by(method, secret=secret)
    refused(answer, "invalid_client", 401)
    challenge = answer.headers.get("WWW-Authenticate")
    if method == "client_secret_basic":  # section 5.2
        assert challenge.startswith('Basic realm="token", error="invalid_client", error_description="T01')
    else:
        assert challenge is None
    assert counter.by(method).status_code == 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("client_id", ["nobody", "x" * 4000, "a\x00b", "cổng"])
def test_an_unknown_client_is_refused(resident: Resident, portal: Portal, method: str, client_id: str) -> None:
    refused(Counter(resident, portal).by(method, client_id=client_id), "invalid_client", 401)


def test_nobody_at_all_is_refused(resident: Resident, portal: Portal) -> None:
    refused(Counter(resident, portal).ask(), "invalid_client", 401)


@pytest.mark.parametrize("method", METHODS)
def test_a_client_that_is_switched_off_is_refused(portals: Portals, residents: Residents, method: str) -> None:
    portal = portals(token_endpoint_auth_method=method, **WITH.get(method, {}))
    counter, house = Counter(residents(portal), portal), portal.world.house
    for enabled in (False, True):
        with house.database.write() as tx:
            house.clients.set_enabled(tx, portal.id, enabled=enabled)
        house.changes.forget()
        answer = counter.by(method)
        if enabled:
            assert answer.status_code == 200, answer.text
        else:
            refused(answer, "invalid_client", 401)


def test_a_new_secret_voids_the_old_one(resident: Resident, portal: Portal) -> None:
    counter, house = Counter(resident, portal), portal.world.house
    with house.database.write() as tx:
        secret = house.clients.new_secret(tx, portal.id)
    house.changes.forget()
    refused(counter.by("client_secret_basic"), "invalid_client", 401)
    assert counter.by("client_secret_basic", secret=secret).status_code == 200


@pytest.mark.parametrize(
    "scheme", ["Basic", "Basic ", "Basic !", "Basic \xe9", "Basic \xa0", "Basic \x85x", "Basic YQ", "Basic gIA6gA==",
               "Basic " + base64.b64encode(b"no colon").decode(), "Basic Og==", "Bearer abc", "Digest username=x",
               "nonsense", "Basic " + "A" * 20_000]
)  # fmt: skip
def test_an_authorization_header_that_is_none_is_refused(resident: Resident, portal: Portal, scheme: str) -> None:
    counter = Counter(resident, portal)
    refused(counter.ask({"Authorization": scheme.encode("latin-1")}), "invalid_client", 401)  # type: ignore[dict-item]
    assert counter.by("client_secret_basic").status_code == 200


def test_the_scheme_is_written_in_any_case_and_the_name_may_be_repeated(resident: Resident, portal: Portal) -> None:
    assert portal.secret
    header = basic(portal.id, portal.secret)["Authorization"].replace("Basic", "bAsIc")
    assert Counter(resident, portal).ask({"Authorization": header}, client_id=portal.id).status_code == 200


def test_two_ways_at_once_are_refused(portals: Portals, residents: Residents) -> None:
    """RFC 6749 section 2.3."""
    portal, other = portals(), portals(token_endpoint_auth_method="client_secret_post")
    assert portal.secret
    counter, header = Counter(residents(portal), portal), basic(portal.id, portal.secret)
    refused(counter.ask(header, client_id=portal.id, client_secret=portal.secret), "invalid_request", 400)
    refused(counter.ask(header, client_secret=portal.secret), "invalid_request", 400)
    refused(counter.ask(header, client_id=other.id), "invalid_request", 400)
    assert counter.by("client_secret_basic").status_code == 200


@pytest.mark.parametrize(
    "fields, code, error",
    [
        ({"grant_type": None}, "T07", "invalid_request"),
        ({"grant_type": ""}, "T07", "invalid_request"),
        ({"grant_type": "password"}, "T06", "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "T23", "unauthorized_client"),
        ({"grant_type": "client_credentials"}, "T23", "unauthorized_client"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "T06", "unsupported_grant_type"),
        ({"code": None}, "T07", "invalid_request"),
        ({"unheard_of": "x" * 4097}, "T07", "invalid_request"),
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_refused(
    resident: Resident, portal: Portal, fields: dict[str, str | None], code: str, error: str
) -> None:
    assert portal.secret
    counter = Counter(resident, portal)
    told = refused(counter.ask(basic(portal.id, portal.secret), **fields), error, 400)
    assert told["error_description"].startswith(code)
    assert counter.ask(basic(portal.id, portal.secret), unheard_of="1").status_code == 200


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "unheard_of"])
def test_a_repeated_parameter_is_refused(resident: Resident, portal: Portal, name: str) -> None:
    """RFC 6749 section 3.2."""
    assert portal.secret
    counter = Counter(resident, portal)
    fields = {field: value for field, value in counter.form.items() if value} | {
        "client_id": portal.id,
        "unheard_of": "1",
    }
    body = urlencode(fields)
    header = basic(portal.id, portal.secret)
    refused(counter.send(f"{body}&{name}={quote(fields[name])}", header), "invalid_request", 400)
    assert counter.send(body, header).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_the_body_must_be_a_form(resident: Resident, portal: Portal, content_type: str) -> None:
    assert portal.secret
    headers = basic(portal.id, portal.secret) | {"Content-Type": content_type}
    refused(Counter(resident, portal).ask(headers), "invalid_request", 415)


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(60))])
def test_a_body_that_cannot_be_read_is_refused(resident: Resident, portal: Portal, body: bytes) -> None:
    refused(Counter(resident, portal).send(body), "invalid_request", 400)


def test_a_body_beyond_all_measure_is_refused(resident: Resident, portal: Portal) -> None:
    refused(Counter(resident, portal).send("a=" + "x" * 70_000), "invalid_request", 413)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(resident: Resident, portal: Portal, method: str) -> None:
    """RFC 6749 section 3.2: POST."""
    answer = Counter(resident, portal).send("", method=method)
    refused(answer, "invalid_request", 405)
    assert "POST" in answer.headers["Allow"]


def test_an_answer_is_kept_in_no_cache(resident: Resident, portal: Portal) -> None:
    answer = Counter(resident, portal).by("client_secret_basic")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 300)


@pytest.mark.parametrize("method", METHODS[:2])
def test_guessing_is_slowed_down_and_locks_nobody_out(
    country: World, portals: Portals, residents: Residents, method: str
) -> None:
    limit = country.settings.limits.failed_authentications_per_client_per_minute
    portal, other = portals(token_endpoint_auth_method=method), portals(token_endpoint_auth_method=method)
    counter, neighbour = Counter(residents(portal), portal), Counter(residents(other), other)
    statuses = [counter.by(method, secret=f"guess {number}").status_code for number in range(limit + 2)]
    assert statuses == [401] * limit + [429] * 2
    slowed = counter.by(method, secret="one more guess")
    assert refused(slowed, "temporarily_unavailable", 429)["error_description"].startswith("G06")
    assert slowed.headers["Retry-After"] == "60"
    assert neighbour.by(method, secret="guess").status_code == 401  # a portal pays for nobody else's guesses
    assert counter.by(method).status_code == 200


def test_names_that_nobody_has_are_counted_together(country: World, resident: Resident, portal: Portal) -> None:
    """So that nobody can fill the store with them."""
    limit = country.settings.limits.failed_authentications_per_client_per_minute
    counter = Counter(resident, portal)
    statuses = {
        counter.by("client_secret_basic", client_id=fresh_name(), secret="x").status_code for _ in range(limit + 1)
    }
    assert 429 in statuses
    assert counter.by("client_secret_basic").status_code == 200
