"""From the account a person signs out browsers that are elsewhere, and takes back what a portal may read."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.citizen import Citizen
from idp.clients.own import own_client
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, code_on, events, path_of, says, session_of, words
from tests.journeys.test_account import account, sign_in
from tests.world import Page, Portal, World

OFFLINE = {"scopes": ["openid", "profile", "offline_access"], "grant_types": ["authorization_code", "refresh_token"]}


def sent(browser: CarefulBrowser, page: Page, name: str, at: int = 0) -> Page:
    """The form of this page that has a field of that name is sent, the first of them or another."""
    return browser.submit(page, {}, form=[i for i, form in enumerate(page.forms) if name in form.fields][at])


def is_signed_in(browser: CarefulBrowser) -> bool:
    return says("account.stranger") not in words(account(browser))


@pytest.fixture
def browsers(country: World, portal: Portal, citizen: Citizen) -> list[CarefulBrowser]:
    """Three browsers of one person."""
    found = [CarefulBrowser(country.issuer) for _ in range(3)]
    for browser, source in zip(found, ("population", "population", "bank"), strict=True):
        sign_in(browser, portal, source, citizen)
    return found


def test_the_account_lists_each_browser_and_marks_this_one(country: World, browsers: list[CarefulBrowser]) -> None:
    page = account(browsers[0])
    assert words(page).count(says("account.this_one")) == 1
    bank = country.house.sources.find("bank")
    assert bank is not None and words(page).count(bank.name_vi) == 3  # a way to come in, a browser, and its button
    assert len([form for form in page.forms if "session" in form.fields]) == 3  # two others, and both at once
    for browser in browsers:
        assert (browser.session_cookie() or "-") not in page.html


def test_one_browser_is_signed_out_from_another_and_its_portals_are_told(
    country: World, browsers: list[CarefulBrowser], new_portal: NewPortal
) -> None:
    here, there, _ = browsers
    country.sign_in(there, new_portal(backchannel_logout_uri="http://told.localhost:9/signed-out"))
    session_id = bytes.fromhex(session_of(country, there))
    page, name = account(here), country.house.sessions.sid(session_id, own_client(country.settings))
    at = [form.fields["session"] for form in page.forms if "session" in form.fields].index(name)
    after = sent(here, page, "session", at)
    assert [is_signed_in(browser) for browser in browsers] == [True, False, True]
    assert name not in [form.fields.get("session") for form in after.forms]
    [ended] = events(country, "session_ended", session_id=session_id.hex())
    assert ended["details"] == {"reason": "the person signed out from another browser", "portals_told": 1}


def test_all_other_browsers_are_signed_out_at_once(country: World, browsers: list[CarefulBrowser]) -> None:
    page = sent(browsers[1], account(browsers[1]), "session", at=-1)
    assert [is_signed_in(browser) for browser in browsers] == [False, True, False]
    assert not [form for form in page.forms if "session" in form.fields]


def test_nobody_signs_out_the_browser_of_somebody_else(
    country: World, browsers: list[CarefulBrowser], another_browser: CarefulBrowser, portal: Portal,
    another_citizen: Citizen,
) -> None:  # fmt: skip
    sign_in(another_browser, portal, "population", another_citizen)
    theirs = [form.fields["session"] for form in account(browsers[0]).forms if "session" in form.fields]
    token = account(another_browser).forms[0].fields["form_token"]
    for name in theirs:
        data = {"form_token": token, "session": name}
        assert another_browser.request("POST", f"{country.issuer}/account/sessions", data=data).status == 303
    assert all(map(is_signed_in, browsers))


@pytest.mark.parametrize("place", ["sessions", "portals"])
def test_nothing_ends_by_a_form_without_its_token(
    country: World, browsers: list[CarefulBrowser], place: str, portal: Portal
) -> None:
    data = {"session": "others", "portal": portal.id}
    refused = browsers[0].request("POST", f"{country.issuer}/account/{place}", data=data)
    assert code_on(refused) == "L07"
    assert all(map(is_signed_in, browsers))


def refreshed(portal: Portal, token: str) -> int:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = portal.world.http.post(
        f"{portal.world.issuer}/token", data=form, auth=(portal.id, portal.secret or ""), timeout=30
    )
    return answer.status_code


def bought(browser: CarefulBrowser, portal: Portal, citizen: Citizen, **asked: Any) -> dict[str, Any]:
    request = portal.ask(scope="openid profile offline_access", prompt="consent", **asked)
    answer = browser.answer(browser.open_at(request.url, portal), portal, citizen=citizen.personal_number)
    answered: dict[str, Any] = portal.redeem(answer["code"], request.verifier).json()
    return answered


def test_the_account_tells_what_each_portal_may_read(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    bought(browser, new_portal(**OFFLINE), citizen)
    country.sign_in(browser, new_portal(), scope="openid")
    said = words(account(browser))
    for label in ("claim.name", "claim.birthdate", "claim.gender", "claim.details"):
        assert says(label) in said
    assert says("account.reads_on") in said
    assert says("account.receives_nothing") in said
    assert said.count(says("claim.name")) == 1


def test_a_portal_that_is_withdrawn_from_reads_nothing_more_and_tells_anew(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal, other = new_portal(**OFFLINE), new_portal()
    tokens = bought(browser, portal, citizen)
    kept = country.sign_in(browser, other)
    page = account(browser)
    at = [form.fields["portal"] for form in page.forms if "portal" in form.fields].index(portal.id)
    after = sent(browser, page, "portal", at)
    assert portal.id not in [form.fields.get("portal") for form in after.forms]
    assert portal.userinfo(tokens["access_token"]).status_code == 401
    assert refreshed(portal, tokens["refresh_token"]) == 400
    assert other.userinfo(kept.access_token).status_code == 200
    [event] = events(country, "withdrawn", client_id=portal.id)
    assert event["details"] == {"grants": 1}
    # The next sign-in is the same person's, who is told first.
    before = portal.claims(tokens["id_token"])["sub"]
    request = portal.ask()
    told = browser.open_at(request.url, portal)
    assert path_of(told).endswith("/information")
    assert country.redeemed(portal, request, browser.answer(told, portal)).claims["sub"] == before


def test_a_second_click_withdraws_nothing_more(
    country: World, browser: CarefulBrowser, new_portal: NewPortal, citizen: Citizen
) -> None:
    portal = new_portal()
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    page = account(browser)
    for _ in range(2):
        assert path_of(sent(browser, page, "portal")) == "/account"
    assert len(events(country, "withdrawn", client_id=portal.id)) == 1
