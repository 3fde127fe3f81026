"""One choice for every test: which engines it runs on."""

from __future__ import annotations

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"  # the latter goes with Valkey, as it does where there are many machines


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-engines", action="store_true", help="every test on SQLite and on PostgreSQL with Valkey")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Who asks for `engine` runs on SQLite; marked `both_engines`, or with --all-engines, on both."""
    if "engine" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("both_engines") is not None
        both = marked or metafunc.config.getoption("--all-engines")
        metafunc.parametrize("engine", [SQLITE, POSTGRESQL] if both else [SQLITE], scope="session")
