"""The other files of config/production, each by the program that reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from sqlalchemy.engine import make_url

from idp.storage.short_lived import MayForget
from idp.storage.short_lived_valkey import InValkey
from tests.cli.conftest import Terminal, empty, prepared, terminal
from tests.production.installed import FILES, valkey
from tests.servers import postgresql_url

__all__ = ["empty", "postgresql_url", "prepared", "terminal"]
UNITS = ("motcua-serve.socket", "motcua-serve.service", "motcua-worker.service")
EXPOSURE = 20  # in tenths, as `systemd-analyze security` counts: 100 is a service without any limit


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Our units, for a program that is there."""
    program = tmp_path / "idp"
    program.write_text(f"#!{sys.executable}\n")
    program.chmod(0o755)
    for name in UNITS:
        text = (FILES / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/motcua/.venv/bin/idp", str(program)), "utf-8")
    return tmp_path


def analyzed(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.fail("install systemd: this test has it read our units (apt-get install systemd)", pytrace=False)
    return subprocess.run([program, *words], cwd=at, capture_output=True, text=True, timeout=60)


def test_systemd_has_nothing_to_remark_on_the_units(units: Path) -> None:
    result = analyzed("verify", "--man=no", "--recursive-errors=no", *UNITS, at=units)
    remarks = [line for line in result.stderr.splitlines() if "motcua" in line]
    assert (result.returncode, remarks) == (0, [])


@pytest.mark.parametrize("name", UNITS[1:])
def test_a_service_can_do_little_beside_its_work(units: Path, name: str) -> None:
    result = analyzed("security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", name, at=units)
    assert result.returncode == 0, result.stdout + result.stderr


def test_valkey_evicts_nothing_and_writes_nothing_to_disk(tmp_path: Path) -> None:
    with valkey(tmp_path) as path, Redis(unix_socket_path=str(path), decode_responses=True) as client:
        settings = client.config_get("maxmemory*", "save", "appendonly", "port")
        assert settings["maxmemory-policy"] == "noeviction" and int(settings["maxmemory"]) == 2**31
        assert (settings["save"], settings["appendonly"], settings["port"]) == ("", "no", "0")
        InValkey(f"unix://{path}").check()


def test_the_provider_does_not_start_with_a_valkey_that_evicts(tmp_path: Path, terminal: Terminal) -> None:
    with valkey(tmp_path) as path, Redis(unix_socket_path=str(path)) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(MayForget):
            InValkey(f"unix://{path}").check()
        terminal.environment["IDP_SHORT_LIVED_URL"] = f"unix://{path}"
        terminal.does("keys", "ensure")
        said = terminal.refuses("serve", "--port", "1")
        assert said.startswith("Error: short_lived_url: ") and said.endswith("set maxmemory-policy noeviction")


def test_postgresql_takes_each_of_the_settings(postgresql_url: str) -> None:
    text = (FILES / "postgresql.conf").read_text("utf-8")
    settings = re.findall(r"^#?(\w+) = (.+)$", text, re.M)
    assert len(settings) > 15
    address = make_url(postgresql_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for name, value in settings:
            before = connection.execute("SELECT setting FROM pg_file_settings WHERE name = %s", [name]).fetchall()
            quoted = value if value.startswith("'") else f"'{value}'"
            connection.execute(f"ALTER SYSTEM SET {name} = {quoted}")  # refused unless it can be read; not yet in force
            last = f"SET {name} = '{before[-1][0]}'" if before else f"RESET {name}"
            connection.execute(f"ALTER SYSTEM {last}")
