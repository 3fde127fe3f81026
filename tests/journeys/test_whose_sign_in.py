"""A sign-in belongs to the browser that began it, a visit to a source to its sign-in; at every hop.

Login CSRF and mix-up: RFC 9700 sections 4.4 and 4.7.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.reading import CarefulBrowser, code_on, is_choice, login_of, words
from tests.world import Page, Portal, World

Hop = Callable[[CarefulBrowser, str], Page]


def post(browser: CarefulBrowser, url: str, **fields: str) -> Page:
    return browser.request("POST", url, data=fields)


HOPS: dict[str, Hop] = {
    "seeing the choice": lambda browser, base: browser.get(base),
    "choosing": lambda browser, base: post(browser, base, source="population", form_token="x"),
    "cancelling": lambda browser, base: post(browser, f"{base}/cancel", form_token="x"),
    "seeing what goes": lambda browser, base: browser.get(f"{base}/information"),
    "letting it go": lambda browser, base: post(browser, f"{base}/information", decision="continue", form_token="x"),
    "the answer": lambda browser, base: browser.get(base.replace("/sign-in/", "/authorize/continue/")),
}


@pytest.mark.parametrize("hop", HOPS)
def test_another_browser_is_refused_at_every_hop(
    country: World,
    browser: CarefulBrowser,
    another_browser: CarefulBrowser,
    portal: Portal,
    citizen: Citizen,
    hop: str,
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    base = f"{country.issuer}/sign-in/{login_of(page)}"
    refused = HOPS[hop](another_browser, base)
    assert (refused.status, code_on(refused)) == (400, "L02")
    assert citizen.full_name not in refused.html and portal.id not in refused.html
    assert another_browser.session_cookie() is None


@pytest.mark.parametrize("hop", HOPS)
def test_another_browser_with_a_sign_in_of_its_own_is_refused_as_well(
    country: World,
    browser: CarefulBrowser,
    another_browser: CarefulBrowser,
    portal: Portal,
    citizen: Citizen,
    another_citizen: Citizen,
    hop: str,
) -> None:
    page = browser.to_information(portal.ask(), portal, citizen)
    own = another_browser.to_information(portal.ask(), portal, another_citizen)
    mark = login_of(page)[:16]
    for cookie in list(another_browser.cookies):
        if cookie.name.startswith("login-"):  # its own secret under the other sign-in's name
            another_browser.cookies.set(f"login-{mark}", cookie.value, domain="idp.localhost", path="/")
    refused = HOPS[hop](another_browser, f"{country.issuer}/sign-in/{login_of(page)}")
    assert (refused.status, code_on(refused)) == (400, "L02")
    assert another_browser.get(own.url).status == 200


def test_the_answer_of_a_source_in_another_browser_signs_nobody_in(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """Login CSRF: an attacker's own answer, slipped to somebody else."""
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, "population"), citizen)
    refused = another_browser.get(back)
    assert (refused.status, code_on(refused)) == (400, "L02")
    assert another_browser.session_cookie() is None
    page = browser.follow(browser.get(back), until=portal.redirect_uri)
    country.redeemed(portal, request, browser.answer(page, portal))


def test_the_answer_of_one_source_is_no_answer_of_another(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, "population"), citizen)
    refused = browser.get(back.replace("/callback/population", "/callback/bank"))
    assert (refused.status, code_on(refused)) == (400, "L05")
    page = browser.follow(browser.get(back), until=portal.redirect_uri)
    country.redeemed(portal, request, browser.answer(page, portal))


@pytest.mark.parametrize("query", ["", "state=unknown&code=c", "state=&code=c", "RelayState=unknown", "code=c"])
def test_an_answer_that_nobody_asked_for_is_refused(country: World, browser: CarefulBrowser, query: str) -> None:
    refused = browser.get(f"{country.issuer}/callback/population?{query}")
    assert (refused.status, code_on(refused)) == (400, "L04")


def test_a_state_works_once_whatever_code_comes_with_it(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    request = portal.ask()
    at_source = browser.to_source(request, portal, "population")
    back = browser.callback_url(at_source, citizen)
    state = parse_qs(urlsplit(back).query)["state"][0]
    browser.get(back)
    cookie = browser.session_cookie()
    elsewhere = browser.to_source(portal.ask(prompt="login"), portal, "population")
    other_back = browser.callback_url(elsewhere, another_citizen)
    other_state = parse_qs(urlsplit(other_back).query)["state"][0]
    page = browser.open(other_back.replace(other_state, state))
    assert citizen.full_name in words(page), (
        "a replayed state arrives where the first one did, with no new code looked at"
    )
    assert browser.session_cookie() == cookie


def test_two_states_of_two_sign_ins_in_one_browser_cannot_be_swapped(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """The code of one sign-in under the state of another: the source's nonce and PKCE do not fit."""
    back = browser.callback_url(browser.to_source(portal.ask(), portal, "population"), citizen)
    other = browser.callback_url(browser.to_source(portal.ask(), portal, "population"), citizen)
    states = [parse_qs(urlsplit(url).query)["state"][0] for url in (back, other)]
    refused = browser.get(back.replace(*states))
    assert refused.status == 403 and str(code_on(refused)).startswith("S")
    assert browser.session_cookie() is None


def test_an_answer_sent_by_post_is_kept_and_fetched_by_the_same_browser(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    """response_mode=form_post: the source's page posts across sites, and such a POST carries no Lax cookie."""
    request = portal.ask()
    back = browser.callback_url(browser.to_source(request, portal, "population"), citizen)
    fields = {name: values[0] for name, values in parse_qs(urlsplit(back).query.replace("+", "%2B")).items()}
    without_cookies = CarefulBrowser(country.issuer)
    kept = without_cookies.request("POST", back.partition("?")[0], data=fields)
    assert kept.status == 303 and kept.location.startswith(f"{country.issuer}/callback/population?posted=")
    assert not any(value in kept.location for value in fields.values()), "nothing of the answer is in the address"
    for _ in range(2):  # the second time as after a lost response
        page = browser.follow(browser.get(kept.location), until=portal.redirect_uri)
        assert page.url.endswith("/information")
    country.redeemed(portal, request, browser.answer(page, portal))


def test_an_answer_sent_by_post_is_of_no_use_to_another_browser(
    country: World, browser: CarefulBrowser, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    back = browser.callback_url(browser.to_source(portal.ask(), portal, "population"), citizen)
    fields = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    kept = another_browser.request("POST", back.partition("?")[0], data=fields)
    assert code_on(another_browser.get(kept.location)) == "L02"


@pytest.mark.parametrize("fields", [{}, {"state": "unknown", "code": "c"}, {"SAMLResponse": "x", "RelayState": "y"}])
def test_a_post_that_answers_nothing_is_not_even_kept(
    country: World, browser: CarefulBrowser, fields: dict[str, str]
) -> None:
    refused = browser.request("POST", f"{country.issuer}/callback/population", data=fields)
    assert (refused.status, code_on(refused)) == (400, "L04")
    assert code_on(browser.get(f"{country.issuer}/callback/population?posted=unknown")) == "L04"


@pytest.mark.parametrize("token", [None, "", "wrong", "A" * 43])
def test_a_form_without_its_token_does_nothing(browser: CarefulBrowser, portal: Portal, token: str | None) -> None:
    page = browser.open_at(portal.ask().url, portal)
    fields = {"source": "population"} | ({} if token is None else {"form_token": token})
    for path in ("", "/cancel", "/information"):
        refused = browser.request("POST", page.url + path, data=fields | {"decision": "cancel"})
        assert (refused.status, code_on(refused)) == (400, "L07")
    assert is_choice(browser.get(page.url))


def test_a_token_fits_the_forms_of_its_own_sign_in_only(browser: CarefulBrowser, portal: Portal) -> None:
    one, other = (browser.open_at(portal.ask().url, portal) for _ in range(2))
    fields = {"source": "population", "form_token": one.forms[0].fields["form_token"]}
    assert code_on(browser.request("POST", other.url, data=fields)) == "L07"


@pytest.mark.parametrize("path", ["/sign-in/unknown", "/sign-in/unknown/information", "/authorize/continue/unknown"])
def test_a_sign_in_that_never_was_is_told_kindly(country: World, browser: CarefulBrowser, path: str) -> None:
    page = browser.get(country.issuer + path)
    assert (page.status, code_on(page)) == (400, "L01")
