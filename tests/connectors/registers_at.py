"""Registers behind X-Road and our connectors before them: at the sandbox, and at peers in another language."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from connectors.base import BirthDate, Failed, Failure, Identifier, IdentifierType, Name
from connectors.business import Business, BusinessConfiguration
from connectors.population_register import PopulationRegister, PopulationRegisterConfiguration
from connectors.registers import Pivot
from connectors.sandbox.cast import CAST, Part
from idp.egress import Egress
from tests.connectors.door import Door
from tests.sandbox.conftest import running

CLIENT = "VN/GOV/1000/motcua"
CREDENTIALS = {
    "api_key": "an invented key",
    "signature_secret": "an invented secret",
    "pseudonym_key": "known to nobody but us",
}
MEMBER = {"client": CLIENT, "user": "motcua", "api_key": "an invented key", "signature_secret": "an invented secret"}
COMMON = {"client": CLIENT, "ndxp_user": "motcua"}


class Register:
    """One register in the sandbox, and a door of our own for asking it."""

    host = "register.localhost"

    def __init__(self, url: str, egress: Egress) -> None:
        self.url = url
        self.control = f"http://127.0.0.1:{url.rpartition(':')[2]}/_sandbox"
        self.door = Door(egress, **CREDENTIALS)

    def told(self, fault: str, **more: object) -> None:
        self._send("POST", "faults", json={"fault": fault, **more})

    def honest(self) -> None:
        for what in ("faults", "requests"):
            self._send("DELETE", what)
        self.door.shift, self.door.credentials = self.door.shift * 0, dict(CREDENTIALS)

    def asked(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._send("GET", "requests").json()
        return [entry for entry in found if not entry["path"].startswith("/health")]

    def _send(self, method: str, what: str, **options: Any) -> requests.Response:
        answer = requests.request(method, f"{self.control}/{what}", timeout=10, **options)
        answer.raise_for_status()
        return answer


class People(Register):
    """The population register."""

    def connector(self, **more: Any) -> PopulationRegister:
        return PopulationRegister(people_configuration(f"{self.url}/ws/dan-cu", **more))

    def verdict(self, pivot: Pivot, **more: Any) -> Any:
        return self.connector(**more).verify(self.door.context, pivot)

    def changes(self, after: str = "", **more: Any) -> Any:
        return self.connector(**more).changes(self.door.context, after)

    def happens(self, kind: str, citizen: str | int, **more: object) -> None:
        self._send("POST", "changes", json={"type": kind, "citizen": citizen, **more})

    def honest(self) -> None:
        super().honest()
        self._send("DELETE", "changes")


class Firms(Register):
    """The business register."""

    def connector(self, **more: Any) -> Business:
        return Business(firms_configuration(self.url, **more))

    def of(self, part: Part, **more: Any) -> Any:
        return self.connector(**more).organisations(self.door.context, CAST[part].personal_number)


def people_configuration(address: str, **more: Any) -> PopulationRegisterConfiguration:
    values = {
        **COMMON,
        **{"address": address, "provider": "VN/GOV/0001/population", "issue": "TT-2026-1"},
        **{"official": "motcua", "unit": "H00.1", "account": "motcua"},
    }
    return PopulationRegisterConfiguration.model_validate({**values, **more})


def firms_configuration(address: str, **more: Any) -> BusinessConfiguration:
    values = {**COMMON, "address": address, "provider": "VN/GOV/0002/business", "issue": "TT-2026-2"}
    return BusinessConfiguration.model_validate({**values, **more})


@contextlib.contextmanager
def sandbox(kind: str, directory: Path, egress: Egress) -> Iterator[Any]:
    """The register of this kind runs, and knows us."""
    members = directory / "members.json"
    members.write_text(json.dumps([MEMBER]), "utf-8")
    with running(kind, members, host=Register.host) as url:
        yield (People if kind == "population_register" else Firms)(url, egress)


def pivot(number: str, name: str, born: str, kind: IdentifierType = IdentifierType.PERSONAL_NUMBER) -> Pivot:
    """`born` is yyyy-mm-dd, yyyy-mm or yyyy."""
    year, month, day = (*map(int, born.split("-")), None, None)[:3]
    birth_date = BirthDate(year=year or 0, month=month, day=day, as_sent=born)
    return Pivot(identifier=Identifier(type=kind, value=number), name=Name(full=name), birth_date=birth_date)


def pivot_of(part: Part) -> Pivot:
    citizen = CAST[part]
    return pivot(citizen.personal_number, citizen.full_name, citizen.birth_date)


def failure(answer: Any) -> Failure:
    assert isinstance(answer, Failed), answer
    return answer.failure
