"""Who is turned away when requests have to wait, and how they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from werkzeug.test import Client

from idp import shedding
from idp.settings import UnsafeSettings, load
from idp.shedding import DISBELIEVED_AFTER_SECONDS, Gate
from tests.world import World, world

BEGINNING, UNDER_WAY = "/authorize", "/token"
NOON = 1_800_000_000.0


@pytest.fixture
def time() -> Iterator[Any]:
    """Both clocks of this process, which stand still until a test moves them."""
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


@pytest.fixture
def gate(time: Any) -> Gate:
    gate = Gate(beginning_seconds=0.3, under_way_seconds=0.8)
    assert gate.admits(BEGINNING, NOON)
    return gate


def test_nobody_is_turned_away_while_nobody_waits_for_long(gate: Gate) -> None:
    assert all(gate.admits(BEGINNING, NOON - waited / 100) for waited in range(31))


def test_beginnings_are_turned_away_before_what_is_under_way(gate: Gate) -> None:
    assert not gate.admits(BEGINNING, NOON - 0.4) and gate.admits(UNDER_WAY, NOON - 0.4)
    assert gate.admits("/authorize/continue/x", NOON - 0.7) and not gate.admits(UNDER_WAY, NOON - 0.9)


def test_health_and_metrics_are_told_however_long_it_took(gate: Gate) -> None:
    assert all(gate.admits(path, NOON - 9) for path in ("/health/live", "/health/ready", "/metrics"))


@pytest.mark.parametrize("apart", [-3600.0, -0.5, 0.5, 3600.0])
def test_the_proxy_s_clock_may_be_wrong(time: Any, apart: float) -> None:
    gate = Gate(beginning_seconds=0.3, under_way_seconds=0.8)
    assert gate.admits(BEGINNING, NOON - apart)
    assert gate.admits(BEGINNING, NOON - apart - 0.2) and not gate.admits(BEGINNING, NOON - apart - 0.4)


def test_a_clock_may_run_a_little_faster_for_ever(time: Any, gate: Gate) -> None:
    for hours in range(1, 25):
        time.move_to(NOON + 3600 * hours)
        assert gate.admits(BEGINNING, NOON + 3600 * hours - 0.2 * hours)  # 55 millionths
    assert not gate.admits(BEGINNING, NOON + 3600 * 24 - 0.2 * 24 - 0.4)


def test_a_clock_that_was_put_forward_keeps_people_out_for_two_seconds_at_most(time: Any, gate: Gate) -> None:
    for tenths in range(int(DISBELIEVED_AFTER_SECONDS * 10)):
        time.move_to(NOON + tenths / 10)
        assert not gate.admits(BEGINNING, NOON + tenths / 10 - 60 - 0.01 * (tenths % 3))
    time.move_to(NOON + DISBELIEVED_AFTER_SECONDS)
    assert gate.admits(BEGINNING, NOON + DISBELIEVED_AFTER_SECONDS - 60)
    assert not gate.admits(BEGINNING, NOON + DISBELIEVED_AFTER_SECONDS - 60 - 0.4), "and then it counts again"


def test_a_queue_that_lasts_does_not_become_what_is_usual(time: Any, gate: Gate) -> None:
    refused = 0
    for tenths in range(600):
        time.move_to(NOON + tenths / 10)
        refused += not gate.admits(BEGINNING, NOON + tenths / 10 - 0.5)
        assert gate.admits(UNDER_WAY, NOON + tenths / 10 - 0.5)
    assert refused == 600


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    overload = {"started_header": "X-Request-Start"}
    with world(tmp_path_factory.mktemp("country"), trusted_proxies=1, overload=overload) as country:
        yield country


@pytest.fixture
def door(country: World) -> Client:
    """The application with its gate, which knows already how quick a request can be."""
    door = Client(shedding.around(country.app))
    assert door.get("/jwks", headers=passed_on(0)).status_code == 200
    return door


def passed_on(seconds_ago: float, **headers: str) -> dict[str, str]:
    from idp import clock

    return {"X-Request-Start": f"t={clock.milliseconds() / 1000 - seconds_ago:.3f}", **headers}


@pytest.mark.parametrize("wanted, title", [("vi,en;q=0.5", "Đang có rất nhiều người"), ("en-GB", "Many people are")])
def test_a_person_gets_a_page_in_their_language(door: Client, wanted: str, title: str) -> None:
    headers = passed_on(5, Accept="text/html,*/*;q=0.8") | {"Accept-Language": wanted}
    answer = door.get("/authorize?client_id=x", headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"], answer.mimetype) == (503, "5", "text/html")
    assert title in answer.text and '<a class="button" href="">' in answer.text and "?lang=" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_program_gets_json(door: Client) -> None:
    answer = door.post("/token", data={"grant_type": "x"}, headers=passed_on(5))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    told = json.loads(answer.text)
    assert told["error"] == "temporarily_unavailable" and told["error_description"].startswith("G10: ")


@pytest.mark.parametrize("header", ["", "t=", "soon", "t=1e9", "-5", "t=" + "9" * 400, "t=1.2.3"])
def test_what_is_no_moment_is_overlooked(door: Client, header: str) -> None:
    assert door.get("/jwks", headers={"X-Request-Start": header}).status_code == 200


def test_without_the_setting_the_application_stands_alone(tmp_path: Path) -> None:
    with world(tmp_path) as country:
        assert Client(shedding.around(country.app)).get("/jwks", headers=passed_on(60)).status_code == 200


def test_the_header_is_believed_of_proxies_alone() -> None:
    given: dict[str, Any] = {"mode": "test", "issuer": "http://idp.localhost", "overload": {"started_header": "X-S"}}
    with pytest.raises(UnsafeSettings, match="overload.started_header"):
        load(**given)
