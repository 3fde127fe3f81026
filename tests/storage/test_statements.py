"""Every statement that a room keeps is one that both engines understand, with the types of its parameters guessed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import SelectBase, UpdateBase

import idp
from idp.storage import Database
from idp.storage.chains import Chain

Statement = SelectBase | UpdateBase | Chain


def statements() -> Iterator[tuple[str, Statement, bool | None]]:
    """Where each stands, and for which engine it is alone: True SQLite, False PostgreSQL, None both."""
    for module in pkgutil.walk_packages(idp.__path__, "idp."):
        if not module.name.endswith(("models", "changes", "outbox", "spent", "short_lived", "expiry", "database")):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for engine, each in value.items() if isinstance(value, Mapping) else [(None, value)]:
                if isinstance(each, Statement):
                    yield f"{module.name}.{name}", each, engine if isinstance(engine, bool) else None


@pytest.mark.both_engines
def test_every_statement_is_understood(database: Database) -> None:
    understood = 0
    cursor: Any = database._kept().cursor
    for where, statement, engine in statements():
        if engine not in (None, database.is_sqlite):
            continue
        parts = [statement]
        if isinstance(statement, Chain) and database.is_sqlite:
            parts = [statement.first, *statement.others]
        for part in parts:
            prepared = database.prepared(part)
            try:
                if database.is_sqlite:
                    cursor.execute(f"EXPLAIN {prepared.text}", [None] * len(prepared.positions)).fetchall()
                elif prepared.text not in cursor.prepared:
                    cursor.prepare(prepared.text)
            except database.driver.Error as problem:
                pytest.fail(f"{where}: {problem}")
            understood += 1
    assert understood > 150
