"""A clerk at a counter, in a real browser: with the provider behind the page, and without any network."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from idp import clock
from idp.app import create_app
from idp.cards import Holder, Kept
from idp.cards.publishing import signer
from idp.digital_id import issue, issue_age, read, read_cwt, thumbprint, trust_lists, verify
from idp.digital_id.status_lists import Lists
from idp.house import House
from idp.web.language import text as said
from tests.browser.barriers import check_page
from tests.browser.conftest import watch
from tests.counter.issuer import Issuer
from tests.digital_id.phones import phone, presence
from tests.oidc.residents import assertion
from tests.servers import eventually
from tests.sessions.rooms import furnished
from tests.world import listening

DAY = 86_400
NATIONAL = "001090012345||Nguyễn Văn Quý|01011990|Nam|12 Lê Lợi, Huế|01012021"


@dataclass
class Office:
    """A provider that can be cut off, and what it issued."""

    base: str
    server: Any
    house: House
    stop: Callable[[], None]

    def make(self) -> Kept:
        with self.house.database.write() as tx:
            person = self.house.people.recognise(tx, assertion(), "population", 3).person.id
            holder = Holder(person_id=person, name="Nguyễn Thị Mai Anh", birth_date="19900515", gender=2)
            return self.house.cards.make(tx, holder)

    def suspend(self, card: Kept) -> None:
        with self.house.database.write() as tx:
            assert self.house.cards.book.suspend(tx, card.person_id, card.id, "holder")

    def end(self, card: Kept) -> None:
        with self.house.database.write() as tx:
            assert self.house.cards.book.end(tx, card.person_id, card.id, "operator")

    def resigned(self, card: Kept, **changes: Any) -> str:
        """The card's words with others in their place, really signed."""
        key, named = signer(self.house.keys)
        return issue(replace(read(card.text).card, **changes), key, named)

    def fetch(self, path: str) -> bytes:
        return requests.get(f"http://127.0.0.1:{self.server.server_port}{path}", timeout=9).content

    def reason(self, card: Kept) -> str | None:
        """What any verifier says who fetches the news now."""
        now = clock.seconds()
        trusted = trust_lists.read(self.fetch("/trust-list").decode(), self.base, now)
        keys, uri = trusted.trusted(), trusted.status_lists[0]
        found = Lists([read_cwt(self.fetch("/status-lists/1"), keys, now, uri)])
        verdict = verify(card.text, keys, now, found)
        return verdict.reason and verdict.reason.value


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    serving = listening("idp.localhost")
    base, server = serving.__enter__()
    stopped = []

    def stop() -> None:
        if not stopped:
            stopped.append(serving.__exit__(None, None, None))

    house = furnished(tmp_path, issuer=base)
    server.app = create_app(house.settings)
    yield Office(base, server, house, stop)
    stop()
    house.database.engine.dispose()


class Clerk:
    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.page: Page = context.new_page()

    def come(self) -> None:
        """The page is open, has its news, and is kept for the time without network."""
        self.page.goto(f"{self.base}/counter")
        self.page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        expect(self.page.locator("#news")).to_have_text(re.compile("[78] ngày"))

    def scan(self, text: str) -> None:
        """As a scanner does that is a keyboard: letters wherever the focus is, and Enter."""
        self.page.evaluate("document.activeElement.blur()")
        turn = self.page.locator("#turn").inner_text()
        self.page.keyboard.type(text[:3])
        self.page.keyboard.insert_text(text[3:])
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#turn")).not_to_have_text(turn)

    def is_told(self, state: str, reason: str | None = None, **gaps: str) -> None:
        expect(self.page.locator("#verdict")).to_have_attribute("data-state", state)
        if reason is not None:
            words = said("vi", f"counter.says.{reason}", moment="|", **gaps).split("|")[0]
            expect(self.page.locator("#verdict")).to_contain_text(words)

    def at(self, seconds: float) -> None:
        """The clock of the clerk's device says so."""
        self.page.clock.set_system_time(seconds)


@pytest.fixture
def clerk(chromium: Browser, office: Office) -> Iterator[Clerk]:
    complaints: list[str] = []
    context = chromium.new_context(locale="vi-VN", viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    watch(context, complaints)
    yield Clerk(context, office.base)
    context.close()
    assert complaints == []


def test_a_counter_goes_on_for_a_week_without_network(office: Office, clerk: Clerk) -> None:
    good, lost, ended = (office.make() for _ in range(3))
    office.suspend(lost)
    office.end(ended)
    eventually(lambda: (office.reason(lost), office.reason(ended)) == ("suspended", "revoked"))
    now = clock.seconds()
    expired = office.resigned(good, issued_at=now - 9 * DAY, expires_at=now - DAY)
    early = office.resigned(good, not_before=now + 30 * DAY)
    stranger = Issuer(office.base, "stranger")
    forged = [good.text[:-7] + "0000000", stranger.card(now), NATIONAL.replace("|", "/")]
    clerk.page.clock.install(time=time.time())
    clerk.come()
    office.stop()
    clerk.context.set_offline(True)
    clerk.page.reload()
    expect(clerk.page.locator("#trouble")).to_have_text(said("vi", "counter.says.problem_offline"))
    clerk.scan(good.text)
    clerk.is_told("genuine", "answer_genuine")
    expect(clerk.page.locator("#says")).to_contain_text("Nguyễn Thị Mai Anh")
    expect(clerk.page.locator("#says")).to_contain_text("15/05/1990")
    expect(clerk.page.locator("#says")).to_contain_text(good.number)
    check_page(clerk.page)
    _show_presence(office, clerk, good)
    refusals = {
        lost.text: "reason_suspended", ended.text: "reason_revoked", expired: "reason_expired",
        early: "reason_not_yet_valid", stranger.card(now): "reason_unknown_key", forged[2]: "reason_bad_text",
        "0" * 3_001: "reason_too_long",
    }  # fmt: skip
    for text, reason in refusals.items():
        clerk.scan(text)
        clerk.is_told("refused", reason)
        expect(clerk.page.locator("#says")).not_to_contain_text("Mai Anh")
    for text in forged:
        clerk.scan(text)
        clerk.is_told("refused")
    clerk.at(time.time() - 3_600)
    clerk.scan(good.text)
    clerk.is_told("refused", "reason_issued_ahead")
    clerk.page.emulate_media(color_scheme="dark")
    check_page(clerk.page)
    for days in (2, 7):
        clerk.at(time.time() + days * DAY + 60)
        clerk.page.reload()
        clerk.scan(good.text)
        clerk.is_told("genuine_status_old", "answer_genuine_status_old", age=f"{days} ngày")
        clerk.scan(lost.text)
        clerk.is_told("refused", "reason_suspended")
    clerk.scan(good.text)
    check_page(clerk.page)
    clerk.page.goto(f"{office.base}/counter?lang=en")
    expect(clerk.page.locator("h1")).to_have_text(said("en", "counter.title"))
    clerk.page.goto(f"{office.base}/counter")
    expect(clerk.page.locator("h1")).to_have_text(said("en", "counter.title"))
    clerk.at(time.time() + 8 * DAY + 120)
    clerk.scan(good.text)
    expect(clerk.page.locator("#why")).to_have_text(said("en", "counter.says.reason_trust_list_stale"))


def _show_presence(office: Office, clerk: Clerk, card: Kept) -> None:
    """A code from the holder's phone: new, 46 seconds old, and once more."""
    bound = office.resigned(card, holder_key=thumbprint(phone().public))
    shown, copied = (presence(bound, phone(), clock.seconds() - age, c7=bytes([age] * 8)) for age in (0, 46))
    clerk.scan(shown)
    clerk.is_told("genuine", "present")
    clerk.scan(copied)
    clerk.is_told("refused", "reason_presence_old")
    clerk.page.reload()  # which makes nothing forgotten
    clerk.scan(shown)
    clerk.is_told("refused", "reason_presence_seen")


def test_what_becomes_known_is_known_at_the_counter_within_a_minute(office: Office, clerk: Clerk) -> None:
    card = office.make()
    clerk.page.clock.install(time=time.time())
    clerk.come()
    clerk.scan(card.text)
    clerk.is_told("genuine")
    office.suspend(card)
    eventually(lambda: office.reason(card) == "suspended", within_seconds=20)
    with clerk.page.expect_response("**/status-lists/1"):
        clerk.page.clock.fast_forward(31_000)
    eventually(
        lambda: (clerk.scan(card.text), clerk.page.locator("#verdict").get_attribute("data-state"))[1] == "refused", 9
    )
    clerk.is_told("refused", "reason_suspended")

    # who shows a code for an age twice
    key, named = signer(office.house.keys)
    age = issue_age(issuer=office.base, age=18, now=clock.seconds(), code_id=bytes(8), signer=key, key_id=named)
    clerk.scan(age)
    clerk.is_told("genuine", "age_title", age="18")
    expect(clerk.page.locator("#why")).not_to_contain_text(said("vi", "counter.says.shown_before"))
    clerk.page.reload()
    clerk.scan(age)
    expect(clerk.page.locator("#why")).to_contain_text(said("vi", "counter.says.shown_before"))

    # the national card, which nobody signed
    clerk.scan(NATIONAL)
    clerk.is_told("not_verified", "national")
    expect(clerk.page.locator("#says")).to_contain_text("Nguyễn Văn Quý")
    check_page(clerk.page)

    # somebody in the provider's place, with a trust list of their own
    stranger, ours = Issuer(office.base, "stranger"), office.server.app
    office.server.app = _with_trust_list(ours, stranger.trust_list(clock.seconds()))
    clerk.page.get_by_role("button", name=said("vi", "counter.refresh")).click()
    expect(clerk.page.locator("#trouble")).to_have_text(said("vi", "counter.says.problem_not_believed"))
    clerk.scan(stranger.card(clock.seconds(), status=None))
    clerk.is_told("refused", "reason_unknown_key")
    office.server.app = ours
    clerk.page.get_by_role("button", name=said("vi", "counter.refresh")).click()
    expect(clerk.page.locator("#trouble")).to_be_hidden()
    clerk.scan(office.resigned(card, status=None))
    clerk.is_told("genuine")

    # a clock that is an hour slow: the news comes from its future
    clerk.at(time.time() - 3_600)
    clerk.page.get_by_role("button", name=said("vi", "counter.refresh")).click()
    expect(clerk.page.locator("#trouble")).to_have_text(said("vi", "counter.says.problem_clock"))


def test_what_is_kept_for_the_time_without_network_is_all_that_the_page_loads(office: Office) -> None:
    def got(path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{office.server.server_port}{path}", timeout=9)

    worker = got("/counter/worker.js")
    assert (worker.headers["Service-Worker-Allowed"], worker.headers["Cache-Control"]) == ("/counter", "no-cache")
    assert worker.content == got("/counter/worker.js").content
    files = json.loads(worker.text.partition("\n")[0].removeprefix("const FILES = ").removesuffix(";"))
    assert all(got(path).status_code == 200 for path in files["paths"])
    loaded = re.findall(r' (?:src|href)="(/static/[^"]+)"', got("/counter").text)
    assert loaded and set(loaded) <= set(files["paths"])
    [folder] = {path.rpartition("/")[0] for path in files["paths"] if "/counter/" in path}
    scripts = {path.rpartition("/")[2] for path in files["paths"] if path.startswith(folder)}
    for name in scripts:
        imported = re.findall(r' from "\./([^"]+)"', got(f"{folder}/{name}").text)
        assert set(imported) <= scripts
    assert got(f"{folder}/page.js").headers["Cache-Control"].endswith("immutable")


def _with_trust_list(app: Any, token: str) -> Any:
    def answer(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/trust-list":
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/trust-list+jwt")])
        return [token.encode()]

    return answer
