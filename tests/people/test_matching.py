"""Who is this? Every rule by its name, and no rule that links what merely looks alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Identifier, IdentifierType
from idp import errors
from idp.people import evidence
from idp.people.births import Born
from idp.people.evidence import Evidence
from idp.people.matching import CERTIFIED, Candidate, Decision, decide
from idp.people.names import folded
from idp.people.person import PROVEN

NUMBER, OTHER_NUMBER, NEAR_NUMBER = "079092000001", "079092731648", "079092000010"
INSURANCE, PHONE = "7912345678", "+84912345678"
LOW = PROVEN - 1
P, F, INS, T, H = (
    IdentifierType.PERSONAL_NUMBER, IdentifierType.FORMER_NUMBER, IdentifierType.INSURANCE_NUMBER,
    IdentifierType.TAX_CODE, IdentifierType.HEALTH_CARD,
)  # fmt: skip
NAME, BORN = "Nguyễn Thị Mai Anh", (1992, 8, 5)
Numbers = dict[IdentifierType, str]


def words(
    name: str = NAME, born: tuple[int | None, ...] | None = BORN, numbers: Numbers | None = None,
    sex: str | None = "female", phone: str | None = None, region: str | None = None,
) -> Evidence:  # fmt: skip
    """What is said of one person: just what is known of Mai Anh, unless another thing is given."""
    sent = [Identifier(type=kind, value=value) for kind, value in ({P: NUMBER} if numbers is None else numbers).items()]
    births = () if born is None else (Born(*born),)  # type: ignore[arg-type]
    return evidence.made(names=(name,), births=births, sex=sex, phone=phone, sent=sent, region=region)


def renumbered(said: Evidence) -> Evidence:
    """Somebody who is said to have had Mai Anh's number before."""
    return replace(said, earlier_numbers=(NUMBER,))


def somebody(*given: Any, id: str = "mai", status: str = "active", **named: Any) -> Candidate:
    return Candidate(id=id, status=status, evidence=words(*given, **named))


MAI = somebody(numbers={P: NUMBER, F: "012345678", INS: INSURANCE}, phone=PHONE, region="Hồ Chí Minh")
TAM = somebody("Lê Văn Tám", numbers={P: OTHER_NUMBER, F: "012345678"}, id="tam")
DOUBLE = somebody(numbers={P: OTHER_NUMBER}, phone=PHONE, id="double")
NO_NUMBER: Numbers = {}
RULES: list[tuple[str, str, Evidence, list[Candidate]]] = [
    # outcome, rule, what is said, who has one of the keys
    ("NEW", "number-unknown", words(), []),
    ("NEW", "number-unknown", words(born=(1992,)), []),
    ("NEW", "number-unknown", words(numbers={P: OTHER_NUMBER}), [MAI]),  # another of the same name and birth date
    # who has the number
    ("MATCH", "number-name-birth", words(), [MAI]),
    ("MATCH", "number-name-birth", words("NGUYEN THI  MAI ANH"), [MAI]),
    ("MATCH", "number-name-birth", words(numbers={T: NUMBER}), [MAI]),  # the tax code since July 2025
    ("MATCH", "number-name-birth", words(numbers={P: "079 092 000 001"}), [MAI]),
    ("MATCH", "number-name-birth", words(sex="male"), [MAI]),  # a sex is corrected, and the number stays
    ("MATCH", "number-name-year", words(born=(1992,)), [MAI]),
    ("MATCH", "number-name-year", words(born=(1992, 8)), [MAI]),
    ("MATCH", "number-name-year", words(born=(1992, 1, 1)), [MAI]),
    ("MATCH", "number-name-year", words(born=(1992, 5, 8)), [MAI]),
    ("MATCH", "number-name-year", words(), [somebody(born=(1992,))]),
    ("MATCH", "number-name-habit-birth", words("Nguyễn T. M. Anh"), [MAI]),
    ("MATCH", "number-name-habit-birth", words("Anh Nguyễn Thị Mai"), [MAI]),
    ("MATCH", "number-name-habit-birth", words("Nguyễn Thì Mai Anh"), [MAI]),
    ("REVIEW", "number-name-habit", words("Nguyễn T. M. Anh", (1992,)), [MAI]),
    ("CONFLICT", "name-differs", words("Nguyễn Thị Mai"), [MAI]),
    ("CONFLICT", "name-differs", words("Nguyễn Thị Mai Anh Thư"), [MAI]),
    ("CONFLICT", "name-differs", words("Nguyễn Thị Mai Chi"), [MAI]),
    ("CONFLICT", "name-differs", words("Trần Thị Mai Anh"), [MAI]),
    ("CONFLICT", "birth-date-differs", words(born=(1992, 8, 6)), [MAI]),
    ("CONFLICT", "birth-date-differs", words(born=(1961,)), [MAI]),  # a mother of the same name
    ("CONFLICT", "birth-date-differs", words("Nguyễn T. M. Anh", (1992, 8, 6)), [MAI]),
    ("CONFLICT", "name-differs", words("Lê Văn Tám", numbers={P: NUMBER, INS: "7900000001"}), [MAI]),
    # a slip of the hand in the number, or twins of one name
    ("REVIEW", "number-mistyped", words(numbers={P: NEAR_NUMBER}), [MAI]),
    # who shows papers that may be another's: all on them agrees, and nothing else does
    ("REVIEW", "number-against-all-else", words(phone="0977777777", region="Hà Nội"), [MAI]),
    ("REVIEW", "number-against-all-else", words(phone="0977777777", sex="male"), [MAI]),
    ("REVIEW", "number-against-all-else", words(numbers={P: NUMBER, INS: "7900000001"}, region="Hà Nội"), [MAI]),
    ("MATCH", "number-name-birth", words(phone="0977777777"), [MAI]),
    ("MATCH", "number-name-birth", words(region="Hà Nội", phone=PHONE), [MAI]),
    ("MATCH", "number-name-birth", words(numbers={P: NUMBER, INS: "7900000001"}), [MAI]),
    ("MATCH", "number-name-birth", words(phone="0977777777", region="Hà Nội"), [somebody()]),  # nobody knew these
    # who is said to have had the number before
    ("REVIEW", "number-given-up", renumbered(words(numbers={P: OTHER_NUMBER})), [MAI]),
    ("REVIEW", "number-given-up", renumbered(words(numbers={})), [MAI]),
    ("CONFLICT", "number-given-up-is-anothers", renumbered(words("Lê Văn Tám", numbers={P: OTHER_NUMBER})), [MAI]),
    ("NEW", "number-unknown", words(born=(1992, 8, 6), numbers={P: NEAR_NUMBER}), [MAI]),
    ("NEW", "number-unknown", words("Nguyễn Thị Mai Chi", numbers={P: NEAR_NUMBER}), [MAI]),
    ("NEW", "number-unknown", words(sex="male", numbers={P: NEAR_NUMBER}), [MAI]),
    # another number that nobody shares
    ("MATCH", "other-number-name-birth", words(numbers={INS: INSURANCE}), [MAI]),
    ("MATCH", "other-number-name-birth", words(born=(1992,), numbers={H: f"GD479{INSURANCE}"}), [MAI]),
    ("MATCH", "other-number-name-habit-birth", words("Anh Nguyễn Thị Mai", numbers={INS: INSURANCE}), [MAI]),
    ("REVIEW", "other-number-name-birth", words(numbers={P: OTHER_NUMBER, INS: INSURANCE}), [MAI]),
    ("CONFLICT", "other-number-of-another", words("Lê Văn Tám", numbers={INS: INSURANCE}), [MAI]),
    ("CONFLICT", "other-number-of-another", words("Lê Văn Tám", numbers={P: OTHER_NUMBER, INS: INSURANCE}), [MAI]),
    ("CONFLICT", "other-number-of-another", words(born=(1961, 2, 3), numbers={INS: INSURANCE}), [MAI]),
    # a number of nine digits, which two people can share
    ("MATCH", "former-number-name-birth", words(numbers={F: "012345678"}), [MAI]),
    ("MATCH", "former-number-name-birth", words(numbers={F: "012345678"}), [MAI, TAM]),
    ("REVIEW", "former-number-name", words("Anh Nguyễn Thị Mai", numbers={F: "012345678"}), [MAI]),
    ("INCOMPLETE", "no-number", words("Lê Văn Tám", (1950, 1, 2), {F: "012345678"}), [MAI]),
    # no number at all
    ("MATCH", "name-birth-phone", words(numbers=NO_NUMBER, phone="0912345678"), [MAI]),
    ("REVIEW", "name-birth", words(numbers=NO_NUMBER), [MAI]),
    ("REVIEW", "name-birth", words(numbers=NO_NUMBER, phone="0987654321"), [MAI]),
    ("REVIEW", "name-phone", words(born=(1992,), numbers=NO_NUMBER, phone=PHONE), [MAI]),
    ("REVIEW", "name-phone", words(born=(1961, 2, 3), numbers=NO_NUMBER, phone=PHONE), [MAI]),
    ("REVIEW", "name-habit-birth-phone", words("Anh Nguyễn Thị Mai", numbers=NO_NUMBER, phone=PHONE), [MAI]),
    ("REVIEW", "name-birth-province", words(numbers=NO_NUMBER, region="TP. Hồ Chí Minh"), [MAI]),
    ("REVIEW", "name-birth-province", words(numbers=NO_NUMBER, region="BINH DUONG"), [MAI]),  # in it since July 2025
    ("REVIEW", "name-birth", words(numbers=NO_NUMBER, region="Đà Nẵng"), [MAI]),
    ("INCOMPLETE", "no-number", words("Nguyễn Văn Anh", numbers=NO_NUMBER, phone=PHONE), [MAI]),  # of one household
    ("INCOMPLETE", "no-number", words(sex="male", numbers=NO_NUMBER, phone=PHONE), [MAI]),
    ("INCOMPLETE", "no-number", words(numbers=NO_NUMBER), []),
    ("CONFLICT", "two-people", words(numbers=NO_NUMBER, phone=PHONE), [MAI, DOUBLE]),
    # what is said contradicts itself, or is not enough
    ("CONFLICT", "two-numbers", words(numbers={P: NUMBER, T: OTHER_NUMBER}), [MAI]),
    ("INCOMPLETE", "no-name", words(" \t"), [MAI]),
    ("INCOMPLETE", "no-birth-date", words(born=None), []),
    ("REVIEW", "number-name", words(born=None), [MAI]),
    ("REVIEW", "other-number-name", words(born=None, numbers={INS: INSURANCE}), [MAI]),
    ("CONFLICT", "name-differs", words("Lê Văn Tám", None), [MAI]),
    *(
        ("INCOMPLETE", "number-malformed", words(numbers={P: number}), [MAI])
        for number in ("", "07909200000", "0790920000011", "07909200000a", "٠" * 12, "0" * 12)
    ),
    ("BARRED", "status-barred", words(), [somebody(status="barred")]),
    ("BARRED", "status-deceased", words(), [somebody(status="deceased")]),
    # what disagrees is a conflict, also about somebody who is barred: it may be somebody else
    ("CONFLICT", "name-differs", words("Lê Văn Tám"), [somebody(status="barred")]),
]  # fmt: skip
FAILURES = {
    "CONFLICT": errors.PERSON_CONFLICT, "REVIEW": errors.PERSON_CONFLICT, "INCOMPLETE": errors.PERSON_INCOMPLETE,
    "BARRED": errors.PERSON_BARRED,
}  # fmt: skip


def assert_decided(decision: Decision, outcome: str, rule: str) -> None:
    assert (decision.outcome, decision.rule, decision.failure) == (outcome, rule, FAILURES.get(outcome))
    assert decision.id == ("mai" if outcome == "MATCH" else None)


@pytest.mark.parametrize("outcome, rule, said, known", RULES)
def test_the_rule_that_holds_is_named(outcome: str, rule: str, said: Evidence, known: list[Candidate]) -> None:
    for candidates in (known, known[::-1]):
        assert_decided(decide(said, PROVEN, None, candidates), outcome, rule)


@pytest.mark.parametrize("outcome, rule, said, known", [row for row in RULES if len(row[3]) == 1])
def test_whoever_has_nothing_to_do_with_it_changes_nothing(
    outcome: str, rule: str, said: Evidence, known: list[Candidate]
) -> None:
    stranger = somebody("Lê Văn Tám", (1950, 1, 2), {P: "001050123456"}, id="tam", sex="male")
    for candidates in ([stranger, *known], [*known, stranger]):
        assert_decided(decide(said, PROVEN, None, candidates), outcome, rule)


ALONE = [
    ("number-mistyped", words(numbers={P: NEAR_NUMBER})),
    ("name-birth-province", words(numbers=NO_NUMBER, region="Bình Dương")),
]


@pytest.mark.parametrize("rule, said", ALONE)
def test_where_everybody_is_known_and_nobody_else_comes_into_question_a_little_less_is_enough(
    rule: str, said: Evidence
) -> None:
    assert_decided(decide(said, PROVEN, None, [MAI]), "REVIEW", rule)
    assert_decided(decide(said, PROVEN, None, [MAI], complete=True), "MATCH", rule)
    assert_decided(decide(replace(said, phone="987654321"), PROVEN, None, [MAI], complete=True), "REVIEW", rule)


def test_of_two_with_one_name_and_birth_date_the_province_says_nothing_even_where_everybody_is_known() -> None:
    said = words(numbers=NO_NUMBER, region="Bình Dương")
    for candidates in ([MAI, DOUBLE], [DOUBLE, MAI]):
        decision = decide(said, PROVEN, None, candidates, complete=True)
        assert_decided(decision, "REVIEW", "name-birth")
        assert "double" in decision.alike


LINKED: list[tuple[str, str, Evidence, int, Candidate, list[Candidate]]] = [
    # outcome, rule, what is said, proofing, who is linked, who else has one of the keys
    ("MATCH", "link", words(), 2, MAI, []),
    ("MATCH", "link", words(), 2, somebody(numbers=NO_NUMBER), []),
    ("MATCH", "link", words(born=None, numbers=NO_NUMBER), 2, MAI, []),
    ("MATCH", "link", words(numbers=NO_NUMBER), LOW, MAI, []),
    ("CONFLICT", "name-differs", words("Trần Thị Mai Anh"), 2, MAI, []),
    ("CONFLICT", "birth-date-differs", words(born=(1991,)), 2, MAI, []),
    ("CONFLICT", "birth-date-differs", words(born=(1992, 9), numbers=NO_NUMBER), LOW, MAI, []),
    ("CONFLICT", "number-changed", words(numbers={P: OTHER_NUMBER}), 2, MAI, []),
    ("CONFLICT", "link-and-number-are-two-people", words(numbers={P: OTHER_NUMBER}), 2, MAI,
     [somebody(numbers={P: OTHER_NUMBER}, id="other")]),
    ("CONFLICT", "link-and-number-are-two-people", words(), 2, somebody(numbers=NO_NUMBER), [somebody(id="other")]),
    ("CONFLICT", "link-and-other-number-are-two-people", words(numbers={P: NUMBER, INS: "7900000001"}), 2, MAI,
     [somebody(numbers={P: OTHER_NUMBER, INS: "7900000001"}, id="other")]),
    ("INCOMPLETE", "no-name", words(""), 2, MAI, []),
    ("INCOMPLETE", "number-malformed", words(numbers={P: "07909200000a"}), 2, MAI, []),
    ("BARRED", "status-deceased", words(), 2, somebody(status="deceased"), []),
    ("BARRED", "status-barred", words(numbers=NO_NUMBER), LOW, somebody(status="barred"), []),
]  # fmt: skip


@pytest.mark.parametrize("outcome, rule, said, proofing, linked, others", LINKED)
def test_whoever_was_linked_stays_who_they_are_as_long_as_it_can_be(
    outcome: str, rule: str, said: Evidence, proofing: int, linked: Candidate, others: list[Candidate]
) -> None:
    for candidates in ([linked, *others], [*others, linked]):
        assert_decided(decide(said, proofing, linked, candidates), outcome, rule)


def test_a_source_that_proofed_nobody_leads_to_nobody() -> None:
    assert_decided(decide(words(), LOW, None, [MAI]), "NEW", "subject-alone")


def test_a_certificate_needs_no_birth_date() -> None:
    """Who certified number and name in person need not tell one."""
    assert_decided(decide(words(born=None), CERTIFIED, None, [MAI]), "MATCH", "number-name")
    assert_decided(decide(words(born=None), CERTIFIED, None, []), "NEW", "number-unknown")
    assert_decided(decide(words("Lê Văn Tám", None), CERTIFIED, None, [MAI]), "CONFLICT", "name-differs")


def test_whoever_has_a_number_now_comes_before_whoever_had_it() -> None:
    had = evidence.made(
        names=("Lê Văn Tám",), births=(Born(1950),), sex=None, phone=None,
        sent=[Identifier(type=P, value="001050123456"), Identifier(type=P, value=NUMBER, state="former")],
    )  # fmt: skip
    before = Candidate(id="tam", evidence=had)
    for candidates in ([before, MAI], [MAI, before]):
        assert_decided(decide(words(), PROVEN, None, candidates), "MATCH", "number-name-birth")


def test_of_a_conflict_the_clerk_sees_who_has_the_number_and_who_may_have_been_meant() -> None:
    tam = somebody("Lê Văn Tám", (1950, 1, 2), {P: "001050123456"}, id="tam")
    decision = decide(words("Lê Văn Tám", (1950, 1, 2)), PROVEN, None, [tam, MAI])
    assert (decision.outcome, set(decision.alike)) == ("CONFLICT", {"mai", "tam"})


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
