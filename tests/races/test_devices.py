"""A device code buys one grant, and of many who decide about a device one does; four worker processes over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from idp.audit.models import AuditRow
from idp.clients.registration import DEVICE_CODE
from idp.devices.models import DeviceRow
from idp.sessions.models import GrantRow
from idp.sources import SourceDraft
from tests.races.asking import FORM, Answer, Asking
from tests.races.provider import Portal, Provider
from tests.races.test_codes import cpu_seconds
from tests.servers import eventually
from tests.storage.places import at_once
from tests.world import add_source

pytestmark = pytest.mark.both_engines
USES, ROUNDS, DECIDING = 100, 3, 16


@pytest.fixture
def television(running: Provider, request: pytest.FixtureRequest) -> Portal:
    if running.house.sources.find("population") is None:  # somewhere to sign in, or no device may begin
        secrets = {"client_secret": "s" * 32}
        configuration = {"issuer": "http://population.localhost:9", "client_id": "motcua"}
        draft = SourceDraft(
            id="population", kind="population", name_vi="Dân cư", name_en="Population", ceiling=3,
            configuration=configuration, secrets=secrets,
        )  # fmt: skip
        add_source(running.house, draft)
    name = "".join(letter for letter in request.node.originalname if letter.isalpha())[:30]
    return running.portal(f"tv-{name}", grant_types=[DEVICE_CODE], redirect_uris=[], token_endpoint_auth_method="none")


def begun(connection: Asking, portal: Portal) -> dict[str, Any]:
    form = urlencode({"client_id": portal.id, "scope": "openid profile"}).encode()
    answers: list[tuple[int, bytes]] = []

    def is_begun() -> bool:  # a worker that has just read the sources sees a new one a second or two later
        status, _, body = connection.ask("POST", "/device_authorization", FORM, form)
        answers.append((status, body))
        return status == 200

    eventually(is_begun)
    told: dict[str, Any] = json.loads(answers[-1][1])
    return told


def ask(connection: Asking, portal: Portal, device_code: str) -> Answer:
    form = {"grant_type": DEVICE_CODE, "client_id": portal.id, "device_code": device_code}
    status, _, body = connection.ask("POST", "/token", FORM, urlencode(form).encode())
    return Answer(status, json.loads(body))


def let_in(running: Provider, connection: Asking, portal: Portal, user_code: str) -> None:
    """A person who is signed in walks the whole way: type, confirm, and there they are."""
    (citizen,) = running.citizens(1, portal)
    jar = {"session": citizen.cookie}

    def visit(method: str, path: str, **form: str) -> tuple[int, str, str]:
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        status, headers, body = connection.ask(method, path, FORM | cookie, urlencode(form).encode() or None)
        for line in headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
        return status, headers["Location"] or "", body.decode()

    status, question, _ = visit("POST", "/device", user_code=user_code)
    assert status == 303
    _, _, page = visit("GET", question)
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    _, onward, _ = visit("POST", question, form_token=token, decision="continue")
    _, end, _ = visit("GET", onward)
    status, _, page = visit("GET", end)
    assert (status, end) == (200, f"{question}/end") and "Bạn có thể quay lại thiết bị của mình" in page


def test_of_100_who_ask_with_one_device_code_at_once_one_gets_tokens(
    running: Provider, television: Portal, asking: Callable[[], Asking]
) -> None:
    connections, busy_before = [asking() for _ in range(USES)], cpu_seconds(running)
    for number in range(ROUNDS):
        told = begun(connections[0], television)
        let_in(running, connections[0], television, told["user_code"])
        answers = at_once(USES, lambda each, code=told["device_code"]: ask(connections[each], television, code))  # type: ignore[misc]
        assert sorted(answer.status for answer in answers) == [200] + [400] * (USES - 1)
        assert {answer.told["error"] for answer in answers if answer.status == 400} == {"invalid_grant"}
        rows = running.house.database.all(select(GrantRow.id).where(GrantRow.client_id == television.id))
        assert len(rows) == number + 1
        granted = func.count().filter(AuditRow.event == "granted")
        counted = running.house.database.one(select(granted).where(AuditRow.client_id == television.id))
        assert counted is not None and counted[0] == number + 1
    busy = cpu_seconds(running)
    assert sum(busy[pid] > busy_before.get(pid, 0) for pid in busy) >= 2, "they went to several processes"


def test_of_many_who_wait_at_once_one_is_in_time_and_each_other_makes_the_wait_longer(
    running: Provider, television: Portal, asking: Callable[[], Asking]
) -> None:
    connections = [asking() for _ in range(DECIDING)]
    told = begun(connections[0], television)
    answers = at_once(DECIDING, lambda each: ask(connections[each], television, told["device_code"]))
    errors = sorted(answer.told["error"] for answer in answers)
    assert errors == ["authorization_pending"] + ["slow_down"] * (DECIDING - 1)
    row = running.house.database.one(select(DeviceRow.wait_seconds).where(DeviceRow.client_id == television.id))
    assert row is not None and row[0] == 5 + 5 * (DECIDING - 1)


def test_of_many_who_decide_at_once_one_does_and_it_is_never_undone(
    running: Provider, television: Portal, asking: Callable[[], Asking]
) -> None:
    told = begun(asking(), television)
    device = running.house.devices.by_user_code(told["user_code"])
    assert device is not None
    found = device

    def decide(number: int) -> bool | None:
        devices, login = running.house.devices, f"{number:032}"
        if number % 2:
            devices.decline(found, login)
        else:
            devices.approve(found, login, "sealed", person_id=bytes(16), session_id=bytes(16))
        return devices.decided(found.id, login)

    decisions = at_once(DECIDING, decide)
    assert len([decision for decision in decisions if decision is not None]) == 1
    (winner,) = (number for number, decision in enumerate(decisions) if decision is not None)
    assert decisions[winner] == (winner % 2 == 0)
    events = running.house.database.all(select(AuditRow.event).where(AuditRow.client_id == television.id))
    decided = [event for (event,) in events if event in ("device_approved", "device_declined")]
    assert decided == ["device_declined" if winner % 2 else "device_approved"]
