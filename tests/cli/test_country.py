"""`idp people synthesise`: an invented country from the terminal, which needs no provider."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.cli.conftest import ROOT, Terminal

FILES = ("register.jsonl", "records.jsonl", "truth.jsonl")


def test_a_country_is_invented_without_a_provider(empty: Terminal) -> None:
    told = empty.does("people", "synthesise", "--people", "60", "--seed", "5", "--out", f"{empty.home}/country")
    lines = {name: (empty.home / "country" / name).read_text("utf-8").splitlines() for name in FILES}
    assert len(lines["register.jsonl"]) == 60
    assert f"60 people, {len(lines['records.jsonl'])} records" in told
    assert len(lines["records.jsonl"]) == len(lines["truth.jsonl"]) > 30
    assert all(isinstance(json.loads(line), dict) for of in lines.values() for line in of)
    assert sorted(path.name for path in empty.home.iterdir()) == ["country"]


def test_what_cannot_be_done_is_told_in_one_sentence(terminal: Terminal) -> None:
    words = ("people", "synthesise", "--seed", "5", "--out")
    folder = terminal.file("taken", "a file")
    assert "is a file" in terminal.refuses(*words, folder, "--people", "5")
    assert "cannot be written" in terminal.refuses(*words, f"{folder}/below", "--people", "5")
    assert "people" in terminal.refuses(*words, str(terminal.home), "--people", "20000000")
    assert "--people" in terminal.refuses(*words, str(terminal.home), "--people", "0")


def test_flask_has_the_command_too(terminal: Terminal) -> None:
    words = ("people", "synthesise", "--people", "20", "--seed", "5", "--out")
    terminal.does(*words, f"{terminal.home}/one")
    command = [sys.executable, "-m", "flask", "--app", "idp", *words, f"{terminal.home}/other"]
    subprocess.run(command, cwd=ROOT, env=terminal.process_environment(), check=True, capture_output=True)
    for name in FILES:
        assert (terminal.home / "one" / name).read_bytes() == (terminal.home / "other" / name).read_bytes()


def test_the_country_is_loaded_by_the_command_alone() -> None:
    loaded = "[name for name in sys.modules if name.startswith('connectors.sandbox')]"
    command = [sys.executable, "-c", f"import sys, idp.cli.country, idp.cli.people; print({loaded})"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
