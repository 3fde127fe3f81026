"""Whatever is said and whoever is known: what is decided keeps these promises."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Identifier, IdentifierType
from idp.people import evidence
from idp.people.births import BirthAgreement, Born, compare
from idp.people.evidence import Evidence
from idp.people.matching import Candidate, decide
from idp.people.names import NameAgreement
from idp.people.names import compare as compare_names
from idp.people.person import PROVEN
from idp.people.rules import Outcome, has_number_of

# Few of each, so that people share them.
NAMES = (
    "Nguyễn Văn Hùng",
    "NGUYEN VAN HUNG",
    "Nguyễn V. Hùng",
    "Hùng Nguyễn Văn",
    "Nguyễn Văn Hưng",
    "Lê Thị Mai",
    "H'Blin",
)
DATES = (Born(1980), Born(1980, 1, 1), Born(1980, 3, 7), Born(1980, 7, 3), Born(1956, 3, 7))
NUMBERS = ("001080123456", "001080123465", "001080999999", "001056777777")
OTHERS = ("7912345678", "7912345679")
FORMER = ("012345678", "012345679")
PHONES = ("0912345678", "+84912345678", "0987654321")


def numbers_of(kind: IdentifierType, values: tuple[str, ...]) -> st.SearchStrategy[list[Identifier]]:
    return st.lists(st.sampled_from(values), max_size=1).map(
        lambda found: [Identifier(type=kind, value=value) for value in found]
    )


@st.composite
def words(draw: Any) -> Evidence:
    sent = [
        *draw(numbers_of(IdentifierType.PERSONAL_NUMBER, NUMBERS)),
        *draw(numbers_of(IdentifierType.INSURANCE_NUMBER, OTHERS)),
        *draw(numbers_of(IdentifierType.FORMER_NUMBER, FORMER)),
    ]
    return evidence.made(
        names=(draw(st.sampled_from(NAMES)),), births=tuple(draw(st.lists(st.sampled_from(DATES), max_size=1))),
        sex=draw(st.sampled_from([None, "male", "female"])), phone=draw(st.sampled_from([None, *PHONES])), sent=sent,
        region=draw(st.sampled_from([None, "Hà Nội", "Huế"])),
    )  # fmt: skip


KNOWN = st.lists(words(), max_size=5).map(
    lambda many: [Candidate(id=number, evidence=each) for number, each in enumerate(many)]
)


@given(words(), KNOWN, st.randoms(use_true_random=False), st.booleans())
def test_the_order_in_which_people_are_met_changes_nothing(
    said: Evidence, known: list[Candidate], chance: Any, complete: bool
) -> None:
    decision = decide(said, PROVEN, None, known, complete=complete)
    shuffled = list(known)
    chance.shuffle(shuffled)
    again = decide(said, PROVEN, None, shuffled, complete=complete)
    assert (decision.outcome, decision.rule, decision.id) == (again.outcome, again.rule, again.id)
    assert set(decision.alike) == set(again.alike)


@given(words(), KNOWN, st.booleans())
def test_nobody_is_linked_to_whom_name_or_birth_date_contradict(
    said: Evidence, known: list[Candidate], complete: bool
) -> None:
    decision = decide(said, PROVEN, None, known, complete=complete)
    if decision.outcome is not Outcome.MATCH:
        assert decision.id is None
        return
    person = known[decision.id].evidence
    assert compare_names(said.names[0], person.names[0]) not in (
        NameAgreement.DIFFERENT,
        NameAgreement.ONE_WORD_DIFFERS,
    )
    for one in said.births:
        assert all(compare(one, other) is not BirthAgreement.DIFFERENT for other in person.births)


@given(words(), KNOWN, st.booleans())
def test_whoever_has_the_number_is_the_only_one_who_can_be_linked(
    said: Evidence, known: list[Candidate], complete: bool
) -> None:
    decision = decide(said, PROVEN, None, known, complete=complete)
    holders = [each.id for each in known if has_number_of(said, each.evidence)]
    if holders and decision.outcome is Outcome.MATCH:
        assert decision.id in holders


@given(words(), KNOWN)
def test_somebody_who_was_linked_is_that_person_or_nobody(said: Evidence, known: list[Candidate]) -> None:
    for linked in known:
        decision = decide(said, PROVEN, linked, known)
        assert decision.outcome in (Outcome.MATCH, Outcome.CONFLICT, Outcome.INCOMPLETE)
        assert decision.id in (linked.id, None)


@given(words(), KNOWN)
def test_where_not_everybody_is_known_nobody_is_linked_who_would_not_be_where_everybody_is(
    said: Evidence, known: list[Candidate]
) -> None:
    careful = decide(said, PROVEN, None, known)
    if careful.outcome is Outcome.MATCH:
        assert decide(said, PROVEN, None, known, complete=True) == careful
