"""A card on a phone, in a real browser: what its screen shows is read off the picture, as a verifier's camera does."""

from __future__ import annotations

import io
import re
import time

import pytest
from PIL import Image
from playwright.sync_api import expect

from connectors.sandbox.citizen import Citizen
from idp import clock
from idp.digital_id import Lists, Reason, Remembered, Verdict, read_cwt, trust_lists, verify
from tests.browser.barriers import check_page
from tests.browser.conftest import NewPerson
from tests.browser.person import Person, Place
from tests.counter.test_counter import Clerk
from tests.journeys.cards import scanned

NOW = re.compile(r"/account/cards/[0-9A-Z]{12}/now$")
QUARTER_MILLISECONDS = 15_000
SMALL = "0 0 37 37"  # of a code that we check, with its quiet zone


class Verifier:
    """Somebody with trust list and status lists fetched a moment ago, and no network since."""

    def __init__(self, person: Person) -> None:
        country, now = person.place.country, clock.seconds()
        country.house.changes.forget()
        fetched = country.http.get(f"{country.issuer}/trust-list", timeout=30).text
        trust = trust_lists.read(fetched, country.issuer, now)
        self.keys, uri = trust.trusted(), trust.status_lists[0]
        self.lists = Lists([read_cwt(country.http.get(uri, timeout=30).content, self.keys, now, uri)])
        self.seen = Remembered()

    def says(self, text: str, later_seconds: int = 0) -> Verdict:
        return verify(text, self.keys, clock.seconds() + later_seconds, self.lists, seen=self.seen)

    def refuses(self, text: str, reason: Reason, later_seconds: int = 0) -> None:
        verdict = self.says(text, later_seconds)
        assert (verdict.genuine, verdict.reason) == (False, reason)


def on_screen(person: Person) -> str:
    """The code in a picture of the whole screen."""
    picture = Image.open(io.BytesIO(person.tab.screenshot())).convert("L")
    text = scanned(picture)
    assert text is not None, "no code in the picture"
    return text


def next_on_screen(person: Person, before: str) -> str:
    """The code after a quarter of a minute of the phone's own time."""
    drawn = person.tab.locator("svg.code path").nth(1)
    path = drawn.get_attribute("d") or ""
    person.tab.clock.fast_forward(QUARTER_MILLISECONDS)
    expect(drawn).not_to_have_attribute("d", path)
    text = on_screen(person)
    assert text != before
    return text


def to_card_now(person: Person) -> None:
    """Signed in at the account, with a new card, on the page that shows it now."""
    person.tab.clock.install()
    person.tab.goto(f"{person.place.country.issuer}/account/sign-in")
    person.choose("population")
    person.prove()
    expect(person.heading).to_have_text(person.says("account.name"))
    person.tab.goto(f"{person.place.country.issuer}/account/cards")
    person.press("cards.make")
    person.tab.get_by_role("link", name=person.says("presence.title")).click()
    expect(person.tab).to_have_url(NOW)


@pytest.fixture
def clerk(new_person: NewPerson, citizen: Citizen, place: Place) -> Clerk:
    """Somebody else, with a browser of their own and the news of the issuer in it."""
    clerk = Clerk(new_person(citizen).context, place.country.issuer)
    clerk.page.goto(f"{clerk.base}/counter")
    clerk.page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    expect(clerk.page.locator("#news")).to_contain_text(re.compile("[78] ngày"))
    return clerk


def test_a_code_of_ours_counts_once_for_everybody(person: Person, clerk: Clerk) -> None:
    to_card_now(person)
    check_page(person.tab)
    expect(person.tab.locator("svg.code")).to_have_attribute("viewBox", SMALL)
    code = on_screen(person)
    clerk.scan(code)
    clerk.is_told("genuine", "present")
    clerk.scan(code)
    clerk.is_told("refused", "reason_presence_seen")
    redeem = f"{person.place.country.issuer}/presence"
    told = person.place.country.http.post(redeem, json={"code": code}, timeout=30)
    assert told.json()["error"] == "presence_seen"
    clerk.context.set_offline(True)
    clerk.scan(code)
    clerk.is_told("refused", "reason_presence_online")
    says_that_its_code_is_old_while_it_has_no_network(person)


def says_that_its_code_is_old_while_it_has_no_network(person: Person) -> None:
    stale = person.tab.locator("#stale")
    for context_is_offline, quarters in ((True, 3), (False, 1)):
        expect(stale).to_be_visible(visible=not context_is_offline)
        person.context.set_offline(context_is_offline)
        person.tab.clock.fast_forward(quarters * QUARTER_MILLISECONDS)
        expect(stale).to_be_visible(visible=context_is_offline)


def test_a_phone_shows_its_card_without_network_to_a_clerk_without_network(person: Person, clerk: Clerk) -> None:
    """Each code counts once at each of them, and a photograph of one is worthless a minute later."""
    to_card_now(person)
    url = person.tab.url
    person.press("presence.set_up")
    expect(person.tab.get_by_text(person.says("presence.from_phone"))).to_be_visible()
    assert NOW.search(person.tab.url) and person.tab.url != url
    expect(person.tab.locator("svg.code")).not_to_have_attribute("viewBox", SMALL)
    another = Verifier(person)
    for context in (person.context, clerk.context):
        context.set_offline(True)
    code = on_screen(person)
    clerk.scan(code)
    clerk.is_told("genuine", "present")
    expect(clerk.page.locator("#says")).to_contain_text(person.citizen.full_name)
    clerk.scan(code)
    clerk.is_told("refused", "reason_presence_seen")
    verdict = another.says(code)  # what cannot be stopped: they do not know of each other
    assert (verdict.genuine, verdict.reason, verdict.shown_at is None) == (True, None, False)
    another.refuses(code, Reason.PRESENCE_SEEN)
    photographed = next_on_screen(person, code)
    latest = next_on_screen(person, photographed)
    clerk.at(time.time() + 15 + 46)
    clerk.scan(photographed)
    clerk.is_told("refused", "reason_presence_old")
    clerk.scan(latest)
    clerk.is_told("genuine", "present")
    expect(person.tab.locator("#stale")).to_be_hidden()
