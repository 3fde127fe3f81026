"""Splink proposes, for a clerk, people for what the rules left open; it decides nothing, and nothing else knows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors.sandbox.country import files
from idp.cli.people import people as commands
from idp.people import linking, proposing
from idp.people.linking import Link
from idp.people.population import Population
from tests.cli.conftest import ROOT
from tests.house.source import imports, modules, within

PEOPLE, SEED = 1500, 20261122
OPEN = ("REVIEW", "CONFLICT", "INCOMPLETE")
FILES = ("register", "records", "links")


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented one, with its links."""
    folder = tmp_path_factory.mktemp("country")
    files.write(folder, people=PEOPLE, seed=SEED)
    lines = {name: (folder / f"{name}.jsonl").read_bytes().splitlines() for name in ("register", "records")}
    links = linking.link(Population(lines["register"]), lines["records"])
    (folder / "links.jsonl").write_text("".join(f"{link.to_json()}\n" for link in links), "utf-8")
    return folder


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def run(folder: Path, out: Path, *words: str, **others: Path) -> Result:
    paths = {name: folder / f"{name}.jsonl" for name in FILES} | others | {"out": out}
    return CliRunner().invoke(commands, ["propose", *(f"--{name}={path}" for name, path in paths.items()), *words])


@pytest.fixture(scope="module")
def told(country: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """What the command prints and writes of the country, where two people a record are asked for."""
    out = tmp_path_factory.mktemp("proposals") / "proposals.jsonl"
    before = {name: (country / f"{name}.jsonl").read_bytes() for name in FILES}
    done = run(country, out, "--most=2", truth=country / "truth.jsonl")
    assert done.exit_code == 0, done.output
    assert {name: (country / f"{name}.jsonl").read_bytes() for name in FILES} == before
    return done.output, rows(out)


Told = tuple[str, list[dict[str, Any]]]


def test_each_record_that_is_open_has_a_line_with_what_the_rules_said(country: Path, told: Told) -> None:
    expected = [
        (link["record"], link["outcome"], link["rule"])
        for link in rows(country / "links.jsonl") if link["outcome"] in OPEN
    ]  # fmt: skip
    assert [(line["record"], line["outcome"], line["rule"]) for line in told[1]] == expected
    assert {outcome for _, outcome, _ in expected} == set(OPEN)


def test_the_likeliest_comes_first_and_is_nearly_always_the_person(country: Path, told: Told) -> None:
    person_of = {row["record"]: row["person"] for row in rows(country / "truth.jsonl")}
    right = []
    for line in told[1]:
        probabilities = [each["probability"] for each in line["proposals"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert len(probabilities) <= 2
        assert all(proposing.LEAST_PROBABILITY <= each <= 1 for each in probabilities)
        if person_of[line["record"]] is not None:
            right.append([each["person"] for each in line["proposals"]][:1] == [person_of[line["record"]]])
    assert len(right) >= 15
    assert sum(right) >= 0.9 * len(right)


def test_what_agrees_and_how_far_is_told(told: Told) -> None:
    levels = {(name, level) for line in told[1] for each in line["proposals"] for name, level in each["agrees"].items()}
    assert {("name", "same"), ("name", "another"), ("birth_date", "same"), ("phone", "another")} <= levels
    assert {("personal_number", "same"), ("insurance_number", "same"), ("sex", "same"), ("province", "same")} <= levels


def test_an_invented_country_tells_how_good_the_proposals_are(country: Path, told: Told) -> None:
    nobody = {row["record"] for row in rows(country / "truth.jsonl") if row["person"] is None}
    of_nobody = sum(line["record"] in nobody for line in told[1])
    (total,) = [line for line in told[0].splitlines() if line.startswith("| all |")]
    numbers = [int(each) for each in total.strip("| ").split(" | ")[1:]]
    assert numbers[0] + of_nobody == len(told[1])
    assert numbers[5] == of_nobody


# ---- one record ----

MAI = {
    "person": "mai", "personal_number": "001190123456", "name": {"full": "Trần Thị Bạch Mai"},
    "birth_date": "1990-05-17", "sex": "female", "province": "Hà Nội", "phone": "+84912345678",
    "identifiers": [{"type": "passport", "value": "B1234567"}],
}  # fmt: skip
MISTYPED: dict[str, Any] = {
    "record": "r1", "source": "bank", "proofing": 2, "name": {"full": "TRAN THI BACH MAY"},
    "birth_date": {"year": 1990, "month": 5, "day": 17}, "sex": "female",
    "identifiers": [{"type": "personal_number", "value": "001190123465"}],
}  # fmt: skip


def proposed(country: Path, record: dict[str, Any], outcome: str = "REVIEW") -> list[proposing.Proposed]:
    link = Link(record="r1", outcome=outcome, rule="by-hand")
    register = [*rows(country / "register.jsonl")[:300], MAI]
    (proposal,) = proposing.propose(register, [record], [link], 3)
    assert proposal.link is link
    return list(proposal.proposed)


def test_whose_number_and_name_were_both_mistyped_is_found(country: Path) -> None:
    first = proposed(country, MISTYPED)[0]
    assert first.person == "mai"
    assert first.probability > 0.9
    assert first.agrees == {
        "name": "one or two letters differ", "birth_date": "same", "sex": "same", "personal_number": "one slip"
    }  # fmt: skip


def test_also_with_another_day_of_birth_by_the_rest_of_the_number(country: Path) -> None:
    assert proposed(country, MISTYPED | {"birth_date": {"year": 1990, "month": 5, "day": 11}})[0].person == "mai"


def test_a_number_of_a_source_that_proofed_nobody_says_nothing(country: Path) -> None:
    (first, *_) = proposed(country, MISTYPED | {"proofing": 1})
    assert "personal_number" not in first.agrees


@pytest.mark.parametrize(
    "record", [
        {}, {"name": "", "birth_date": {"year": 1990, "month": 13}}, {"name": {"full": "..."}, "phone": "12"},
        {"name": {"full": "Tr\ud800n \x00 'Mai\"; --"}, "birth_date": {"year": 0, "month": 0, "day": 0},
         "identifiers": [{"type": "passport", "value": "\udfff"}, {"type": "tax_code", "value": "x'"}]},
        {"name": {"full": "Nguyễn " * 5000}, "proofing": 2, "birth_date": {"year": 1990, "month": 1, "day": 2}},
    ],
)  # fmt: skip
def test_a_record_that_says_nothing_of_use_has_no_proposals(country: Path, record: dict[str, Any]) -> None:
    assert proposed(country, {"record": "r1"} | record, "INCOMPLETE") == []


def test_where_nobody_is_open_or_nobody_registered_nobody_is_proposed(country: Path, tmp_path: Path) -> None:
    decided = tmp_path / "decided.jsonl"
    decided.write_text('{"record": "r00000001", "outcome": "MATCH", "rule": "by-hand", "person": "p00000001"}\n')
    out = tmp_path / "proposals.jsonl"
    assert "0 of 1 records" in run(country, out, links=decided).output
    assert out.read_text() == ""
    (proposal,) = proposing.propose([], [MISTYPED], [Link(record="r1", outcome="REVIEW", rule="by-hand")], 3)
    assert proposal.proposed == ()


@pytest.mark.parametrize(
    "broken, content, sentence", [
        ("links", '{"record": "r9", "outcome": "REVIEW", "rule": "x"}', "does not fit the records: there is no"),
        ("links", '{"record": "r9", "person": "x"}', "a line is no link"),
        ("links", '{"record": [], "outcome": "REVIEW", "rule": "x"}', "a line is no link"),
        ("links", "[1]", "a line is no JSON object"),
        ("register", "x", "a line is no JSON object"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_told_in_one_sentence(
    country: Path, tmp_path: Path, broken: str, content: str, sentence: str
) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(f"{content}\n")
    done = run(country, tmp_path / "proposals.jsonl", **{broken: path})
    assert done.exit_code == 2
    assert done.output.startswith("Error: ") and done.output.count("\n") == 1
    assert sentence in done.output
    assert not (tmp_path / "proposals.jsonl").exists()


# ---- what knows it ----


def test_one_module_knows_splink_and_one_command_that_module() -> None:
    uses = [(module.name, use.name) for module in modules(ROOT) for use in imports(module)]

    def knowing(name: str) -> set[str]:
        return {module for module, used in uses if within(used, name)}

    assert knowing("splink") == knowing("duckdb") == {"idp.people.proposing"}
    assert knowing("pandas") == set()
    assert knowing("idp.people.proposing") == {"idp.cli.proposals"}
    assert knowing("idp.cli.proposals") == {"idp.cli.people"}


def test_it_is_loaded_by_its_command_alone() -> None:
    loaded = "sorted({'splink', 'duckdb', 'pandas', 'idp.people.proposing'} & set(sys.modules))"
    command = [sys.executable, "-c", f"import sys, idp.cli.people, idp.app, idp.people.linking; print({loaded})"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"


HIDDEN = """
import sys
sys.modules["splink"] = None
from idp.cli import main
main()
"""


def test_without_the_package_the_sentence_says_what_to_install(country: Path, tmp_path: Path) -> None:
    words = [f"--{name}={country / name}.jsonl" for name in FILES]
    command = [sys.executable, "-c", HIDDEN, "people", "propose", *words, f"--out={tmp_path / 'out.jsonl'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "Error: propose: needs Splink: pip install 'motcua[splink]'\n")
    assert not (tmp_path / "out.jsonl").exists()
