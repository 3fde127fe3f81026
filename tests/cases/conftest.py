"""A house on either engine, and people in it who came by sources and are known to portals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from idp import clock, entropy
from idp.cases import By
from idp.cases.models import CONSENTS_OF, FIRST_SUBS_OF, FURTHER_SUBS_OF, LINKS_OF
from idp.clients import Client
from idp.house import House
from idp.people import Undecided
from idp.people.claims import CLAIMS
from idp.people.models import KeyRow
from idp.sessions import SignedIn
from idp.sessions.grants import GrantWanted
from tests.oidc.residents import assertion
from tests.servers import database_url, postgresql_url
from tests.sessions.rooms import furnished, registered

__all__ = ["database_url", "postgresql_url"]

BY = By(operator="lan", reason="letter 7")
NUMBER = IdentifierType.PERSONAL_NUMBER


@dataclass
class Office:
    """The provider, as people come to it and clerks put it right."""

    house: House
    portals: tuple[Client, ...]

    def come(self, said: Assertion, source: str = "population", proofing: int = 3) -> bytes:
        """Somebody signs in; returns their id."""
        with self.house.database.write() as tx:
            return self.house.people.recognise(tx, said, source, proofing).person.id

    def refused(self, said: Assertion, source: str = "population", proofing: int = 3) -> str:
        """Somebody whom the rules do not let in; returns the number of the case."""
        with pytest.raises(Undecided) as problem, self.house.database.write() as tx:
            self.house.people.recognise(tx, said, source, proofing)
        return self.house.cases.open(source, problem.value)

    def use(self, said: Assertion, portal: Client, source: str = "population", proofing: int = 3) -> GrantWanted:
        """Somebody signs in and uses the portal, which may go on when they have left."""
        with self.house.database.write() as tx:
            person = self.house.people.recognise(tx, said, source, proofing).person
            self.house.people.keep_told(
                tx, person_id=person.id, client_id=portal.id, sector=portal.sector,
                claim_names=[claim.name for claim in CLAIMS], agreed=True,
            )  # fmt: skip
            signed_in = SignedIn(
                person_id=person.id, source_id=source, source_kind=source, level=2, amr=("pwd",),
                auth_time=clock.seconds(),
            )  # fmt: skip
            session_id, _ = self.house.sessions.open(tx, None, signed_in)
        wanted = GrantWanted(
            id=entropy.ordered_id(), session_id=session_id, person_id=person.id, claim_names=("name",),
            told_names=("name",), level=2, auth_time=signed_in.auth_time, scopes=("openid", "offline_access"),
        )  # fmt: skip
        self.house.grants.redeem(wanted, portal)
        return wanted

    def sub(self, said: Assertion, portal: Client, source: str = "population") -> str:
        """What the portal is told when this person signs in now."""
        entitled = self.house.grants.entitled(self.use(said, portal, source).id)
        assert entitled is not None
        return entitled.sub

    def state(self, *person_ids: bytes) -> dict[str, Any]:
        """All that is known of these people, and all that leads to them; but for versions and times."""
        one = self.house.database.all
        return {
            person_id.hex(): {
                "person": (person.status, person.attributes) if (person := self.house.people.find(person_id)) else None,
                "keys": {bytes(row[0]) for row in one(select(KeyRow.key_index).where(KeyRow.person_id == person_id))},
                "links": [tuple(map(_plain, row)) for row in one(LINKS_OF, of_person=person_id)],
                "subs": [tuple(map(_plain, row)) for row in one(FIRST_SUBS_OF, of_person=person_id)],
                "further": [tuple(map(_plain, row)) for row in one(FURTHER_SUBS_OF, of_person=person_id)],
                "consents": {row[0] for row in one(CONSENTS_OF, of_person=person_id)},
            }
            for person_id in person_ids
        }

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.house.audit.export() if event["event"] == name]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    house = furnished(tmp_path, database_url=database_url)
    portals = (registered(house, "tax"), registered(house, "health"))
    yield Office(house, portals)
    house.database.engine.dispose()


def at_the_bank(said: Assertion, **changes: Any) -> Assertion:
    """The same person, as their bank knows them."""
    return replace(said, **{"issuer": "http://bank.localhost", "subject": "customer 7"} | changes)


def known_as(said: Assertion, full: str) -> Assertion:
    return replace(said, name=Name(full=full))


def numbered(said: Assertion, *numbers: tuple[IdentifierType, str]) -> Assertion:
    return replace(said, identifiers=tuple(Identifier(type=kind, value=value) for kind, value in numbers))


def born(said: Assertion, year: int, month: int, day: int) -> Assertion:
    return replace(said, birth_date=BirthDate(year=year, month=month, day=day, as_sent=f"{day}/{month}/{year}"))


def two_people() -> tuple[Assertion, Assertion]:
    """One citizen as two sources know them, under numbers and names so different that they were taken for two."""
    one = assertion()
    other = at_the_bank(known_as(born(assertion(), 1960, 2, 3), "Trần Văn Bình"), sex=None, phone="0987654321")
    return one, other
