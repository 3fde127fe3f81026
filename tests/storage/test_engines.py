"""What the engines are told, so that a commit is a commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from idp.settings import UnsafeSettings
from idp.storage import Database
from idp.storage.engines import make_engine
from tests.storage.places import at_once, empty_database


@pytest.mark.parametrize(
    "pragma, value",
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: a commit survives a power cut
        ("foreign_keys", 1),
        ("busy_timeout", 15_000),
    ],
)
def test_every_connection_to_sqlite_has_its_pragmas(tmp_path: Path, pragma: str, value: object) -> None:
    database = Database(make_engine(f"sqlite:///{tmp_path}/motcua.db"))
    assert at_once(2, lambda _: database.one(text(f"PRAGMA {pragma}"))) == [(value,)] * 2
    with database.engine.connect() as pooled:  # that of the pages which use Flask-SQLAlchemy
        assert pooled.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    database.engine.dispose()


def test_postgresql_holds_no_transaction_open_between_two_statements(postgresql_url: str) -> None:
    """An idle transaction would hold back the vacuum of every table."""
    database = Database(make_engine(postgresql_url))
    database.one(text("SELECT 1"))
    (state,) = database.one(text("SELECT state FROM pg_stat_activity WHERE pid = pg_backend_pid()")) or ("",)
    assert state == "active"  # that of this very question: a transaction of its own
    first, second = (database.one(text("SELECT txid_current()")) for _ in range(2))
    assert first != second
    database.engine.dispose()


def test_postgresql_goes_by_the_index_also_where_a_table_was_empty_when_it_planned(tmp_path: Path) -> None:
    with empty_database("postgresql", tmp_path) as url:
        database = Database(make_engine(url))
        plan = database.all(text("EXPLAIN SELECT key FROM spent WHERE key = 'x'"))
        assert "Index" in str(plan), plan
        assert "Seq Scan" not in str(plan), plan
        database.engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://localhost/motcua",
        "postgresql://localhost/motcua",
        "postgresql+psycopg2://localhost/motcua",
        "postgresql+asyncpg://localhost/motcua",
    ],
)
def test_an_engine_that_we_do_not_know_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(UnsafeSettings, match=r"^database_url: [^\n]+$"):
        make_engine(url)
