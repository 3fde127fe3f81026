"""A card shown for this moment: by a code that we check, or by the phone to which the card is bound."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy
import pytest
import requests
import time_machine
from PIL import Image

from connectors.sandbox.citizen import Citizen
from idp import clock
from idp.account.door import FRESH_SECONDS
from idp.account.presence import CHALLENGE_SECONDS, PROOF
from idp.digital_id import Reason, thumbprint
from idp.seal import to_text
from tests.digital_id.cards import Pen
from tests.digital_id.phones import phone, presence
from tests.digital_id.raw import low
from tests.journeys.cards import Holder, checked, holder, scanned
from tests.journeys.reading import CarefulBrowser, path_of, says, words
from tests.journeys.test_account import sign_in
from tests.world import Page, Portal, World

SQUARE = re.compile(r"M(\d+) (\d+)h(\d+)v1h-\d+z")


@pytest.fixture
def person(country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> Holder:
    return holder(country, browser, portal, citizen)


@pytest.fixture
def card(person: Holder) -> str:
    """The number of a card of theirs."""
    return path_of(person.make()).rsplit("/", 1)[1]


def now_page(person: Holder, number: str) -> Page:
    address = f"{person.country.issuer}/account/cards/{number}/now"
    return person.browser.follow(person.browser.get(address), until=address)  # it leads to itself, seconds later


def code_on(page: Page) -> str | None:
    """What a scanner reads of the drawing on the page."""
    found = re.search(r'<svg class="code" viewBox="0 0 (\d+) .*?<path fill="#000" d="([^"]+)"', page.html, re.DOTALL)
    assert found is not None
    squares = numpy.full((int(found[1]), int(found[1])), 255, dtype=numpy.uint8)
    for x, y, width in SQUARE.findall(found[2]):
        squares[int(y), int(x) : int(x) + int(width)] = 0
    return scanned(Image.fromarray(numpy.kron(squares, numpy.ones((4, 4), dtype=numpy.uint8))))


def redeemed(person: Holder, code: str | None) -> requests.Response:
    address = f"{person.country.issuer}/presence"
    return person.country.http.post(address, json={"code": code}, timeout=30)


def posted(person: Holder, number: str, what: str, **fields: str) -> requests.Response:
    address = f"{person.country.issuer}/account/cards/{number}/now/{what}"
    return person.browser._session.post(address, data=fields, timeout=30, allow_redirects=False)


def proof(challenge: str, key: Pen, **changes: str) -> dict[str, str]:
    """What a phone sends to have a card made for its key."""
    point: Any = key.public.public_numbers()  # type: ignore[union-attr]
    x, y = (to_text(part.to_bytes(32, "big")) for part in (point.x, point.y))
    signature = to_text(low(key.signature((PROOF + challenge).encode())))
    return {"challenge": challenge, "x": x, "y": y, "signature": signature} | changes


def form_token(person: Holder, number: str) -> str:
    found = re.search(r'data-form-token="([^"]+)"', now_page(person, number).html)
    assert found is not None
    return found[1]


def challenge(person: Holder, number: str) -> str:
    answer = posted(person, number, "challenge", form_token=form_token(person, number))
    assert answer.status_code == 200
    return str(answer.json()["challenge"])


def test_the_page_shows_a_code_that_leads_to_the_card_once(person: Holder, card: str) -> None:
    page = now_page(person, card)
    assert says("presence.cannot") in words(page) and card in words(page)
    code = code_on(page)
    assert code is not None and len(code) == 56
    told = redeemed(person, code)
    assert told.status_code == 200
    verdict = checked(person.country, told.json()["card"])
    assert verdict.genuine and verdict.card is not None and verdict.card.number == card
    assert redeemed(person, code).json()["error"] == "presence_seen"


def test_without_script_the_page_renews_itself_and_is_kept_nowhere(person: Holder, card: str) -> None:
    page = now_page(person, card)
    [seconds] = re.findall(r'<noscript><meta http-equiv="refresh" content="(\d+)"></noscript>', page.html)
    assert 1 <= int(seconds) <= 15
    answer = person.browser._session.get(page.url, timeout=30)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    with time_machine.travel(clock.seconds() + int(seconds), tick=False):
        later = code_on(now_page(person, card))
        assert later != code_on(page)
        text = person.browser._session.get(f"{page.url}/code", timeout=30)
        assert (text.text, text.headers["Cache-Control"]) == (later, "no-store")
        assert redeemed(person, later).status_code == 200


def test_a_card_is_shown_by_its_holder_alone_and_while_it_is_good(
    person: Holder, card: str, another_browser: CarefulBrowser, portal: Portal, another_citizen: Citizen
) -> None:
    address = f"{person.country.issuer}/account/cards/{card}/now"
    stranger = another_browser
    assert path_of(stranger.follow(stranger.get(address))) == "/account"
    assert stranger._session.get(f"{address}/code", timeout=30).status_code == 404
    other = holder(person.country, stranger, portal, another_citizen)
    assert now_page(other, card).status == 404
    assert posted(other, card, "challenge", form_token="").status_code == 404
    person.press(person.browser.get(address.removesuffix("/now")), "/suspend")
    assert path_of(now_page(person, card)) == f"/account/cards/{card}"
    assert person.browser._session.get(f"{address}/code", timeout=30).status_code == 404


def test_a_weaker_sign_in_of_the_same_person_shows_none_of_their_cards(
    person: Holder, card: str, another_browser: CarefulBrowser, portal: Portal, citizen: Citizen
) -> None:
    person.country.fault("bank", fault="lower_level")
    sign_in(another_browser, portal, "bank", citizen)
    weak = Holder(person.country, another_browser)
    assert path_of(now_page(weak, card)) == "/account/cards"
    assert another_browser._session.get(f"{person.country.issuer}/account/cards/{card}/now/code").status_code == 404
    assert posted(weak, card, "challenge", form_token="").status_code == 404


def test_a_phone_that_proves_its_key_gets_a_card_of_its_own(person: Holder, card: str) -> None:
    key = phone()
    answer = posted(person, card, "phone", form_token=form_token(person, card), **proof(challenge(person, card), key))
    assert answer.status_code == 200
    number = answer.json()["number"]
    assert answer.json()["url"] == f"/account/cards/{number}/now" and number != card
    kept = person.country.house.cards.book.by_number(number)
    assert kept is not None and kept.holder_key == thumbprint(key.public)
    page = now_page(person, number)
    assert f'data-card="{kept.text}"'.replace("'", "&#39;") in page.html
    shown = checked(person.country, presence(kept.text, key, clock.seconds()))
    assert (shown.reason, shown.card and shown.card.number) == (Reason.PRESENCE_NOT_REMEMBERED, number)
    assert "data-card" not in now_page(person, card).html


def test_no_card_is_made_for_a_key_that_is_not_proven(
    person: Holder, card: str, another_browser: CarefulBrowser, portal: Portal, another_citizen: Citizen
) -> None:
    other = holder(person.country, another_browser, portal, another_citizen)
    other_card = path_of(other.make()).rsplit("/", 1)[1]
    given, token, before = challenge(person, card), form_token(person, card), len(person.numbers())

    def refused(**fields: str) -> None:
        answer = posted(person, card, "phone", **({"form_token": token} | fields))
        assert answer.status_code == 400, answer.text

    refused(**proof(given, phone(), signature=proof(given, phone("thief"))["signature"]))
    refused(**proof(given, phone(), x=proof(given, phone("thief"))["x"]))  # no point of the curve
    refused(**proof(given + "A", phone()))
    refused(**proof("", phone()))
    refused(challenge=given)
    refused(**proof(challenge(other, other_card), phone()))  # somebody else's
    refused(**proof(given, phone()), form_token="")
    with time_machine.travel(time.time() + CHALLENGE_SECONDS, tick=True):
        refused(**proof(given, phone()))
    assert len(person.numbers()) == before
    fields = proof(given, phone())
    assert posted(person, card, "phone", form_token=token, **fields).status_code == 200
    refused(**fields)  # a challenge counts once
    assert len(person.numbers()) == before + 1


def test_whoever_has_as_many_cards_as_can_be_is_told(person: Holder, card: str) -> None:
    for _ in range(4):
        person.make()
    answer = posted(
        person, card, "phone", form_token=form_token(person, card), **proof(challenge(person, card), phone())
    )
    assert (answer.status_code, answer.text) == (409, "too_many")


def test_no_phone_is_bound_to_a_screen_that_was_left(person: Holder, card: str) -> None:
    with time_machine.travel(clock.now().timestamp() + FRESH_SECONDS + 1, tick=False):
        fields = proof(challenge(person, card), phone())
        answer = posted(person, card, "phone", form_token=form_token(person, card), **fields)
    assert (answer.status_code, answer.text) == (409, "prove_again")
    assert person.numbers() == [card]
