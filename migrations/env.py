"""How alembic reaches the database: one connection that holds the lock, and one transaction for all steps.

The address comes from `idp migrate`, from `-x url=…`, or from the settings.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import context

from idp import settings
from idp.storage import Base, schema

PROVIDER = Path(settings.__file__).parents[1]


def load_every_table() -> None:
    """Every room's models are imported, so that the metadata knows all tables."""
    for models in sorted(PROVIDER.glob("*/models.py")):
        import_module(f"idp.{models.parent.name}.models")


def run() -> None:
    """The steps that alembic was asked for are done, all or none."""
    given, asked = context.config.attributes, context.get_x_argument(as_dictionary=True)
    url = given.get("url") or asked.get("url") or settings.load().database_url
    load_every_table()
    with schema.locked(url) as connection:
        context.configure(
            connection=connection, target_metadata=Base.metadata, compare_type=True,
            render_as_batch=connection.dialect.name == "sqlite", on_version_apply=given.get("on_step", ()),
        )  # fmt: skip
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations look at the database while they run: --sql is not offered")
run()
