"""What a personal number says of the year in which its holder was born."""

from __future__ import annotations

import pytest

from connectors.sandbox.cast import CAST
from idp.people.identifiers import birth_year


@pytest.mark.parametrize(
    "number, year",
    [
        ("001090000101", 1990), ("079185000202", 1985), ("048201000303", 2001), ("048301000303", 2001),
        ("001499000101", 2199), ("001912000101", 2312),
    ],
)  # fmt: skip
def test_century_sex_and_year_stand_in_the_fourth_to_sixth_digit(number: str, year: int) -> None:
    """Circular 07/2016/TT-BCA, article 7: 0 and 1 are men and women of the 1900s, 2 and 3 of the 2000s, and so on."""
    assert birth_year(number) == year


def test_every_invented_citizen_was_born_in_the_year_of_their_number() -> None:
    assert [birth_year(one.personal_number) for one in CAST] == [one.birth_year for one in CAST]


@pytest.mark.parametrize("text", ["", "01090000101", "0010900001011", "00109000010a", "\u0660" * 12, "001090000101\n"])
def test_what_is_no_personal_number_tells_no_year(text: str) -> None:
    with pytest.raises(ValueError, match="twelve digits"):
        birth_year(text)
