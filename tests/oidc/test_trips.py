"""What a request costs: round trips to stores and commits (design, decision 3). A number that grows is a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.storage import trips
from tests.oidc.holder import OFFLINE, bought
from tests.oidc.packing import pushed
from tests.oidc.proving import at_userinfo, bound_token
from tests.oidc.residents import Resident
from tests.world import Portal, World, parameters_of

Residents = Callable[..., Resident]
TRIES = 5


@pytest.fixture
def client(country: World, resident: Resident) -> FlaskClient:
    """The resident's browser, served in this very thread, so that its trips can be counted."""
    client: FlaskClient = country.app.test_client()
    client.set_cookie("session", resident.cookie, domain="localhost")
    return client


def cost(ask: Callable[[], TestResponse], status: int) -> Counter[str]:
    """The trips of the cheapest of a few: once a second somebody also looks whether portals or keys have changed."""
    counted = []
    for _ in range(TRIES):
        with trips.counted() as counter:
            answer = ask()
        assert answer.status_code == status, answer.text
        counted.append(counter)
    return min(counted, key=lambda counter: sum(counter.values()))


def authorized(client: FlaskClient, portal: Portal, **asked: str | None) -> Callable[[], TestResponse]:
    return lambda: client.get(f"/authorize?{urlsplit(portal.ask(**asked).url).query}")


def redeemed(client: FlaskClient, portal: Portal, method: str = "basic") -> Callable[[], TestResponse]:
    """Redeems a fresh code; what the code costs is not counted."""
    waiting = []
    for _ in range(TRIES):
        request = portal.ask()
        code = parameters_of(client.get(f"/authorize?{urlsplit(request.url).query}").headers["Location"])["code"]
        waiting.append((code, request.verifier))
    auth = (portal.id, portal.secret or "") if method == "basic" else None
    named = {
        "basic": {},
        "post": {"client_id": portal.id, "client_secret": portal.secret},
        "none": {"client_id": portal.id},
    }

    def ask() -> TestResponse:
        code, verifier = waiting.pop()
        form = {
            "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
            "redirect_uri": portal.redirect_uri, **named[method],
        }  # fmt: skip
        return client.post("/token", data=form, auth=auth)

    return ask


def test_authorize_with_a_session_is_one_read(client: FlaskClient, portal: Portal) -> None:
    assert cost(authorized(client, portal), 303) == Counter(read=1)


@pytest.mark.parametrize(
    "asked", [{"prompt": "none"}, {"max_age": "9999"}, {"acr_values": "LoA3"}, {"ui_locales": "en"}]
)
def test_what_else_a_portal_says_costs_no_more(client: FlaskClient, portal: Portal, asked: dict[str, str]) -> None:
    assert cost(authorized(client, portal, **asked), 303) == Counter(read=1)


def test_a_hint_costs_one_read_more(client: FlaskClient, portal: Portal, resident: Resident) -> None:
    """The sub in it is looked up."""
    hint = resident.tokens(portal).id_token
    assert cost(authorized(client, portal, id_token_hint=hint), 303) == Counter(read=2)


@pytest.mark.parametrize("mode", ["form_post", "jwt"])
def test_the_way_back_costs_nothing(client: FlaskClient, portal: Portal, mode: str) -> None:
    status = 200 if mode == "form_post" else 303
    assert cost(authorized(client, portal, response_mode=mode), status) == Counter(read=1)


def test_a_pushed_request_is_read_once_and_spent_in_two_steps(client: FlaskClient, portal: Portal) -> None:
    names = [pushed(portal, portal.ask().parameters) for _ in range(TRIES)]
    path = f"/authorize?client_id={portal.id}&request_uri="
    spent = cost(lambda: client.get(path + names.pop()), 303)
    assert spent["short_lived"] == 3
    assert spent["read"] <= 2  # the second is the short-lived store's own, where that is a database


def test_a_code_costs_one_commit_and_nothing_else(client: FlaskClient, portal: Portal) -> None:
    """Grant and audit event in one statement; no short-lived store, no read before it."""
    assert cost(redeemed(client, portal), 200) == Counter(commit=1)


@pytest.mark.parametrize("method", ["post", "none"])
def test_so_it_is_for_every_kind_of_client(
    country: World, portals: Callable[..., Portal], residents: Residents, method: str
) -> None:
    portal = portals(token_endpoint_auth_method={"post": "client_secret_post"}.get(method, method))
    client = country.app.test_client()
    client.set_cookie("session", residents(portal).cookie, domain="localhost")
    assert cost(redeemed(client, portal, method), 200) == Counter(commit=1)


def test_renewing_what_was_bought_is_a_read_and_a_commit_and_introspection_one_read(
    country: World, portals: Callable[..., Portal], residents: Residents
) -> None:
    portal = portals(**OFFLINE)
    tokens, client = bought(residents(portal), portal), country.app.test_client()
    auth = (portal.id, portal.secret or "")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert cost(lambda: client.post("/token", data=form, auth=auth), 200) == Counter(read=1, commit=1)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        asked = {"token": token}
        assert cost(lambda asked=asked: client.post("/introspect", data=asked, auth=auth), 200) == Counter(read=1)


def test_a_system_s_token_is_one_commit(country: World, portals: Callable[..., Portal]) -> None:
    system, client = portals(grant_types=["client_credentials"]), country.app.test_client()
    form, auth = {"grant_type": "client_credentials"}, (system.id, system.secret or "")
    assert cost(lambda: client.post("/token", data=form, auth=auth), 200) == Counter(commit=1)


def test_userinfo_is_one_read(client: FlaskClient, portal: Portal, resident: Resident) -> None:
    token = resident.tokens(portal).access_token
    headers = {"Authorization": f"Bearer {token}"}
    assert cost(lambda: client.get("/userinfo", headers=headers), 200) == Counter(read=1)


def test_userinfo_with_a_proof_is_one_trip_to_the_short_lived_store_more(
    client: FlaskClient, portals: Callable[..., Portal], residents: Residents
) -> None:
    """And that is one commit where the store is a database."""
    portal = portals(dpop_bound_access_tokens=True)
    place = at_userinfo(portal, bound_token(residents(portal), portal))
    shown = cost(lambda: client.get("/userinfo", headers={**place.headers, "DPoP": place.proof()}), 200)
    assert (shown["read"], shown["short_lived"], shown["commit"]) == (1, 1, 1)


def test_a_proof_that_is_none_costs_nothing(
    client: FlaskClient, portals: Callable[..., Portal], residents: Residents
) -> None:
    """Whoever made it, and whosever key it is: before the store is asked everything else is right."""
    portal = portals(dpop_bound_access_tokens=True)
    place = at_userinfo(portal, bound_token(residents(portal), portal))
    for wrong in (place.proof(ath="x"), place.proof(number=2), place.proof(htm="POST"), "nonsense"):
        headers = {**place.headers, "DPoP": wrong}
        assert cost(lambda headers=headers: client.get("/userinfo", headers=headers), 401) == Counter()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
def test_what_is_published_costs_nothing(client: FlaskClient, path: str) -> None:
    assert cost(lambda: client.get(path), 200) == Counter()


def test_a_token_that_is_none_costs_no_read(client: FlaskClient) -> None:
    """So that nobody can make us work by sending nonsense. The first of a second is put on record."""
    headers = {"Authorization": "Bearer mc_at_nonsense"}
    assert cost(lambda: client.get("/userinfo", headers=headers), 401) == Counter()


def test_a_code_that_is_none_costs_no_read(client: FlaskClient, portal: Portal) -> None:
    form = {"grant_type": "authorization_code", "code": "nonsense", "redirect_uri": portal.redirect_uri}
    auth = (portal.id, portal.secret or "")
    assert cost(lambda: client.post("/token", data=form, auth=auth), 400) == Counter()


def test_a_request_without_a_session_costs_a_fixed_number_of_trips(country: World, portal: Portal) -> None:
    """A sign-in begins: the count of its network and the sign-in itself, in the short-lived store."""
    stranger = country.app.test_client()
    begun = cost(authorized(stranger, portal), 303)
    assert (begun["read"], begun["short_lived"]) == (0, 2)


def test_signing_out_is_one_commit(country: World, portal: Portal, residents: Residents) -> None:
    resident = residents(portal)
    hint = urlencode({"id_token_hint": resident.tokens(portal).id_token})
    client = country.app.test_client()
    client.set_cookie("session", resident.cookie, domain="localhost")
    with trips.counted() as counter:
        assert client.get(f"/logout?{hint}").status_code == 200
    assert counter["commit"] == 1
    assert counter["read"] <= 3
