"""Birth dates as far as they are known: how far two agree, and which cannot be."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import BirthDate
from idp.people.births import BirthAgreement, BirthOddity, Born, born_on, compare, oddities
from tests.people.spelling import REPEATABLE

TODAY = date(2026, 11, 22)


def borns() -> st.SearchStrategy[Born]:
    """Few days, so that many agree; among them such as cannot be."""
    year, month, day = st.integers(1957, 1959), st.integers(1, 3), st.integers(1, 3)
    return st.one_of(
        st.builds(Born, year), st.builds(Born, year, month), st.builds(Born, year, month, day),
        st.builds(Born, st.integers(), st.none() | st.integers(), st.none() | st.integers()),
    )  # fmt: skip


@pytest.mark.parametrize(
    "one, other, agreement",
    [
        ((1958, 5, 17), (1958, 5, 17), BirthAgreement.EXACT),
        ((1958, 1, 1), (1958, 1, 1), BirthAgreement.EXACT),
        ((1958, 5, 17), (1958,), BirthAgreement.PARTIAL),
        ((1958, 5, 17), (1958, 5), BirthAgreement.PARTIAL),
        ((1958,), (1958,), BirthAgreement.PARTIAL),
        ((1958, 5), (1958, 5), BirthAgreement.PARTIAL),
        ((1958, 1, 1), (1958,), BirthAgreement.PARTIAL),
        ((1958, 1, 1), (1958, 1), BirthAgreement.PARTIAL),
        ((1958, 1, 1), (1958, 5, 17), BirthAgreement.DEFAULTED),
        ((1958, 1, 1), (1958, 5), BirthAgreement.DEFAULTED),
        ((1958, 1, 1), (1958, 1, 31), BirthAgreement.DEFAULTED),
        ((1958, 5, 8), (1958, 8, 5), BirthAgreement.SWAPPED),
        ((1958, 1, 12), (1958, 12, 1), BirthAgreement.SWAPPED),
        ((1958, 5, 8), (1958, 8), BirthAgreement.DIFFERENT),
        ((1958, 5, 17), (1958, 5, 18), BirthAgreement.DIFFERENT),
        ((1958, 5, 17), (1958, 6), BirthAgreement.DIFFERENT),
        ((1958, 5, 8), (1959, 8, 5), BirthAgreement.DIFFERENT),
        ((1958, 1, 1), (1959, 5, 17), BirthAgreement.DIFFERENT),
        ((1958,), (1959,), BirthAgreement.DIFFERENT),
        ((1958, 1, 2), (1958, 2, 3), BirthAgreement.DIFFERENT),
    ],
)
def test_two_birth_dates_agree_as_far_as_this(
    one: tuple[int, ...], other: tuple[int, ...], agreement: BirthAgreement
) -> None:
    assert compare(Born(*one), Born(*other)) is compare(Born(*other), Born(*one)) is agreement


@REPEATABLE
@given(borns(), borns())
def test_agreement_is_the_same_from_either_side(one: Born, other: Born) -> None:
    agreement = compare(one, other)
    assert agreement is compare(other, one)
    assert (agreement in (BirthAgreement.EXACT, BirthAgreement.PARTIAL)) is one.agrees_with(other)
    assert one.year == other.year or agreement is BirthAgreement.DIFFERENT
    assert (agreement is BirthAgreement.EXACT) is (one == other and one.known_parts == 3)


@pytest.mark.parametrize(
    "born, strange",
    [
        ((1958, 5, 17), ()), ((1958, 5), ()), ((1958,), ()), ((2026, 11, 22), ()), ((2026, 11), ()), ((2026,), ()),
        ((1880,), ()), ((1992, 2, 29), ()),
        ((1879, 12, 31), (BirthOddity.TOO_LONG_AGO,)), ((1879,), (BirthOddity.TOO_LONG_AGO,)),
        ((2026, 11, 23), (BirthOddity.IN_THE_FUTURE,)), ((2026, 12), (BirthOddity.IN_THE_FUTURE,)),
        ((2027,), (BirthOddity.IN_THE_FUTURE,)), ((1958, 1, 1), (BirthOddity.MAY_BE_DEFAULT,)),
        ((1990, 2, 31), (BirthOddity.NO_SUCH_DAY,)), ((1991, 2, 29), (BirthOddity.NO_SUCH_DAY,)),
        ((1990, 13), (BirthOddity.NO_SUCH_DAY,)), ((1990, 0, 0), (BirthOddity.NO_SUCH_DAY,)),
        ((1990, None, 5), (BirthOddity.NO_SUCH_DAY,)),
        ((0,), (BirthOddity.NO_SUCH_DAY, BirthOddity.TOO_LONG_AGO)),
        ((-1,), (BirthOddity.NO_SUCH_DAY, BirthOddity.TOO_LONG_AGO)),
        ((10_000, 2, 31), (BirthOddity.NO_SUCH_DAY, BirthOddity.IN_THE_FUTURE)),
        ((1870, 1, 1), (BirthOddity.TOO_LONG_AGO, BirthOddity.MAY_BE_DEFAULT)),
    ],
)  # fmt: skip
def test_what_is_strange_is_named(born: tuple[int, ...], strange: tuple[BirthOddity, ...]) -> None:
    assert oddities(Born(*born), TODAY) == strange


@REPEATABLE
@given(borns())
def test_any_numbers_are_a_birth_date_with_its_oddities(born: Born) -> None:
    assert isinstance(oddities(born, TODAY), tuple)


def test_what_a_source_left_out_stays_unknown() -> None:
    assert born_on(BirthDate(year=1958, as_sent="00/00/1958")) == Born(1958)
    assert born_on(BirthDate(year=1958, month=5, as_sent="05/1958")) == Born(1958, 5)
    assert born_on(BirthDate(year=1958, month=5, day=17, as_sent="19580517")) == Born(1958, 5, 17)
