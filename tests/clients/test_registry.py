"""The portals in force: the same in every worker, a second or two after a change at the latest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.sql.base import Executable

from idp.clients import ChangedMeanwhile, Client, Clients, Registration, UnknownClient, models
from idp.clients.models import ClientRow
from idp.house import House
from idp.storage.changes import Changes
from idp.storage.database import Conflict, Database, Row
from tests.sessions.rooms import another_worker, registered

ADDRESSES = {
    "home_url": "https://h.example/", "redirect_uris": ["https://h.example/cb"], "sector": "h.example",
    "name_vi": "Cổng", "name_en": "Portal",
}  # fmt: skip


def said(client: Client) -> Registration:
    """What it registered, and nothing that we know of it beside."""
    return Registration(**client.model_dump(include=set(Registration.model_fields)))


def test_a_portal_is_found_by_its_id_alone(house: House) -> None:
    made = registered(house, "ministry")
    assert house.clients.find("ministry") == made
    assert made.enabled
    for other in ("Ministry", "ministry ", "ministr", "", "%", "_inistry", "ministry\x00", "x" * 65, "bộ"):
        assert house.clients.find(other) is None


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a b", "a:b", "a/b", "cổng", "a\x00", "a\n", "'"])
def test_an_id_that_could_not_be_found_again_is_refused(house: House, client_id: str) -> None:
    with pytest.raises(ValueError, match="id: letters"):
        registered(house, client_id, **ADDRESSES)
    assert house.clients.all() == []


@pytest.mark.parametrize("client_id", ["a", "x" * 64, "a.b_c~d-1"])
def test_other_ids_will_do(house: House, client_id: str) -> None:
    assert registered(house, client_id, **ADDRESSES).id == client_id


def test_an_id_is_taken_once(house: House) -> None:
    registered(house, "ministry")
    with pytest.raises(Conflict):
        registered(house, "ministry")


def test_a_secret_is_shown_once_and_kept_nowhere(house: House) -> None:
    given = said(registered(house, "model")).model_dump()
    with house.database.write() as tx:
        secret = house.clients.add(tx, "ministry", Registration(**given))
        none = house.clients.add(tx, "app", Registration(**given | {"token_endpoint_auth_method": "none"}))
    assert secret and len(secret) == 43
    assert none is None
    ministry, app = house.clients.find("ministry"), house.clients.find("app")
    assert ministry and ministry.knows_secret(secret)
    assert app and app.secret_fingerprint is None
    with house.database.engine.connect() as connection:
        kept = [str(row) for row in connection.execute(ClientRow.__table__.select())]
    assert not any(secret in row for row in kept)


def test_a_change_reaches_every_worker(house: House) -> None:
    registered(house, "ministry")
    other = another_worker(house)
    before = other.clients.find("ministry")
    assert before and before.enabled
    with house.database.write() as tx:
        house.clients.set_enabled(tx, "ministry", enabled=False)
        secret = house.clients.new_secret(tx, "ministry")
    other.changes.forget()  # what the passing of a second does
    after = other.clients.find("ministry")
    assert after and not after.enabled
    assert after.knows_secret(secret)


def test_a_change_undone_is_no_change(house: House) -> None:
    registered(house, "ministry")

    def switch_off(*client_ids: str) -> None:
        with house.database.write() as tx:
            for client_id in client_ids:
                house.clients.set_enabled(tx, client_id, enabled=False)

    with pytest.raises(UnknownClient):
        switch_off("ministry", "nobody")
    house.changes.forget()
    found = house.clients.find("ministry")
    assert found and found.enabled


class Overtaken(Database):
    """A database whose first answer takes its time: something else happens before it arrives."""

    def __init__(self, engine: Engine, meanwhile: Callable[[], None]) -> None:
        super().__init__(engine)
        self._meanwhile = [meanwhile]

    def one(self, statement: Executable, **values: Any) -> Row | None:
        row = super().one(statement, **values)
        while self._meanwhile:
            self._meanwhile.pop()()
        return row


def test_what_was_read_before_a_change_is_not_kept_after_it(house: House) -> None:
    """A worker that reads a portal while somebody switches it off must not go on with what it read."""
    registered(house, "ministry")

    def switched_off_and_noticed() -> None:
        with house.database.write() as tx:
            house.clients.set_enabled(tx, "ministry", enabled=False)
        changes.forget()
        assert clients.find("nobody") is None  # another thread of this worker sees the change first

    changes = Changes(house.database)
    clients = Clients(Overtaken(house.database.engine, switched_off_and_noticed), changes, house.sealer)
    clients.find("ministry")
    found = clients.find("ministry")
    assert found and not found.enabled


def test_of_two_who_change_what_both_have_read_one_does(house: House) -> None:
    before = said(registered(house, "ministry"))
    with house.database.write() as tx:
        house.clients.change(tx, "ministry", before, before.model_copy(update={"minimum_level": 3}))
    with pytest.raises(ChangedMeanwhile), house.database.write() as tx:
        house.clients.change(tx, "ministry", before, before.model_copy(update={"name_en": "Mine"}))
    found = house.clients.find("ministry")
    assert found and (found.minimum_level, found.name_en) == (3, before.name_en)


class Counted(Database):
    """A database that counts how often all of something is read."""

    reads = 0

    def all(self, statement: Executable, **values: Any) -> list[Row]:
        self.reads += statement is models.FIND_ALL
        return super().all(statement, **values)


def test_apis_are_read_again_when_an_operator_changed_one_and_not_for_every_change_of_a_portal(house: House) -> None:
    """Reading all portals takes long where there are many, and any that registered itself can change at any time."""
    api = said(registered(house, "api", resource_uris=["https://api.example/"]))
    land = said(registered(house, "land"))
    counted = Counted(house.database.engine)
    changes = Changes(house.database)
    clients = Clients(counted, changes, house.sealer)

    def answers(name: str) -> str | None:
        changes.forget()  # what the passing of a second does
        found = clients.by_resource(name)
        return None if found is None else found.id if found.enabled else f"{found.id}, off"

    assert answers("https://api.example/") == "api" and counted.reads == 1
    with house.database.write() as tx:
        house.clients.change(tx, "land", land, land.model_copy(update={"name_en": "Land"}))
        house.clients.set_enabled(tx, "api", enabled=False)
    assert answers("https://api.example/") == "api, off" and counted.reads == 1
    with house.database.write() as tx:
        house.clients.change(tx, "api", api, api.model_copy(update={"resource_uris": ("https://tax.example/",)}))
    assert answers("https://api.example/") is None and counted.reads == 2
    assert answers("https://tax.example/") == "api, off"
    registered(house, "more", resource_uris=["https://more.example/"])
    assert answers("https://more.example/") == "more" and counted.reads == 3


@pytest.mark.parametrize("kept", ['{"name_vi": "A release before let this pass"}', "[]", "{", '{"id": "another"}'])
def test_a_portal_that_this_release_cannot_read_is_nobody_and_stops_nobody_else(
    house: House, kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was registered is read by the rules of today, and those may be stricter than when it was registered."""
    registered(house, "api", resource_uris=["https://api.example/"])
    registered(house, "old", resource_uris=["https://old.example/"])
    with house.database.write() as tx:
        tx.run(update(ClientRow).where(ClientRow.id == "old").values(registration=kept))
    clients = another_worker(house).clients
    assert [client.id for client in clients.all()] == ["api"]
    assert clients.unreadable() == ["old"]
    found = clients.by_resource("https://api.example/")
    assert found is not None and found.id == "api"
    assert clients.by_resource("https://old.example/") is clients.find("old") is clients.read("old") is None
    logged = "".join(capsys.readouterr())
    assert "client_unreadable" in logged and "old" in logged and "let this pass" not in logged


@pytest.mark.parametrize("change", ["set_enabled", "new_secret"])
def test_nobody_cannot_be_changed(house: House, change: str) -> None:
    arguments = {"enabled": True} if change == "set_enabled" else {}
    with pytest.raises(UnknownClient), house.database.write() as tx:
        getattr(house.clients, change)(tx, "nobody", **arguments)
