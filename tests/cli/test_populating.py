"""A register's people are made known by a command, and found by all that they are known by."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Terminal

MAI = {
    "person": "p1", "personal_number": "079192000001", "name": {"full": "Nguyễn Thị Mai Anh"}, "sex": "female",
    "birth_date": "1992-08-05", "identifiers": [{"type": "insurance_number", "value": "7912345678"}],
}  # fmt: skip
TAM = {"person": "p2", "personal_number": "001050000002", "name": "Lê Văn Tám", "birth_date": "1950"}


def test_everybody_in_the_register_is_known_once_however_often_it_is_entered(
    terminal: Terminal, tmp_path: Path
) -> None:
    register = tmp_path / "register.jsonl"
    register.write_text("\n".join(json.dumps(row) for row in (MAI, TAM, {"person": "p3"})), "utf-8")
    words = ("people", "enter", "--register", str(register), "--source", "population")
    assert "2 people entered, 0 were known; 1 rows have no name" in terminal.does(*words)
    assert "0 people entered, 2 were known" in terminal.does(*words)
    assert "1 batches" in terminal.does("people", "index")


def test_a_file_that_is_not_there_is_told_in_one_sentence(terminal: Terminal, tmp_path: Path) -> None:
    words = ("people", "enter", "--register", str(tmp_path / "none"), "--source", "population")
    assert "cannot be read" in terminal.refuses(*words)
