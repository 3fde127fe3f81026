"""Both gateways, our sandbox's and the stub in another language, with our connector before them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.base import Ask, BirthDate, Failed, Failure, Identifier, IdentifierType, Input, Name, Step
from connectors.insurance import Insurance, InsuranceConfiguration
from connectors.registers import Pivot, Verdict
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from idp.egress import Egress
from tests import peers
from tests.connectors.door import Door
from tests.sandbox.conftest import running

SECRET, OFFICIAL = "a secret of the gateway", "001090000999"
STUB = Path(peers.__file__).parent / "insurance_gateway.mjs"
NOBODYS_NUMBERS = ("9999999999", "999999999999")


class Gateway:
    """A gateway as a test sees it: where it is, what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://insurance.localhost:{port}"  # as our way out calls it

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=10, **options)
        answer.raise_for_status()
        return answer.json()


class Sandbox(Gateway):
    def told(self, **fault: Any) -> None:
        self.call("POST", "/_sandbox/faults", json=fault)

    def as_new(self) -> Sandbox:
        for what in ("faults", "requests", "messages"):
            self.call("DELETE", f"/_sandbox/{what}")
        return self

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/_sandbox/messages")
        return found

    def asked(self, path: str = "") -> list[str]:
        """The paths asked for, in order; those that end like this one."""
        return [one["path"] for one in self.call("GET", "/_sandbox/requests") if one["path"].endswith(path)]

    def insured(self, part: Part) -> dict[str, Any]:
        everybody = self.call("GET", "/_sandbox/insured")
        return next(one for one in everybody if one["index"] == int(part))


class Desk:
    """Our side: a connector, the world it sees, and somebody who types."""

    def __init__(self, address: str, egress: Egress, **configuration: Any) -> None:
        self.door = Door(egress, password=SECRET, official_number=OFFICIAL)
        settings = {"address": address, "username": "motcua", "official_name": "Lý Thị Hỏi", **configuration}
        self.connector = Insurance(InsuranceConfiguration.model_validate(settings))

    def typed(self, step: Step, network: str = "a network", **form: str) -> Step:
        assert isinstance(step, Ask), step
        answer = Input(method="POST", form=tuple(form.items()), network=network)
        return self.connector.resume(self.door.context, step.state, answer)

    def number(self, number: str, network: str = "a network") -> Step:
        """What follows after the number was typed."""
        return self.typed(self.door.begin(self.connector, level=1), network, number=number)

    def sign_in(self, number: str, code: str = ONE_TIME_CODE) -> Step:
        step = self.number(number)
        return self.typed(step, code=code) if isinstance(step, Ask) else step


@pytest.fixture(scope="session")
def _insurance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    clients_file = tmp_path_factory.mktemp("insurance") / "clients.json"
    client = {"client_id": "motcua", "redirect_uris": [], "client_secret": SECRET}
    clients_file.write_text(json.dumps([client]), "utf-8")
    with running("insurance", clients_file) as issuer:
        yield Sandbox(int(issuer.rpartition(":")[2]))


@pytest.fixture
def insurance(_insurance: Sandbox) -> Sandbox:
    """Our sandbox's gateway, which tells the truth and remembers nothing."""
    return _insurance.as_new()


@pytest.fixture
def desk_before(_egress: Egress) -> Callable[..., Desk]:
    """Makes desks before a gateway: connectors and worlds of their own, as in other workers."""
    return lambda gateway, **configuration: Desk(gateway.address, _egress, **configuration)


@pytest.fixture
def new_desk(insurance: Sandbox, desk_before: Callable[..., Desk]) -> Callable[..., Desk]:
    """The same, before the sandbox's."""
    return partial(desk_before, insurance)


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    return new_desk()


class Stub(Gateway):
    def told(self, **order: Any) -> None:
        self.call("POST", "/told", json=order)

    def seen(self, path: str = "") -> list[dict[str, Any]]:
        return [one for one in self.call("GET", "/seen") if one["path"].endswith(path)]


@contextlib.contextmanager
def stub(people: Sequence[dict[str, str]]) -> Iterator[Stub]:
    """The gateway in another language knows these people, as long as the block lasts."""
    variables = {"USERNAME": "motcua", "SECRET": SECRET, "PEOPLE": json.dumps(people), "EXIT_WITH_STDIN": "yes"}
    process = subprocess.Popen(
        ["node", str(STUB)], env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield Stub(json.loads(line)["port"])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def filed(part: Part, **changes: str) -> dict[str, str]:
    """A record of the stub's own making; `ma` is the code that this person is sent."""
    citizen = CAST[part]
    record = {
        "hoTen": citizen.full_name.upper(),
        "ngaySinh": "/".join(reversed(citizen.birth_date.split("-"))),
        "gioiTinh": "Nam" if citizen.sex == "male" else "Nữ",
        "maSoBHXH": f"79{int(part):08}",
        "soCCCD": citizen.personal_number,
        "maThe": f"HC47979{int(part):08}",
        "sdt": citizen.phone,
        "ma": "135790",
    }
    return {**record, **changes}


def pivot(part: Part, **changes: Any) -> Pivot:
    citizen = CAST[part]
    known: dict[str, Any] = {
        "identifier": Identifier(type=IdentifierType.PERSONAL_NUMBER, value=citizen.personal_number),
        "name": Name(full=citizen.full_name),
        "birth_date": BirthDate(
            year=citizen.birth_year, month=citizen.birth_month, day=citizen.birth_day, as_sent=citizen.birth_date
        ),
    }
    return Pivot(**{**known, **changes})


def verdict(desk: Desk, wanted: Pivot) -> Verdict:
    found = desk.connector.verify(desk.door.context, wanted)
    assert isinstance(found, Verdict), found
    return found


def failed(desk: Desk, wanted: Pivot) -> Failure:
    found = desk.connector.verify(desk.door.context, wanted)
    assert isinstance(found, Failed), found
    return found.failure
