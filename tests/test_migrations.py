"""`idp migrate` gives exactly the tables of the models, on both engines, and any number of machines may run it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from idp.settings import UnsafeSettings
from idp.storage import Base, Database, schema
from idp.storage.database import Unreachable
from idp.storage.engines import make_engine
from tests.servers import database_url, postgresql_url

__all__ = ["database_url", "postgresql_url"]

pytestmark = pytest.mark.both_engines
STEPS = [
    "0001 first tables", "0002 acting for", "0003 register checks", "0004 grants that last",
    "0005 registered by themselves", "0006 devices", "0007 keys in tokens", "0008 keys of people", "0009 calls at once",
    "0010 cases and changes", "0011 cards",
]  # fmt: skip
ROOT = Path(__file__).resolve().parent.parent


def test_the_migrations_give_exactly_the_tables_of_the_models(database_url: str) -> None:
    assert schema.upgrade(database_url) == STEPS
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_every_room_with_tables_is_known_to_the_migrations(database_url: str) -> None:
    schema.upgrade(database_url)
    with_tables = [path for path in (ROOT / "idp").glob("*/models.py") if "(Base):" in path.read_text("utf-8")]
    rooms = {f"idp.{models.parent.name}.models" for models in with_tables}
    assert {mapper.class_.__module__ for mapper in Base.registry.mappers} == rooms


def test_constraints_and_indexes_have_the_names_of_the_models(database_url: str) -> None:
    """A later step has to name what it changes, so the names must be the same wherever the tables were made."""
    schema.upgrade(database_url)
    engine = make_engine(database_url)
    found = inspect(engine)
    for name, table in Base.metadata.tables.items():
        assert found.get_pk_constraint(name)["name"] == table.primary_key.name
        uniques = {constraint["name"] for constraint in found.get_unique_constraints(name)}
        indexes = {index["name"] for index in found.get_indexes(name)} - uniques
        assert indexes == {index.name for index in table.indexes}
    engine.dispose()


def test_migrating_again_does_nothing(database_url: str) -> None:
    schema.upgrade(database_url)
    assert schema.upgrade(database_url) == []


def test_all_steps_can_be_undone(database_url: str) -> None:
    schema.upgrade(database_url)
    command.downgrade(schema.configuration(database_url), "base")
    engine = make_engine(database_url)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    assert schema.upgrade(database_url) == STEPS


def test_of_many_machines_that_migrate_at_once_one_does_the_work(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as machines:
        done = machines.map(schema.upgrade, [database_url] * 2, chunksize=1)
    assert sorted(done) == [[], STEPS]


def test_a_step_that_fails_leaves_nothing_behind(database_url: str) -> None:
    def fail_halfway() -> None:
        with schema.locked(database_url) as connection:
            connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    engine = make_engine(database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_database_at_another_step_is_refused_in_one_sentence(database_url: str) -> None:
    database = Database(make_engine(database_url))
    with pytest.raises(schema.NotAtHead, match=r"^the database is at step none .* run `idp migrate`$"):
        schema.check_at_head(database)
    schema.upgrade(database_url)
    schema.check_at_head(database)
    with schema.locked(database_url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(schema.NotAtHead, match="is at step 9999"):
        schema.check_at_head(database)
    database.engine.dispose()


def test_looking_at_a_database_that_is_not_there_does_not_make_one(tmp_path: Path) -> None:
    database = Database(make_engine(f"sqlite:///{tmp_path}/absent.db"))
    with pytest.raises(schema.NotAtHead, match="step none"):
        schema.check_at_head(database)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    nowhere = f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    with pytest.raises(Unreachable):
        schema.upgrade(nowhere)
    with pytest.raises(Unreachable):
        schema.check_at_head(Database(make_engine(nowhere)))


@pytest.mark.parametrize("url", ["sqlite:////nowhere/motcua.db", "sqlite://", "mysql://localhost/motcua"])
def test_a_place_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(UnsafeSettings, match="^database_url: "):
        schema.upgrade(url)


def test_a_new_database_file_is_private(tmp_path: Path) -> None:
    schema.upgrade(f"sqlite:///{tmp_path}/motcua.db")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_the_steps_are_one_line() -> None:
    steps = ScriptDirectory(str(schema.MIGRATIONS))
    assert len(steps.get_heads()) == 1
    revisions = [step.revision for step in steps.walk_revisions()]
    assert revisions[-1] == "0001"
    assert revisions[0] == schema.newest()
    files = [Path(step.path).name for step in steps.walk_revisions()]
    assert [file.partition("_")[0] for file in files] == revisions == sorted(revisions, reverse=True)
