"""Files are linked by the very rules of a sign-in, in whatever order their lines come."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from connectors.sandbox.country import files
from idp import seal
from idp.cli.people import people as commands
from idp.errors import Refused
from idp.house import House, build
from idp.people import linking, records
from idp.people.linking import Link
from idp.people.person import PROVEN
from idp.people.population import SOURCE, Population
from idp.settings import load
from idp.storage import schema
from tests.servers import database_url, postgresql_url

__all__ = ["database_url", "postgresql_url"]

pytestmark = pytest.mark.both_engines
# TEST_LINKED_PEOPLE=8500 makes ten thousand records of them: five minutes an engine.
PEOPLE, SEED = int(os.environ.get("TEST_LINKED_PEOPLE", "1500")), 20261122


class Undone(Exception):
    """What a sign-in did is taken back."""


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("country")
    files.write(folder, people=PEOPLE, seed=SEED)
    return folder


def lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    seal.add_master_key(str(tmp_path / "keys"))
    made = build(load(
        mode="test", database_url=database_url, master_keys_file=str(tmp_path / "keys"),
        verification={"everybody_is_known": True},
    ))  # fmt: skip
    schema.upgrade(database_url)
    yield made
    made.database.engine.dispose()


@contextmanager
def taken_back(house: House) -> Iterator[object]:
    with suppress(Undone), house.database.write() as tx:
        yield tx
        raise Undone


def enter(house: House, register: list[bytes]) -> dict[bytes, str]:
    """Everybody in the register is known; their names there, by id."""
    names = {}
    with house.database.write() as tx:
        for position, line in enumerate(register):
            row, person_id = records.read(line), position.to_bytes(16, "big")
            house.people.enter(tx, records.person(row, person_id, SOURCE), SOURCE)
            names[person_id] = str(row["person"])
    return names


def signed_in(house: House, record: records.Record, names: dict[bytes, str]) -> tuple[str, str, str | None]:
    """Outcome, rule and person of a sign-in, of which nothing stays."""
    found: tuple[str, str, str | None] = ("", "", None)
    proofing = record.assertion.proofing
    with taken_back(house) as tx:
        try:
            recognised = house.people.recognise(tx, record.assertion, record.source_id, proofing)  # type: ignore[arg-type]
            found = recognised.outcome, recognised.rule, names.get(recognised.person.id)
        except Refused as problem:
            found = "", problem.detail, None
    return found


def test_a_record_is_decided_alike_offline_and_at_a_sign_in(house: House, country: Path) -> None:
    register, said = lines(country / "register.jsonl"), lines(country / "records.jsonl")
    population, names = Population(register), enter(house, register)
    rules = set()
    for line in said:
        record = records.record(records.read(line))
        offline = linking.told(population, record.id, linking.resolve(population, record))
        outcome, rule, person = signed_in(house, record, names)
        assert (rule, person) == (offline.rule, offline.person), line
        assert outcome in ("", offline.outcome)
        rules.add(rule)
    assert {"number-name-birth", "other-number-name-birth", "name-birth-phone", "number-unknown"} <= rules


def test_the_order_of_the_register_and_of_the_records_changes_nothing(country: Path) -> None:
    register, said = lines(country / "register.jsonl"), lines(country / "records.jsonl")

    def links() -> dict[str, Link]:
        return {link.record: link for link in linking.link(Population(register), said)}

    before = links()
    for shuffled in (register, said):
        Random(SEED).shuffle(shuffled)
    assert links() == before


@pytest.mark.parametrize(
    "line", [
        "{}", '{"record": 7, "name": 8, "proofing": "x", "identifiers": 9}', '{"name": {"full": ["x"]}, "proofing": 2}',
        '{"birth_date": {"year": 1990, "day": 3}, "proofing": 2}', '{"birth_date": {"year": 99999}, "proofing": 2}',
        '{"identifiers": [{"type": "personal_number", "value": null}, 5, {"type": "none", "value": "1"}]}',
        json.dumps({"name": "Nguyễn " * 2000, "proofing": 2, "birth_date": {"year": 1990, "month": 1, "day": 2}}),
        json.dumps({"name": "А" * 30 + "\u200b", "proofing": 2, "birth_date": {"year": 1990, "month": 1, "day": 2}}),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_counts_as_missing(country: Path, line: str) -> None:
    population = Population(lines(country / "register.jsonl")[:50])
    (link,) = linking.link(population, [line.encode()])
    assert (link.outcome, link.person) in (("INCOMPLETE", None), ("NEW", None))


def test_the_command_links_and_tells_how_many(country: Path, tmp_path: Path) -> None:
    out = tmp_path / "links.jsonl"
    register, said = str(country / "register.jsonl"), str(country / "records.jsonl")
    done = CliRunner().invoke(commands, ["link", "--register", register, "--records", said, "--out", str(out)])
    assert done.exit_code == 0, done.output
    links = [Link.from_row(json.loads(line)) for line in out.read_text("utf-8").splitlines()]
    assert [link.record for link in links] == [json.loads(line)["record"] for line in lines(country / "records.jsonl")]
    assert f"{len(links)} records" in done.output


def test_the_command_scores_and_writes_the_figures(country: Path, tmp_path: Path) -> None:
    out = tmp_path / "score.json"
    paths = {name: str(country / f"{name}.jsonl") for name in ("register", "records", "truth")}
    words = [word for name, path in paths.items() for word in (f"--{name}", path)]
    done = CliRunner().invoke(commands, ["score", *words, "--json", str(out)])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text())
    assert figures["conflicts_linked"] == 0
    assert figures["precision_but_for_whole_identities"]["precision"] == 1
    assert figures["records_per_second"] > figures["records_per_second_through_database"] > 0
    assert figures["whole"]["records"] == len(lines(country / "records.jsonl"))
    assert "| all | " in done.output


@pytest.mark.parametrize("broken", ["register", "records", "truth"])
def test_a_line_that_is_no_object_is_told_in_one_sentence(country: Path, tmp_path: Path, broken: str) -> None:
    paths = {name: country / f"{name}.jsonl" for name in ("register", "records", "truth")}
    paths[broken] = tmp_path / "broken.jsonl"
    paths[broken].write_text('{"record": "r00000001"}\n[1]\n')
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    done = CliRunner().invoke(commands, ["score", *words])
    assert done.exit_code == 2
    assert done.output.startswith("Error: ") and done.output.count("\n") == 1


def test_whom_a_weak_source_means_is_nobody_known(country: Path) -> None:
    population = Population(lines(country / "register.jsonl"))
    for line in lines(country / "records.jsonl")[:200]:
        (link,) = linking.link(population, [json.dumps(json.loads(line) | {"proofing": PROVEN - 1}).encode()])
        assert (link.outcome, link.rule) == ("NEW", "subject-alone")
