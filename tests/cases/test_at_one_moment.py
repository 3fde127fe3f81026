"""A clerk changes who is who while somebody signs in: whichever comes first, nobody stays signed in as another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from idp import clock
from idp.sessions import SignedIn
from tests.cases.conftest import BY, Office, at_the_bank, known_as
from tests.oidc.residents import assertion

pytestmark = pytest.mark.both_engines
LONGEST_SECONDS = 20


def in_the_middle_of_a_sign_in(office: Office, said: object, change: Callable[[], None]) -> str:
    """Somebody signs in by the bank, and the clerk begins after their link was read; returns their cookie."""
    clerk = threading.Thread(target=change)
    with office.house.database.write() as tx:
        person = office.house.people.recognise(tx, said, "bank", 2).person  # type: ignore[arg-type]
        clerk.start()
        clerk.join(0.5)  # as far as it comes
        signed_in = SignedIn(
            person_id=person.id, source_id="bank", source_kind="bank", level=2, amr=("pwd",), auth_time=clock.seconds()
        )
        _, cookie = office.house.sessions.open(tx, None, signed_in)
    clerk.join(LONGEST_SECONDS)
    assert not clerk.is_alive()
    return cookie


def test_whose_link_is_taken_meanwhile_is_not_signed_in_any_more(office: Office) -> None:
    one = assertion()
    person_id, said = office.come(one), at_the_bank(one)
    office.come(said, "bank", 2)
    (link,) = [each.id for each in office.house.joining.links_of(person_id) if each.source_id == "bank"]

    def unlink() -> None:
        with office.house.database.write() as tx:
            office.house.joining.unlink(tx, person_id, link, BY)

    cookie = in_the_middle_of_a_sign_in(office, said, unlink)
    assert len(office.house.joining.links_of(person_id)) == 1
    assert office.house.sessions.by_cookie(cookie) is None


def test_who_is_joined_to_another_meanwhile_is_not_signed_in_as_before(office: Office) -> None:
    stays, said = office.come(assertion()), at_the_bank(known_as(assertion(subject="2"), "Trần Văn Bình"))
    goes = office.come(said, "bank", 2)

    def merge() -> None:
        with office.house.database.write() as tx:
            office.house.joining.merge(tx, stays, goes, BY)

    cookie = in_the_middle_of_a_sign_in(office, said, merge)
    assert office.house.sessions.by_cookie(cookie) is None
    assert office.come(said, "bank", 2) == stays
