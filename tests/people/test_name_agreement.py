"""How far two names agree: every agreement by its definition, and the same from either side."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.people.names import LONGEST_CHARACTERS, MOST_WORDS, NameAgreement, compare, folded
from tests.people.spelling import REPEATABLE, in_tcvn3, in_vni, names

CASES: dict[NameAgreement, list[tuple[str, str]]] = {
    NameAgreement.EXACT: [
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hùng"), ("Nguyễn Văn Hùng", " Nguyễn  Văn Hùng\n"), ("Vệ", "Vẹ\u0302"),
        ("Y", "Y"),
    ],
    NameAgreement.SPELLING: [
        ("Nguyễn Văn Hùng", "NGUYỄN VĂN HÙNG"), ("Trần Thị Hoà", "Trần Thị Hòa"), ("Đỗ Đức", "Ðỗ Ðức"),
        ("Nguyễn Văn Hùng", "NguyÔn V¨n Hïng"), ("Nguyễn Văn Hùng", "Nguyeãn Vaên Huøng"), ("H'Blin", "H’ Blin"),
        ("H'Blin", "HBlin"), ("H'Blin", "H BLIN"),
        ("Y Bih", "Y-Bih"), ("MAI ANH", "Mai Anh"),
    ],
    NameAgreement.MARKS_LOST: [
        ("Nguyễn Văn Hùng", "NGUYEN VAN HUNG"), ("Nguyễn Van Hùng", "Nguyen Văn Hung"), ("Đỗ Đức", "Do Duc"),
        ("Nguyễn Văn Hưng", "Nguyen Van Hung"), ("Byă", "BYA"), ("Mỷ", "My"),
    ],
    NameAgreement.MARKS_DIFFER: [
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hưng"), ("Nguyễn Thị Hoa", "Nguyên Thị Hoa"), ("Lê Tú", "Le Tư"),
        ("Trần Quốc Bảo", "Trần Quôc Bảo"), ("Hạ", "Hà"),
    ],
    NameAgreement.MIDDLE_SHORTENED: [
        ("Nguyễn Văn Hùng", "Nguyễn Hùng"), ("Nguyễn Văn Hùng", "Nguyễn V. Hùng"), ("Nguyễn Văn Hùng", "NGUYEN HUNG"),
        ("Nguyễn Thị Mai Anh", "Nguyễn Mai Anh"), ("Nguyễn Thị Mai Anh", "Nguyễn Thị Anh"),
        ("Nguyễn Thị Mai Anh", "Nguyễn T.M. Anh"), ("Nguyễn Thị Mai Anh", "Nguyễn Th. Anh"), ("Lê Đức An", "Lê D. An"),
        ("Lê Đức An", "Lê Đ. An"), ("LE DUC AN", "Lê Đ. An"), ("Tôn Nữ Thị Ninh", "Tôn Thị Ninh"),
        ("Lê Ánh An", "Lê A An"),
    ],
    NameAgreement.REORDERED: [
        ("Nguyễn Văn Hùng", "HUNG NGUYEN VAN"), ("Nguyễn Văn Hùng", "Hùng Văn Nguyễn"), ("Trần Anh", "Anh Trần"),
        ("Nguyễn Thị Mai Anh", "Mai Anh Nguyễn Thị"), ("Nguyễn Thị Mai Anh", "Mai Anh Thị Nguyễn"),
        ("Nguyễn Thị Mai Anh", "Thị Mai Anh Nguyễn"), ("Y Blin Niê", "Niê Y Blin"),
    ],
    NameAgreement.ONE_WORD_DIFFERS: [
        ("Nguyễn Văn Hùng", "Nguyễn Văn Dũng"), ("Nguyễn Văn Hùng", "Nguyễn Đức Hùng"),
        ("Nguyễn Văn Hùng", "Trần Văn Hùng"),
        ("Nguyễn Thị Mai Anh", "Nguyễn Thi Mai Ngọc"),
        ("NGUYEN VAN HUNG", "Nguyễn Văm Hùng"), ("Nguyễn Thanh Hùng", "Nguyễn Tha Hùng"),
        ("Nguyễn Văn Hùng", "Nguyễn Đ. Hùng"),
    ],
    NameAgreement.DIFFERENT: [
        ("Nguyễn Văn Hùng", "Trần Thị Lan"), ("Nguyễn Minh Anh", "Nguyễn Anh Minh"), ("Nguyễn Hùng", "Nguyễn Dũng"),
        ("Nguyễn Thị Mai", "Nguyễn Thị Mai Anh"), ("Hùng", "Nguyễn Hùng"), ("Hùng", "Dũng"),
        ("Nguyễn Văn Hùng", "N. V. Hùng"),
        ("Nguyễn Văn Đức Hùng", "Nguyễn Đức Văn Hùng"), ("Lê An", "Lê Аn"),
        ("Nguyễn Văn Hùng", "Hưng Nguyễn Văn"), ("H'Blin", "HBlan"), ("Mai Anh", "Maianh"), ("", ""),
        ("-", "-"), ("12", "12"), ("An", ""), ("A" * 201, "A" * 202),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "agreement, one, other", [(agreement, *pair) for agreement, pairs in CASES.items() for pair in pairs]
)
def test_two_names_agree_as_far_as_this(agreement: NameAgreement, one: str, other: str) -> None:
    assert compare(one, other) is compare(other, one) is agreement


def test_each_agreement_has_its_cases() -> None:
    assert list(CASES) == list(NameAgreement), "in the order in which they are looked for"


def alike() -> st.SearchStrategy[tuple[str, str]]:
    """Two names of few syllables, or one name in two forms."""
    few = st.lists(st.sampled_from(["Hùng", "Hưng", "Hung", "Văn", "V", "Thị", "Th", "Lê"]), min_size=1, max_size=4)
    few_names = few.map(" ".join)
    changed = st.sampled_from([folded, str.upper, in_tcvn3, in_vni, lambda name: " ".join(name.split()[::-1])])
    in_two_forms = st.builds(lambda name, change: (name, change(name)), names(), changed)
    return st.one_of(st.tuples(few_names, few_names), in_two_forms, st.tuples(names(), names()))


@REPEATABLE
@given(alike())
def test_agreement_is_the_same_from_either_side(pair: tuple[str, str]) -> None:
    one, other = pair
    assert compare(one, other) is compare(other, one)


@REPEATABLE
@given(names())
def test_a_name_agrees_with_itself(name: str) -> None:
    assert compare(name, name) is NameAgreement.EXACT
    assert compare(name, name.swapcase()) is NameAgreement.SPELLING
    lost = NameAgreement.SPELLING if name.isascii() else NameAgreement.MARKS_LOST
    assert compare(name, folded(name)) is lost


@REPEATABLE
@given(names(), names())
def test_names_agree_by_their_keys_or_else_by_their_words(one: str, other: str) -> None:
    same_key = compare(one, other) in (
        NameAgreement.EXACT, NameAgreement.SPELLING, NameAgreement.MARKS_LOST, NameAgreement.MARKS_DIFFER,
    )  # fmt: skip
    assert same_key is (folded(one) == folded(other))


@REPEATABLE
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_agree_somehow(one: str, other: str) -> None:
    assert compare(one, other) is compare(other, one)


@pytest.mark.parametrize(
    "one, other",
    [
        ("Nguyễn " * 1500, "Nguyễn " * 1500 + "A"),
        ("1" * 10_240, "1" * 10_240),
        ("b c" + " a" * 98, "c b" + " a" * 98),
        (("ab " * MOST_WORDS).strip(), "ab " * (MOST_WORDS - 1) + "ac"),
        ("\u0301" * LONGEST_CHARACTERS + "a", "\u0301" * LONGEST_CHARACTERS + "b"),
    ],
)
def test_names_that_nobody_bears_cost_next_to_nothing(one: str, other: str) -> None:
    started = time.process_time()
    for _ in range(100):
        compare(one, other)
    assert time.process_time() - started < 0.2, "2 ms each, on the slowest machine"
