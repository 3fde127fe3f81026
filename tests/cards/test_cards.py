"""Cards are made for people, and are void when they are taken back, or when they say what is no longer so."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import time_machine

from connectors.base import Name
from connectors.registers import Agreement, Pivot, Verdict
from idp import clock, entropy
from idp.cards import CannotMake, Holder, Kept, State, making
from idp.cards.book import TOPIC
from idp.cards.models import CHANGE_STATE
from idp.cases import By
from idp.digital_id import Reason, read, verify
from idp.people import Checked
from idp.sessions import SignedIn
from tests.cards.conftest import Issuer
from tests.oidc.residents import assertion

pytestmark = pytest.mark.both_engines
BY = By(operator="lan", reason="letter 7")


def test_a_card_is_genuine_and_says_who_its_holder_is(issuer: Issuer) -> None:
    person_id = issuer.come()
    kept = issuer.make(person_id)
    verdict = issuer.verify(kept)
    assert (verdict.genuine, verdict.reason) == (True, None)
    card = verdict.card
    assert card is not None
    assert (card.full_name, card.birth_date, card.gender, card.number) == (
        "Nguyễn Thị Mai Anh", "19900515", 2, kept.number
    )  # fmt: skip
    assert issuer.house.cards.book.of_person(person_id) == [kept]
    assert issuer.house.cards.book.find(kept.id) == issuer.house.cards.book.by_number(kept.number) == kept


def test_neither_the_name_nor_the_code_can_be_read_in_the_table(issuer: Issuer) -> None:
    kept = issuer.make(issuer.come())
    with issuer.house.database.engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM cards")
    assert kept.text.encode() not in b"".join(bytes(value) for value in row if isinstance(value, bytes | memoryview))


def test_a_suspended_card_is_refused_until_it_is_resumed(issuer: Issuer) -> None:
    kept, book = issuer.make(issuer.come()), issuer.house.cards.book
    with issuer.house.database.write() as tx:
        assert book.suspend(tx, kept.person_id, kept.id, "lost")
    assert (issuer.verify(kept).reason, book.of_person(kept.person_id)[0].why) == (Reason.SUSPENDED, "lost")
    with issuer.house.database.write() as tx:
        assert not book.suspend(tx, kept.person_id, kept.id, "lost"), "the second click changes nothing"
        assert book.resume(tx, kept.person_id, kept.id)
        assert not book.resume(tx, kept.person_id, kept.id)
    assert issuer.verify(kept).genuine
    assert [event["details"]["change"] for event in issuer.events("card_changed")] == ["made", "suspended", "resumed"]


def test_an_ended_card_never_comes_back(issuer: Issuer) -> None:
    kept, book = issuer.make(issuer.come()), issuer.house.cards.book
    with issuer.house.database.write() as tx:
        assert book.suspend(tx, kept.person_id, kept.id, "lost")
        assert book.end(tx, kept.person_id, kept.id, "holder")
        assert not book.end(tx, kept.person_id, kept.id, "holder")
        assert not book.resume(tx, kept.person_id, kept.id)
    assert issuer.verify(kept).reason is Reason.REVOKED
    assert book.of_person(kept.person_id)[0].state is State.INVALID
    with time_machine.travel(clock.now().timestamp() + 31 * 86_400, tick=False):
        assert book.of_person(kept.person_id) == []


def test_nobody_changes_the_card_of_somebody_else(issuer: Issuer) -> None:
    kept, other, book = issuer.make(issuer.come()), issuer.come(), issuer.house.cards.book
    with issuer.house.database.write() as tx:
        assert not book.suspend(tx, other, kept.id, "lost")
        assert not book.end(tx, other, kept.id, "holder")
        assert book.end_all_of(tx, other, "identity") == 0
    assert issuer.verify(kept).genuine


def test_one_person_has_only_so_many_cards_in_force(issuer: Issuer) -> None:
    person_id, most = issuer.come(), issuer.house.settings.cards.most
    made = [issuer.make(person_id) for _ in range(most)]
    with pytest.raises(CannotMake, match="too_many"):
        issuer.make(person_id)
    with issuer.house.database.write() as tx:
        issuer.house.cards.book.end(tx, person_id, made[0].id, "holder")
    assert issuer.make(person_id).number not in {card.number for card in made}


def test_one_person_takes_only_so_many_places_in_a_day(issuer: Issuer) -> None:
    """Made and ended in a loop, cards would fill the lists."""
    person_id, book = issuer.come(), issuer.house.cards.book
    for _ in range(making.MADE_A_DAY * issuer.house.settings.cards.most):
        card = issuer.make(person_id)
        with issuer.house.database.write() as tx:
            book.end(tx, person_id, card.id, "holder")
    with pytest.raises(CannotMake, match="too_often"):
        issuer.make(person_id)
    with time_machine.travel(clock.now().timestamp() + 86_400, tick=False):
        assert issuer.make(person_id)


def test_a_name_that_no_code_has_room_for_gets_no_card(issuer: Issuer) -> None:
    with pytest.raises(CannotMake, match="name_too_long"):
        issuer.make(issuer.come(), name=entropy.chance(200).hex())


# ---- what a person no longer is ----


def die(issuer: Issuer, person_id: bytes) -> None:
    with issuer.house.database.write() as tx:
        issuer.house.people.set_status(tx, person_id, "deceased", "reported")


def be_barred(issuer: Issuer, person_id: bytes) -> None:
    with issuer.house.database.write() as tx:
        issuer.house.people.set_status(tx, person_id, "barred", "letter 8")


def lose_a_link(issuer: Issuer, person_id: bytes) -> None:
    with issuer.house.database.write() as tx:
        link = issuer.house.joining.links_of(person_id)[0].id
        issuer.house.joining.unlink(tx, person_id, link, BY)


def be_joined_to_another(issuer: Issuer, person_id: bytes) -> None:
    stays = issuer.come()
    with issuer.house.database.write() as tx:
        issuer.house.joining.merge(tx, stays, person_id, BY)


@pytest.mark.parametrize(
    "become, why",
    [(die, "deceased"), (be_barred, "barred"), (lose_a_link, "identity"), (be_joined_to_another, "identity")],
)
def test_a_card_is_void_when_its_holder_is_not_who_they_were(
    issuer: Issuer, become: Callable[[Issuer, bytes], None], why: str
) -> None:
    kept = issuer.make(issuer.come())
    bystander = issuer.make(issuer.come())
    become(issuer, kept.person_id)
    assert issuer.verify(kept).reason is Reason.REVOKED
    assert issuer.verify(bystander).genuine
    (found,) = issuer.house.cards.book.of_person(kept.person_id)
    assert found.why == why


def test_after_a_split_the_cards_of_both_are_void(issuer: Issuer) -> None:
    said = assertion()
    person_id = issuer.come(said)
    issuer.come(replace(said, issuer="http://bank.localhost", subject="7"), "bank", 2)
    kept = issuer.make(person_id)
    with issuer.house.database.write() as tx:
        link = next(link for link in issuer.house.joining.links_of(person_id) if link.source_id == "bank")
        issuer.house.joining.split(tx, person_id, [link.id], [], BY)
    assert issuer.verify(kept).reason is Reason.REVOKED


def test_a_new_name_ends_the_cards_and_a_new_telephone_does_not(issuer: Issuer) -> None:
    said = assertion()
    kept = issuer.make(issuer.come(said))
    issuer.come(replace(said, phone="0987654321", name=Name(full="NGUYEN THI MAI ANH")))
    assert issuer.verify(kept).genuine
    new = Pivot(identifier=said.identifiers[0], name=Name(full="Nguyễn Thị Mai An"), birth_date=said.birth_date)
    told = Verdict(agreement=Agreement.AGREES, alive=True, at=clock.now(), evidence=bytes(32), rectified=new)
    with issuer.house.database.write() as tx:
        person = issuer.house.people.find_within(tx, kept.person_id)
        assert person is not None
        issuer.house.people.keep_checked(
            tx, person, Checked(source_id="population", verdict=told, asked_at=clock.seconds())
        )
    assert issuer.verify(kept).reason is Reason.REVOKED
    assert issuer.house.cards.book.of_person(kept.person_id)[0].why == "changed"


# ---- places in the lists ----


def test_a_list_that_is_nearly_full_is_left_for_the_next(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PLACES", 8)
    places = {(card.list_number, card.list_index) for card in (issuer.make(issuer.come()) for _ in range(30))}
    assert len(places) == 30
    assert {number for number, _ in places} == set(issuer.house.publishing.numbers())
    assert max(number for number, _ in places) >= 4


def test_a_place_that_another_worker_took_first_is_not_given_twice(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either wrote: the second draws again."""
    first, draws = issuer.make(issuer.come()), iter([5, 6])
    with issuer.house.database.write() as tx:
        taken = replace(first, id=entropy.random_id(), number="SECOND", list_index=5)
        assert issuer.house.cards.book.add(tx, taken)
        assert not issuer.house.cards.book.add(tx, replace(taken, id=entropy.random_id(), number="THIRD"))
    monkeypatch.setattr(making.Cards, "_place", lambda *_: (1, next(draws)))
    assert issuer.make(issuer.come()).list_index == 6


# ---- codes that say nothing but an age ----


def test_codes_for_an_age_say_nothing_else_and_are_all_different(issuer: Issuer) -> None:
    holder = Holder(person_id=issuer.come(), name="Nguyễn Thị Mai Anh", birth_date="19900515")
    with issuer.house.database.write() as tx:
        codes = issuer.house.cards.age_codes(tx, holder, 18)
    assert len(set(codes)) == making.AGE_CODES
    keys = issuer.trust_list().trusted()
    for code in codes:
        assert verify(code, keys, clock.seconds()).genuine
        card = read(code).card
        assert (card.age_over, card.full_name, card.number, card.birth_date, card.status) == (
            18,
            None,
            None,
            None,
            None,
        )


@pytest.mark.parametrize(
    "born, said",
    [(None, "birth_date_unknown"), ("20091123", "too_young"), ("20091122", None), ("20080229", None)],
)
def test_an_age_is_only_told_of_whoever_has_reached_it(issuer: Issuer, born: str | None, said: str | None) -> None:
    """By the day in Vietnam: it is the 22nd there while it is still the 21st in London."""
    holder = Holder(person_id=issuer.come(), name="Nguyễn Thị Mai Anh", birth_date=born)
    with time_machine.travel("2027-11-21T18:00:00Z", tick=False), issuer.house.database.write() as tx:
        if said is None:
            assert issuer.house.cards.age_codes(tx, holder, 18)
        else:
            with pytest.raises(CannotMake, match=said):
                issuer.house.cards.age_codes(tx, holder, 18)


def test_a_session_has_nothing_to_do_with_a_card_s_validity(issuer: Issuer) -> None:
    """Signing out ends no card: it may be in a drawer, on paper."""
    kept: Kept = issuer.make(issuer.come())
    signed_in = SignedIn(
        person_id=kept.person_id, source_id="population", source_kind="population", level=2, amr=("pwd",),
        auth_time=clock.seconds(),
    )  # fmt: skip
    with issuer.house.database.write() as tx:
        issuer.house.sessions.open(tx, None, signed_in)
        assert issuer.house.sessions.end_all_of(tx, kept.person_id, "signed out") == 1
    assert issuer.verify(kept).genuine


# ---- at one moment ----


def test_a_holder_and_a_clerk_never_wait_for_each_other(issuer: Issuer) -> None:
    house, said, at_bank = issuer.house, assertion(), {"issuer": "http://bank.localhost", "subject": "7"}
    person_id = issuer.come(said)
    issuer.come(replace(said, **at_bank), "bank", 2)
    with house.database.write() as tx:
        link = next(link for link in house.joining.links_of(person_id) if link.source_id == "bank")
        parted = house.joining.split(tx, person_id, [link.id], [], BY)
    with house.database.write() as tx:
        done = house.joining.find(tx, parted)
    assert done is not None
    *_, kept = made = [issuer.make(each) for each in done.change.concerned]
    assert len(made) == 2

    def undo() -> None:
        with house.database.write() as tx:
            house.joining.undo(tx, parted, BY)

    with ThreadPoolExecutor(1) as clerks:
        with house.database.write() as tx:  # what Book.suspend does, and a clerk comes in between
            assert tx.run(
                CHANGE_STATE, of_card=kept.id, of_person=kept.person_id, seen_state=int(State.VALID), new_why="lost",
                new_state=int(State.SUSPENDED), now=clock.seconds(),
            )  # fmt: skip
            undone = clerks.submit(undo)
            time.sleep(0.5)
            house.changes.bump(tx, TOPIC)
        undone.result()
    assert [house.cards.book.find(card.id).state for card in made] == [State.INVALID] * 2  # type: ignore[union-attr]
