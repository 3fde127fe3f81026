"""What the rules leave open comes to clerks, who see all sides, and whose word the next sign-in finds."""

from __future__ import annotations

import pytest

from connectors.base import Assertion, Identifier, IdentifierType
from idp.cases import By, CannotBe, Case, Decision
from idp.people import Undecided
from tests.cases.conftest import NUMBER, Office, at_the_bank, born, known_as, numbered, two_people
from tests.oidc.residents import assertion

pytestmark = pytest.mark.both_engines


def case(office: Office, case_id: str) -> Case:
    found = office.house.cases.find(case_id)
    assert found is not None
    return found


def decide(office: Office, case_id: str, operator: str = "lan", **decision: object) -> str:
    made = Decision(**{"reason": "papers seen"} | decision)  # type: ignore[arg-type]
    with office.house.database.write() as tx:
        return office.house.cases.decide(tx, case(office, case_id), made, operator)


def approve(office: Office, case_id: str, operator: str = "minh") -> bytes:
    with office.house.database.write() as tx:
        return office.house.cases.approve(tx, case(office, case_id), operator)


def a_conflict() -> tuple[Assertion, Assertion]:
    """Somebody, and their bank, which has their number under another name."""
    one = assertion()
    return one, at_the_bank(known_as(one, "Phạm Thị Mai Anh"))


def a_review() -> tuple[Assertion, Assertion]:
    """Somebody, and their bank, which has mistyped a digit of their number."""
    one = assertion(phone=None, profile=None)
    number = one.identifiers[0].value
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    return one, at_the_bank(numbered(one, (NUMBER, mistyped)))


def test_who_is_not_let_in_has_one_case_however_often_they_come(office: Office) -> None:
    one, other = a_conflict()
    person_id = office.come(one)
    numbers = {office.refused(other, "bank", 2) for _ in range(3)}
    assert len(numbers) == 1
    found = case(office, numbers.pop())
    assert (found.state, found.outcome, found.rule, found.times) == ("open", "CONFLICT", "name-differs", 3)
    assert found.alike == (person_id,)
    assert [event["details"]["change"] for event in office.events("case_changed")] == ["opened"]


def test_a_clerk_sees_both_sides_and_it_is_on_record(office: Office) -> None:
    one, other = a_conflict()
    office.come(one)
    found = case(office, office.refused(other, "bank", 2))
    rows = {row["what"]: row for row in office.house.cases.side_by_side(found)}
    assert rows["name"] == {"what": "name", "said": "Phạm Thị Mai Anh", "person 1": "≠ Nguyễn Thị Mai Anh"}
    assert rows["birth date"]["person 1"] == "= 1992-08-05"
    assert rows["personal number"]["person 1"] == f"= {one.identifiers[0].value}"
    assert rows["comes by"]["person 1"] == "population (number-unknown)"
    with office.house.database.write() as tx:
        office.house.cases.note_seen(tx, found, "lan")
    assert office.events("case_changed")[-1]["details"]["operator"] == "lan"


def test_nothing_of_anybody_stands_in_the_table_in_clear(office: Office) -> None:
    one, other = a_conflict()
    office.come(one)
    case_id = office.refused(other, "bank", 2)
    with office.house.database.engine.connect() as connection:
        row = repr(connection.exec_driver_sql("SELECT * FROM cases").all())
    assert case_id in row
    assert "Mai Anh" not in row
    assert one.identifiers[0].value not in row
    assert "Mai" not in repr(case(office, case_id))  # nor in a log


def test_one_clerk_is_enough_where_nothing_speaks_against_it(office: Office) -> None:
    one, other = a_review()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    assert case(office, case_id).outcome == "REVIEW"
    assert decide(office, case_id, what="link", person_id=person_id) == "decided"
    assert office.come(other, "bank", 2) == person_id
    person = office.house.people.find(person_id)
    assert person is not None
    assert person.personal_number == one.identifiers[0].value  # the bank's slip is not theirs
    assert other.identifiers[0].value not in person.earlier_numbers


def test_who_is_let_in_against_name_or_number_needs_two_clerks(office: Office) -> None:
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    assert decide(office, case_id, what="link", person_id=person_id) == "proposed"
    with pytest.raises(Undecided), office.house.database.write() as tx:
        office.house.people.recognise(tx, other, "bank", 2)
    with pytest.raises(CannotBe, match="another has to look"):
        approve(office, case_id, "lan")
    approve(office, case_id)
    assert office.come(other, "bank", 2) == person_id
    found = case(office, case_id)
    assert (found.state, found.decided_by, found.approved_by) == ("decided", "lan", "minh")


def test_a_mistake_of_a_source_stays_with_it(office: Office) -> None:
    """The bank has another's name for them: nobody else is led to them by it, and they are not called by it."""
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    decide(office, case_id, what="link", person_id=person_id)
    approve(office, case_id)
    office.come(other, "bank", 3)
    person = office.house.people.find(person_id)
    assert person is not None
    assert person.names == ("Nguyễn Thị Mai Anh",)
    third = at_the_bank(other, issuer="http://other-bank.localhost")
    assert case(office, office.refused(third, "other-bank", 2)).rule == "name-differs"


def test_who_goes_by_another_name_as_well_is_known_by_it_everywhere(office: Office) -> None:
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    decide(office, case_id, what="link", person_id=person_id, are_theirs=True)
    approve(office, case_id)
    assert office.come(other, "bank", 2) == person_id
    third = at_the_bank(other, issuer="http://other-bank.localhost")
    assert office.come(third, "other-bank", 2) == office.come(one) == person_id


def test_who_is_somebody_new_does_not_get_the_number_of_another(office: Office) -> None:
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    assert decide(office, case_id, what="new") == "decided"
    new = office.come(other, "bank", 2)
    assert new != person_id
    person = office.house.people.find(new)
    assert person is not None
    assert (person.name, person.personal_number) == ("Phạm Thị Mai Anh", None)
    assert office.come(one) == person_id
    assert office.come(other, "bank", 2) == new


def test_who_is_refused_stays_refused_until_something_else_is_said(office: Office) -> None:
    one, other = a_conflict()
    office.come(one)
    case_id = office.refused(other, "bank", 2)
    assert decide(office, case_id, what="refuse") == "refused"
    assert office.refused(other, "bank", 2) == case_id
    assert case(office, case_id).times == 2
    assert office.refused(born(other, 1950, 1, 2), "bank", 2) != case_id


def test_what_was_proposed_can_be_rejected_and_is_open_again(office: Office) -> None:
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    decide(office, case_id, what="link", person_id=person_id)
    with office.house.database.write() as tx:
        assert office.house.cases.reject(tx, case(office, case_id), "minh") == "open"
    assert decide(office, case_id, "minh", what="new") == "decided"


def test_what_is_proposed_is_about_the_words_that_were_seen(office: Office) -> None:
    """Who comes again with other words in the meantime does not slip under the approval."""
    one, other = a_conflict()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    decide(office, case_id, what="link", person_id=person_id)
    assert office.refused(known_as(other, "Somebody Else"), "bank", 2) == case_id
    approve(office, case_id)
    assert office.come(other, "bank", 2) == person_id
    with pytest.raises(Undecided), office.house.database.write() as tx:
        office.house.people.recognise(tx, known_as(other, "Somebody Else"), "bank", 2)


def test_of_two_clerks_who_decide_at_once_one_is_heard(office: Office) -> None:
    one, other = a_review()
    person_id = office.come(one)
    seen = case(office, office.refused(other, "bank", 2))
    decision = Decision(what="link", person_id=person_id, reason="papers seen")
    with office.house.database.write() as tx:
        office.house.cases.decide(tx, seen, decision, "lan")
    with pytest.raises(CannotBe, match="another clerk was first"), office.house.database.write() as tx:
        office.house.cases.decide(tx, seen, Decision(what="refuse", reason="no"), "minh")


def test_a_decision_that_is_undone_leaves_things_as_they_were(office: Office) -> None:
    one, other = a_review()
    person_id = office.come(one)
    case_id = office.refused(other, "bank", 2)
    before = office.state(person_id)
    decide(office, case_id, what="link", person_id=person_id)
    change_id = case(office, case_id).change_id
    assert change_id is not None
    with office.house.database.write() as tx:
        office.house.joining.undo(tx, change_id, By(operator="minh", reason="was wrong"))
    assert office.state(person_id) == before
    assert case(office, case_id).state == "undone"
    again = office.refused(other, "bank", 2)  # who comes again has a case again
    assert again != case_id and case(office, again).state == "open"


def test_a_source_that_changes_its_words_about_somebody_comes_to_a_clerk(office: Office) -> None:
    one = assertion()
    person_id = office.come(one)
    other = known_as(one, "Trần Văn Bình")
    case_id = office.refused(other)
    assert (case(office, case_id).rule, case(office, case_id).alike) == ("name-differs", (person_id,))
    decide(office, case_id, what="link", person_id=person_id, are_theirs=True)
    approve(office, case_id)
    assert office.come(other) == office.come(one) == person_id


def test_a_merge_of_two_who_are_both_known_to_portals_needs_two_clerks(office: Office) -> None:
    one, other = two_people()
    tax, health = office.portals
    stays, goes = office.use(one, tax).person_id, office.use(other, health, "bank").person_id
    with office.house.database.write() as tx:
        assert office.house.joining.wants_two(tx, stays, goes)
        decision = Decision(what="merge", person_id=stays, other_id=goes, reason="one and the same")
        case_id = office.house.cases.propose(tx, decision, "lan")
    with pytest.raises(CannotBe, match="another has to look"):
        approve(office, case_id, "lan")
    approve(office, case_id)
    assert office.come(other, "bank") == stays
    (change,) = office.house.joining.history(stays)
    assert (change.by.operator, change.by.approved_by) == ("lan", "minh")


def test_a_case_can_lead_to_nobody_who_is_not_there(office: Office) -> None:
    one, other = a_review()
    office.come(one)
    case_id = office.refused(other, "bank", 2)
    with pytest.raises(CannotBe, match="nobody has this id"):
        decide(office, case_id, what="link", person_id=b"\x00" * 16)


def test_two_who_hold_one_persons_numbers_are_seen_and_joined(office: Office) -> None:
    """One came by the number, one by the insurance number; who brings both is a conflict until they are joined."""
    insurance = (IdentifierType.INSURANCE_NUMBER, "0120345678")
    one = assertion()
    first = office.come(one)
    other = numbered(known_as(assertion(subject="2"), "Nguyễn Thị Mai Anh"), insurance, (NUMBER, "001199000021"))
    second = office.come(born(other, 1999, 1, 2))
    both = at_the_bank(one, identifiers=(*one.identifiers, Identifier(type=insurance[0], value=insurance[1])))
    linked = office.come(at_the_bank(one), "bank", 2)
    assert linked == first
    case_id = office.refused(both, "bank", 2)
    assert set(case(office, case_id).alike) == {first, second}
