"""Signing out reaches the source that the person came from, and nothing that a source does stands in its way."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from connectors.sandbox.citizen import Citizen
from tests.journeys.offices import tax_office
from tests.journeys.reading import CarefulBrowser, says, words
from tests.journeys.visits import at_office, decided, home
from tests.world import Page, Portal, World, world

SOURCES = ("bank", "population", "tax")


@pytest.fixture(scope="module")
def _leaving_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("leaving")
    waits = {"allow_loopback": True, "connect_seconds": 0.5, "total_seconds": 0.5}
    with (
        world(folder, outbound=waits, no_sign_out_at=["tax-quiet"]) as country,
        tax_office(country, folder),
        tax_office(country, folder, "tax-quiet"),
    ):
        yield country


@pytest.fixture
def country(_leaving_country: World) -> Iterator[World]:
    yield _leaving_country
    _leaving_country.clear_faults()
    for source in _leaving_country.sources:
        _leaving_country.house.sources.health.note(source, None, "sign_out")


def signed_in(country: World, browser: CarefulBrowser, portal: Portal, source: str, citizen: Citizen) -> str:
    """The id_token of somebody who came from that source."""
    if source.startswith("tax"):
        page = home(browser, decided(browser, at_office(browser, portal, source), citizen="0"), portal)
        browser.answer(page, portal)
        return country.sign_in(browser, portal).id_token
    return country.sign_in(browser, portal, source=source, citizen=citizen.personal_number).id_token


def leave(browser: CarefulBrowser, portal: Portal, id_token: str, *, back: bool = True) -> Page:
    wish = {"id_token_hint": id_token}
    if back:
        wish |= {"post_logout_redirect_uri": portal.post_logout_redirect_uri, "state": "s t&t"}
    return browser.get(f"{portal.world.issuer}/logout?{urlencode(wish)}")


@pytest.mark.parametrize("source", SOURCES)
def test_who_signs_out_is_signed_out_at_the_source_and_comes_back_to_the_portal(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    page = leave(browser, portal, signed_in(country, browser, portal, source, citizen))
    assert page.status == 200, "a page: a portal's sign-out is a form, whose policy names us and nobody else"
    assert page.onward is not None and page.onward.startswith(country.sources[source] + "/"), "the source first"
    assert browser.session_cookie() is None, "ours is over before"
    page = browser.follow(page, until=portal.post_logout_redirect_uri)
    assert page.location.startswith(portal.post_logout_redirect_uri)
    assert parse_qs(urlsplit(page.location).query) == {"state": ["s t&t"]}


@pytest.mark.parametrize("source", SOURCES)
def test_without_a_portal_to_go_back_to_we_say_that_it_is_done(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, source: str
) -> None:
    page = browser.follow(leave(browser, portal, signed_in(country, browser, portal, source, citizen), back=False))
    assert page.url.startswith(f"{country.issuer}/signed-out") and says("signed_out.title") in words(page)
    assert says("signed_out.shared") not in words(page), "nothing is left open there"


def test_at_the_source_the_next_person_is_asked_to_sign_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    before = {(each.domain, each.name) for each in browser.cookies if "bank" in each.domain}
    id_token = signed_in(country, browser, portal, "bank", citizen)
    during = {(each.domain, each.name) for each in browser.cookies if "bank" in each.domain}
    browser.follow(leave(browser, portal, id_token), until=portal.post_logout_redirect_uri)
    after = {(each.domain, each.name) for each in browser.cookies if "bank" in each.domain}
    assert during > before and after < during, "its own session is gone"


def test_after_the_question_too_the_source_is_reached(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    signed_in(country, browser, portal, "bank", citizen)
    page = browser.submit(browser.get(f"{country.issuer}/logout"), {"decision": "sign_out"}, follow=False)
    assert page.status == 200, "a page, since form-action would not follow"
    assert page.onward is not None and page.onward.startswith(country.sources["bank"])


@pytest.mark.parametrize("trouble", [{"fault": "down"}, {"fault": "down", "close": True}, {"fault": "slow"}], ids=str)
def test_a_source_that_does_not_answer_keeps_nobody_signed_in(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, trouble: dict[str, object]
) -> None:
    """Ours is over before anybody goes there."""
    id_token = signed_in(country, browser, portal, "bank", citizen)
    country.fault("bank", **trouble)
    leave(browser, portal, id_token)
    assert browser.session_cookie() is None
    told = urlsplit(browser.get(portal.ask(prompt="none").url).location)
    assert parse_qs(told.query)["error"] == ["login_required"]


def test_a_source_that_was_switched_off_is_left_out(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    id_token = signed_in(country, browser, portal, "bank", citizen)
    house = country.house
    with house.database.write() as tx:
        house.sources.set_enabled(tx, "bank", False)
    try:
        page = leave(browser, portal, id_token)
        assert page.location.startswith(portal.post_logout_redirect_uri)
    finally:
        with house.database.write() as tx:
            house.sources.set_enabled(tx, "bank", True)


def test_where_the_operator_does_not_want_it_nobody_is_signed_out_there(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    page = leave(browser, portal, signed_in(country, browser, portal, "tax-quiet", citizen))
    assert page.location.startswith(portal.post_logout_redirect_uri)


def test_what_the_source_wants_to_see_again_is_kept_sealed_and_no_longer_than_the_session(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    id_token = signed_in(country, browser, portal, "bank", citizen)
    session_id = country.house.sessions.by_cookie(browser.session_cookie())
    assert session_id is not None
    kept = _upstream(country, session_id)
    assert kept is not None and b"eyJ" not in kept and len(kept) > 500
    leave(browser, portal, id_token)
    assert _upstream(country, session_id) is None


def _upstream(country: World, session_id: bytes) -> bytes | None:
    with country.house.database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT upstream FROM browser_sessions WHERE id = ?", (session_id,)).one()
    return None if found[0] is None else bytes(found[0])


@pytest.mark.parametrize("handle", ["", "nothing", "n" * 24])
def test_whoever_just_opens_the_address_is_told_nothing_untrue(
    country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen, handle: str
) -> None:
    address = f"{country.issuer}/signed-out?state={handle}"
    assert says("signed_out.title") in words(browser.get(address))
    signed_in(country, browser, portal, "bank", citizen)
    page = browser.get(address)
    assert (page.status, urlsplit(page.location).path) == (303, "/")
    assert browser.session_cookie() is not None
