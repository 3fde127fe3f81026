"""Two people who are one are joined and parted again; and no portal ever loses whom it knew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from connectors.base import IdentifierType
from idp import entropy
from idp.cases import By, CannotBe, Overtaken
from idp.cases.models import ChangeRow
from idp.people import Undecided
from tests.cases.conftest import BY, NUMBER, Office, at_the_bank, known_as, numbered, two_people
from tests.oidc.residents import assertion

pytestmark = pytest.mark.both_engines


def merge(office: Office, stays: bytes, goes: bytes) -> bytes:
    with office.house.database.write() as tx:
        return office.house.joining.merge(tx, stays, goes, BY)


def undo(office: Office, change: bytes) -> bytes:
    with office.house.database.write() as tx:
        return office.house.joining.undo(tx, change, BY)


def test_after_a_merge_both_sources_lead_to_one_person(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    merge(office, stays, goes)
    assert office.come(one) == office.come(other, "bank") == stays
    person = office.house.people.find(stays)
    assert person is not None
    assert set(person.names) == {"Nguyễn Thị Mai Anh", "Trần Văn Bình"}


def test_after_a_merge_what_each_source_says_goes_on_being_believed(office: Office) -> None:
    """Each tells its own name, birth date and number at every sign-in, in any order."""
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    merge(office, stays, goes)
    for said, source in [(other, "bank"), (one, "population"), (other, "bank"), (other, "bank"), (one, "population")]:
        assert office.come(said, source) == stays
    number = office.house.people.find(stays)
    assert number is not None
    assert number.personal_number == one.identifiers[0].value


def test_every_sub_that_a_portal_was_told_keeps_working_after_a_merge(office: Office) -> None:
    one, other = two_people()
    tax, health = office.portals
    grants = {
        "one at tax": office.use(one, tax), "other at tax": office.use(other, tax, "bank"),
        "other at health": office.use(other, health, "bank"),
    }  # fmt: skip
    subs = {
        name: entitled.sub for name, grant in grants.items() if (entitled := office.house.grants.entitled(grant.id))
    }
    stays, goes = grants["one at tax"].person_id, grants["other at tax"].person_id
    merge(office, stays, goes)
    for name, grant in grants.items():  # what portals hold goes on, under the sub that they know
        entitled = office.house.grants.entitled(grant.id)
        assert entitled is not None
        assert (entitled.sub, entitled.person.id) == (subs[name], stays)
    for portal, sub in [(tax, subs["one at tax"]), (tax, subs["other at tax"]), (health, subs["other at health"])]:
        assert office.house.people.by_sub(portal.sector, sub) == stays
    assert office.sub(one, tax) == office.sub(other, tax, "bank") == subs["one at tax"]
    assert office.sub(one, health) == subs["other at health"]  # the portal knows them by the bank's sign-in


def test_what_an_api_was_told_stays_after_a_merge(office: Office) -> None:
    """A sub at an API is made from the id of whoever was granted it, which a merge does not change."""
    one, other = two_people()
    tax, _ = office.portals
    grant = office.use(other, tax, "bank")
    before = office.house.grants.entitled(grant.id)
    stays = office.come(one)
    merge(office, stays, grant.person_id)
    after = office.house.grants.entitled(grant.id)
    assert before is not None and after is not None
    assert (before.origin, after.origin) == (grant.person_id, grant.person_id)
    again = office.house.grants.entitled(office.use(other, tax, "bank").id)  # a new sign-in, after the merge
    assert again is not None
    assert (again.person.id, again.origin, again.sub) == (stays, grant.person_id, before.sub)


def test_a_merge_that_is_undone_has_never_been(office: Office) -> None:
    one, other = two_people()
    tax, health = office.portals
    stays, goes = office.use(one, tax).person_id, office.use(other, tax, "bank").person_id
    office.use(other, health, "bank")
    before = office.state(stays, goes)
    change = merge(office, stays, goes)
    assert office.state(stays, goes) != before
    undo(office, change)
    assert office.state(stays, goes) == before
    assert (office.come(one), office.come(other, "bank")) == (stays, goes)


def test_what_was_said_since_survives_the_undoing(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    change = merge(office, stays, goes)
    one = replace(one, email="new@example.vn")
    office.come(one)
    office.come(at_the_bank(one, subject="third", issuer="http://third.localhost"), "third")
    undo(office, change)
    person = office.house.people.find(stays)
    assert person is not None
    assert person.email == "new@example.vn"
    assert [link.source_id for link in office.house.joining.links_of(stays)] == ["population", "third"]


def test_who_was_joined_can_be_joined_on_and_undone_in_turn(office: Office) -> None:
    one, other = two_people()
    third = known_as(assertion(subject="third"), "Lê Thị Cúc")
    first, second, last = office.come(one), office.come(other, "bank"), office.come(third)
    before = office.state(first, second, last)
    inner = merge(office, second, last)
    outer = merge(office, first, second)
    assert office.come(third) == first
    with pytest.raises(Overtaken):
        undo(office, inner)  # what it moved was moved on
    undo(office, outer)
    undo(office, inner)
    assert office.state(first, second, last) == before


def test_the_undoing_can_be_undone(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    change = merge(office, stays, goes)
    joined = office.state(stays, goes)
    undo(office, undo(office, change))
    assert office.state(stays, goes) == joined


def test_nobody_is_signed_in_as_whoever_went(office: Office) -> None:
    one, other = two_people()
    tax, _ = office.portals
    stays, goes = office.come(one), office.use(other, tax, "bank").person_id
    merge(office, stays, goes)
    ended = [event for event in office.events("session_ended") if event["person_id"] == goes.hex()]
    assert [event["details"]["reason"] for event in ended] == ["merge: letter 7"]


def test_nobody_is_joined_to_themselves_to_nobody_or_to_the_dead(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    with pytest.raises(CannotBe):
        merge(office, stays, stays)
    with pytest.raises(Overtaken, match="nobody has this id"):
        merge(office, stays, entropy.random_id())
    with office.house.database.write() as tx:
        office.house.people.set_status(tx, goes, "deceased", "register")
    with pytest.raises(CannotBe, match="settled first"):
        merge(office, stays, goes)


def test_a_split_gives_each_source_its_own_person(office: Office) -> None:
    """A borrower came by somebody's number at the bank; the clerk parts them."""
    one = assertion()
    person_id = office.come(one)
    assert office.come(at_the_bank(one, email="borrower@example.vn"), "bank") == person_id
    (link,) = [each for each in office.house.joining.links_of(person_id) if each.source_id == "bank"]
    with office.house.database.write() as tx:
        change = office.house.joining.split(tx, person_id, [link.id], [], BY)
        done = office.house.joining.find(tx, change)
    assert done is not None
    (other,) = [each for each in done.change.concerned if each != person_id]
    assert [each.source_id for each in office.house.joining.links_of(person_id)] == ["population"]
    assert [each.source_id for each in office.house.joining.links_of(other)] == ["bank"]
    with pytest.raises(Undecided, match="link-and-number-are-two-people"):  # the number is not the borrower's
        office.come(at_the_bank(one), "bank")
    assert office.come(one) == person_id


def test_after_a_split_a_tax_code_that_is_the_personal_number_stays_with_it(office: Office) -> None:
    one = assertion()
    number = one.identifiers[0].value
    taxed = numbered(at_the_bank(one), (IdentifierType.TAX_CODE, number), (NUMBER, number))
    person_id = office.come(one)
    assert office.come(taxed, "tax") == person_id
    before = office.state(person_id)
    (link,) = [each for each in office.house.joining.links_of(person_id) if each.source_id == "tax"]
    with office.house.database.write() as tx:
        change = office.house.joining.split(tx, person_id, [link.id], [], BY)
    with pytest.raises(Undecided, match="link-and-number-are-two-people"):
        office.come(taxed, "tax")
    assert office.come(at_the_bank(one), "bank") == person_id, "nobody else has the number"
    undo(office, change)
    assert office.state(person_id)[person_id.hex()]["person"] == before[person_id.hex()]["person"]
    assert office.come(taxed, "tax") == person_id


def test_a_split_takes_what_was_granted_through_the_source_that_goes(office: Office) -> None:
    one = assertion()
    tax, health = office.portals
    kept, lost = office.use(one, tax), office.use(at_the_bank(one), health, "bank")
    (link,) = [each for each in office.house.joining.links_of(kept.person_id) if each.source_id == "bank"]
    with office.house.database.write() as tx:
        office.house.joining.split(tx, kept.person_id, [link.id], [], BY)
    assert office.house.grants.entitled(kept.id) is not None
    assert office.house.grants.entitled(lost.id) is None


def test_after_a_split_a_sub_leads_to_whom_the_portal_knew(office: Office) -> None:
    one = assertion()
    tax, health = office.portals
    here, there = office.use(one, tax), office.use(at_the_bank(one), health, "bank")
    was = {grant.id: entitled.sub for grant in (here, there) if (entitled := office.house.grants.entitled(grant.id))}
    (link,) = [each for each in office.house.joining.links_of(here.person_id) if each.source_id == "bank"]
    with office.house.database.write() as tx:
        change = office.house.joining.split(tx, here.person_id, [link.id], [health.sector], BY)
        done = office.house.joining.find(tx, change)
    assert done is not None
    (other,) = [each for each in done.change.concerned if each != here.person_id]
    assert office.house.people.by_sub(health.sector, was[there.id]) == other
    assert office.house.people.by_sub(tax.sector, was[here.id]) == here.person_id
    went = office.house.grants.entitled(there.id)
    assert went is not None and went.person.id == other
    assert office.sub(one, health) not in was.values()  # who stays is somebody new to that portal


def test_who_is_unlinked_is_decided_by_the_rules_again(office: Office) -> None:
    one = assertion()
    person_id = office.come(one)
    office.come(at_the_bank(one), "bank")
    (link,) = [each for each in office.house.joining.links_of(person_id) if each.source_id == "bank"]
    with office.house.database.write() as tx:
        change = office.house.joining.unlink(tx, person_id, link.id, BY)
    assert [each.source_id for each in office.house.joining.links_of(person_id)] == ["population"]
    undo(office, change)
    assert len(office.house.joining.links_of(person_id)) == 2


def test_a_subject_is_given_to_another_person_and_back(office: Office) -> None:
    one, other = two_people()
    first, second = office.come(one), office.come(other, "bank")
    weak = at_the_bank(assertion(), subject="weak", issuer="http://weak.localhost", proofing=1)
    third = office.come(weak, "weak", proofing=1)
    (link,) = office.house.joining.links_of(third)
    with office.house.database.write() as tx:
        change = office.house.joining.relink(tx, third, link.id, first, BY)
    assert office.come(numbered(weak), "weak", proofing=1) == first
    undo(office, change)
    assert office.come(numbered(weak), "weak", proofing=1) == third
    assert second not in (first, third)


def test_the_history_says_who_did_what_and_why(office: Office) -> None:
    one, other = two_people()
    stays, goes = office.come(one), office.come(other, "bank")
    change = merge(office, stays, goes)
    with office.house.database.write() as tx:
        office.house.joining.undo(tx, change, By(operator="minh", reason="was wrong"))
    first, second = office.house.joining.history(goes)
    assert (first.kind, first.by, first.undone_by) == ("merge", BY, "minh")
    assert (second.kind, second.by.reason, second.undone_at) == ("undo", "was wrong", None)
    kinds = [event["details"]["kind"] for event in office.events("person_changed_by_clerk")]
    assert kinds == ["merge", "merge", "undo", "undo"]  # of each, for both people


def test_a_change_is_undone_once(office: Office) -> None:
    one, other = two_people()
    change = merge(office, office.come(one), office.come(other, "bank"))
    undo(office, change)
    with pytest.raises(CannotBe, match="undone already"):
        undo(office, change)


def test_details_of_people_stand_sealed_in_the_history(office: Office) -> None:
    one, other = two_people()
    merge(office, office.come(one), office.come(other, "bank"))

    moved = bytes(office.house.database.all(select(ChangeRow.moved))[0][0])
    assert b"Nguy" not in moved
    assert one.identifiers[0].value.encode() not in moved
