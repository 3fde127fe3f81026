"""An answer that is not this source's, to us, for this sign-in, now: refused, named, and in the audit.

OpenID Connect Core sections 3.1.3.7 and 5.3.2, RFC 9207 section 2.4, RFC 8725 section 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    code_on,
    events,
    is_choice,
    refusals,
    says,
    ways_on,
    words,
)
from tests.world import CITIZEN, Page, Portal, World, world

SOURCES = ("bank", "population")
LIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"fault": "tampered_id_token"}, "S11"),
    ({"fault": "wrong_key"}, "S11"),
    ({"fault": "alg_none"}, "S11"),
    ({"fault": "hs256_with_public_key"}, "S11"),
    ({"fault": "unknown_kid"}, "S11"),
    ({"fault": "wrong_issuer"}, "S12"),
    ({"fault": "wrong_audience"}, "S13"),
    ({"fault": "wrong_nonce"}, "S14"),
    ({"fault": "missing_nonce"}, "S14"),
    ({"fault": "different_userinfo_subject"}, "S14"),
    ({"fault": "expired"}, "S15"),
    ({"fault": "issued_in_future"}, "S15"),
    ({"fault": "old_auth_time"}, "S15"),
    ({"fault": "replayed_id_token"}, "S16"),
    ({"fault": "empty_subject"}, "S10"),
    ({"fault": "missing_claim", "claim": "auth_time"}, "S10"),
)


def signed_in_at(browser: CarefulBrowser, portal: Portal, source: str) -> Page:
    return browser.at_source(browser.to_source(portal.ask(), portal, source), portal)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("lie, code", LIES, ids=lambda value: value["fault"] if isinstance(value, dict) else value)
def test_a_lie_of_a_source_is_told_apart_and_opens_nothing(
    country: World, browser: CarefulBrowser, portal: Portal, source: str, lie: dict[str, Any], code: str
) -> None:
    country.sign_in(CarefulBrowser(country.issuer), portal, source=source)  # whose answer is there to be replayed
    made = len(events(country, "person_made"))
    country.fault(source, **lie)
    page = signed_in_at(browser, portal, source)
    assert (page.status, code_on(page)) == (403, code)
    assert says(f"error.{code}.title") in words(page)
    assert refusals(country, portal) == [(code, source)]
    assert browser.session_cookie() is None
    assert len(events(country, "person_made")) == made


@pytest.mark.parametrize("source", SOURCES)
def test_after_a_lie_the_person_tries_again_or_goes_back(
    country: World, browser: CarefulBrowser, portal: Portal, source: str
) -> None:
    country.fault(source, fault="wrong_nonce", times=1)
    page = signed_in_at(browser, portal, source)
    again, back = ways_on(page)
    assert back == f"http://{portal.id}.localhost:9/"
    assert is_choice(browser.get(again))
    assert "code" in browser.answer(browser.get(again), portal, source=source)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("lie", ["wrong_iss_parameter", "missing_iss_parameter"])
def test_an_answer_in_the_name_of_another_source_is_refused(
    country: World, browser: CarefulBrowser, portal: Portal, source: str, lie: str
) -> None:
    """Mix-up (RFC 9207): the source says in its metadata that its answers name it."""
    country.fault(source, fault=lie)
    page = signed_in_at(browser, portal, source)
    assert (page.status, code_on(page)) == (403, "S12")
    assert refusals(country, portal) == [("S12", source)]


@pytest.mark.parametrize("source", SOURCES)
def test_an_answer_with_a_state_that_nobody_gave_belongs_to_no_sign_in(
    country: World, browser: CarefulBrowser, portal: Portal, source: str
) -> None:
    country.fault(source, fault="wrong_state")
    page = signed_in_at(browser, portal, source)
    assert (page.status, code_on(page)) == (400, "L04")
    assert browser.session_cookie() is None


def test_keys_that_a_source_has_changed_are_found(tmp_path: Path) -> None:
    with world(tmp_path) as country:
        portal = country.portal("ministry")
        for source in SOURCES:
            country.sign_in(CarefulBrowser(country.issuer), portal, source=source)
            rotating = f"{country.sources[source]}/_sandbox/rotate-keys"
            assert country.http.post(rotating, json={"keep_old": False}, timeout=10).status_code == 200
            country.sign_in(CarefulBrowser(country.issuer), portal, source=source)


def test_what_came_with_a_lie_is_not_on_the_page(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    country.fault("bank", fault="wrong_audience")
    page = signed_in_at(browser, portal, "bank")
    for secret in (CITIZEN, "Trần Minh Quân", "another-client", "eyJ"):
        assert secret not in page.html


def test_a_failure_reads_the_same_when_its_page_is_loaded_again_or_in_the_other_language(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    country.fault("population", fault="expired", times=1)
    page = signed_in_at(browser, portal, "population")
    again = browser.get(page.url)
    assert (again.status, code_on(again)) == (403, "S15")
    english = browser.get(f"{page.url}&lang=en")
    assert (english.status, code_on(english)) == (403, "S15")
    assert '<html lang="en">' in english.html
    assert refusals(country, portal) == [("S15", "population")], "told three times, happened once"
    assert '<html lang="en">' in browser.get(ways_on(english)[0]).html, "the language stays"


def test_a_cancel_reads_the_same_when_the_way_back_is_taken_twice(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    at_source = browser.to_source(portal.ask(), portal, "bank")
    back = browser.submit(at_source, {"cancel": "1"}, form=2, follow=False).location
    for _ in range(2):
        assert banner(browser.open(back)) == says("banner.cancelled", source="Nguồn bank")
