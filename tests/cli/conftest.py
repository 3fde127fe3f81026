"""An operator at a terminal: a directory of their own, a master key, a database at the newest step."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors.sandbox.app import create_app
from connectors.sandbox.settings import from_environment
from idp import seal
from idp.cli import commands
from idp.house import House, build
from idp.settings import load
from idp.storage import schema
from tests.world import listening

ROOT = Path(__file__).resolve().parents[2]

PORTAL: Mapping[str, Any] = {
    "id": "tax",
    "name_vi": "Cổng thuế",
    "name_en": "Tax portal",
    "home_url": "https://tax.example/",
    "redirect_uris": ["https://tax.example/callback"],
    "scopes": ["openid", "profile"],
    "sector": "tax.example",
}
SOURCE: Mapping[str, Any] = {
    "id": "bank-sen",
    "kind": "banking",
    "name_vi": "Ngân hàng Sen",
    "name_en": "Sen Bank",
    "ceiling": 2,
    "configuration": {"issuer": "http://bank.localhost:9", "client_id": "motcua"},
    "secrets": {"client_key": {"generate": "ES256"}},
}


@dataclass
class Terminal:
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            "IDP_MODE": "test",
            "IDP_ISSUER": "http://idp.localhost:8400",
            "IDP_DATABASE_URL": f"sqlite:///{self.home}/motcua.db",
            "IDP_MASTER_KEYS_FILE": str(self.home / "master.keys"),
            "IDP_OUTBOUND__ALLOW_LOOPBACK": "true",
            "IDP_OPERATOR": "lan",
        } | self.environment

    def run(self, *words: str, given: str | None = None) -> Result:
        """What the command did and said; a traceback fails the test."""
        result = CliRunner(env=self.environment).invoke(commands, words, input=given, prog_name="idp")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def does(self, *words: str, given: str | None = None) -> str:
        """What the command printed, having done what it was asked."""
        result = self.run(*words, given=given)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    def refuses(self, *words: str, given: str | None = None) -> str:
        """The one sentence with which the command refused, having changed nothing."""
        before = self.events()
        result = self.run(*words, given=given)
        assert result.exit_code == 2, result.output
        assert self.events() == before
        assert "Traceback" not in result.stderr
        return result.stderr.splitlines()[-1]

    def events(self) -> list[dict[str, Any]]:
        """Every audit event, its details beside its name."""
        with self.house() as house:
            return [event["details"] | {"event": event["event"]} for event in house.audit.export()]

    def last(self) -> dict[str, Any]:
        return self.events()[-1]

    def file(self, name: str, content: Any) -> str:
        path = self.home / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return str(path)

    @contextmanager
    def house(self) -> Iterator[House]:
        """The rooms as another process would see them."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            house = build(load())
        try:
            yield house
        finally:
            house.database.engine.dispose()

    def command(self, *words: str) -> list[str]:
        """The command as a process: what setup.cfg calls `idp`."""
        return [sys.executable, "-c", "from idp.cli import main; main()", *words]

    def process_environment(self) -> dict[str, str]:
        return os.environ | self.environment | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A master key and a migrated database, made once."""
    home = tmp_path_factory.mktemp("prepared")
    seal.add_master_key(str(home / "master.keys"))
    schema.upgrade(f"sqlite:///{home}/motcua.db")
    return home


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """Nothing but a directory."""
    return Terminal(tmp_path)


@pytest.fixture
def terminal(empty: Terminal, prepared: Path) -> Terminal:
    for name in ("master.keys", "motcua.db"):
        shutil.copy(prepared / name, empty.home / name)
    return empty


def add(terminal: Terminal, *words: str, **changes: Any) -> str:
    return terminal.does("sources", "add", terminal.file("source.json", SOURCE | changes), *words)


@pytest.fixture
def bank(terminal: Terminal) -> Iterator[str]:
    """The issuer of a bank that knows the key which we made for it, as an operator would have told it."""
    with listening("bank.localhost") as (issuer, server):
        add(terminal, configuration={"issuer": issuer, "client_id": "motcua"})
        client = {
            "client_id": "motcua",
            "redirect_uris": ["http://idp.localhost:8400/callback/bank-sen"],
            "jwks": json.loads(terminal.does("sources", "jwks", "bank-sen")),
        }
        settings = {
            "MOTCUA_MODE": "test",
            "SANDBOX_KIND": "banking",
            "SANDBOX_ISSUER": issuer,
            "SANDBOX_NAME": "Sen",
            "SANDBOX_CITIZENS": "300",
            "SANDBOX_CLIENTS_FILE": terminal.file("clients.json", [client]),
        }
        server.app = create_app(from_environment(settings))
        yield issuer
