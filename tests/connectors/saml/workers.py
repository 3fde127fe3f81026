"""Workers of the real provider before the tax office: their own connections and caches, one database between them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.base import Input, LoginRequest, Step
from idp import clock, entropy
from idp.egress import Egress
from idp.seal import Sealer
from idp.sources import Source, SourceDraft, Sources
from idp.storage import Database
from idp.storage.changes import Changes
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from tests.connectors.door import Door
from tests.connectors.saml.office import OUR_PAIR, Office, pem_of
from tests.storage.places import empty_database, short_lived_beside

SEALER = Sealer({1: bytes(range(32))})


class Worker:
    def __init__(self, engine: str, url: str, egress: Egress) -> None:
        self.database = Database(make_engine(url))
        store = open_short_lived(short_lived_beside(engine), self.database)
        self.sources = Sources(self.database, store, SEALER, Changes(self.database), egress, visits_at_once=50)

    def save(self, office: Office, **changes: Any) -> None:
        """The tax office is a source, or has one version more."""
        secrets = {"signing_key": pem_of(OUR_PAIR)} | changes.pop("secrets", {})
        draft = SourceDraft(
            id="tax", kind="tax", name_vi="Thuế", name_en="Tax", ceiling=2,
            configuration=office.configuration(**changes), secrets=secrets,
        )  # fmt: skip
        with self.database.write() as tx:
            self.sources.save(tx, draft)
            self.sources.set_enabled(tx, "tax", True)

    @property
    def source(self) -> Source:
        found = self.sources.find("tax")
        assert found is not None
        return found

    def waits_for(self, version: int) -> None:
        """Other workers hear of a new version within a second or two; an operator's next step comes later than that."""
        deadline = clock.monotonic() + 30
        while self.source.version < version:
            assert clock.monotonic() < deadline
            clock.pause(0.05)

    def begin(self) -> Any:
        request = LoginRequest(handle=entropy.short_handle(), callback_url=Door.callback_url, level=2, force=True)
        return self.source.connector.begin(self.source.context, request)

    def resume(self, state: bytes, answer: Input) -> Step:
        step: Step = self.source.connector.resume(self.source.context, state, answer)
        return step


@contextlib.contextmanager
def workers(engine: str, directory: Path, egress: Egress, office: Office) -> Iterator[tuple[Worker, Worker]]:
    """Two of them, who know the office."""
    with empty_database(engine, directory) as url:
        both = Worker(engine, url, egress), Worker(engine, url, egress)
        both[0].save(office)
        yield both
        for worker in both:
            worker.database.engine.dispose()
