"""By no clerk's slip and by no crooked clerk alone does anybody come to be somebody else, or to read what is theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.registers import Agreement, Verdict
from idp import clock
from idp.cases import CannotBe, Decision, Overtaken
from idp.cases.models import CHECKED_AT
from idp.people import Checked, Undecided
from idp.people.joining import MERGED
from idp.registers.combining import AGREE
from tests.cases.conftest import BY, NUMBER, Office, at_the_bank, known_as, numbered, two_people
from tests.oidc.residents import assertion

pytestmark = pytest.mark.both_engines


def link_of(office: Office, person_id: bytes, source: str) -> str:
    return next(link.id for link in office.house.joining.links_of(person_id) if link.source_id == source)


def split(office: Office, person_id: bytes, source: str, *sectors: str) -> tuple[bytes, bytes]:
    """The change, and who came to be by it."""
    with office.house.database.write() as tx:
        change = office.house.joining.split(tx, person_id, [link_of(office, person_id, source)], sectors, BY)
        done = office.house.joining.find(tx, change)
    assert done is not None
    (other,) = [each.id for each in done.change.people if each.before is None]
    return change, other


def undo(office: Office, change: bytes) -> bytes:
    with office.house.database.write() as tx:
        return office.house.joining.undo(tx, change, BY)


def a_review(office: Office) -> tuple[bytes, str]:
    one = assertion(phone=None, profile=None)
    number = one.identifiers[0].value
    person_id = office.come(one)
    mistyped = numbered(one, (NUMBER, number[:-1] + str((int(number[-1]) + 1) % 10)))
    return person_id, office.refused(at_the_bank(mistyped), "bank", 2)


def test_one_clerk_links_nobody_whom_the_rules_did_not_find(office: Office) -> None:
    _, case_id = a_review(office)
    victim = office.come(known_as(assertion(subject="victim"), "Trần Văn Bình"))
    case = office.house.cases.find(case_id)
    assert case is not None
    with office.house.database.write() as tx:
        state = office.house.cases.decide(tx, case, Decision(what="link", person_id=victim, reason="x"), "lan")
    assert state == "proposed"
    proposed = office.house.cases.find(case_id)
    assert proposed is not None
    assert victim in proposed.people  # the second clerk sees them
    assert proposed.mark != case.mark


def test_two_whom_nothing_shows_to_be_one_are_joined_by_two_clerks(office: Office) -> None:
    one, other = two_people()
    first, second = office.come(one), office.come(other, "bank")
    with office.house.database.write() as tx:
        assert office.house.joining.wants_two(tx, first, second)


def test_a_subject_that_changes_hands_takes_no_accepted_words_along(office: Office) -> None:
    person_id, case_id = a_review(office)
    case = office.house.cases.find(case_id)
    assert case is not None
    with office.house.database.write() as tx:
        office.house.cases.decide(tx, case, Decision(what="link", person_id=person_id, reason="x"), "lan")
    victim = office.come(known_as(assertion(subject="victim"), "Trần Văn Bình"))
    with office.house.database.write() as tx:
        office.house.joining.relink(tx, person_id, link_of(office, person_id, "bank"), victim, BY)
    (link,) = [each for each in office.house.joining.links_of(victim) if each.source_id == "bank"]
    assert link.accepted is None


def test_a_case_that_changed_since_it_was_read_is_not_decided(office: Office) -> None:
    one = assertion()
    person_id = office.come(one)
    said = at_the_bank(known_as(one, "Phạm Thị Mai Anh"))
    case_id = office.refused(said, "bank", 2)
    seen = office.house.cases.find(case_id)
    assert seen is not None
    office.refused(known_as(said, "Somebody Else"), "bank", 2)  # the same subject, with other words
    with pytest.raises(CannotBe, match="look again"), office.house.database.write() as tx:
        office.house.cases.decide(tx, seen, Decision(what="link", person_id=person_id, reason="x"), "lan")


def test_after_a_split_two_people_share_a_sub_at_no_api(office: Office) -> None:
    one = assertion()
    tax, health = office.portals
    here, there = office.use(one, tax), office.use(at_the_bank(one), health, "bank")
    split(office, here.person_id, "bank", health.sector)
    origins = [entitled.origin for each in (here, there) if (entitled := office.house.grants.entitled(each.id))]
    assert len(set(origins)) == 2


def test_a_split_that_is_undone_gives_the_portal_back_whom_it_knew(office: Office) -> None:
    one = assertion()
    _, health = office.portals
    sub = office.sub(at_the_bank(one), health, "bank")
    person_id = office.come(one)
    change, _ = split(office, person_id, "bank", health.sector)
    minted = office.sub(one, health)
    undo(office, change)
    assert office.sub(one, health) == office.sub(at_the_bank(one), health, "bank") == sub != minted
    assert office.house.people.by_sub(health.sector, minted) == person_id  # nor is what was told since forgotten


def test_after_a_split_no_grant_of_who_stays_reads_who_goes(office: Office) -> None:
    one = assertion()
    _, health = office.portals
    kept, gone = office.use(one, health), office.use(at_the_bank(one), health, "bank")
    _, other = split(office, kept.person_id, "bank", health.sector)
    assert office.house.grants.entitled(kept.id) is None
    entitled = office.house.grants.entitled(gone.id)
    assert entitled is not None
    assert entitled.person.id == other


def test_of_two_subs_a_split_takes_the_one_that_came_by_the_merge(office: Office) -> None:
    one, other = two_people()
    tax, _ = office.portals
    own, theirs = office.sub(one, tax), office.sub(other, tax, "bank")
    stays, goes = office.come(one), office.come(other, "bank")
    with office.house.database.write() as tx:
        office.house.joining.merge(tx, stays, goes, BY)
    _, parted = split(office, stays, "bank", tax.sector)
    assert office.house.people.by_sub(tax.sector, own) == stays
    assert office.house.people.by_sub(tax.sector, theirs) == parted


@pytest.mark.parametrize("what", ["unlink", "relink"])
def test_what_was_granted_through_a_link_ends_with_it(office: Office, what: str) -> None:
    one = assertion()
    tax, _ = office.portals
    grant = office.use(at_the_bank(one), tax, "bank")
    person_id = office.come(one)
    other = office.come(known_as(assertion(subject="2"), "Trần Văn Bình"))
    link = link_of(office, person_id, "bank")
    with office.house.database.write() as tx:
        if what == "unlink":
            office.house.joining.unlink(tx, person_id, link, BY)
        else:
            office.house.joining.relink(tx, person_id, link, other, BY)
    assert office.house.grants.entitled(grant.id) is None


def test_what_was_granted_while_two_were_one_ends_when_they_are_two_again(office: Office) -> None:
    one, other = two_people()
    tax, health = office.portals
    before = office.use(one, health)
    stays, goes = before.person_id, office.come(other, "bank")
    with office.house.database.write() as tx:
        change = office.house.joining.merge(tx, stays, goes, BY)
    meanwhile = office.use(other, tax, "bank")
    undo(office, change)
    assert office.house.grants.entitled(meanwhile.id) is None
    assert office.house.grants.entitled(before.id) is not None


def test_two_customers_of_one_source_are_parted_with_what_was_granted(office: Office) -> None:
    one, other = two_people()
    other = replace(other, issuer=one.issuer, subject="another customer")
    tax, _ = office.portals
    stays, goes = office.come(one), office.come(other)
    with office.house.database.write() as tx:
        office.house.joining.merge(tx, stays, goes, BY)
    grant = office.use(other, tax)
    links = [link.id for link in office.house.joining.links_of(stays)]
    with office.house.database.write() as tx:
        office.house.joining.split(tx, stays, links[1:], [], BY)
    assert office.house.grants.entitled(grant.id) is None


def test_a_link_that_a_clerk_made_vouches_for_nobody(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    with office.house.database.write() as tx:
        change = office.house.joining.merge(tx, stays, goes, BY)
    (link,) = [each for each in office.house.joining.links_of(stays) if each.source_id == "bank"]
    assert link.rule not in AGREE
    undo(office, change)
    (link,) = office.house.joining.links_of(goes)
    assert link.rule in AGREE


def test_no_link_leads_to_whoever_was_joined_to_another(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    with office.house.database.write() as tx:
        change = office.house.joining.unlink(tx, goes, link_of(office, goes, "bank"), BY)
    with office.house.database.write() as tx:
        office.house.joining.merge(tx, stays, goes, BY)
    with pytest.raises(Overtaken, match="joined to somebody else"):
        undo(office, change)


def test_whoever_was_joined_to_another_cannot_be_barred_beside_them(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    with office.house.database.write() as tx:
        office.house.joining.merge(tx, stays, goes, BY)
        assert not office.house.people.set_status(tx, goes, "barred", "letter")
    gone = office.house.people.find(goes)
    assert gone is not None
    assert gone.status == MERGED


def test_what_the_register_said_of_one_is_not_written_on_another(office: Office) -> None:
    """The link changed hands while the register was asked."""
    one, other = two_people()
    office.come(one)
    verdict = Verdict(agreement=Agreement.AGREES, alive=True, at=clock.now(), evidence=b"v" * 32)
    asked = Checked(
        source_id="register", verdict=verdict, asked_at=clock.milliseconds(), number=one.identifiers[0].value
    )  # fmt: skip
    with office.house.database.write() as tx:
        found = office.house.people.recognise(tx, other, "bank", 2, asked)
    (row,) = office.house.database.all(CHECKED_AT, of_person=found.person.id)
    assert row[0] is None


def test_a_namesakes_account_is_not_added_without_a_number(office: Office) -> None:
    one = assertion()
    person_id = office.come(one)
    namesake = numbered(at_the_bank(one))
    with pytest.raises(Undecided, match="added-without-number"), office.house.database.write() as tx:
        office.house.people.recognise(tx, namesake, "bank", 2, None, person_id)


def test_what_was_refused_stays_refused_whatever_else_is_open(office: Office) -> None:
    one = assertion()
    office.come(one)
    said = at_the_bank(known_as(one, "Phạm Thị Mai Anh"))
    first = office.refused(said, "bank", 2)
    case = office.house.cases.find(first)
    assert case is not None
    with office.house.database.write() as tx:
        office.house.cases.decide(tx, case, Decision(what="refuse", reason="x"), "lan")
    second = office.refused(known_as(said, "Somebody Else"), "bank", 2)
    assert second != first
    assert office.refused(said, "bank", 2) == first


def test_cases_are_listed_by_source_and_page_by_page(office: Office) -> None:
    one = assertion()
    office.come(one)
    office.refused(at_the_bank(known_as(one, "Phạm Thị Mai Anh")), "bank", 2)
    case_id = office.refused(at_the_bank(known_as(one, "Phạm Thị Mai Anh"), issuer="http://tax"), "tax", 2)
    assert [case.id for case in office.house.cases.listed("open", "tax")] == [case_id]
    assert len(office.house.cases.listed("open", beyond=1)) == 1
