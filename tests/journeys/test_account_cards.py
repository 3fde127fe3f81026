"""Cards in the account: made once, carried in many ways, suspended and ended by their holder and by nobody else."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import time_machine
from playwright.sync_api import Browser as Chromium
from sqlalchemy import bindparam, update

from connectors.sandbox.citizen import Citizen
from idp import clock
from idp.account.cards import holder_of
from idp.account.door import FRESH_SECONDS
from idp.cards import Holder as CardHolder
from idp.cards.models import CardRow
from idp.digital_id import Reason
from idp.people.person import Attribute, Person
from tests.journeys.cards import Holder, checked, holder, picture, printed, scanned, words_of
from tests.journeys.reading import CarefulBrowser, code_on, events, lines, path_of, says, twin_of, words
from tests.journeys.test_account import at, sign_in, unproofed
from tests.world import Page, Portal, World


@pytest.fixture
def person(country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> Holder:
    return holder(country, browser, portal, citizen)


@pytest.fixture
def another(country: World, another_browser: CarefulBrowser, portal: Portal, another_citizen: Citizen) -> Holder:
    return holder(country, another_browser, portal, another_citizen)


def code_of(person: Holder, card: Page) -> str:
    text = scanned(picture(person.file(card, "png").content))
    assert text is not None
    return text


def number_of(card: Page) -> str:
    return path_of(card).rsplit("/", 1)[1]


def test_a_card_is_made_and_says_whose_it_is(person: Holder, citizen: Citizen) -> None:
    assert says("cards.none") in words(person.cards())
    card = person.make()
    assert path_of(card).startswith("/account/cards/")
    shown = lines(card)
    assert shown[says("claim.name")] == citizen.full_name
    assert shown[says("cards.number")] == number_of(card)
    assert shown[says("cards.standing")] == says("cards.standing_valid")
    assert says("cards.not_proved") in words(card)
    assert citizen.personal_number not in card.html
    assert person.numbers() == [number_of(card)]
    account = person.browser.get(f"{person.country.issuer}/account")
    assert says("account.cards_some", count="1") in words(account)


def test_every_carrier_is_read_by_a_scanner_and_is_genuine(
    person: Holder, citizen: Citizen, chromium: Chromium
) -> None:
    """The page itself by night, the picture, the drawing, and the back of what is printed at 300 dots an inch."""
    card = person.make()
    files = {kind: person.file(card, kind) for kind in ("png", "svg", "pdf")}
    number = number_of(card)
    for kind, mimetype in (("png", "image/png"), ("svg", "image/svg+xml"), ("pdf", "application/pdf")):
        headers = files[kind].headers
        assert headers["Content-Type"].split(";")[0] == mimetype
        assert headers["Content-Disposition"] == f'attachment; filename="motcua-{number}.{kind}"'
        assert headers["Cache-Control"] == "no-store"
    front, back = words_of(files["pdf"].content)
    assert "Thẻ định danh số" in front and citizen.full_name in front and number in front
    assert "/counter" in back
    texts = {
        "png": code_of(person, card),
        "pdf": scanned(printed(files["pdf"].content, 300)[1]),
        **in_chromium(chromium, person, card, files["svg"].content),
    }
    assert set(texts.values()) == {texts["png"]}, texts
    verdict = checked(person.country, texts["png"])
    assert verdict.genuine and verdict.reason is None
    assert verdict.card is not None and verdict.card.full_name == citizen.full_name


def in_chromium(chromium: Chromium, person: Holder, card: Page, svg: bytes) -> dict[str, str | None]:
    """What a scanner reads off the screen: the page in the dark scheme on a telephone, and the drawing by itself."""
    context = chromium.new_context(color_scheme="dark", viewport={"width": 390, "height": 844})
    try:
        cookie = {"name": "session", "value": person.browser.session_cookie() or "", "url": person.country.issuer}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(card.url)
        on_page = page.locator("svg.code").screenshot()
        page.goto(f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}")
        return {"page": scanned(picture(on_page)), "svg": scanned(picture(page.screenshot()))}
    finally:
        context.close()


def test_a_second_click_makes_no_second_card(person: Holder) -> None:
    form = person.cards()
    browsers = (person.browser, twin_of(person.browser))
    with ThreadPoolExecutor(2) as clicks:
        pages = list(clicks.map(lambda browser: browser.submit(form, {}), browsers))
    assert {page.url for page in pages} == {f"{person.country.issuer}/account/cards/{number_of(pages[0])}"}
    assert person.browser.submit(form, {}).url == pages[0].url  # the back button, and the form once more
    assert len(person.numbers()) == 1
    assert person.make().url != pages[0].url


def test_whoever_has_as_many_as_may_be_is_told_kindly(person: Holder) -> None:
    most = person.country.settings.cards.most
    form = person.cards()
    for _ in range(most):
        person.make()
    assert person.cards().forms == []
    refused = person.browser.submit(form, {})
    assert refused.status == 409
    assert says("cards.hindrance_too_many", most=str(most)) in words(refused)
    assert len(person.numbers()) == most


def test_a_form_without_its_token_is_refused(person: Holder, another: Holder) -> None:
    card = person.make()
    theirs = another.cards().forms[0].fields
    for path, fields in (("", {}), ("", theirs), ("/suspend", {}), ("/end", theirs)):
        url = card.url + path if path else f"{person.country.issuer}/account/cards"
        assert code_on(person.browser.request("POST", url, data=fields)) == "L07"
    assert lines(person.browser.get(card.url))[says("cards.standing")] == says("cards.standing_valid")
    assert len(person.numbers()) == 1


def test_the_card_of_somebody_else_is_not_there(person: Holder, another: Holder) -> None:
    mine = another.make()
    theirs = person.make()
    unknown = theirs.url.replace(number_of(theirs), "ZZZZZZZZZZZZ")
    for ending in ("", "/card.svg", "/card.png", "/card.pdf", "/end"):
        pages = [another.browser.get(url + ending) for url in (theirs.url, unknown)]
        assert [(page.status, code_on(page)) for page in pages] == [(404, "G01")] * 2
        assert number_of(theirs) not in pages[0].html
    token = {"form_token": mine.forms[0].fields["form_token"]}
    for ending in ("/suspend", "/resume", "/end"):
        assert another.browser.request("POST", theirs.url + ending, data=token).status == 404
    assert checked(person.country, code_of(person, theirs)).genuine


def test_whoever_is_not_signed_in_surely_enough_is_shown_the_way(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    citizen = unproofed(6)
    sign_in(browser, portal, "population", citizen)
    weak = Holder(country, browser)
    page = weak.cards()
    assert says("cards.too_weak") in words(page)
    assert page.forms == []
    choice = browser.follow(browser.get(f"{country.issuer}/account/cards/sign-in"))
    page = at(browser, choice, portal, "bank", citizen)
    assert path_of(page) == "/account/cards"
    assert path_of(weak.make()).startswith("/account/cards/")


def test_a_weaker_sign_in_of_the_same_person_reaches_none_of_their_cards(
    country: World, person: Holder, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    card = person.make()
    text = code_of(person, card)
    country.fault("bank", fault="lower_level")
    sign_in(another_browser, portal, "bank", citizen)
    account = another_browser.get(f"{country.issuer}/account")
    token = {"form_token": account.forms[0].fields["form_token"]}
    assert citizen.full_name in words(account)
    for ending in ("", "/card.png", "/card.svg", "/card.pdf", "/end"):
        assert another_browser.get(card.url + ending).location.endswith("/account/cards")
    for path in ("/account/cards", f"{path_of(card)}/suspend", f"{path_of(card)}/end"):
        answer = another_browser.request("POST", country.issuer + path, data=token)
        assert answer.location.endswith("/account/cards")
    assert checked(country, text).genuine and len(person.numbers()) == 1


@pytest.mark.time_is_moved
def test_whoever_proved_themselves_long_ago_does_so_again_before_a_card_is_made(
    person: Holder, portal: Portal, citizen: Citizen
) -> None:
    """A screen that was left, or one that a phone let in: what a card is good for goes on when the session is over."""
    form = person.cards()
    with time_machine.travel(clock.now().timestamp() + FRESH_SECONDS + 1, tick=False):
        choice = person.browser.submit(form, {})
        assert path_of(choice).startswith("/sign-in/") and person.numbers() == []
        assert path_of(at(person.browser, choice, portal, "population", citizen)) == "/account/cards"


def test_whoever_is_not_signed_in_at_all_is_led_to_the_account(country: World, browser: CarefulBrowser) -> None:
    for path in ("/account/cards", "/account/cards/ZZZZZZZZZZZZ", "/account/cards/ZZZZZZZZZZZZ/card.pdf"):
        page = browser.follow(browser.get(country.issuer + path))
        assert says("account.stranger") in words(page)


def test_a_card_is_suspended_by_one_click_and_used_again(person: Holder) -> None:
    card = person.make()
    text = code_of(person, card)
    suspended = person.press(card, "/suspend")
    assert suspended.url == card.url
    assert says("cards.told_suspended") in words(suspended)
    assert checked(person.country, text).reason is Reason.SUSPENDED
    assert says("cards.standing_suspended") in words(person.cards())
    again = person.press(suspended, "/resume")
    assert lines(again)[says("cards.standing")] == says("cards.standing_valid")
    assert checked(person.country, text).genuine
    changes = [event["details"]["change"] for event in events(person.country, "card_changed")][-3:]
    assert changes == ["made", "suspended", "resumed"]


def test_what_an_operator_holds_back_its_holder_cannot_use_again(person: Holder) -> None:
    card = person.make()
    token = {"form_token": card.forms[0].fields["form_token"]}
    book = person.country.house.cards.book
    kept = book.by_number(number_of(card))
    assert kept is not None
    with person.country.house.database.write() as tx:
        assert book.suspend(tx, kept.person_id, kept.id, "by_operator")
    page = person.browser.get(card.url)
    assert says("cards.told_held") in words(page)
    assert page.forms == []
    after = person.browser.follow(person.browser.request("POST", f"{card.url}/resume", data=token))
    assert says("cards.told_held") in words(after)


def test_a_card_ends_for_good_once_it_was_asked_twice(person: Holder) -> None:
    card = person.make()
    text = code_of(person, card)
    suspended = person.press(card, "/suspend")
    question = person.browser.get(f"{card.url}/end")
    assert says("cards.end_title") in words(question)
    assert checked(person.country, text).reason is Reason.SUSPENDED  # to ask changes nothing
    ended = person.press(question, "/end")
    assert says("cards.told_ended") in words(ended)
    assert '<svg class="code"' not in ended.html
    assert checked(person.country, text).reason is Reason.REVOKED
    for kind in ("png", "svg", "pdf"):
        assert person.file(card, kind).status_code == 404
    # The back button shows what was before, and its buttons do nothing any more.
    assert says("cards.told_ended") in words(person.press(suspended, "/resume"))
    assert says("cards.told_ended") in words(person.press(card, "/suspend"))
    assert person.browser.get(f"{card.url}/end").status == 303
    assert checked(person.country, text).reason is Reason.REVOKED


def test_a_card_that_has_expired_says_so_and_makes_room_for_another(person: Holder) -> None:
    cards = [person.make() for _ in range(person.country.settings.cards.most)]
    expired = update(CardRow).values(expires_at=bindparam("then")).where(CardRow.number == bindparam("of_number"))
    with person.country.house.database.write() as tx:
        assert tx.run(expired, then=clock.seconds() - 1, of_number=number_of(cards[0])) == 1
    assert says("cards.told_expired") in words(person.browser.get(cards[0].url))
    assert person.file(cards[0], "pdf").status_code == 404
    assert path_of(person.make()).startswith("/account/cards/")


def test_only_what_somebody_has_checked_stands_on_a_card() -> None:
    """A name that somebody said of themselves would be called genuine under our signature."""
    checked_by, said = {"source_id": "bank", "at": 0, "proofing": 2}, {"source_id": "sms", "at": 0, "proofing": 1}
    known = {
        "name": Attribute("Trần Thị Sương", **checked_by), "birth_date": Attribute([1991, 2, 3], **said),
        "sex": Attribute("female", **checked_by), "nationality": Attribute("VNM", **said),
    }  # fmt: skip
    whole = Person(id=b"i" * 16, status="active", version=1, attributes=known)
    assert holder_of(whole, 2) == CardHolder(person_id=whole.id, name="Trần Thị Sương", gender=2)
    assert holder_of(whole, 3) is None
    year_alone = {**known, "birth_date": Attribute([1991, None, None], **checked_by)}
    assert holder_of(replace(whole, attributes=year_alone), 2) == holder_of(whole, 2)
    nameless = {**known, "name": Attribute("Trần Thị Sương", **said)}
    assert holder_of(replace(whole, attributes=nameless), 1) is None
