"""From an empty directory to a provider that can start; and what is said when a step is missing."""

from __future__ import annotations

import configparser
import subprocess
import sys

import click
import pytest

from idp.cli import commands
from idp.storage import schema
from tests.cli.conftest import ROOT, Terminal

LOOK = """
import gc, sys
from idp.serve import app
print([name for name in ("alembic", "mako", "pygments") if name in sys.modules])
print(gc.isenabled() and gc.get_freeze_count() > 0)
"""


def test_from_nothing_to_a_database_with_keys(empty: Terminal) -> None:
    master_keys = empty.environment["IDP_MASTER_KEYS_FILE"]
    assert "master key 1 added" in empty.does("keys", "new-master", master_keys)
    done = empty.does("migrate").splitlines()
    assert (done[0], done[-1]) == ("done: 0001 first tables", f"the database is at step {schema.newest()}")
    assert empty.does("migrate") == f"the database is at step {schema.newest()}; there was nothing to do\n"
    assert empty.does("keys", "ensure").startswith("made: rs256-")
    assert empty.last() == {"event": "keys_rotated", "kids": [key.kid for key in keys_of(empty)], "operator": "lan"}
    assert empty.does("keys", "ensure") == "there is a key for each purpose; nothing to do\n"
    assert len(empty.events()) == 1


def keys_of(terminal: Terminal) -> tuple[object, ...]:
    with terminal.house() as house:
        return house.keys.listed()


def test_without_a_master_key_the_sentence_names_the_file(empty: Terminal) -> None:
    result = empty.run("portals", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "master.keys cannot be read: No such file or directory" in result.stderr


def test_a_database_that_was_not_migrated_is_told_in_one_sentence(empty: Terminal) -> None:
    empty.does("keys", "new-master", empty.environment["IDP_MASTER_KEYS_FILE"])
    for words in (["portals", "list"], ["worker"], ["serve"]):
        result = empty.run(*words)
        assert result.exit_code == 2
        needed = f"this program needs {schema.newest()}: run `idp migrate`"
        assert result.stderr == f"Error: the database is at step none and {needed}\n"
    assert not (empty.home / "motcua.db").exists()


def test_a_setting_that_is_wrong_is_told_in_one_sentence(terminal: Terminal) -> None:
    terminal.environment["IDP_ISSUER"] = "http://dangnhap.example/"
    result = terminal.run("outbox")
    assert result.exit_code == 2
    assert "issuer: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("AUTHORITIES_FILE", "/dev/null", "/dev/null holds no certificates in PEM"),
        ("AUTHORITIES_FILE", "/nowhere", "/nowhere holds no certificates in PEM"),
        ("FROM_SERVER", "true", "`idp serve` learns of nobody's certificate"),
    ],
)
def test_certificates_that_cannot_be_checked_are_told_in_one_sentence(
    terminal: Terminal, name: str, value: str, told: str
) -> None:
    terminal.environment[f"IDP_CLIENT_CERTIFICATE_{name}"] = value
    result = terminal.run("serve")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: client_certificate_{name.lower()}: {told}")
    assert result.stderr.count("\n") == 1


def test_other_master_keys_than_those_of_the_database_are_told_in_one_sentence(terminal: Terminal) -> None:
    terminal.does("keys", "ensure")
    (terminal.home / "master.keys").unlink()
    terminal.does("keys", "new-master", str(terminal.home / "master.keys"))
    result = terminal.run("keys", "list")
    assert (result.exit_code, result.stderr) == (
        2, "Error: master_keys_file: these keys do not open what is in the database\n"
    )  # fmt: skip


def test_a_database_that_does_not_answer_is_not_the_operators_mistake(terminal: Terminal) -> None:
    terminal.environment["IDP_DATABASE_URL"] = f"postgresql+psycopg://nobody@/none?host={terminal.home}"
    result = terminal.run("migrate")
    assert (result.exit_code, result.stderr) == (1, "Error: a store does not answer: OperationalError\n")


def test_every_command_has_help(empty: Terminal) -> None:
    def look(words: tuple[str, ...], command: click.Command | None) -> None:
        assert empty.does(*words, "--help").startswith(f"Usage: {' '.join(('idp', *words))} ")
        if isinstance(command, click.Group):
            for name in command.commands:
                look((*words, name), command.commands[name])

    context = click.Context(commands)
    for name in commands.list_commands(context):
        if name != "demo":  # has a parser of its own, which prints past click's runner
            look((name,), commands.get_command(context, name))


@pytest.mark.parametrize(
    "words",
    [["lunch"], ["keys", "lunch"], ["keys", "rotate", "--alg", "none"], ["portals", "show"], ["sources", "add"]],
)
def test_what_is_no_command_is_refused(terminal: Terminal, words: list[str]) -> None:
    assert terminal.refuses(*words).startswith("Error: ")


def test_the_console_script_of_setup_cfg_is_this_one(terminal: Terminal) -> None:
    declared = configparser.ConfigParser()
    declared.read(ROOT / "setup.cfg")
    assert declared["options.entry_points"]["console_scripts"].split() == ["idp", "=", "idp.cli:main"]
    told = subprocess.run(
        terminal.command("portals", "list", "--json"), env=terminal.process_environment(), cwd="/", text=True,
        capture_output=True,
    )  # fmt: skip
    assert (told.returncode, told.stdout, told.stderr) == (0, "[]\n", "")


def test_a_server_loads_nothing_for_migrations_and_collects_garbage_once_it_serves(terminal: Terminal) -> None:
    """What is loaded without need, everybody waits for after a crash."""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOK], env=terminal.process_environment(), cwd="/", text=True,
        capture_output=True,
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (0, "[]\nTrue\n"), told.stderr
