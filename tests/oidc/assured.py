"""A country whose provider tells verified claims, and what portals ask of them there (IDA section 5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.base import Identifier, IdentifierType
from connectors.registers import Agreement, Verdict
from idp import clock
from idp.people import Checked
from tests.oidc.residents import Resident, assertion, fresh_name, move_in
from tests.registers.party import REGISTER, Register, registered
from tests.world import Portal, World, world

FRAMEWORK = "vn_nd69_2024"
LEVELS = ("none", "LoA2", "substantial", "high")
RECORD = "electronic_record"
# What there is to say of how somebody was verified, all asked for.
EVERYTHING: dict[str, Any] = {
    "trust_framework": None, "assurance_level": None, "time": None,
    "evidence": [{
        "type": {"value": RECORD}, "record": {"type": None, "source": {"name": None}},
        "check_details": [{"check_method": None, "organization": None, "time": None}],
    }],
}  # fmt: skip
ANY = {"trust_framework": None}
Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture(scope="module")
def assured_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    offered = {"trust_framework": FRAMEWORK, "assurance_levels": LEVELS, "minimum_proofing": 2}
    with (
        world(
            tmp_path_factory.mktemp("assured"), verified_claims=offered, verification={"source": REGISTER}
        ) as country,
        registered(country.house, Register(everybody=True)),
    ):
        yield country


@pytest.fixture
def country(assured_country: World) -> World:
    return assured_country


@pytest.fixture
def residents(country: World) -> Residents:
    """Makes further people; without `checked` the register agreed about them now, as it does at each sign-in."""

    def made(*portals: Portal, **said: Any) -> Resident:
        resident = move_in(country, *portals, **said)
        checked(country, resident)
        return resident

    return made


def checked(country: World, resident: Resident) -> None:
    """The register has agreed about them just now."""
    verdict = Verdict(
        agreement=Agreement.AGREES, alive=True, at=clock.now(), evidence=hashlib.sha256(b"agrees").digest()
    )
    house = country.house
    person = house.people.find(resident.person_id)
    assert person is not None
    with house.database.write() as tx:
        word = Checked(source_id=REGISTER, verdict=verdict, asked_at=clock.milliseconds())
        house.people.keep_checked(tx, person, word)


def speaks(country: World, resident: Resident, source: str, **said: Any) -> None:
    """Another source says the same of them, but for what is told here, and nothing of what they would be asked."""
    house = country.house
    person = house.people.find(resident.person_id)
    assert person is not None and person.personal_number is not None
    number = Identifier(type=IdentifierType.PERSONAL_NUMBER, value=person.personal_number)
    silent: dict[str, Any] = {"sex": None, "email": None, "phone": None, "profile": None}
    statement = assertion(**(silent | {"identifiers": (number,)} | said))
    with house.database.write() as tx:
        assert house.people.recognise(tx, statement, source, statement.proofing).person.id == person.id


def wanted(*names: str, verification: dict[str, Any] | None = None, **claims: Any) -> dict[str, Any]:
    """One element of `verified_claims`: these claims, or with constraints of theirs, however verified."""
    return {"verification": verification or ANY, "claims": dict.fromkeys(names) | claims}


def asked(*, userinfo: Any = None, id_token: Any = None, **beside: Any) -> str:
    """The `claims` parameter."""
    parts = {"userinfo": userinfo, "id_token": id_token}
    given = {name: {"verified_claims": part} for name, part in parts.items() if part is not None}
    return json.dumps(given | beside)


def told(resident: Resident, portal: Portal, element: Any, **request: str | None) -> Any:
    """The `verified_claims` that userinfo tells of somebody, None where it tells none."""
    tokens = resident.tokens(portal, scope="openid", claims=asked(userinfo=element), **request)
    return tokens.userinfo.get("verified_claims")


@pytest.fixture
def portal(country: World) -> Portal:
    return country.portal(fresh_name(), scopes=["openid", "profile", "email", "personal_number"])
