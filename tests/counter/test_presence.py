"""What a verifier hears who sends us the code on a holder's screen: the card, once, while it is in force."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import time_machine

from idp import clock, errors
from idp.cards import Holder, Kept
from idp.digital_id import base45, trust_lists, verify
from idp.entropy import random_id
from idp.errors import Failure
from tests.digital_id.phones import card_of, presence
from tests.world import World, world

SESSION = b"session of holder"
PER_MINUTE = 40


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {"presence_codes_per_network_per_minute": PER_MINUTE}
    with world(tmp_path_factory.mktemp("counter"), limits=limits) as country:
        yield country


@pytest.fixture
def card(country: World) -> Kept:
    with country.house.database.write() as tx:
        return country.house.cards.make(tx, Holder(person_id=random_id(), name="Nguyễn Thị Mai Anh"))


@pytest.fixture(autouse=True)
def _another_minute(country: World, request: pytest.FixtureRequest) -> None:
    """Each test is of a network that has asked for nothing yet."""
    country.house.short_lived.take("presence-codes:127.0.0.1")


def shown(country: World, card: Kept) -> str:
    return country.house.showings.code(card.id, SESSION, clock.seconds())


def asked(country: World, **body: Any) -> requests.Response:
    return country.http.post(f"{country.issuer}/presence", json=body, timeout=30)


def refused(answer: requests.Response, failure: Failure) -> None:
    assert (answer.status_code, answer.json()["error"]) == (failure.status, failure.error)
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and answer.headers["Cache-Control"] == "no-store"


def test_who_sends_the_code_gets_the_card_once(country: World, card: Kept) -> None:
    text = shown(country, card)
    answer = asked(country, code=text)
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.json()
    assert told["card"] == card.text and abs(told["checked_at"] - time.time()) < 30
    trust = country.http.get(f"{country.issuer}/trust-list", timeout=30).text
    keys = trust_lists.read(trust, country.issuer, clock.seconds()).trusted()
    assert verify(told["card"], keys, clock.seconds()).genuine
    refused(asked(country, code=text), errors.PRESENCE_SEEN)


def test_that_a_card_was_shown_is_on_record_and_not_to_whom(country: World, card: Kept) -> None:
    assert asked(country, code=shown(country, card)).status_code == 200
    events = [event for event in country.house.audit.export() if event["person_id"] == card.person_id.hex()]
    [told] = [event for event in events if event["event"] == "card_shown"]
    assert told["details"] == {"card": card.id.hex()} and told["client_id"] is told["session_id"] is None
    assert "127.0.0.1" not in str(events)


def test_a_page_of_another_site_may_ask(country: World) -> None:
    asks = {"Origin": "https://counter.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    answer = country.http.options(f"{country.issuer}/presence", headers=asks, timeout=30)
    assert answer.status_code == 204
    told = {name: answer.headers[f"Access-Control-Allow-{name}"] for name in ("Origin", "Methods", "Headers")}
    assert told == {"Origin": "*", "Methods": "POST", "Headers": "Content-Type"}
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_card_that_is_not_in_force_is_not_handed_out(country: World, card: Kept) -> None:
    book = country.house.cards.book
    texts = []
    for later in (0, 15):
        with time_machine.travel(time.time() + later, tick=True):
            texts.append(shown(country, card))
    with country.house.database.write() as tx:
        assert book.suspend(tx, card.person_id, card.id, "holder")
    refused(asked(country, code=texts[0]), errors.SHOWN_SUSPENDED)
    with country.house.database.write() as tx:
        assert book.end(tx, card.person_id, card.id, "holder")
    refused(asked(country, code=texts[1]), errors.SHOWN_REVOKED)


def test_a_photograph_is_worthless_a_minute_later(country: World, card: Kept) -> None:
    text = shown(country, card)
    with time_machine.travel(time.time() + 60, tick=True):
        refused(asked(country, code=text), errors.PRESENCE_OLD)


@pytest.mark.parametrize(
    "body, failure",
    [
        ({"code": base45.encode(b"\x02" + bytes(36))}, errors.PRESENCE_UNKNOWN),
        ({"code": card_of()}, errors.NO_PRESENCE_CODE), ({"code": presence(card_of())}, errors.NO_PRESENCE_CODE),
        ({"code": "0" * 3_001}, errors.NO_PRESENCE_CODE), ({"code": 7}, errors.NO_PRESENCE_CODE),
        ({}, errors.NO_PRESENCE_CODE), ({"code": "\x00Ậ"}, errors.NO_PRESENCE_CODE),
    ],
)  # fmt: skip
def test_what_is_no_code_of_ours_has_a_reason(country: World, body: dict[str, Any], failure: Failure) -> None:
    refused(asked(country, **body), failure)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"code": "A", "code": "B"}', b"code=A", b"\xff"])
def test_what_is_no_json_is_refused(country: World, body: bytes) -> None:
    answer = country.http.post(f"{country.issuer}/presence", data=body, timeout=30)
    refused(answer, errors.NO_PRESENCE_CODE)


def test_a_flood_from_one_network_is_stopped(country: World, card: Kept) -> None:
    for _ in range(PER_MINUTE):
        refused(asked(country, code="A"), errors.NO_PRESENCE_CODE)
    refused(asked(country, code=shown(country, card)), errors.TOO_MANY)
