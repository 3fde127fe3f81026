"""Whatever the gateway answers: a step that means something, never an exception, and nobody signed in by accident."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Ask, Done, Failed, OutboundError
from connectors.insurance import HISTORY, RECIPIENT, REDEEM, SEND
from connectors.registers import Verdict
from connectors.sandbox.cast import CAST, Part
from tests.connectors.insured import Desk, Stub, filed, pivot, stub

ORDINARY = CAST[Part.ORDINARY].personal_number
quick = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

NAMES = (
    "maKetQua", "APIKey", "access_token", "id_token", "token_type", "expires_in", "maGiaoDich", "maSoBHXH", "maSdt",
    "sdtChe", "hoTen", "ngaySinh", "gioiTinh", "soCCCD", "maThe", "ghiChu",
)  # fmt: skip
TELLING = (
    "000", "200", "401", "501", "050", "921", "922", "924", "", " ", "Bearer", "3600", "-1", "9" * 30, ORDINARY,
    "7900000000", "1979", "00/00/0000", "0001-01-01T00:00:00", "2026-11-21T22:00:00.1234567Z", "x" * 400, "a\u0000b",
    "\u202egnp", "*******123", "Nam",
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(TELLING) | st.text(max_size=8)
values = st.recursive(
    leaves, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside), max_leaves=4
)
objects = st.dictionaries(st.sampled_from(NAMES), values | st.dictionaries(st.sampled_from(NAMES), values), max_size=8)
answers = objects.map(lambda found: json.dumps({"maKetQua": "000", **found}))


@pytest.fixture(scope="module")
def _other() -> Iterator[Stub]:
    with stub([filed(Part.ORDINARY)]) as running:
        yield running


@pytest.fixture
def tried(_other: Stub, desk_before: Callable[..., Desk]) -> Callable[[str, str], Any]:
    """What a sign-in, or the look-up, comes to when this operation answers so."""

    def run(operation: str, answer: str) -> Any:
        desk = desk_before(_other)
        _other.told(answer=answer, **{"for": operation})
        if operation == HISTORY:
            return desk.connector.verify(desk.door.context, pivot(Part.ORDINARY))
        return desk.sign_in(ORDINARY, code="135790")

    return run


@quick
@given(answer=answers)
@pytest.mark.parametrize("operation", ["token", RECIPIENT, SEND])
def test_any_answer_on_the_way_is_a_step(tried: Callable[[str, str], Any], operation: str, answer: str) -> None:
    step = tried(operation, answer)
    assert isinstance(step, Ask | Failed) or (isinstance(step, Done) and step.assertion.subject == "7900000000")


@quick
@given(answer=answers)
def test_any_answer_about_a_person_is_about_who_was_asked_for(tried: Callable[[str, str], Any], answer: str) -> None:
    step = tried(REDEEM, answer)
    assert isinstance(step, Ask | Failed | Done)
    if isinstance(step, Done):
        assert ORDINARY in [one.value for one in step.assertion.identifiers]


@quick
@given(answer=answers)
def test_any_answer_of_the_register_is_a_verdict_or_a_failure(tried: Callable[[str, str], Any], answer: str) -> None:
    try:
        found = tried(HISTORY, answer)
    except OutboundError as problem:
        pytest.fail(f"the stub was not there: {problem}")
    assert isinstance(found, Verdict | Failed)
