"""Pushed requests (RFC 9126): checked in full when they are pushed, named once, answered once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from idp.broker import Shelf
from tests.oidc.asserting import asserting
from tests.oidc.packing import answered, fapi, push, pushed, request_object, url_of, visited
from tests.oidc.residents import Resident, seconds_later
from tests.oidc.test_authorize_refusals import REFUSED
from tests.world import Browser, Portal, World

Portals = Callable[..., Portal]
PREFIX = "urn:ietf:params:oauth:request_uri:"


def gone(browser: Browser, portal: Portal, name: str) -> None:
    """Told on a page: where the answer would go is only in the request that is not there."""
    page = browser.get(url_of(portal, request_uri=name))
    assert (page.status, page.onward, "A10" in page.html) == (400, None, True), page.html[:800]


# ---- the way it goes (sections 2.2 and 4) ----


def test_a_pushed_request_is_named_and_answered(country: World, portal: Portal, resident: Resident) -> None:
    request = portal.ask()
    answer = push(portal, request.parameters)
    told = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert told.keys() == {"request_uri", "expires_in"}
    assert told["request_uri"].startswith(PREFIX) and len(told["request_uri"]) >= len(PREFIX) + 43
    assert 60 <= told["expires_in"] == country.settings.lifetimes.pushed_request_seconds <= 600
    given = visited(resident.browser, portal, told["request_uri"])
    assert country.redeemed(portal, request, given).claims["nonce"] == request.parameters["nonce"]


def test_what_stands_beside_the_name_does_not_count(portal: Portal, resident: Resident) -> None:
    """Section 4: client_id says whose it is, and nothing is added or replaced."""
    name = pushed(portal, portal.ask(state="pushed").parameters)
    outside = {"state": "outside", "prompt": "login", "scope": "profile", "redirect_uri": "http://elsewhere.example/"}
    answer = visited(resident.browser, portal, name, **outside)
    assert (answer["state"], "code" in answer) == ("pushed", True)


def test_a_whole_journey_begins_with_a_pushed_request(country: World, browser: Browser, portal: Portal) -> None:
    request = portal.ask()
    name = pushed(portal, request.parameters)
    page = browser.open_at(url_of(portal, request_uri=name), portal)
    with seconds_later(country.settings.lifetimes.pushed_request_seconds + 5):  # its name is old, the sign-in is not
        answer = browser.answer(page, portal)
    assert portal.redeem(answer["code"], request.verifier).status_code in (200, 400)
    assert answer["state"] == request.parameters["state"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"])
def test_clients_prove_themselves_as_at_the_token_endpoint(portals: Portals, browser: Browser, method: str) -> None:
    """Section 2."""
    if method == "private_key_jwt":
        client = asserting(portals)
        portal, name = client.portal, pushed(client, client.portal.ask(prompt="none").parameters)
    else:
        portal = portals(token_endpoint_auth_method=method)
        fields = dict(portal.ask(prompt="none").parameters)
        if method == "client_secret_post":
            answer = sent(portal, fields | {"client_secret": portal.secret or ""})
        else:
            answer = push(portal, fields)
        name = answer.json()["request_uri"]
    assert visited(browser, portal, name)["error"] == "login_required"


def sent(portal: Portal, fields: object, auth: tuple[str, str] | None = None) -> requests.Response:
    return portal.world.http.post(f"{portal.world.issuer}/par", data=fields, auth=auth, timeout=30)  # type: ignore[arg-type]


def test_a_stranger_pushes_nothing(portal: Portal, portals: Portals) -> None:
    other = portals()
    fields = portal.ask().parameters
    for auth in ((portal.id, "guessed"), (portal.id, ""), None):
        answer = sent(portal, fields, auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = sent(portal, fields, (other.id, other.secret or ""))  # in another's name
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_a_post_pushes(portal: Portal, method: str) -> None:
    url = f"{portal.world.issuer}/par"
    answer = portal.world.http.request(method, url, params=portal.ask().parameters, timeout=30)
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)


# ---- whose, how long, how often (sections 2.2, 4 and 7) ----


def test_a_name_is_its_client_s_alone(portal: Portal, portals: Portals, resident: Resident) -> None:
    other = portals(redirect_uris=[portal.redirect_uri])
    name = pushed(portal, portal.ask().parameters)
    gone(resident.browser, other, name)
    assert "code" in visited(resident.browser, portal, name)


@pytest.mark.parametrize("name", [PREFIX, PREFIX + "x", PREFIX + "0" * 43, PREFIX + "../x", PREFIX + "é" * 300])
def test_a_name_that_was_never_given_is_refused(portal: Portal, browser: Browser, name: str) -> None:
    gone(browser, portal, name)


def test_an_old_name_is_refused(country: World, portal: Portal, resident: Resident) -> None:
    name = pushed(portal, portal.ask().parameters)
    with seconds_later(country.settings.lifetimes.pushed_request_seconds + 1):
        gone(resident.browser, portal, name)


def test_looking_does_not_use_it_up_and_answering_does(
    portal: Portal, browser: Browser, resident: Resident, country: World
) -> None:
    """Section 7.3, FAPI 2.0 section 5.3.2.2: at the answer, not at the visit of a page that prefetching may cause."""
    request = portal.ask()
    name = pushed(portal, request.parameters)
    for _ in range(3):
        assert "/sign-in/" in browser.open_at(url_of(portal, request_uri=name), portal).url
    answer = visited(resident.browser, portal, name)
    gone(resident.browser, portal, name)
    gone(browser, portal, name)
    assert country.redeemed(portal, request, answer).claims["sub"]  # the refusal took nothing back


def test_of_two_sign_ins_with_one_name_the_first_is_answered(country: World, browser: Browser, portal: Portal) -> None:
    name = pushed(portal, portal.ask().parameters)
    first = browser.open_at(url_of(portal, request_uri=name), portal)
    second = country.browser()
    also = second.open_at(url_of(portal, request_uri=name), portal)
    login = urlsplit(first.url).path.split("/")[2]
    answer = browser.answer(first, portal)
    again = browser.follow(browser.get(f"{country.issuer}/authorize/continue/{login}"), until=portal.redirect_uri)
    assert answered(again, portal) == answer  # a second click on the same sign-in is no second use
    assert second.answer(also, portal)["error"] == "invalid_request_uri"


def test_two_clicks_at_once_on_one_sign_in_are_one_answer(country: World) -> None:
    """What a race between them comes to: the sign-in that spent the request may say so again, and no other."""
    shelf = Shelf(country.house.short_lived, country.house.sealer, 1800)
    handle = shelf.keep_pushed("portal", {"scope": "openid"}, 60)
    assert [shelf.spend_pushed(handle, who) for who in ("one", "one", "two", "one")] == [True, True, False, True]
    assert shelf.pushed(handle, "portal") is None


def test_of_many_visits_at_once_one_is_answered(portal: Portal, residents: Callable[..., Resident]) -> None:
    people = [residents(portal) for _ in range(12)]
    name = pushed(portal, portal.ask().parameters)
    with ThreadPoolExecutor(len(people)) as together:
        pages = list(together.map(lambda who: who.browser.get(url_of(portal, request_uri=name)), people))
    assert len([page for page in pages if page.onward is not None and "code=" in page.onward]) == 1


@pytest.mark.parametrize("asked, error", [({"prompt": "none"}, "login_required"), ({}, "access_denied")])
def test_an_error_is_an_answer_too(browser: Browser, portal: Portal, asked: dict[str, str], error: str) -> None:
    name = pushed(portal, portal.ask(**asked).parameters)
    page = browser.open_at(url_of(portal, request_uri=name), portal)
    if error == "access_denied":
        number = next(i for i, form in enumerate(page.forms) if form.action.endswith("/cancel"))
        page = browser.follow(browser.submit(page, {}, form=number, follow=False), until=portal.redirect_uri)
    assert answered(page, portal)["error"] == error
    gone(browser, portal, name)


# ---- what is wrong with it is told at once (section 2.3) ----


# Not a reference, which is refused for another reason, nor what only the sources of today cannot reach.
PUSHED_WRONG = [
    (what, asked)
    for _, _, what, asked in REFUSED
    if "request_uri" not in asked and what != "an essential acr that no source reaches"
]


@pytest.mark.parametrize("asked", [asked for _, asked in PUSHED_WRONG], ids=[what for what, _ in PUSHED_WRONG])
def test_what_authorize_refuses_is_refused_when_pushed(portal: Portal, asked: dict[str, str | None]) -> None:
    answer = push(portal, portal.ask(**asked).parameters)
    told = answer.json()
    assert (answer.status_code, told.keys()) == (400, {"error", "error_description"})
    known = {
        "invalid_request", "invalid_request_object", "invalid_target", "registration_not_supported",
        "unmet_authentication_requirements",
    }  # fmt: skip
    assert told["error"] in known, told


@pytest.mark.parametrize("redirect_uri", [None, "http://elsewhere.example/", "x"])
def test_an_unregistered_redirect_uri_cannot_be_pushed(portal: Portal, redirect_uri: str | None) -> None:
    answer = push(portal, portal.ask(redirect_uri=redirect_uri).parameters)
    assert (answer.status_code, answer.json()["error_description"][:3]) == (400, "A02")


def test_a_name_cannot_be_pushed(portals: Portals) -> None:
    """Section 2.1; inside a request object neither (RFC 9101 section 4)."""
    client = fapi(portals)
    portal = client.portal
    asked = dict(portal.ask().parameters)
    for name in (PREFIX + "x", "https://a.example/r"):
        answer = push(client, asked | {"request_uri": name})
        assert (answer.status_code, answer.json()["error_description"][:3]) == (400, "A26")
        answer = push(client, {"client_id": portal.id, "request": request_object(portal, asked, request_uri=name)})
        assert answer.json()["error"] == "invalid_request_object"


def test_a_repeated_parameter_cannot_be_pushed(portal: Portal) -> None:
    fields = [*portal.ask().parameters.items(), ("scope", "openid")]
    answer = sent(portal, fields, (portal.id, portal.secret or ""))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_what_is_pushed_is_kept_sealed(country: World, portal: Portal) -> None:
    """The store holds neither what was asked, nor the name under which it can be had."""
    name = pushed(portal, portal.ask(state="whoever-it-is").parameters)
    folder = Path(country.settings.database_url.removeprefix("sqlite:///")).parent
    files = [path.read_bytes() for path in folder.iterdir() if path.is_file()]
    assert len(files) > 1
    assert not any(b"whoever-it-is" in held or name.removeprefix(PREFIX).encode() in held for held in files)
