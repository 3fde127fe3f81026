"""/health/ready: a worker serves only over a database at the newest step."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from idp import seal
from idp.app import create_app
from idp.house import House
from idp.settings import load
from idp.storage import schema, trips
from tests.servers import database_url, postgresql_url

__all__ = ["database_url", "postgresql_url"]


@pytest.mark.both_engines
def test_a_worker_is_ready_once_the_database_is_at_the_newest_step(database_url: str, tmp_path: Path) -> None:
    seal.add_master_key(str(tmp_path / "master.keys"))
    app = create_app(
        load(
            mode="test", issuer="http://idp.localhost:8400", database_url=database_url, log_level="ERROR",
            master_keys_file=str(tmp_path / "master.keys"),
        )
    )  # fmt: skip
    house: House = app.extensions["motcua"]
    client = app.test_client()
    schema.upgrade(database_url)
    house.keys.ensure()
    with house.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert client.get("/health/ready").status_code == 503
    with house.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": schema.newest()})
    assert client.get("/health/ready").status_code == 200
    with trips.counted() as counted:
        assert client.get("/health/ready").status_code == 200
    assert counted["read"] <= 3, "what was good once is not looked up again"
    house.database.engine.dispose()
