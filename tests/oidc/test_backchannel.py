"""Telling portals that a session is over (OpenID Connect Back-Channel Logout 1.0), to real portals over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from connectors.sandbox.cast import TO_TRY
from idp.keys import ALGORITHMS
from idp.oidc.backchannel import LOGOUT_EVENT, LOGOUT_TOKEN_SECONDS
from idp.sessions import LOGOUT_NOTICE
from tests.oidc.receivers import Receiver
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.world import Browser, Portal, World, listening

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture
def receiver(receivers: Callable[[], Receiver]) -> Receiver:
    return receivers()


@pytest.fixture
def listener(portals: Portals, receiver: Receiver) -> Portal:
    """A portal with a back channel."""
    return portals(backchannel_logout_uri=receiver.address)


def deliver(country: World) -> None:
    """What a worker does all the time."""
    house = country.house
    while house.outbox.deliver({LOGOUT_NOTICE: house.notices.deliver}):
        pass


def sign_out(resident: Resident, portal: Portal, id_token: str) -> None:
    query = urlencode({"id_token_hint": id_token})
    assert resident.browser.get(f"{portal.world.issuer}/logout?{query}").status == 200


def events(country: World, name: str, client_id: str) -> list[dict[str, Any]]:
    return [e for e in country.house.audit.export() if (e["event"], e["client_id"]) == (name, client_id)]


def verified(portal: Portal, token: str) -> dict[str, Any]:
    """The logout token, checked as section 2.6 tells a portal to."""
    keys = jwt.PyJWKSet.from_json(portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).text)
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "logout+jwt"
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], algorithms=ALGORITHMS, audience=portal.id, issuer=portal.world.issuer,
        options={"require": ["iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"]},
    )  # fmt: skip
    return claims


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_portal_is_told_that_its_person_has_left(
    country: World, portals: Portals, residents: Residents, receiver: Receiver, alg: str
) -> None:
    portal = portals(backchannel_logout_uri=receiver.address, id_token_signed_response_alg=alg)
    resident = residents(portal)
    tokens = resident.tokens(portal)
    deliver(country)
    assert receiver.posts == []
    sign_out(resident, portal, tokens.id_token)
    deliver(country)
    (post,), (token,) = receiver.posts, receiver.tokens
    assert (post.method, post.mimetype) == ("POST", "application/x-www-form-urlencoded")  # section 2.5
    assert list(post.form) == ["logout_token"]
    assert "Cookie" not in post.headers
    claims = verified(portal, token)
    assert claims.keys() == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}  # section 2.4: and no nonce
    assert (claims["sub"], claims["sid"]) == (tokens.claims["sub"], tokens.claims["sid"])
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert claims["exp"] - claims["iat"] == LOGOUT_TOKEN_SECONDS
    assert jwt.get_unverified_header(token)["alg"] == alg
    (delivered,) = events(country, "logout_delivered", portal.id)
    assert (delivered["session_id"], delivered["details"]["attempts"]) == (resident.session, 1)


def test_every_portal_of_the_session_is_told_once_and_no_other(
    country: World, portals: Portals, residents: Residents, receivers: Callable[[], Receiver]
) -> None:
    ears = [receivers() for _ in range(4)]
    first, second, not_visited, of_another = (portals(backchannel_logout_uri=ear.address) for ear in ears)
    deaf = portals()
    anh, chi = residents(first, second, not_visited, deaf), residents(of_another)
    tokens = [anh.tokens(portal) for portal in (first, second, first, deaf)]
    chi.tokens(of_another)
    page = anh.browser.get(f"{country.issuer}/logout?{urlencode({'id_token_hint': tokens[0].id_token})}")
    told = [portal.id for portal in (first, second, not_visited, deaf, of_another) if f"Cổng {portal.id}" in page.html]
    assert told == [first.id, second.id]
    deliver(country)
    assert [len(ear.tokens) for ear in ears] == [1, 1, 0, 0]
    said = [verified(portal, ear.tokens[0]) for portal, ear in zip((first, second), ears, strict=False)]
    assert said[0]["jti"] != said[1]["jti"]
    assert [claims["sub"] for claims in said] == [tokens[0].claims["sub"], tokens[1].claims["sub"]]
    with pytest.raises(jwt.InvalidAudienceError):
        verified(second, ears[0].tokens[0])
    deliver(country)
    assert [len(ear.tokens) for ear in ears] == [1, 1, 0, 0]


@pytest.mark.parametrize("status", [200, 204])
def test_a_portal_that_has_taken_note_is_left_alone(
    country: World, listener: Portal, receiver: Receiver, residents: Residents, status: int
) -> None:
    receiver.status = status
    resident = residents(listener)
    sign_out(resident, listener, resident.tokens(listener).id_token)
    deliver(country)
    with seconds_later(7200):
        deliver(country)
    assert len(receiver.tokens) == 1


@pytest.mark.parametrize("status", [400, 404, 500, 302, 429])
def test_a_portal_that_is_not_well_is_told_again_later(
    country: World, listener: Portal, receiver: Receiver, residents: Residents, status: int
) -> None:
    receiver.status = status
    resident = residents(listener)
    sign_out(resident, listener, resident.tokens(listener).id_token)
    deliver(country)
    deliver(country)
    assert len(receiver.tokens) == 1  # not at once
    receiver.status = 200
    with seconds_later(600):
        deliver(country)
        first, second = receiver.tokens
        claims = verified(listener, second)  # made afresh: the first has expired
        assert claims["iat"] >= verified_without_time(first)["exp"]
    (delivered,) = events(country, "logout_delivered", listener.id)
    assert delivered["details"]["attempts"] == 2


def verified_without_time(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_portal_that_is_gone_is_given_up_and_that_is_on_record(
    country: World, portals: Portals, residents: Residents
) -> None:
    with listening(f"{fresh_name()}.localhost") as (address, _):
        portal = portals(backchannel_logout_uri=f"{address}/backchannel-logout")
    resident = residents(portal)
    sign_out(resident, portal, resident.tokens(portal).id_token)
    attempts = country.settings.outbox.attempts
    for attempt in range(attempts + 2):
        with seconds_later(attempt * 7200):
            deliver(country)
    (given_up,) = events(country, "logout_given_up", portal.id)
    assert given_up["details"]["attempts"] == attempts
    assert events(country, "logout_delivered", portal.id) == []


def test_a_slow_portal_does_not_keep_the_person_waiting(
    country: World, listener: Portal, receiver: Receiver, residents: Residents
) -> None:
    """The person is signed out in the commit that queues the message; nobody waits for a portal."""
    resident = residents(listener)
    tokens = resident.tokens(listener)
    sign_out(resident, listener, tokens.id_token)
    assert listener.userinfo(tokens.access_token).status_code == 401
    assert receiver.posts == []
    deliver(country)
    assert len(receiver.posts) == 1


def test_another_person_at_the_same_browser_ends_the_first_one_s_session(
    country: World, browser: Browser, listener: Portal, receiver: Receiver
) -> None:
    """On a shared device nobody is left signed in behind somebody else's back."""
    first = country.sign_in(browser, listener, citizen=TO_TRY[0].personal_number)
    second = country.sign_in(browser, listener, citizen=TO_TRY[1].personal_number, prompt="select_account")
    assert first.claims["sub"] != second.claims["sub"]
    assert first.claims["sid"] != second.claims["sid"]
    assert listener.userinfo(first.access_token).status_code == 401
    assert listener.userinfo(second.access_token).status_code == 200
    deliver(country)
    (token,) = receiver.tokens
    assert verified(listener, token)["sid"] == first.claims["sid"]


def test_the_same_person_signing_in_again_ends_nothing(
    country: World, browser: Browser, listener: Portal, receiver: Receiver
) -> None:
    first = country.sign_in(browser, listener)
    second = country.sign_in(browser, listener, prompt="login", source="bank")
    assert first.claims["sid"] == second.claims["sid"]
    deliver(country)
    assert receiver.posts == []


def test_a_person_who_is_signed_out_everywhere_is_signed_out_everywhere(
    country: World, listener: Portal, receiver: Receiver, residents: Residents
) -> None:
    resident = residents(listener)
    resident.tokens(listener)
    house = country.house
    with house.database.write() as tx:
        assert house.sessions.end_all_of(tx, resident.person_id, "an operator said so") == 1
    deliver(country)
    assert [verified(listener, token)["sid"] for token in receiver.tokens] == [resident.sid_at(listener)]
    assert resident.asked(listener, prompt="none")["error"] == "login_required"
