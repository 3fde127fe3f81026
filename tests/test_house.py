"""The house stands as the README says, and its checkers find what they are for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import house
from tests.house import generated

ROOT = generated.ROOT


@pytest.mark.parametrize("checker", house.__all__)
def test_the_house_has_no_fault(checker: str) -> None:
    assert getattr(house, checker)(ROOT) == []


@pytest.mark.parametrize("name", generated.pages())
def test_a_generated_page_is_current(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == generated.pages()[name], "run ./run docs"


@pytest.mark.parametrize("module", ["idp.clock", "idp.entropy", "connectors.base"])
def test_the_ground_floor_loads_without_the_framework(module: str) -> None:
    heavy = "[name for name in ('flask', 'sqlalchemy', 'authlib', 'cryptography') if name in sys.modules]"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print({heavy})"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"


# ---- a wall that cannot fail is no wall ----


def tree(root: Path, files: dict[str, str]) -> Path:
    """A small source tree: the named files, and nothing else."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


ROOMS = {f"idp/{room}/__init__.py": "" for room in ("people", "sources", "clients", "broker", "oidc", "account", "web")}


@pytest.mark.parametrize(
    "path, line, fault",
    [
        ("idp/broker/choose.py", "from idp.oidc import token", "imports run downwards only"),
        ("idp/broker/choose.py", "from ..oidc.token import x", "imports run downwards only"),
        ("idp/broker/choose.py", "def f():\n    import idp.oidc.token", "imports run downwards only"),
        ("idp/broker/choose.py", "from idp import oidc as o", "imports run downwards only"),
        ("idp/broker/choose.py", "import importlib\nimportlib.import_module('idp.oidc')", "imports run downwards only"),
        ("idp/broker/choose.py", "import importlib\nimportlib.import_module(name)", "a computed import"),
        ("idp/broker/choose.py", "from idp import create_app", "imports run downwards only"),
        ("idp/people/names.py", "from idp.sources import health", "rooms of one floor"),
        ("idp/sources/health.py", "from idp.clients import registry", "rooms of one floor"),
        ("idp/cellar/wine.py", "", "stands on no floor"),
        ("idp/broker/choose.py", "from connectors import banking", "only idp.sources loads connectors"),
        ("idp/cli/people.py", "from connectors.sandbox.country import files", "only idp.sources loads connectors"),
        ("idp/cli/country.py", "from connectors.sandbox import cast", "only idp.sources loads connectors"),
        ("idp/broker/choose.py", "import relying_party_demo.app", "does not import relying_party_demo"),
        ("idp/broker/choose.py", "from tests.world import World", "does not import tests"),
        ("connectors/banking.py", "from idp import clock", "import nothing of idp"),
        ("connectors/banking.py", "from connectors.sandbox import cast", "do not import their sandbox"),
        ("connectors/sandbox/app.py", "from connectors.base import Failure", "does not import the connectors"),
        ("connectors/sandbox/app.py", "from ..banking import read", "does not import the connectors"),
        ("relying_party_demo/app.py", "from idp import clock", "imports nothing of ours"),
        ("relying_party_demo/app.py", "import connectors.base", "imports nothing of ours"),
    ],
)
def test_an_import_through_a_wall_is_found(tmp_path: Path, path: str, line: str, fault: str) -> None:
    found = house.wall_faults(tree(tmp_path, ROOMS | {path: line + "\n"}))
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    "path, line",
    [
        ("idp/oidc/authorize.py", "from idp.broker import begin\nfrom idp.people import subjects"),
        ("idp/oidc/authorize.py", "from idp.oidc import token\nfrom . import userinfo"),
        ("idp/sources/registry.py", "from connectors import banking\nfrom idp.people import names"),
        ("idp/app.py", "import idp.account, idp.oidc, idp.web\nfrom idp import worker"),
        ("idp/broker/resume.py", "from connectors.base import Done"),
        ("idp/cli/country.py", "from connectors.sandbox.country import files"),
        ("connectors/banking.py", "from connectors.base import Done\nfrom .openid_connect import begin"),
        ("connectors/sandbox/app.py", "from connectors.sandbox import cast\nfrom . import names"),
        ("relying_party_demo/app.py", "from . import pages\nfrom authlib.integrations.flask_client import OAuth"),
    ],
)
def test_an_import_through_a_door_is_not(tmp_path: Path, path: str, line: str) -> None:
    assert house.wall_faults(tree(tmp_path, ROOMS | {"idp/worker.py": "", path: line + "\n"})) == []


@pytest.mark.parametrize(
    "path, line, fault",
    [
        ("idp/oidc/token.py", "import time", "idp.clock"),
        ("idp/oidc/token.py", "from datetime import datetime\nx = datetime.now(None)", "idp.clock"),
        ("idp/oidc/token.py", "import datetime as dt\nx = dt.datetime.utcnow()", "idp.clock"),
        ("idp/oidc/token.py", "import datetime\nx = datetime.date.today()", "idp.clock"),
        ("idp/oidc/token.py", "from secrets import token_urlsafe", "idp.entropy"),
        ("idp/oidc/token.py", "import os as system\nx = system.urandom(4)", "idp.entropy"),
        ("idp/oidc/token.py", "from uuid import uuid4", "idp.entropy"),
        ("idp/oidc/token.py", "import os\nx = os.environ['A']", "idp.settings"),
        ("idp/oidc/token.py", "from os import getenv", "idp.settings"),
        ("idp/oidc/token.py", "from urllib import request", "idp.egress"),
        ("idp/oidc/token.py", "import requests.sessions", "idp.egress"),
        ("idp/oidc/token.py", "from sqlalchemy import select", "idp.storage"),
        ("idp/oidc/token.py", "import redis", "idp.storage"),
        ("idp/oidc/token.py", "import pickle", "never becomes code"),
        ("idp/oidc/token.py", "import os\nx = os.system('ls')", "never becomes code"),
        ("idp/broker/choose.py", "import authlib.oauth2", "one file of idp.oidc"),
        ("connectors/banking.py", "from datetime import date\nx = date.today()", "Context.now"),
        ("connectors/banking.py", "import secrets", "Context.fresh_value"),
        ("connectors/banking.py", "import http.client", "Context.http"),
        ("connectors/banking.py", "from flask import request", "neither the database nor a request"),
    ],
)
def test_touching_what_another_module_owns_is_found(tmp_path: Path, path: str, line: str, fault: str) -> None:
    found = house.ownership_faults(tree(tmp_path, {path: line + "\n"}))
    assert found
    assert all(fault in one for one in found)


def test_authlib_in_two_files_is_found(tmp_path: Path) -> None:
    line = "from authlib.oauth2 import OAuth2Error\n"
    one = tree(tmp_path, {"idp/oidc/provider.py": line})
    assert house.ownership_faults(one) == []
    two = tree(tmp_path, {"idp/oidc/token.py": line})
    assert len(house.ownership_faults(two)) == 1


@pytest.mark.parametrize(
    "path, line",
    [
        ("idp/clock.py", "import time"),
        ("idp/entropy.py", "import secrets"),
        ("idp/egress/client.py", "import socket"),
        ("idp/people/models.py", "from sqlalchemy import select"),
        ("idp/storage/outbox.py", "from sqlalchemy import select"),
        ("idp/oidc/token.py", "from datetime import datetime, timedelta\nx: datetime\ny = timedelta(seconds=1)"),
        ("idp/oidc/token.py", "import os\nx = os.path.sep\nfrom urllib.parse import urlsplit"),
        ("connectors/sandbox/app.py", "import secrets, time, flask"),
    ],
)
def test_an_owner_and_an_innocent_are_left_alone(tmp_path: Path, path: str, line: str) -> None:
    assert house.ownership_faults(tree(tmp_path, {path: line + "\n"})) == []


@pytest.mark.parametrize(
    "files, fault",
    [
        ({"idp/long.py": "x = 1\n" * 351}, "351 lines"),
        ({"tests/test_long.py": "x = 1\n" * 351}, "351 lines"),
        ({"idp/broad.py": "class A:\n    def f(self):\n" + "        x = 1\n" * 60}, "f has 61 lines"),
        ({"run": "true\n" * 251}, "run: more than 250 lines"),
    ],
)
def test_what_is_too_long_is_found(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    found = house.size_faults(tree(tmp_path, files))
    assert len(found) == 1
    assert fault in found[0]


def test_what_is_just_short_enough_is_not(tmp_path: Path) -> None:
    function = "def f():\n" + "    x = 1\n" * 59
    assert house.size_faults(tree(tmp_path, {"idp/a.py": function + "x = 1\n" * 290, "run": "true\n" * 250})) == []


@pytest.mark.parametrize(
    "line, fault",
    [
        ('<p style="color: red">', "style sheet"),
        ("<style>p {}</style>", "style sheet"),
        ('<button type=submit onclick="go()">', "handlers"),
        ("<script>go()</script>", "files of their own"),
        ('<a href="javascript:go()">', "javascript:"),
        ("{{ name | safe }}", "escaped"),
        ("{% autoescape false %}", "escaping"),
        ('<img src="https://elsewhere.example/p.png">', "elsewhere"),
        ("<script src=//elsewhere.example/p.js></script>", "elsewhere"),
    ],
)
def test_a_page_that_a_strict_policy_would_break_is_found(tmp_path: Path, line: str, fault: str) -> None:
    found = house.page_faults(tree(tmp_path, {"idp/web/templates/page.html": f"<main>\n{line}\n</main>\n"}))
    assert len(found) == 1
    assert fault in found[0]
    assert ":2:" in found[0]


def test_a_page_that_keeps_to_the_policy_is_not(tmp_path: Path) -> None:
    page = (
        '<script src="/static/a.js" defer></script>\n<form action="{{ url }}" class="on"><a href="/help">?</a></form>\n'
    )
    assert house.page_faults(tree(tmp_path, {"idp/web/templates/page.html": page})) == []


DOCUMENTS = {
    "idp/settings/parts.py": "class Limits(P):\n    bytes: int\n",
    "idp/settings/__init__.py": "class Settings(P):\n    mode: str\n    limits: Limits\n",
    "config/default.toml": '# Why.\nmode = "production"\n\n[limits]\n# How many.\nbytes = 1\n',
    "idp/web/translations/vi.toml": '[a]\nb = "Xin chào {name}"\n',
    "idp/web/translations/en.toml": '[a]\nb = "Hello {name}"\n',
}


def test_documents_that_agree_have_no_fault(tmp_path: Path) -> None:
    assert house.document_faults(tree(tmp_path, DOCUMENTS)) == []


@pytest.mark.parametrize(
    "path, text, fault",
    [
        ("config/default.toml", '# Why.\nmode = "production"\n', "limits.bytes is missing"),
        ("config/default.toml", '# Why.\nmode = "p"\nold = 1\n[limits]\n# What.\nbytes = 1\n', "old of"),
        ("config/default.toml", '# Why.\nmode = "p"\n\n[limits]\nbytes = 1\n', "nothing explains"),
        ("idp/web/translations/en.toml", '[a]\nc = "Bye"\nb = "Hello {name}"\n', "vi.toml: a.c is missing"),
        ("idp/web/translations/en.toml", "", "en.toml: a.b is missing"),
        ("idp/web/translations/en.toml", '[a]\nb = "Hello {person}"\n', "a.b has other"),
        ("idp/web/translations/en.toml", "[a]\nb = ' '\n", "a.b is empty"),
    ],
)
def test_documents_that_disagree_are_found(tmp_path: Path, path: str, text: str, fault: str) -> None:
    assert any(fault in found for found in house.document_faults(tree(tmp_path, DOCUMENTS | {path: text})))
