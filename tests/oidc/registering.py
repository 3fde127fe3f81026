"""A provider at which portals register themselves, and a portal that does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from idp import seal
from idp.app import create_app
from idp.clients import Client
from idp.clients.invitations import Invitations, Terms
from idp.house import House
from idp.settings import load
from tests.sessions.rooms import give_keys
from tests.storage.places import make_tables
from tests.world import Portal, World, listening

WISHES: dict[str, Any] = {
    "client_name": "Cổng đất đai", "client_name#en": "Land portal", "client_uri": "https://land.example/",
    "redirect_uris": ["https://land.example/callback"],
}  # fmt: skip
OPEN = {"open_to": "initial_access_token", "requests_per_network_per_minute": 1_000_000}


@dataclass
class Registered:
    """What a portal that registered itself was told."""

    told: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.told["client_id"])

    @property
    def token(self) -> str:
        return str(self.told["registration_access_token"])

    @property
    def address(self) -> str:
        return str(self.told["registration_client_uri"])


@dataclass
class Office:
    """The provider's registration, and what operators do for it."""

    world: World

    @property
    def house(self) -> House:
        return self.world.house

    def invite(self, *, uses: int = 1, seconds: int = 3600, **terms: Any) -> str:
        """The token of a new invitation."""
        with self.house.database.write() as tx:
            _, token = Invitations(self.house.database).make(
                tx, Terms(**({"note": "for a test"} | terms)), uses=uses, seconds=seconds
            )
        return token

    def ask(self, method: str, url: str, token: str | None = None, **sent: Any) -> requests.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.world.http.request(method, url, headers=headers | sent.pop("headers", {}), timeout=30, **sent)

    def post(self, metadata: Any, token: str | None) -> requests.Response:
        return self.ask("POST", f"{self.world.issuer}/register", token, json=metadata)

    def register(self, token: str | None = None, **wishes: Any) -> Registered:
        """A portal more, with this invitation or one of its own; None leaves a wish out."""
        wanted = {name: value for name, value in (WISHES | wishes).items() if value is not None}
        answer = self.post(wanted, token or self.invite())
        assert answer.status_code == 201, answer.text
        return Registered(answer.json())

    def refused(self, metadata: dict[str, Any] | None = None, **terms: Any) -> tuple[int, str, str]:
        """Status, error and description of what a portal with a good invitation is told."""
        before, invitation = self.house.clients.all(), self.invite(**terms)
        told = refusal(self.post(WISHES if metadata is None else metadata, invitation))
        assert self.house.clients.all() == before
        assert Invitations(self.house.database).of_token(invitation) is not None, "nothing was spent"
        return told

    def client(self, registered: Registered) -> Client:
        self.house.changes.forget()
        client = self.house.clients.find(registered.id)
        assert client is not None
        return client

    def portal(self, registered: Registered) -> Portal:
        """The portal as tests of the wire play one."""
        return Portal(
            self.world, registered.id, registered.told.get("client_secret"), registered.told["redirect_uris"][0], ""
        )


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert set(told) == {"error", "error_description"}
    return answer.status_code, told["error"], told["error_description"]


@contextlib.contextmanager
def office(directory: Path, **settings: Any) -> Iterator[Office]:
    """A provider without sources, whose registration is open to whoever was invited."""
    master_keys = directory / "master.keys"
    seal.add_master_key(str(master_keys))
    with listening("idp.localhost") as (issuer, server):
        given = load(
            **{
                "mode": "test", "issuer": issuer, "master_keys_file": str(master_keys), "log_level": "ERROR",
                "database_url": f"sqlite:///{directory}/motcua.db", "outbound": {"allow_loopback": True},
                "registration": OPEN,
            } | settings,
        )  # fmt: skip
        server.app = app = create_app(given)
        house: House = app.extensions["motcua"]
        make_tables(house.database.engine)
        give_keys(house)
        try:
            yield Office(World(issuer, app, given, {}))
        finally:
            house.egress.close()
