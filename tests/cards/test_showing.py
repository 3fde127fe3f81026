"""A card shown online: by codes of this moment, each of which counts once, whichever worker hears of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from idp import clock
from idp.cards.showing import HANDLE_SECONDS, KEPT_SECONDS, Showings
from idp.digital_id import Reason, base45, online_presence, packing
from idp.seal import Sealer
from idp.storage import Database, ShortLived
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from idp.storage.short_lived_valkey import InValkey
from tests.servers import valkey_url
from tests.storage.places import at_once, empty_database

__all__ = ["valkey_url"]

CARD, OTHER, SESSION = b"sixteen bytes id", b"another card's i", b"session"
HOUR_SECONDS = 3_600
SEALER = Sealer({1: bytes(range(32))})
PLACES = ("sqlite", "postgresql", "valkey")


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShortLived]:
    """One that has remembered for an hour."""
    if request.param == "valkey":
        kept = InValkey(request.getfixturevalue("valkey_url"))
        kept._client.flushdb()
        _an_hour_ago(kept)
        yield kept
        return
    with empty_database(request.param, tmp_path) as url:
        database = Database(make_engine(url))
        in_database = open_short_lived("database", database)
        _an_hour_ago(in_database)
        yield in_database
        database.engine.dispose()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[ShortLived]:
    """A store whose clock is ours: it can be moved."""
    with empty_database("sqlite", tmp_path) as url:
        database = Database(make_engine(url))
        yield open_short_lived("database", database)
        database.engine.dispose()


def _an_hour_ago(store: ShortLived) -> None:
    with time_machine.travel(time.time() - HOUR_SECONDS, tick=False):
        store.since()


def test_a_code_leads_to_its_card_once(store: ShortLived) -> None:
    showings, now = Showings(short_lived=store, sealer=SEALER), clock.seconds()
    text = showings.code(CARD, SESSION, now)
    assert showings.redeem(text, now) == CARD
    assert showings.redeem(text, now) is Reason.PRESENCE_SEEN
    assert showings.redeem(showings.code(CARD, SESSION, now), now) is Reason.PRESENCE_SEEN  # the same quarter minute
    assert showings.redeem(showings.code(CARD, SESSION, now + 15), now + 15) == CARD
    assert showings.redeem(showings.code(OTHER, SESSION, now), now) == OTHER


def test_of_many_who_ask_at_once_one_gets_the_card(store: ShortLived) -> None:
    workers = [Showings(short_lived=store, sealer=SEALER) for _ in range(16)]
    now = clock.seconds()
    for later in (0, 15):
        text = workers[0].code(CARD, SESSION, now + later)
        told = at_once(16, lambda number, text=text, at=now + later: workers[number].redeem(text, at))  # type: ignore[misc]
        assert sorted(map(str, told)) == sorted([str(CARD), *[str(Reason.PRESENCE_SEEN)] * 15])


@pytest.mark.parametrize(
    "later, told",
    [(0, CARD), (44, CARD), (45, Reason.PRESENCE_OLD), (-15, CARD), (-16, Reason.ISSUED_AHEAD)],
)
def test_a_code_is_good_for_45_seconds_from_its_quarter_on(kept: ShortLived, later: int, told: object) -> None:
    quarter = clock.seconds() // 15 * 15
    _an_hour_ago(kept)
    with time_machine.travel(quarter, tick=False) as traveller:
        showings = Showings(short_lived=kept, sealer=SEALER)
        text = showings.code(CARD, SESSION, quarter)
        traveller.shift(later)
        assert showings.redeem(text, quarter + later) == told


def test_a_showing_goes_on_for_as_long_as_somebody_looks(kept: ShortLived) -> None:
    begin = clock.seconds() // HANDLE_SECONDS * HANDLE_SECONDS
    _an_hour_ago(kept)
    showings, handles = Showings(short_lived=kept, sealer=SEALER), set()
    with time_machine.travel(begin, tick=False) as traveller:
        for _ in range(4 * HANDLE_SECONDS // 15):
            text = showings.code(CARD, SESSION, clock.seconds())
            assert showings.redeem(text, clock.seconds()) == CARD
            handles.add(packing.decoded(text)[5:21])
            traveller.shift(15)
    assert len(handles) == 4
    assert not any(CARD in handle or SESSION in handle for handle in handles)


def test_another_session_or_card_has_another_handle(kept: ShortLived) -> None:
    showings = Showings(short_lived=kept, sealer=SEALER)
    handles = {
        packing.decoded(showings.code(card, session, 0))[5:21]
        for card in (CARD, OTHER)
        for session in (SESSION, b"another")
    }
    assert len(handles) == 4


def test_a_code_that_we_did_not_make_or_have_forgotten_is_unknown(kept: ShortLived) -> None:
    _an_hour_ago(kept)
    showings, now = Showings(short_lived=kept, sealer=SEALER), clock.seconds()
    text = showings.code(CARD, SESSION, now)
    data = packing.decoded(text)
    assert showings.redeem(base45.encode(data[:-1] + bytes([data[-1] ^ 1])), now) is Reason.PRESENCE_UNKNOWN
    stranger = Showings(short_lived=kept, sealer=Sealer({1: bytes(32)}))
    assert stranger.redeem(text, now) is Reason.PRESENCE_UNKNOWN
    assert showings.redeem("no code", now) is Reason.BAD_TEXT
    with time_machine.travel(now + KEPT_SECONDS, tick=False):
        forgotten = online_presence.encode(data[5:21], now + KEPT_SECONDS, showings._secret(data[5:21]))
        assert showings.redeem(forgotten, now + KEPT_SECONDS) is Reason.PRESENCE_UNKNOWN
    assert showings.redeem(text, now) == CARD  # none of that spent it


def test_a_store_that_lost_its_memory_accepts_no_code_from_before(kept: ShortLived) -> None:
    showings, now = Showings(short_lived=kept, sealer=SEALER), clock.seconds()
    quarter = now // 15 * 15
    with time_machine.travel(quarter + 5, tick=False) as traveller:
        kept.since()
        text = showings.code(CARD, SESSION, quarter + 5)
        assert showings.redeem(text, quarter + 5) is Reason.PRESENCE_OLD
        traveller.shift(15)
        assert showings.redeem(showings.code(CARD, SESSION, quarter + 20), quarter + 20) == CARD
