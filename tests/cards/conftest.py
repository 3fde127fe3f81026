"""A house on either engine, somebody who has a card, and a verifier who has fetched what is published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Assertion
from idp import clock
from idp.cards import Form, Holder, Kept
from idp.digital_id import Lists, StatusList, Verdict, read_cwt, trust_lists, verify
from idp.house import House
from tests.oidc.residents import assertion
from tests.servers import database_url, postgresql_url
from tests.sessions.rooms import ISSUER, furnished

__all__ = ["database_url", "postgresql_url"]


@dataclass
class Issuer:
    house: House

    def come(self, said: Assertion | None = None, source: str = "population", proofing: int = 3) -> bytes:
        """Somebody signs in; returns their id."""
        with self.house.database.write() as tx:
            return self.house.people.recognise(tx, said or assertion(), source, proofing).person.id

    def make(self, person_id: bytes, **changes: Any) -> Kept:
        given: dict[str, Any] = {"name": "Nguyễn Thị Mai Anh", "birth_date": "19900515", "gender": 2} | changes
        with self.house.database.write() as tx:
            return self.house.cards.make(tx, Holder(person_id=person_id, **given))

    def lists(self) -> list[StatusList]:
        """What a verifier has who fetches everything now."""
        self.house.changes.forget()
        keys, found, publishing = self.trust_list().trusted(), [], self.house.publishing
        for number, uri in zip(publishing.numbers(), publishing.uris(), strict=True):
            token = publishing.status_list(number, Form.CWT)
            assert token is not None
            found.append(read_cwt(token, keys, clock.seconds(), uri))
        return found

    def trust_list(self) -> trust_lists.TrustList:
        return trust_lists.read(self.house.publishing.trust_list(), ISSUER, clock.seconds())

    def verify(self, card: Kept) -> Verdict:
        return verify(card.text, self.trust_list().trusted(), clock.seconds(), Lists(self.lists()))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.house.audit.export() if event["event"] == name]


@pytest.fixture
def issuer(tmp_path: Path, database_url: str) -> Iterator[Issuer]:
    house = furnished(tmp_path, database_url=database_url)
    yield Issuer(house)
    house.database.engine.dispose()
