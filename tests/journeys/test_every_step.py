"""Every way in which a source may be reached and come back from, walked by a person, and what can go wrong on it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from connectors.sandbox.cast import Part
from tests.journeys.offices import CERTIFICATE_HEADER, PROXIED, authority, tax_office
from tests.journeys.reading import (
    CarefulBrowser,
    banner,
    code_on,
    is_choice,
    login_of,
    path_of,
    refusals,
    says,
)
from tests.journeys.visits import at_office, chosen, decided, home
from tests.world import Page, Portal, World, world


@pytest.fixture(scope="module")
def _varied_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("varied")
    with (
        world(folder, **PROXIED) as country,
        tax_office(country, folder),
        tax_office(country, folder, "tax-by-post", binding="post"),
        authority(country),
    ):
        yield country


@pytest.fixture
def country(_varied_country: World) -> Iterator[World]:
    yield _varied_country
    _varied_country.clear_faults()


def tokens_after(country: World, browser: CarefulBrowser, page: Page, portal: Portal) -> dict[str, object]:
    assert path_of(page).endswith("/information"), (page.url, code_on(page))
    browser.answer(page, portal)
    return dict(country.sign_in(browser, portal).claims)


# ---- SAML: there by redirect or by a form, back by a form ----


@pytest.mark.parametrize("source", ["tax", "tax-by-post"])
def test_the_tax_office_signs_a_person_in(country: World, browser: CarefulBrowser, portal: Portal, source: str) -> None:
    page = at_office(browser, portal, source)
    page = home(browser, decided(browser, page, citizen="0"), portal)
    claims = tokens_after(country, browser, page, portal)
    assert claims["source_kind"] == "tax" and claims["acr"] in ("LoA1", "LoA2")


def test_the_form_on_its_way_to_a_source_leads_there_and_nowhere_else(
    browser: CarefulBrowser, portal: Portal, country: World
) -> None:
    page = chosen(browser, portal, "tax-by-post")
    action = urlsplit(page.forms[0].action)
    assert f"{action.scheme}://{action.netloc}" == country.sources["tax-by-post"]
    assert f"form-action 'self' {country.sources['tax-by-post']};" in page.headers["Content-Security-Policy"]


def test_who_cancels_at_the_tax_office_is_offered_the_choice_again(browser: CarefulBrowser, portal: Portal) -> None:
    page = decided(browser, at_office(browser, portal, "tax"), cancel="1")
    page = home(browser, page, portal)
    assert is_choice(page) and banner(page) == says("banner.cancelled", source="Nguồn tax")


def test_an_answer_sent_twice_arrives_where_the_first_one_did(browser: CarefulBrowser, portal: Portal) -> None:
    answer = decided(browser, at_office(browser, portal, "tax"), citizen="0")
    first = home(browser, answer, portal)
    again = browser.request("POST", answer.forms[0].action, data=answer.forms[0].fields)
    assert "posted=" not in again.location, "nothing more is kept of a visit that is over"
    second = home(browser, answer, portal)
    assert path_of(first) == path_of(second) and path_of(first).endswith("/information")


def test_an_answer_posted_for_another_source_or_in_strange_letters_is_not_kept(
    browser: CarefulBrowser, portal: Portal, country: World
) -> None:
    answer = decided(browser, at_office(browser, portal, "tax"), citizen="0").forms[0]
    elsewhere = browser.request("POST", answer.action.replace("/tax", "/signer"), data=answer.fields)
    assert (elsewhere.status, code_on(elsewhere)) == (400, "L05")
    strange = browser.request(
        "POST", answer.action, data=b"RelayState=" + answer.fields["RelayState"].encode() + b"\xff"
    )
    assert (strange.status, code_on(strange)) == (400, "G08")


def test_an_answer_that_nobody_waits_for_is_not_even_kept(browser: CarefulBrowser, country: World) -> None:
    page = browser.request("POST", f"{country.issuer}/callback/tax", data={"SAMLResponse": "x", "RelayState": "n" * 24})
    assert (page.status, code_on(page)) == (400, "L04")


@pytest.mark.parametrize("characters, status", [(200_000, 303), (500_000, 303), (600_000, 413)])
def test_a_large_answer_is_taken_up_to_a_limit(
    browser: CarefulBrowser, portal: Portal, country: World, characters: int, status: int
) -> None:
    answer = decided(browser, at_office(browser, portal, "tax"), citizen="0").forms[0]
    padded = answer.fields | {"SAMLResponse": "A" * characters}
    page = browser.request("POST", answer.action, data=padded)
    assert page.status == status
    if status == 413:
        assert code_on(page) == "G03"
    else:
        page = browser.follow(browser.get(page.location), until=portal.redirect_uri)
        assert is_choice(page) or code_on(page), "it is no SAML, and the person is told so"


def test_other_requests_may_not_be_so_large(browser: CarefulBrowser, country: World) -> None:
    page = browser.request("POST", f"{country.issuer}/authorize", data={"state": "A" * 100_000})
    assert (page.status, code_on(page)) == (413, "G03")


def test_one_visit_cannot_fill_the_store(browser: CarefulBrowser, portal: Portal) -> None:
    answer = decided(browser, at_office(browser, portal, "tax"), citizen="0").forms[0]
    statuses = [browser.request("POST", answer.action, data=answer.fields).status for _ in range(6)]
    assert statuses == [303] * 4 + [429] * 2


@pytest.mark.parametrize("source", ["tax", "bank"])
def test_what_we_publish_for_a_source_can_be_read(country: World, browser: CarefulBrowser, source: str) -> None:
    page = browser.get(f"{country.issuer}/sources/{source}/metadata")
    kind = {"tax": "application/samlmetadata+xml", "bank": "application/jwk-set+json"}[source]
    assert (page.status, page.headers["Content-Type"]) == (200, kind)
    assert page.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("source", ["nobody", "token", "..", "%00"])
def test_of_others_there_is_nothing_to_read(country: World, browser: CarefulBrowser, source: str) -> None:
    page = browser.get(f"{country.issuer}/sources/{source}/metadata")
    assert (page.status, code_on(page)) == (404, "G01")


# ---- a challenge, signed by what the person holds ----


def test_a_signature_signs_a_person_in(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = browser.submit(chosen(browser, portal, "signer"))
    page = home(browser, decided(browser, page, citizen="0"), portal)
    claims = tokens_after(country, browser, page, portal)
    assert (claims["source_kind"], claims["acr"]) == ("certificate", "LoA3")


# ---- a certificate, shown in the handshake to a proxy ----


def to_showing(browser: CarefulBrowser, portal: Portal, country: World) -> str:
    """The address at which the browser is asked for its certificate."""
    page = chosen(browser, portal, "token")
    assert page.onward is not None
    assert page.onward.startswith(country.settings.client_certificate_url + "/certificate/")
    return page.onward


def shown(url: str, pem: str | None) -> Page:
    """What the proxy passes on, to a host that has no cookie of ours."""
    headers = {} if pem is None else {CERTIFICATE_HEADER: quote(pem)}
    return CarefulBrowser("http://cert.localhost").request("GET", url, headers=headers)


def pem_of(country: World, part: Part) -> str:
    held = country.http.get(f"{country.sources['authority']}/_sandbox/certificates/{int(part)}", timeout=20).json()
    pem: str = held["certificate"]
    return pem


def test_a_certificate_signs_a_person_in(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    back = shown(to_showing(browser, portal, country), pem_of(country, Part.ORDINARY))
    assert back.status == 303 and back.location.startswith(f"{country.issuer}/callback/token?")
    page = browser.follow(browser.get(back.location), until=portal.redirect_uri)
    claims = tokens_after(country, browser, page, portal)
    assert (claims["source_kind"], claims["amr"]) == ("certificate", ["hwk", "pin"])


def test_without_a_certificate_the_choice_says_what_to_do(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    back = shown(to_showing(browser, portal, country), None)
    page = browser.follow(browser.get(back.location), until=portal.redirect_uri)
    assert banner(page) == says("banner.no_certificate", source="Nguồn token")
    assert refusals(country, portal) == [("S22", "token")]


def test_a_certificate_shown_for_somebody_elses_visit_lets_nobody_in(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    """A link passed on: who shows the certificate has not begun the sign-in, who has never gets the handle."""
    back = shown(to_showing(browser, portal, country), pem_of(country, Part.ORDINARY))
    page = CarefulBrowser(country.issuer).get(back.location)
    assert (page.status, code_on(page)) == (400, "L02")


def test_a_certificate_counts_for_the_visit_that_it_was_shown_for(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    first, second = to_showing(browser, portal, country), to_showing(browser, portal, country)
    back = parse_qs(urlsplit(shown(first, pem_of(country, Part.ORDINARY)).location).query)
    other = second.rpartition("/")[2]
    page = browser.get(f"{country.issuer}/callback/token?state={other}&shown={back['shown'][0]}")
    assert (page.status, code_on(page)) == (400, "L04")


def test_nobody_but_the_proxy_says_what_was_shown(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    """The header counts on that host alone, and what a browser posts is never taken for it."""
    address, pem = to_showing(browser, portal, country), pem_of(country, Part.ORDINARY)
    handle = address.rpartition("/")[2]
    headers = {CERTIFICATE_HEADER: quote(pem)}
    page = browser.request("GET", f"{country.issuer}/certificate/{handle}", headers=headers)
    assert (page.status, code_on(page)) == (404, "G01")
    body = f'["{handle}", "{quote(pem)}"]&state={handle}'
    page = browser.request("POST", f"{country.issuer}/callback/token", data=body)
    assert (page.status, code_on(page)) == (400, "L05"), "nobody comes back from there by a post"
    page = browser.get(f"{country.issuer}/callback/token?state={handle}&shown={'n' * 24}")
    assert (page.status, code_on(page)) == (400, "L04")
    direct = f"{country.issuer}/callback/token?state={handle}"
    page = browser.follow(browser.request("GET", direct, headers=headers), until=portal.redirect_uri)
    assert banner(page) == says("banner.no_certificate", source="Nguồn token")


@pytest.mark.parametrize("handle", ["nothing", "n" * 24])
def test_a_handle_that_nobody_has_shows_nothing(country: World, handle: str) -> None:
    page = shown(f"{country.settings.client_certificate_url}/certificate/{handle}", "x")
    assert (page.status, code_on(page)) == (400, "L04")


def test_a_certificate_too_large_to_be_one_is_refused(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = shown(to_showing(browser, portal, country), "x" * 33_000)
    assert (page.status, code_on(page)) == (400, "G08")


# ---- where a visit waits has an address ----


def test_a_visit_of_another_browser_is_not_shown(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = browser.open_at(portal.ask().url, portal)
    stranger = CarefulBrowser(country.issuer)
    assert code_on(stranger.get(f"{country.issuer}/sign-in/{login_of(page)}/visit/{'n' * 24}")) == "L02"
    assert code_on(browser.get(f"{country.issuer}/sign-in/{login_of(page)}/visit/{'n' * 24}")) == "L04"
