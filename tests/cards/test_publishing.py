"""What verifiers fetch: seconds old at most, signed, good for a week; and keys that outlive their cards."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest
import time_machine

from idp import clock
from idp.app import create_app
from idp.cards import Form
from idp.cards.publishing import MADE_ANEW_SECONDS, TTL_SECONDS
from idp.counter.lists import HELD_SECONDS
from idp.digital_id import Lists, Reason, key_id, read_cwt, read_jwt, trust_lists, verify
from idp.digital_id.trust_lists import BadTrustList, TrustList
from idp.keys import (
    CARD_KEY_AFTER_USE_SECONDS,
    CARD_KEY_BEFORE_USE_SECONDS,
    CARD_KEY_LEAST_AGE_SECONDS,
    CARDS,
    ROTATED,
    NotOurs,
)
from idp.storage.changes import LOOK_EVERY_SECONDS
from tests.cards.conftest import Issuer
from tests.digital_id.cards import pen
from tests.sessions.rooms import ISSUER, another_worker, furnished

WEEK = 7 * 86_400


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(clock.now().timestamp() + seconds, tick=False)


def rotate(issuer: Issuer, *, withdraw: bool = False) -> None:
    with issuer.house.database.write() as tx:
        issuer.house.keys.rotate(tx, [CARDS], withdraw=withdraw)
    issuer.house.changes.forget()


def test_a_suspension_is_in_the_list_of_every_worker_within_a_minute_of_caches(issuer: Issuer) -> None:
    kept, elsewhere = issuer.make(issuer.come()), another_worker(issuer.house)
    before = elsewhere.publishing.status_list(1, Form.CWT)
    assert before == elsewhere.publishing.status_list(1, Form.CWT), "made once for many who ask"
    with issuer.house.database.write() as tx:
        issuer.house.cards.book.suspend(tx, kept.person_id, kept.id, "lost")
    elsewhere.changes.forget()
    after = elsewhere.publishing.status_list(1, Form.CWT)
    assert after is not None
    listed = read_cwt(after, issuer.trust_list().trusted(), clock.seconds(), issuer.house.publishing.uris()[0])
    assert listed.value_at(kept.list_index) == 2
    assert LOOK_EVERY_SECONDS + HELD_SECONDS + TTL_SECONDS < 60


@pytest.mark.time_is_moved
def test_a_list_is_good_for_a_week_without_a_network_and_not_for_ever(issuer: Issuer) -> None:
    kept, keys, (listed,) = issuer.make(issuer.come()), issuer.trust_list().trusted(), issuer.lists()
    assert listed.ttl_seconds == TTL_SECONDS
    for seconds, reason in [(0, None), (2 * 86_400, Reason.STATUS_OLD), (WEEK, Reason.STATUS_OLD),
                            (WEEK + 2 * 86_400, Reason.STATUS_NOT_KNOWN)]:  # fmt: skip
        assert verify(kept.text, keys, clock.seconds() + seconds, Lists([listed])).reason is reason


def test_a_list_can_be_had_as_jwt_too_and_says_the_same(issuer: Issuer) -> None:
    kept, keys = issuer.make(issuer.come()), issuer.trust_list().trusted()
    with issuer.house.database.write() as tx:
        issuer.house.cards.book.end(tx, kept.person_id, kept.id, "holder")
    issuer.house.changes.forget()
    token = issuer.house.publishing.status_list(1, Form.JWT)
    assert token is not None
    (uri,) = issuer.house.publishing.uris()
    assert read_jwt(token.decode(), keys, clock.seconds(), uri).array == issuer.lists()[0].array


def test_there_is_no_list_that_no_card_is_in(issuer: Issuer) -> None:
    assert issuer.house.publishing.status_list(2, Form.CWT) is None
    assert issuer.house.publishing.status_list(0, Form.CWT) is None
    assert issuer.house.publishing.status_list(1, Form.CWT) is not None


# ---- keys ----


def test_the_keys_of_cards_are_not_those_of_tokens(issuer: Issuer) -> None:
    of_tokens = {key["kid"] for key in json.loads(issuer.house.keys.jwks())["keys"]}
    of_cards = issuer.house.keys.of_cards()
    assert {key.kid for key in issuer.house.keys.all_of_cards()}.isdisjoint(of_tokens)
    token = jwt.encode({"iss": ISSUER, "sub": "s", "aud": "x", "exp": 9**10, "iat": 1}, of_cards.private, "ES256",
                       headers={"kid": of_cards.kid, "typ": "JWT"})  # fmt: skip
    with pytest.raises(NotOurs):
        issuer.house.keys.open_hint(token)


@pytest.mark.time_is_moved
def test_a_new_key_is_known_to_verifiers_for_a_week_before_it_signs(issuer: Issuer) -> None:
    old = issuer.make(issuer.come())
    rotate(issuer)
    fetched = issuer.trust_list()
    assert len(fetched.keys) == 3, "the old one, the next, and one that stands by"
    with later(CARD_KEY_BEFORE_USE_SECONDS - 60):
        assert issuer.verify(issuer.make(issuer.come())).genuine
    with later(CARD_KEY_BEFORE_USE_SECONDS + 60):
        new = issuer.make(issuer.come())
        for card in (old, new):
            assert verify(card.text, fetched.trusted(), clock.seconds()).genuine, "by the list of last week"
        successor = trust_lists.read(issuer.house.publishing.trust_list(), ISSUER, clock.seconds(), fetched)
        assert {key_id(each) for each in successor.keys} == {key_id(each) for each in fetched.keys}


@pytest.mark.time_is_moved
def test_a_key_that_stood_by_for_long_enough_follows_at_once(issuer: Issuer) -> None:
    fetched, old = issuer.trust_list(), issuer.house.keys.of_cards().kid
    with later(CARD_KEY_BEFORE_USE_SECONDS):
        rotate(issuer)
        assert issuer.house.keys.of_cards().kid != old
        assert verify(issuer.make(issuer.come()).text, fetched.trusted(), clock.seconds()).genuine
        rotate(issuer)
        assert issuer.house.keys.of_cards().kid != old, "the one that stands by now has only begun to"
        assert CARDS not in issuer.house.keys.due(86_400), "its days begin when it signs"


@pytest.mark.time_is_moved
def test_however_often_keys_are_replaced_a_trust_list_has_room_for_those_of_ten_years(issuer: Issuer) -> None:
    every_day = 86_400
    with later(39 * 86_400):
        assert CARDS not in issuer.house.keys.due(every_day)
    with later(40 * 86_400):
        assert issuer.house.keys.due(every_day) == list(ROTATED)
    lives = CARD_KEY_BEFORE_USE_SECONDS + CARD_KEY_AFTER_USE_SECONDS
    assert lives / CARD_KEY_LEAST_AGE_SECONDS + 2 < trust_lists.KEYS


def test_the_cards_of_a_withdrawn_key_are_refused(issuer: Issuer) -> None:
    old, before = issuer.make(issuer.come()), issuer.trust_list()
    rotate(issuer, withdraw=True)
    new = issuer.make(issuer.come())
    assert issuer.verify(old).reason is Reason.UNKNOWN_KEY
    assert issuer.verify(new).genuine
    successor = trust_lists.read(issuer.house.publishing.trust_list(), ISSUER, clock.seconds(), before)
    assert verify(old.text, successor.trusted(), clock.seconds()).reason is Reason.UNKNOWN_KEY
    assert verify(new.text, before.trusted(), clock.seconds()).genuine, "by a list from before the theft"


# ---- the trust list ----


def listed(**changes: object) -> TrustList:
    now = clock.seconds()
    given = {
        "issuer": ISSUER, "issued_at": now, "expires_at": now + WEEK, "keys": (pen().public, pen("EdDSA").public),
        "status_lists": (f"{ISSUER}/status-lists/1",),
    } | changes  # fmt: skip
    return TrustList(**given)  # type: ignore[arg-type]


def signed(of: TrustList, name: str = "ours") -> str:
    signer = pen("ES256", name)
    return trust_lists.as_jws(of, signer, signer.key_id.hex())


def test_a_trust_list_says_what_it_said() -> None:
    said = listed()
    assert trust_lists.read(signed(said), ISSUER, clock.seconds()) == said
    assert trust_lists.read(signed(said), ISSUER, clock.seconds(), said) == said


def test_whoever_has_a_list_believes_the_next_only_from_a_key_of_it() -> None:
    theirs = pen("ES256", "stranger")
    forged = listed(keys=(theirs.public,))
    token = trust_lists.as_jws(forged, theirs, theirs.key_id.hex())
    assert trust_lists.read(token, ISSUER, clock.seconds()) == forged  # as the first, it would be believed: over TLS
    with pytest.raises(BadTrustList, match="no key that we know"):
        trust_lists.read(token, ISSUER, clock.seconds(), listed())


def test_nobody_goes_back_to_an_older_list_or_to_a_key_that_was_withdrawn() -> None:
    """A thief of a key has genuine lists of before as well."""
    now, theirs = clock.seconds(), pen("ES256", "successor")
    with pytest.raises(BadTrustList, match="older than"):
        trust_lists.read(signed(listed(issued_at=now - 60)), ISSUER, now, listed(issued_at=now))
    with pytest.raises(BadTrustList, match="withdrawn"):
        trust_lists.read(signed(listed(keys=(theirs.public,))), ISSUER, now, listed())


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"issuer": "https://other.example"}, "another issuer's"), ({"expires_at": 1}, "expired"),
        ({"issued_at": 9_999_999_999}, "in the future"), ({"keys": ()}, "keys is not"),
        ({"issued_at": True}, "iat and exp"), ({"status_lists": (1,)}, "status_lists is not"),
    ],
)  # fmt: skip
def test_a_trust_list_that_is_not_as_it_should_be_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadTrustList, match=said):
        trust_lists.read(signed(listed(**changes)), ISSUER, clock.seconds(), listed())


@pytest.mark.parametrize("token", ["", "a.b.c", "{}", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_trust_list_is_refused(token: str) -> None:
    with pytest.raises(BadTrustList):
        trust_lists.read(token, ISSUER, clock.seconds())


def test_a_trust_list_without_a_signature_or_of_another_type_is_refused() -> None:
    head, body, _ = signed(listed()).split(".")
    with pytest.raises(BadTrustList):
        trust_lists.read(f"{head}.{body}.", ISSUER, clock.seconds(), listed())
    other = jwt.encode({"iss": ISSUER}, pen().private, "ES256", headers={"kid": pen().key_id.hex(), "typ": "JWT"})
    with pytest.raises(BadTrustList, match="typ"):
        trust_lists.read(other, ISSUER, clock.seconds())


# ---- as it is fetched ----


def test_every_page_may_fetch_the_lists_and_a_cache_hold_them_for_seconds(tmp_path: Path) -> None:
    app = create_app(furnished(tmp_path).settings)
    with app.test_client() as client:
        trust = client.get("/trust-list")
        assert trust.content_type == "application/trust-list+jwt"
        found = trust_lists.read(trust.text, ISSUER, clock.seconds())
        assert found.status_lists == (f"{ISSUER}/status-lists/1",)
        assert client.get("/status-lists").json == {"status_lists": list(found.status_lists)}
        as_cwt, as_jwt = (client.get("/status-lists/1", headers={"Accept": form.value}) for form in Form)
        assert (as_cwt.content_type, as_jwt.content_type) == tuple(form.value for form in Form)
        read_cwt(as_cwt.data, found.trusted(), clock.seconds(), found.status_lists[0])
        read_jwt(as_jwt.text, found.trusted(), clock.seconds(), found.status_lists[0])
        for answer in (trust, as_cwt, as_jwt):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cache-Control"] == f"public, max-age={HELD_SECONDS}"
            assert "Set-Cookie" not in answer.headers
        assert "Accept" in as_cwt.headers["Vary"]
        assert client.get("/status-lists/2").status_code == 404
        assert client.get("/status-lists/x").status_code == 404
    assert MADE_ANEW_SECONDS + HELD_SECONDS < 60
