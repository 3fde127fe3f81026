"""`./run` itself: what it says, and from where. (What it installs is tried by every run of it.)"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.demo.stand_ins import ROOT

RUN = ROOT / "run"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RUN, *arguments],
        cwd="/",
        env=os.environ | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_help_names_every_command() -> None:
    told = run("help")
    commands = re.findall(r"^    ([a-z]+)\)", RUN.read_text().rpartition("case $command in")[2], re.MULTILINE)
    assert told.returncode == 0
    assert commands
    assert [command for command in commands if not re.search(rf"^  {command} ", told.stdout, re.MULTILINE)] == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_who_says_nothing_is_helped(arguments: list[str]) -> None:
    assert run(*arguments).stdout == run("help").stdout


def test_an_unknown_command_is_refused_with_help() -> None:
    told = run("lunch")
    assert told.returncode == 1
    assert told.stderr.startswith("Usage: ./run COMMAND")
    assert told.stderr.endswith("run: there is no command called lunch\n")


def test_a_python_that_does_not_suit_is_one_sentence(tmp_path: Path) -> None:
    copy = tmp_path / "run"
    copy.write_text(RUN.read_text())
    copy.chmod(0o755)
    told = subprocess.run(
        [copy, "setup"], env=os.environ | {"IDP_PYTHON": "/bin/false"}, capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr == "run: IDP_PYTHON=/bin/false is not a Python 3.11, 3.12 or 3.13 that starts\n"
    assert not (tmp_path / ".venv").exists()
