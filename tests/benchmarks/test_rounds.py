"""A ratio is of one round, a percentile is a value that was measured, and a row says whether its target was met."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.rounds import Row, Side, Trial, compared, percentile, table
from tests.benchmarks.table import as_json


def trial(*values: float) -> Trial:
    return Trial("a trial", dict, [{"figure": value} for value in values])


def row(ours: Trial, peer: Trial, **target: float) -> Row:
    return compared("key", "a row", "ms", Side(ours, "figure"), Side(peer, "figure"), **target)


def test_ratios_are_of_single_rounds() -> None:
    """The medians of both sides say 2; no round did."""
    made = row(trial(10, 20, 90), trial(10, 5, 30))
    assert (made.ratio, made.ratio_min, made.ratio_max) == (3, 1, 4)
    assert (made.ours, made.peer) == (20, 10)


@pytest.mark.parametrize(
    "target, met",
    [({"least": 2.0}, True), ({"least": 2.1}, False), ({"most": 2.0}, True), ({"most": 1.9}, False), ({}, None)],
)
def test_a_target_is_met_or_missed(target: dict[str, float], met: bool | None) -> None:
    assert row(trial(4), trial(2), **target).met is met


def test_a_side_may_be_told_the_other_way_round() -> None:
    assert Side(trial(2, 4), "figure", per=1000).values() == [500, 250]


@pytest.mark.parametrize(
    "values, percent, value",
    [
        ([5], 99, 5),
        (range(1, 101), 99, 99),
        (range(1, 101), 50, 50),
        (range(1, 201), 99, 198),
        ([1, 2, 3], 99, 3),
        ([3, 1, 2], 50, 2),
        ([1, 2], 0, 1),
    ],
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    values: list[float], percent: int, value: float
) -> None:
    assert percentile(values, percent) == value


def test_the_table_has_a_line_for_each_row() -> None:
    lines = table([row(trial(4), trial(2), least=2.0), row(trial(1), trial(2), least=2.0)]).splitlines()
    assert lines[2:] == [
        "| a row | 4.00 | 2.00 | ms | 2.00 [2.00-2.00] | ≥ 2 | met |",
        "| a row | 1.00 | 2.00 | ms | 0.50 [0.50-0.50] | ≥ 2 | missed |",
    ]


def test_a_row_as_json_says_what_the_table_says() -> None:
    told = json.loads(as_json([row(trial(4), trial(2), most=3.0)], {"node": "v1"}))
    expected = {"name": "a row", "ours": 4, "peer": 2, "ratio": 2, "ratio_min": 2, "ratio_max": 2, "met": True}
    assert told[0].items() >= expected.items()
    assert told[0]["versions"] == {"node": "v1"}
