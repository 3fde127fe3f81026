"""Who is this? Every rule by its name, and no rule that links what merely looks alike."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Assertion, BirthDate, Name
from idp import errors
from idp.people.matching import decide
from idp.people.names import folded
from idp.people.person import PROVEN, Attribute, Person
from tests.oidc.residents import assertion

NUMBER, OTHER_NUMBER = "079092000001", "079092000002"
LOW = PROVEN - 1


def known(**changes: Any) -> Person:
    """A person as a careful source described them."""
    given: dict[str, Any] = {
        "id": b"mai", "status": "active", "name": "Nguyễn Thị Mai Anh", "birth_date": [1992, 8, 5],
        "personal_number": NUMBER,
    } | changes  # fmt: skip
    person_id, status = given.pop("id"), given.pop("status")
    attributes = {name: Attribute(value, "population", 3, 0) for name, value in given.items() if value is not None}
    return Person(id=person_id, status=status, version=1, attributes=attributes)


def said(**changes: Any) -> Assertion:
    return assertion(**changes)


def born(year: int, month: int | None = None, day: int | None = None) -> BirthDate:
    return BirthDate(year=year, month=month, day=day, as_sent="as sent")


RULES: list[tuple[str, str, dict[str, Any], int, str | None, Person | None, Person | None]] = [
    # outcome, rule, what is said (else: just what is known), proofing, the number, who is linked, who has the number
    ("NEW", "number-unknown", {}, 2, NUMBER, None, None),
    ("NEW", "number-unknown", {"birth_date": born(1992)}, 3, NUMBER, None, None),
    ("NEW", "subject-alone", {}, LOW, None, None, None),
    ("NEW", "subject-alone", {"birth_date": None}, LOW, None, None, None),
    ("MATCH", "number-name-birth", {}, 2, NUMBER, None, known()),
    ("MATCH", "number-name-birth", {"name": Name(full="NGUYEN THI  MAI ANH")}, 2, NUMBER, None, known()),
    ("MATCH", "number-name-birth", {"birth_date": born(1992)}, 2, NUMBER, None, known()),
    ("MATCH", "number-name-birth", {"birth_date": born(1992, 8)}, 2, NUMBER, None, known()),
    ("MATCH", "number-name-birth", {}, 2, NUMBER, None, known(birth_date=[1992, None, None])),
    ("MATCH", "link", {}, 2, NUMBER, known(), known()),
    ("MATCH", "link", {}, 2, NUMBER, known(personal_number=None), None),
    ("MATCH", "link", {"birth_date": None}, 2, None, known(), None),
    ("MATCH", "link", {}, LOW, None, known(), None),
    ("CONFLICT", "name-differs", {"name": Name(full="Nguyễn Thị Mai")}, 2, NUMBER, None, known()),
    ("CONFLICT", "name-differs", {"name": Name(full="Nguyễn Thị Mai Anh Thư")}, 2, NUMBER, None, known()),
    ("CONFLICT", "name-differs", {"name": Name(full="Anh Nguyễn Thị Mai")}, 2, NUMBER, None, known()),
    ("CONFLICT", "name-differs", {"name": Name(full="Trần Thị Mai Anh")}, 2, None, known(), None),
    ("CONFLICT", "birth-date-differs", {"birth_date": born(1992, 8, 6)}, 2, NUMBER, None, known()),
    ("CONFLICT", "birth-date-differs", {"birth_date": born(1992, 5, 8)}, 2, NUMBER, None, known()),
    ("CONFLICT", "birth-date-differs", {"birth_date": born(1991)}, 2, NUMBER, known(), known()),
    ("CONFLICT", "birth-date-differs", {"birth_date": born(1992, 9)}, LOW, None, known(), None),
    ("CONFLICT", "number-changed", {}, 2, OTHER_NUMBER, known(), None),
    ("CONFLICT", "link-and-number-are-two-people", {}, 2, OTHER_NUMBER, known(), known(id=b"other")),
    ("CONFLICT", "link-and-number-are-two-people", {}, 2, NUMBER, known(personal_number=None), known(id=b"other")),
    ("INCOMPLETE", "no-name", {"name": Name(full="")}, 2, NUMBER, None, None),
    ("INCOMPLETE", "no-name", {"name": Name(full=" \t")}, 2, NUMBER, known(), known()),
    ("INCOMPLETE", "no-number", {}, 2, None, None, None),
    # who certified number and name in person need not tell a birth date: certificates hold none
    ("NEW", "number-unknown", {"birth_date": None}, 3, NUMBER, None, None),
    ("MATCH", "number-name", {"birth_date": None}, 3, NUMBER, None, known()),
    ("CONFLICT", "name-differs", {"birth_date": None, "name": Name(full="Lê Văn Tám")}, 3, NUMBER, None, known()),
    ("INCOMPLETE", "no-birth-date", {"birth_date": None}, 2, NUMBER, None, None),
    ("INCOMPLETE", "no-birth-date", {"birth_date": None}, 2, NUMBER, None, known()),
    *(
        ("INCOMPLETE", "number-malformed", {}, 2, number, linked, None)
        for number in ("", "07909200000", "0790920000011", "07909200000a", "079 092 000 001", NUMBER + "\n", "٠" * 12)
        for linked in (None, known())
    ),
    ("BARRED", "status-barred", {}, 2, NUMBER, None, known(status="barred")),
    ("BARRED", "status-deceased", {}, 2, NUMBER, known(status="deceased"), known(status="deceased")),
    ("BARRED", "status-barred", {}, LOW, None, known(status="barred"), None),
    # what disagrees is a conflict, also about somebody who is barred: it may be somebody else
    ("CONFLICT", "name-differs", {"name": Name(full="Lê Văn Tám")}, 2, NUMBER, None, known(status="barred")),
]  # fmt: skip
FAILURES = {"CONFLICT": errors.PERSON_CONFLICT, "INCOMPLETE": errors.PERSON_INCOMPLETE, "BARRED": errors.PERSON_BARRED}


@pytest.mark.parametrize("outcome, rule, changes, proofing, number, linked, numbered", RULES)
def test_the_rule_that_holds_is_named(
    outcome: str, rule: str, changes: dict[str, Any], proofing: int, number: str | None, linked: Person | None,
    numbered: Person | None,
) -> None:  # fmt: skip
    decision = decide(said(**changes), proofing, number, linked, numbered)
    assert (decision.outcome, decision.rule, decision.failure) == (outcome, rule, FAILURES.get(outcome))
    assert decision.person == ((linked or numbered) if outcome == "MATCH" else None)


SAME_NAMES = [
    ("Nguyễn Thị Mai Anh", "NGUYEN THI MAI ANH"), ("Nguyễn Thị Mai Anh", " nguyễn  thị mai\tanh "),
    ("Đỗ Đình Đức", "DO DINH DUC"), ("Đỗ", "Ðỗ"), ("đặng", "ÐẶNG"), ("Hoàng Thuý", "Hoàng Thúy"),
    ("Trần Quốc Tuấn", "Trâ\u0300n Quô\u0301c Tuâ\u0301n"), ("H'Blin", "h'blin"), ("Lý", "LY"),
]  # fmt: skip
OTHER_NAMES = [
    ("Nguyễn Thị Mai", "Nguyễn Thị Mai Anh"), ("Nguyễn Thị Mai Anh", "Nguyễn Mai Anh"), ("Trần Anh", "Anh Trần"),
    ("Lê Văn", "Lê Văm"), ("Hồng", "Hoong"), ("Đức", "Dức Anh"), ("H'Blin", "HBlin"), ("Mai Anh", "Maianh"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", SAME_NAMES)
def test_spelling_habits_fall_away(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize("one, other", OTHER_NAMES)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert folded(one) != folded(other)
