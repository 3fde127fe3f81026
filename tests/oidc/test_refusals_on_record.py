"""Every refusal is an event with its code, under the id that the answer carries: what the support desk asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.app import create_app
from tests.oidc.asserting import TYPE, Asserting, jwks, private_key, public_jwk
from tests.oidc.residents import Resident, seconds_later
from tests.world import Portal, World

Portals = Callable[..., Portal]


@dataclass
class Desk:
    """A worker that has just started, so that it holds no repeated refusal back, and what it puts on record."""

    client: FlaskClient
    country: World
    portal: Portal
    resident: Resident

    def authorize(self, **asked: str | None) -> TestResponse:
        return self.client.get(f"/authorize?{urlsplit(self.portal.ask(**asked).url).query}")

    def token(self, *, secret: str | None = None, **changes: str | None) -> TestResponse:
        code, request = self.resident.code(self.portal)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.portal.redirect_uri,
            "code_verifier": request.verifier,
        } | changes  # fmt: skip
        sent = {name: value for name, value in form.items() if value is not None}
        return self.client.post("/token", data=sent, auth=(self.portal.id, secret or self.portal.secret or ""))

    def events(self, answer: TestResponse) -> list[dict[str, Any]]:
        request_id = answer.headers["X-Request-Id"]
        return [event for event in self.country.house.audit.export() if event["request_id"] == request_id]


@pytest.fixture
def desk(country: World, portal: Portal, resident: Resident) -> Desk:
    client: FlaskClient = create_app(country.settings).test_client()
    client.set_cookie("session", resident.cookie, domain="localhost")
    return Desk(client, country, portal, resident)


def _second_use(desk: Desk) -> TestResponse:
    code, request = desk.resident.code(desk.portal)
    desk.portal.redeem(code, request.verifier)
    return desk.token(code=code, code_verifier=request.verifier)


def _after_sign_out(desk: Desk) -> TestResponse:
    code, request = desk.resident.code(desk.portal)
    with desk.country.house.database.write() as tx:
        desk.country.house.sessions.end(tx, desk.resident.session_id, "in a test")
    form = {"code": code, "code_verifier": request.verifier, "redirect_uri": desk.portal.redirect_uri}
    auth = (desk.portal.id, desk.portal.secret or "")
    return desk.client.post("/token", data=form | {"grant_type": "authorization_code"}, auth=auth)


def _switched_off(desk: Desk) -> TestResponse:
    with desk.country.house.database.write() as tx:
        desk.country.house.clients.set_enabled(tx, desk.portal.id, enabled=False)
    return desk.authorize()


def _exempt(desk: Desk) -> TestResponse:
    desk.portal = desk.country.portal(f"exempt-{desk.portal.id}", pkce_required=False)
    return desk.authorize(nonce=None)


def _strong(desk: Desk) -> TestResponse:
    desk.portal = desk.country.portal(f"strong-{desk.portal.id}", minimum_level=4)
    return desk.authorize()


def _new_portal(desk: Desk) -> TestResponse:
    desk.portal = desk.country.portal(f"new-{desk.portal.id}")
    return desk.authorize(prompt="none")


def _old_proof(desk: Desk) -> TestResponse:
    with seconds_later(300):
        return desk.authorize(prompt="none", max_age="60")


def _push(desk: Desk, **asked: str | None) -> TestResponse:
    fields = dict(desk.portal.ask(**asked).parameters)
    return desk.client.post("/par", data=fields, auth=(desk.portal.id, desk.portal.secret or ""))


def _registered(**registration: Any) -> Callable[[Desk], TestResponse]:
    def ask(desk: Desk) -> TestResponse:
        desk.portal = desk.country.portal(f"other-{desk.portal.id}", **registration)
        return desk.authorize(prompt="none")

    return ask


def _asserted(times: int = 1, **claims: Any) -> Callable[[Desk], TestResponse]:
    def ask(desk: Desk) -> TestResponse:
        registered = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(public_jwk("ES256", kid="k1"))}
        desk.portal = desk.country.portal(f"signs-{desk.portal.id}", **registered)
        assertion = Asserting(desk.portal, "ES256", private_key("ES256")).signed(**claims)
        sent = {"grant_type": "authorization_code", "client_assertion": assertion, "client_assertion_type": TYPE}
        return [desk.client.post("/token", data=sent) for _ in range(times)][-1]

    return ask


REFUSALS: dict[str, Callable[[Desk], TestResponse]] = {
    "A01": lambda desk: desk.authorize(client_id="nobody"),
    "A02": lambda desk: desk.authorize(redirect_uri="http://elsewhere.example/"),
    "A03": lambda desk: desk.client.get(f"/authorize?{urlsplit(desk.portal.ask().url).query}&scope=openid"),
    "A04": lambda desk: desk.authorize(max_age="soon"),
    "A05": lambda desk: desk.authorize(response_type="token"),
    "A06": lambda desk: desk.authorize(code_challenge=None),
    "A07": _exempt,
    "A08": lambda desk: desk.authorize(scope="profile"),
    "A09": lambda desk: desk.authorize(request="x"),
    "A10": lambda desk: desk.authorize(request_uri="x"),
    "A11": lambda desk: desk.authorize(registration="x"),
    "A12": lambda desk: desk.authorize(prompt="none login"),
    "A13": lambda desk: desk.authorize(response_mode="web_message"),
    "A14": _old_proof,
    "A15": _new_portal,
    "A16": _strong,
    "A18": _switched_off,
    "A19": lambda desk: desk.authorize(
        prompt="none", claims=json.dumps({"id_token": {"sub": {"value": "nobody"}}})
    ),
    "A20": lambda desk: desk.authorize(id_token_hint="x"),
    "A23": _registered(require_pushed_authorization_requests=True),
    "A24": _registered(require_signed_request_object=True, jwks={"keys": [public_jwk("RS256", kid="k1")]}),
    "A25": lambda desk: desk.authorize(resource="https://api.example/"),
    "A26": lambda desk: _push(desk, request_uri="x"),
    "A28": lambda desk: _push(desk, scope="profile"),
    "A29": lambda desk: _push(desk, response_type="token"),
    "A31": _registered(grant_types=["client_credentials"]),
    "T01": lambda desk: desk.token(secret="guessed"),
    "T02": lambda desk: desk.token(code="x"),
    "T03": _second_use,
    "T04": lambda desk: desk.token(redirect_uri="http://elsewhere.example/"),
    "T05": lambda desk: desk.token(code_verifier="x" * 43),
    "T06": lambda desk: desk.token(grant_type="password"),
    "T07": lambda desk: desk.token(code=None),
    "T08": _after_sign_out,
    "T09": _asserted(times=2),
    "T10": _asserted(aud="https://other.example"),
    "T11": _asserted(exp=1),
    "T12": _asserted(jti=None),
    "U01": lambda desk: desk.client.get("/userinfo"),
    "U02": lambda desk: desk.client.get("/userinfo", headers={"Authorization": "Bearer x"}),
    "U03": lambda desk: desk.client.get("/userinfo?access_token=x"),
    "E01": lambda desk: desk.client.get("/logout?id_token_hint=x"),
    "E02": lambda desk: desk.client.get("/logout?post_logout_redirect_uri=x"),
    "L04": lambda desk: desk.client.get("/callback/bank?state=x"),
    "L07": lambda desk: desk.client.post("/logout/confirm", data={"form_token": "x"}),
    "G04": lambda desk: desk.client.post("/token", json={}),
}  # fmt: skip
OF_A_KNOWN_PORTAL = {code for code in REFUSALS if code[0] in "AT"} - {"A01", "A02", "A18"}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_on_record(desk: Desk, code: str) -> None:
    answer = REFUSALS[code](desk)
    (event,) = [event for event in desk.events(answer) if event["event"] == "refused"]
    assert event["details"] == {"code": code, "error": event["details"]["error"], "count": 1}
    assert event["client_id"] == (desk.portal.id if code in OF_A_KNOWN_PORTAL else None)
    location = answer.headers.get("Location", "")
    shown = parse_qs(urlsplit(location).query).get("error_description", [""])[0] if location else answer.text
    assert code in shown, "the person or the portal can name it"


def test_a_flood_of_refusals_is_counted_and_not_written(desk: Desk) -> None:
    answers = [desk.authorize(scope="profile") for _ in range(20)]
    written = [event for answer in answers for event in desk.events(answer)]
    assert 1 <= len(written) < 10


def test_what_is_on_record_names_nobody_and_holds_no_secret(desk: Desk) -> None:
    tokens = desk.resident.tokens(desk.portal)
    for code in ("A04", "T01", "T02", "U02", "E01"):
        REFUSALS[code](desk)
    kept = json.dumps(list(desk.country.house.audit.export()), ensure_ascii=False)
    person = desk.country.house.people.find(desk.resident.person_id)
    assert person is not None
    for secret in (
        tokens.access_token, tokens.id_token, tokens.answer["code"], desk.portal.secret, desk.resident.cookie,
        person.name, person.personal_number, person.email, person.phone, tokens.claims["sub"],
    ):  # fmt: skip
        assert secret
        assert secret not in kept


def test_a_redemption_is_on_record_with_whom_and_what(desk: Desk) -> None:
    answer = desk.token()
    assert answer.status_code == 200
    (granted,) = desk.events(answer)
    assert (granted["event"], granted["client_id"]) == ("granted", desk.portal.id)
    assert (granted["person_id"], granted["session_id"]) == (desk.resident.person_id.hex(), desk.resident.session)
    assert granted["details"]["level"] == 3
    assert set(granted["details"]["claims"]) >= {"name", "birthdate"}


def test_a_revocation_is_on_record(desk: Desk) -> None:
    events = {event["event"] for event in desk.events(_second_use(desk))}
    assert events == {"grant_revoked", "refused"}
