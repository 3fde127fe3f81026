"""What case workers tell of their own work: what they decide, join and part is what the person meets the next time."""

from __future__ import annotations

import itertools

import pytest

from idp.cases import CannotBe, Decision
from tests.journeys.case_rooms import all_sources, country, desk
from tests.journeys.desk import BY, Came, Desk, Somebody, Turned
from tests.journeys.reading import events

__all__ = ["all_sources", "country", "desk"]

pytestmark = pytest.mark.both_engines

NEW, KNOWN = ("NEW", "number-unknown"), ("MATCH", "link")


_days = itertools.count()


def with_a_strangers_number(desk: Desk) -> tuple[Somebody, Came, Somebody, Turned]:
    """The stranger, as the register knows her; and the bank's customer, who is sent away with her number."""
    day = f"{1 + next(_days):02}"
    stranger = desk.somebody("Bùi Thị Lan", f"1979-06-{day}")
    customer = desk.somebody("Bùi Thị Liên", f"1981-03-{day}")
    known = desk.comes("population", stranger)
    desk.files("bank", customer, number=stranger.number)
    turned = desk.turned_away("bank", customer, stranger)
    assert turned.rule == ("CONFLICT", "name-differs")
    return stranger, known, customer, turned


def what_clerks_did(desk: Desk, turned: Turned) -> list[tuple[str, str | None]]:
    """The events about this case: what became of it, by whom."""
    told = [event["details"] for event in events(desk.country, "case_changed")]
    case = desk.case_again(turned)
    return [(each["change"], each.get("operator")) for each in told if each["case"] == case.id]


# ---- the bank has the number of a stranger ----


def test_nobody_is_let_in_by_the_number_of_a_stranger_and_clerks_find_one_case_however_often_she_comes(
    desk: Desk,
) -> None:
    stranger, known, customer, turned = with_a_strangers_number(desk)
    for _ in range(2):
        desk.turned_away("bank", customer, stranger)
    case, cases = desk.case_again(turned), desk.country.house.cases
    assert (case.state, case.times, case.alike) == ("open", 3, (known.person_id,))
    table = {row["what"]: row for row in cases.side_by_side(case)}
    with desk.country.house.database.write() as tx:
        cases.note_seen(tx, case, "lan")
    assert what_clerks_did(desk, turned) == [("opened", None), ("looked at", "lan")]
    assert table["name"] == {"what": "name", "said": customer.name, "person 1": f"≠ {stranger.name}"}
    assert table["personal number"]["person 1"] == f"= {stranger.number}"
    assert desk.comes("population", stranger).sub == known.sub


def test_a_clerk_says_that_she_is_somebody_new_and_the_number_stays_the_strangers(desk: Desk) -> None:
    stranger, known, customer, turned = with_a_strangers_number(desk)
    assert desk.one_clerk_says(turned, "new") == "decided"
    first, again = desk.comes("bank", customer), desk.comes("bank", customer)
    assert (first.rule, first.sub) == (KNOWN, again.sub)
    assert first.person_id != known.person_id and first.sub != known.sub
    assert first.told["name"] == customer.name
    assert desk.comes("bank", stranger).sub == known.sub
    assert what_clerks_did(desk, turned) == [("opened", None), ("decided", "lan")]


def test_two_clerks_link_her_to_whom_the_tax_office_knows_and_the_portal_meets_the_sub_that_it_knew(
    desk: Desk,
) -> None:
    stranger, _, customer, turned = with_a_strangers_number(desk)
    known = desk.comes("tax", customer)
    assert desk.one_clerk_says(turned, "link", known.person_id) == "proposed"
    desk.turned_away("bank", customer, stranger)
    with pytest.raises(CannotBe), desk.country.house.database.write() as tx:
        desk.country.house.cases.approve(tx, desk.case_again(turned), "lan")
    desk.another_agrees(turned)
    came = desk.comes("bank", customer)
    assert (came.sub, came.rule, came.told["name"]) == (known.sub, KNOWN, customer.name)
    assert what_clerks_did(desk, turned) == [("opened", None), ("proposed", "lan"), ("decided", "minh")]
    assert desk.comes("second-bank", stranger).sub != known.sub


def test_a_clerk_refuses_and_the_same_words_are_no_second_case_until_the_bank_has_put_them_right(desk: Desk) -> None:
    stranger, _, customer, turned = with_a_strangers_number(desk)
    assert desk.one_clerk_says(turned, "refuse") == "refused"
    again = desk.turned_away("bank", customer, stranger)
    assert again.case is not None and turned.case is not None
    assert (again.case.id, again.case.state) == (turned.case.id, "refused")
    desk.files("bank", customer, number=customer.number)
    assert desk.comes("bank", customer).rule == NEW


def test_a_second_clerk_does_not_agree_and_the_case_is_open_again(desk: Desk) -> None:
    stranger, known, customer, turned = with_a_strangers_number(desk)
    assert desk.one_clerk_says(turned, "link", known.person_id) == "proposed"
    with desk.country.house.database.write() as tx:
        assert desk.country.house.cases.reject(tx, desk.case_again(turned), "minh") == "open"
    desk.turned_away("bank", customer, stranger)
    assert desk.one_clerk_says(turned, "new") == "decided"
    assert desk.comes("bank", customer).person_id != known.person_id


def test_a_link_was_a_mistake_and_undone_and_she_is_sent_away_to_a_case_of_its_own(desk: Desk) -> None:
    stranger, known, customer, turned = with_a_strangers_number(desk)
    change = desk.two_clerks_link(turned, known.person_id)
    wrongly = desk.comes("bank", customer)
    assert wrongly.sub == known.sub
    desk.clerks(lambda joining, tx: joining.undo(tx, change, BY))
    assert desk.country.house.sessions.by_cookie(wrongly.browser.session_cookie()) is None
    assert desk.portal.userinfo(wrongly.access_token).status_code == 401
    again = desk.turned_away("bank", customer, stranger)
    assert again.case is not None and again.case.id != desk.case_again(turned).id
    assert desk.case_again(turned).state == "undone"
    assert desk.comes("population", stranger).told["name"] == stranger.name


# ---- names and numbers that clerks settle ----


def test_she_is_married_and_the_tax_office_has_the_old_name_which_her_bank_may_have_as_well_from_now_on(
    desk: Desk,
) -> None:
    one = desk.somebody("Lý Thị Hoa", "1987-09-21")
    known = desk.comes("population", one)
    for source in ("tax", "bank"):
        desk.files(source, one, name="Chu Mỹ Hoa")
    turned = desk.turned_away("tax", one)
    assert turned.rule == ("CONFLICT", "name-differs")
    desk.two_clerks_link(turned, known.person_id, are_theirs=True)
    at_the_tax_office, at_the_bank = desk.comes("tax", one), desk.comes("bank", one)
    assert (at_the_tax_office.rule, at_the_bank.rule) == (KNOWN, ("MATCH", "number-name-birth"))
    assert at_the_tax_office.sub == at_the_bank.sub == known.sub
    assert desk.comes("population", one).told["name"] == one.name


def test_two_digits_changed_places_at_the_bank_and_one_clerk_is_enough(desk: Desk) -> None:
    one = desk.somebody("Đinh Thị Huệ", "1966-12-24", number="036166000712")
    known = desk.comes("population", one)
    desk.files("bank", one, number="036166000721")
    turned = desk.turned_away("bank", one)
    assert turned.rule == ("REVIEW", "number-mistyped")
    assert desk.one_clerk_says(turned, "link", known.person_id) == "decided"
    came = desk.comes("bank", one)
    assert (came.sub, came.rule) == (known.sub, KNOWN)
    person = desk.country.house.people.find(known.person_id)
    assert person is not None and (person.personal_number, person.earlier_numbers) == (one.number, ())


def test_twins_whose_names_differ_in_a_mark_look_like_a_slip_of_the_hand_and_a_clerk_knows_better(desk: Desk) -> None:
    one = desk.somebody("Hà Văn Thanh", "1992-02-29", number="038092000441", female=False)
    other = desk.somebody("Hà Văn Thành", "1992-02-29", number="038092000442", female=False)
    first = desk.comes("population", one)
    turned = desk.turned_away("bank", other, one)
    assert turned.rule == ("REVIEW", "number-mistyped")
    assert desk.one_clerk_says(turned, "new") == "decided"
    second = desk.comes("bank", other)
    assert second.sub != first.sub and second.told["name"] == other.name
    assert desk.comes("population", other).sub == second.sub, "and by the number that is his from now on"
    assert desk.comes("bank", one).sub == first.sub


# ---- joined, and parted ----


def known_twice(desk: Desk) -> tuple[Somebody, Came, Came]:
    """Somebody whom one portal knows by the register, and the same portal by an insurance number as well."""
    one = desk.somebody("Đào Thị Sen", "1963-05-19")
    desk.files("insurance", one, number=None)
    by_register, by_insurance = desk.comes("population", one), desk.comes("insurance", one)
    assert by_register.sub != by_insurance.sub
    return one, by_register, by_insurance


def merged(desk: Desk, stays: Came, goes: Came) -> bytes:
    """One clerk proposes it, another agrees, since portals know both."""
    decision = Decision(what="merge", person_id=stays.person_id, other_id=goes.person_id, reason=BY.reason)
    case_id = desk.clerks(lambda _, tx: desk.country.house.cases.propose(tx, decision, BY.operator))
    case = desk.country.house.cases.find(case_id)
    assert case is not None
    with desk.country.house.database.write() as tx:
        return desk.country.house.cases.approve(tx, case, "minh")


def test_two_clerks_join_who_came_twice_and_every_portal_keeps_the_sub_that_it_knows(desk: Desk) -> None:
    one, by_register, by_insurance = known_twice(desk)
    another = desk.new_portal()
    elsewhere = desk.comes("insurance", one, another)
    merged(desk, by_register, by_insurance)
    assert desk.country.house.sessions.by_cookie(by_insurance.browser.session_cookie()) is None
    for source in ("population", "insurance", "bank"):
        assert desk.comes(source, one).sub == by_register.sub
        assert desk.comes(source, one, another).sub == elsewhere.sub, "that portal knew her by the insurance alone"
    for portal, came in ((desk.portal, by_register), (desk.portal, by_insurance), (another, elsewhere)):
        found = desk.country.house.people.by_sub(f"{portal.id}.localhost", came.sub)
        assert found == by_register.person_id, "every sub ever told leads to her"


def test_they_were_joined_by_mistake_and_both_are_who_they_were(desk: Desk) -> None:
    one, by_register, by_insurance = known_twice(desk)
    change = merged(desk, by_register, by_insurance)
    assert desk.comes("insurance", one).sub == by_register.sub
    desk.clerks(lambda joining, tx: joining.undo(tx, change, BY))
    assert desk.comes("insurance", one).sub == by_insurance.sub
    assert desk.comes("population", one).sub == by_register.sub
    kinds = [event["details"]["kind"] for event in events(desk.country, "person_changed_by_clerk")]
    assert kinds[-4:] == ["merge", "merge", "undo", "undo"], "on record with both"


def test_somebody_worked_on_borrowed_papers_and_is_parted_from_whose_they_are(desk: Desk) -> None:
    """Number, name and birth date at the tax office are hers, and it is not she who signs in there."""
    owner, borrower = desk.somebody("Thạch Thị Ni", "1984-10-01"), desk.somebody("Sơn Thị Ba", "1990-07-07")
    known = desk.comes("population", owner)
    desk.files(
        "tax", borrower, name=owner.name, number=owner.number, tax_code=owner.number, born="01/10/1984",
        phone=borrower.phone,
    )  # fmt: skip
    mistaken = desk.comes("tax", borrower)
    assert mistaken.sub == known.sub, "nothing tells the one from the other"
    [link] = [each.id for each in desk.country.house.joining.links_of(known.person_id) if each.source_id == "tax"]
    desk.clerks(lambda joining, tx: joining.split(tx, known.person_id, [link], [], BY))
    assert desk.country.house.sessions.by_cookie(mistaken.browser.session_cookie()) is None
    assert desk.portal.userinfo(mistaken.access_token).status_code == 401
    turned = desk.turned_away("tax", borrower, owner)
    assert turned.rule == ("CONFLICT", "link-and-number-are-two-people"), "the papers are still the owner's"
    assert turned.case is not None and known.person_id in turned.case.alike
    assert [desk.comes(source, owner).sub for source in ("population", "bank")] == [known.sub, known.sub]
    [herself] = set(turned.case.alike) - {known.person_id}
    desk.two_clerks_link(turned, herself)
    came = desk.comes("tax", borrower)
    assert (came.person_id, came.rule) == (herself, KNOWN) and came.sub != known.sub
    assert "name" not in came.told, "nobody is called by a name that is somebody else's"
    assert desk.comes("population", owner).sub == known.sub


def test_an_account_was_given_to_the_wrong_sister_and_goes_to_the_right_one(desk: Desk) -> None:
    one, other = desk.somebody("Cao Thị Loan", "1970-01-09"), desk.somebody("Cao Thị Oanh", "1972-02-10")
    her, sister = desk.comes("population", one), desk.comes("population", other)
    desk.files("bank", other, number=one.number)
    turned = desk.turned_away("bank", other, one)
    desk.two_clerks_link(turned, her.person_id)
    assert desk.comes("bank", other).sub == her.sub
    [link] = [each.id for each in desk.country.house.joining.links_of(her.person_id) if each.source_id == "bank"]
    desk.clerks(lambda joining, tx: joining.relink(tx, her.person_id, link, sister.person_id, BY))
    assert desk.turned_away("bank", other, one).rule == ("CONFLICT", "link-and-number-are-two-people")
    desk.files("bank", other, number=other.number)
    assert desk.comes("bank", other).sub == sister.sub, "once the bank has put the number right as well"
    assert desk.comes("population", one).sub == her.sub
