"""`idp cases` and the commands by which clerks put right who is who."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Assertion, Name
from idp.people import Undecided
from tests.cli.conftest import Terminal
from tests.oidc.residents import assertion

NOBODY = "00" * 16


def come(terminal: Terminal, said: Assertion, source: str = "population", proofing: int = 3) -> str:
    with terminal.house() as house, house.database.write() as tx:
        return house.people.recognise(tx, said, source, proofing).person.id.hex()


def refused(terminal: Terminal, said: Assertion, source: str = "bank") -> str:
    with terminal.house() as house:
        with pytest.raises(Undecided) as problem, house.database.write() as tx:
            house.people.recognise(tx, said, source, 2)
        return house.cases.open(source, problem.value)


def tell(terminal: Terminal, person_id: str, portal: str) -> None:
    """A portal knows the person."""
    with terminal.house() as house, house.database.write() as tx:
        house.people.keep_sub(tx, bytes.fromhex(person_id), portal)


@pytest.fixture
def one() -> Assertion:
    return assertion()


@pytest.fixture
def other(one: Assertion) -> Assertion:
    """Their bank has their number under another name."""
    return replace(one, issuer="http://bank.localhost", subject="7", name=Name(full="Phạm Thị Mai Anh"))


def mark(terminal: Terminal, case_id: str) -> tuple[str, str]:
    """What `show` prints, and deciding and approving want to see."""
    shown = terminal.does("cases", "show", case_id)
    return "--mark", next(line.split()[1] for line in shown.splitlines() if line.startswith("mark "))


def rows(terminal: Terminal, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(terminal.does(*words, "--json"))
    return found


def test_a_case_is_listed_shown_proposed_approved_and_undone(
    terminal: Terminal, one: Assertion, other: Assertion
) -> None:
    person_id, case_id = come(terminal, one), refused(terminal, other)
    (listed,) = rows(terminal, "cases", "list")
    assert (listed["case"], listed["rule"], listed["source"], listed["people"]) == (case_id, "name-differs", "bank", 1)
    shown = terminal.does("cases", "show", case_id)
    assert "Phạm Thị Mai Anh" in shown and "≠ Nguyễn Thị Mai Anh" in shown and person_id in shown
    assert terminal.last() == {
        "event": "case_changed", "case": case_id, "change": "looked at", "rule": "name-differs", "operator": "lan",
    }  # fmt: skip
    seen = mark(terminal, case_id)
    told = terminal.does("cases", "decide", case_id, "--person", person_id, *seen, "--reason", "papers seen")
    assert told == f"{case_id}: proposed; another has to look at it and approve: idp cases show {case_id}\n"
    assert "is not what it was" in terminal.refuses("cases", "approve", case_id, *seen, "--operator", "minh")
    shown = terminal.does("cases", "show", case_id, "--operator", "minh")
    assert f"lan: link {person_id} because: papers seen" in shown
    seen = mark(terminal, case_id)
    assert "lan has proposed it" in terminal.refuses("cases", "approve", case_id, *seen)
    told = terminal.does("cases", "approve", case_id, *seen, "--operator", "minh")
    change = told.split()[-1]
    assert come(terminal, other, "bank", 2) == person_id
    (done,) = rows(terminal, "people", "history", person_id)
    assert (done["change"], done["by"], done["approved"], done["kind"]) == (change, "lan", "minh", "link")
    terminal.does("people", "undo", change, "--reason", "was wrong")
    assert rows(terminal, "cases", "list", "--state", "undone")[0]["case"] == case_id
    refused(terminal, other)


def test_a_case_can_be_rejected_and_decided_to_somebody_new(
    terminal: Terminal, one: Assertion, other: Assertion
) -> None:
    person_id, case_id = come(terminal, one), refused(terminal, other)
    seen = mark(terminal, case_id)
    terminal.does("cases", "decide", case_id, "--person", person_id, *seen, "--reason", "seen", "--words", "theirs")
    assert terminal.does("cases", "reject", case_id, "--operator", "minh") == f"{case_id}: open\n"
    terminal.does("cases", "decide", case_id, "--new", *mark(terminal, case_id), "--reason", "two people")
    assert come(terminal, other, "bank", 2) != person_id


def test_a_decision_is_one_thing(terminal: Terminal, one: Assertion, other: Assertion) -> None:
    person_id, case_id = come(terminal, one), refused(terminal, other)
    why = ("--reason", "papers seen", *mark(terminal, case_id))
    assert "say one of" in terminal.refuses("cases", "decide", case_id, *why)
    assert "say one of" in terminal.refuses("cases", "decide", case_id, "--new", "--refuse", *why)
    assert "no such case" in terminal.refuses("cases", "decide", "NONE", "--new", *why)
    assert "nobody has this id" in terminal.refuses("cases", "decide", case_id, "--person", NOBODY, *why)
    assert "nothing to approve" in terminal.refuses("cases", "approve", case_id, *why[2:])
    assert "nothing to reject" in terminal.refuses("cases", "reject", case_id)
    terminal.does("cases", "decide", case_id, "--refuse", *why)
    why = ("--reason", "papers seen", *mark(terminal, case_id))
    assert "only an open case" in terminal.refuses("cases", "decide", case_id, "--person", person_id, *why)


def test_people_are_joined_by_one_clerk_where_no_portal_knows_both(terminal: Terminal, one: Assertion) -> None:
    weak = replace(one, identifiers=(), phone=one.phone, issuer="http://weak.localhost")
    stays, goes = come(terminal, one), come(terminal, weak, "weak", 1)
    told = terminal.does("people", "merge", stays, goes, "--reason", "letter 9")
    assert told.startswith(f"{goes} is {stays}; to undo it: idp people undo ")
    assert len(rows(terminal, "people", "links", stays)) == 2
    terminal.does("people", "undo", told.split()[-1], "--reason", "letter 10")
    assert len(rows(terminal, "people", "links", stays)) == 1


def test_people_whom_portals_know_are_joined_by_two_clerks(terminal: Terminal, one: Assertion) -> None:
    stays, goes = come(terminal, one), come(terminal, assertion(subject="2"))
    for person_id in (stays, goes):
        tell(terminal, person_id, "tax.example")
    told = terminal.does("people", "merge", stays, goes, "--reason", "letter 9")
    case_id = told.split(":")[0]
    (listed,) = rows(terminal, "cases", "list", "--state", "proposed")
    assert (listed["case"], listed["kind"], listed["decision"]) == (case_id, "merge", "merge")
    assert stays in terminal.does("cases", "show", case_id)
    terminal.does("cases", "approve", case_id, *mark(terminal, case_id), "--operator", "minh")
    assert len(rows(terminal, "people", "links", stays)) == 2


def test_people_whom_nothing_shows_to_be_one_are_joined_by_two_clerks(terminal: Terminal, one: Assertion) -> None:
    stays, goes = come(terminal, one), come(terminal, assertion(subject="2", name=Name(full="Trần Văn Bình")))
    told = terminal.does("people", "merge", stays, goes, "--reason", "letter 9")
    assert "proposed; another has to look" in told
    assert len(rows(terminal, "people", "links", stays)) == 1


def test_links_are_taken_given_and_parted(terminal: Terminal, one: Assertion) -> None:
    at_the_bank = replace(one, issuer="http://bank.localhost", subject="7")
    person_id, other_id = come(terminal, one), come(terminal, assertion(subject="2"))
    come(terminal, at_the_bank, "bank", 2)
    link = next(row["link"] for row in rows(terminal, "people", "links", person_id) if row["link"].startswith("bank"))
    why = ("--reason", "letter 9")
    case_id = terminal.does("people", "relink", person_id, link, other_id, *why).split(":")[0]
    told = terminal.does("cases", "approve", case_id, *mark(terminal, case_id), "--operator", "minh")
    assert link in [row["link"] for row in rows(terminal, "people", "links", other_id)]
    terminal.does("people", "undo", told.split()[-1], *why)
    told = terminal.does("people", "unlink", person_id, link, *why)
    assert link not in [row["link"] for row in rows(terminal, "people", "links", person_id)]
    terminal.does("people", "undo", told.split()[-1], *why)
    told = terminal.does("people", "split", person_id, "--link", link, *why)
    new = told.split(" are ")[1].split(" ")[0]
    assert [row["link"] for row in rows(terminal, "people", "links", new)] == [link]
    assert [row["kind"] for row in rows(terminal, "people", "history", person_id)] == [
        "relink", "undo", "unlink", "undo", "split"
    ]  # fmt: skip


def test_a_sub_is_parted_from_a_person_by_two_clerks(terminal: Terminal, one: Assertion) -> None:
    person_id = come(terminal, one)
    come(terminal, replace(one, issuer="http://bank.localhost", subject="7"), "bank", 2)
    tell(terminal, person_id, "tax.example")
    link = next(row["link"] for row in rows(terminal, "people", "links", person_id) if row["link"].startswith("bank"))
    told = terminal.does("people", "split", person_id, "--link", link, "--sector", "tax.example", "--reason", "letter")
    case_id = told.split(":")[0]
    terminal.does("cases", "approve", case_id, *mark(terminal, case_id), "--operator", "minh")
    assert [row["kind"] for row in rows(terminal, "people", "history", person_id)] == ["split"]


def test_what_cannot_be_done_to_people_is_told_in_one_sentence(terminal: Terminal, one: Assertion) -> None:
    person_id, why = come(terminal, one), ("--reason", "letter 9")
    assert "one person already" in terminal.refuses("people", "merge", person_id, person_id, *why)
    assert "nobody has this id" in terminal.refuses("people", "merge", person_id, NOBODY, *why)
    assert "not a link of this person" in terminal.refuses("people", "unlink", person_id, "bank:0", *why)
    (link,) = rows(terminal, "people", "links", person_id)
    assert "one link at least" in terminal.refuses("people", "split", person_id, "--link", link["link"], *why)
    assert "no such change" in terminal.refuses("people", "undo", NOBODY, *why)
