"""Both registers played by others: npm's soap with a WSDL, and a security server in plain Node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from connectors.base import Failure, IdentifierType
from connectors.business import Business
from connectors.population_register import PopulationRegister
from connectors.registers import Agreement
from connectors.xroad.messages import XRoadConfiguration
from idp.egress import Egress
from tests import peers
from tests.connectors.door import LIMITS, Door
from tests.connectors.registers_at import (
    CLIENT,
    CREDENTIALS,
    failure,
    firms_configuration,
    people_configuration,
    pivot,
)

VERIFY, LOOK_UP = "XacThucThongTinCongDan", "TraCuuThongTinCongDan"
HA = {"number": "001190000101", "former": "010000101", "name": ["Trần", "Thị Thu", "Hà"], "born": "19900314"}
PEOPLE: list[dict[str, Any]] = [
    HA,
    {"number": "002152000707", "name": ["", "", "Giàng Thị Mỷ"], "born": "1952"},
    {"number": "048040000808", "name": ["Lê", "Văn", "Sáu"], "born": "19400101", "died": True},
    {"number": "079085000909", "was": "079085000908", "name": ["Đỗ", "Quang", "Huy"], "born": "19850505"},
]
CHANGES = [
    {"kind": "KhaiTu", "number": "048040000808", "at": "2026-03-01T08:00:00+07:00"},
    {"kind": "DoiSoDinhDanh", "number": "079085000908", "new": "079085000909", "at": "2026-03-02T01:00:00Z"},
    {"kind": "CaiChinh", "number": "001190000101", "at": "2026-03-02T09:30:00.250+07:00"},
]
MANDATES = {
    "001190000101": [
        {
            **{"taxCode": "9900000016", "name": "Công ty TNHH Gốm sứ Sao Biếc", "role": "Giám đốc"},
            **{"authority": "legal_representative", "from": "2019-05-20", "until": None, "status": "active"},
            "ward": "more than anybody asked for",
        },
        {
            **{"taxCode": "9900000016", "name": "Công ty TNHH Gốm sứ Sao Biếc", "role": "Kế toán trưởng"},
            **{"authority": "authorised", "from": "2019-05-20", "until": "2049-01-01", "status": "active"},
        },
    ]
}


@pytest.fixture(scope="module")
def soap_url() -> Iterator[str]:
    environment = {
        "WSDL": str(peers.HERE / "population_register.wsdl"),
        "CLIENT": CLIENT,
        "PROVIDER": "VN/GOV/0001/population",
        "USER": "motcua",
        "API_KEY": CREDENTIALS["api_key"],
        "SIGNATURE_SECRET": CREDENTIALS["signature_secret"],
        "PEOPLE": json.dumps(PEOPLE),
        "CHANGES": json.dumps(CHANGES),
    }
    with peers.stub("register_soap.mjs", **environment) as port:
        yield f"http://register.localhost:{port}/dan-cu"


@pytest.fixture
def register_door(_egress: Egress) -> Door:
    return Door(_egress, **CREDENTIALS)


@pytest.fixture
def register(soap_url: str) -> PopulationRegister:
    return PopulationRegister(people_configuration(soap_url))


@pytest.fixture
def look_up(soap_url: str) -> PopulationRegister:
    return PopulationRegister(people_configuration(soap_url, operation=LOOK_UP))


# ---- SOAP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
def test_somebody_who_is_as_said(register_door: Door, soap_url: str, operation: str) -> None:
    register = PopulationRegister(people_configuration(soap_url, operation=operation))
    verdict: Any = register.verify(register_door.context, pivot(HA["number"], "Trần Thị Thu Hà", "1990-03-14"))
    assert (verdict.agreement, verdict.rectified) == (Agreement.AGREES, None), verdict
    assert verdict.alive is (True if operation == VERIFY else None)
    assert [one.value for one in verdict.aliases] == ["010000101"]


def test_capitals_without_marks_are_rectified(register_door: Door, register: PopulationRegister) -> None:
    verdict: Any = register.verify(register_door.context, pivot(HA["number"], "TRAN THI THU HA", "1990-03-14"))
    assert verdict.agreement is Agreement.AGREES
    assert (verdict.rectified.name.full, verdict.rectified.name.middle) == ("Trần Thị Thu Hà", "Thị Thu")


def test_a_year_only_date_and_a_name_in_one_field(
    register_door: Door, register: PopulationRegister, look_up: PopulationRegister
) -> None:
    for connector, name in ((register, "giàng thị mỷ"), (look_up, "GIANG THI MY")):
        verdict: Any = connector.verify(register_door.context, pivot("002152000707", name, "1952"))
        assert verdict.agreement is Agreement.AGREES, verdict
        assert (verdict.rectified.name.full, verdict.rectified.name.family) == ("Giàng Thị Mỷ", None)
        assert (verdict.rectified.birth_date.year, verdict.rectified.birth_date.month) == (1952, None)


def test_the_dead_strangers_and_the_unknown(register_door: Door, register: PopulationRegister) -> None:
    context = register_door.context
    dead: Any = register.verify(context, pivot("048040000808", "Lê Văn Sáu", "1940-01-01"))
    assert (dead.agreement, dead.alive) == (Agreement.AGREES, False)
    stranger: Any = register.verify(context, pivot(HA["number"], "Lê Văn Sáu", "1940-01-01"))
    assert (stranger.agreement, stranger.rectified) == (Agreement.DIFFERS, None)
    nobody: Any = register.verify(context, pivot("001190000102", "Lê Văn Sáu", "1940-01-01"))
    assert (nobody.agreement, nobody.alive) == (Agreement.UNKNOWN, None)


def test_numbers_of_long_ago(register_door: Door, register: PopulationRegister) -> None:
    renumbered: Any = register.verify(register_door.context, pivot("079085000908", "Đỗ Quang Huy", "1985-05-05"))
    assert renumbered.rectified.identifier.value == "079085000909"
    former = pivot("010000101", "Trần Thị Thu Hà", "1990-03-14", IdentifierType.FORMER_NUMBER)
    verdict: Any = register.verify(register_door.context, former)
    assert verdict.rectified.identifier.value == HA["number"]


def test_a_fault_of_theirs(register_door: Door, register: PopulationRegister) -> None:
    answer = register.verify(register_door.context, pivot(HA["number"], "Lỗi", "1990-03-14"))
    assert failure(answer) is Failure.BROKEN_ANSWER
    assert answer.detail == "the service answered with the fault Server"  # type: ignore[union-attr]


def test_strangers_are_not_let_in(register_door: Door, soap_url: str) -> None:
    who = pivot(HA["number"], "Trần Thị Thu Hà", "1990-03-14")
    elsewhere = PopulationRegister(people_configuration(soap_url, provider="VN/GOV/0001/vehicles"))
    assert failure(elsewhere.verify(register_door.context, who)) is Failure.MISCONFIGURED
    register_door.credentials["signature_secret"] = "guessed"
    register = PopulationRegister(people_configuration(soap_url))
    assert failure(register.verify(register_door.context, who)) is Failure.MISCONFIGURED


def test_the_feed(register_door: Door, soap_url: str) -> None:
    register = PopulationRegister(people_configuration(soap_url, page_size=2))
    first: Any = register.changes(register_door.context, "")
    second: Any = register.changes(register_door.context, first.next)
    assert (first.more, second.more, second.next) == (True, False, "3")
    kinds = [(one.type.value, one.new_number) for one in (*first.changes, *second.changes)]
    assert kinds == [("death", None), ("renumbering", "079085000909"), ("correction", None)]
    empty: Any = register.changes(register_door.context, second.next)
    assert (empty.changes, empty.next) == ((), "3")


def test_every_check_of_the_soap_register_passes(register_door: Door, register: PopulationRegister) -> None:
    assert [check for check in register.checks(register_door.context) if not check.passed] == []


# ---- REST ---------------------------------------------------------------------------------------------------------

SERVICE = "VN/GOV/0002/business/representation"


class SecurityServer:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.business = Business(firms_configuration(f"http://xroad.localhost:{port}"))

    def told(self, **what: Any) -> None:
        requests.post(f"{self.address}/told", json=what, timeout=10).raise_for_status()

    def seen(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.address}/seen", timeout=10).json()
        return found


@pytest.fixture
def server() -> Iterator[SecurityServer]:
    with peers.stub("business_xroad.mjs", CLIENT=CLIENT, SERVICE=SERVICE, MANDATES=json.dumps(MANDATES)) as port:
        yield SecurityServer(port)


def test_a_security_server_that_checks_and_echoes(register_door: Door, server: SecurityServer) -> None:
    found: Any = server.business.organisations(register_door.context, "001190000101")
    assert [(one.tax_code, one.role, one.authority) for one in found] == [
        ("9900000016", "Giám đốc", "legal_representative")  # the wider of two mandates for one business
    ]
    asked = server.seen()[-1]
    assert asked["url"] == f"/r1/{SERVICE}/v1/representatives/search"
    headers = asked["headers"]
    assert headers["x-road-client"] == CLIENT and headers["x-road-issue"] == "TT-2026-2"
    assert "001190000101" not in json.dumps(headers)


def test_the_pseudonym_stays_and_the_id_changes(register_door: Door, server: SecurityServer) -> None:
    for number in ("001190000101", "001190000101", "048201000303"):
        assert isinstance(server.business.organisations(register_door.context, number), tuple)
    users = [one["headers"]["x-road-userid"] for one in server.seen()]
    assert users[0] == users[1] != users[2]
    assert len({one["headers"]["x-road-id"] for one in server.seen()}) == 3


@pytest.mark.parametrize(
    "told, expected",
    [
        ({"error": "Server.ServerProxy.ServiceFailed.HttpError"}, Failure.UNREACHABLE),
        ({"error": "Server.ClientProxy.NetworkError"}, Failure.UNREACHABLE),
        ({"error": "Server.ServerProxy.IOError.Timeout"}, Failure.TIMED_OUT),
        ({"error": "Server.ServerProxy.AccessDenied"}, Failure.MISCONFIGURED),
        ({"error": "Client.BadRequest"}, Failure.MISCONFIGURED),
        ({"error": "<script>"}, Failure.UNREACHABLE),
        ({"status": 404}, Failure.REFUSED),  # the register's own error, told in JSON
        ({"status": 401}, Failure.MISCONFIGURED),
        ({"status": 403}, Failure.MISCONFIGURED),
        ({"status": 500}, Failure.BROKEN_ANSWER),
        ({"status": 429}, Failure.OVERLOADED),
        ({"status": 503}, Failure.OVERLOADED),
        ({"status": 504}, Failure.TIMED_OUT),
        ({"headers": {"X-Road-Id": "another"}}, Failure.WRONG_NONCE),
        ({"headers": {"X-Road-Id": None}}, Failure.WRONG_NONCE),
        ({"headers": {"X-Road-Client": "VN/GOV/9/x"}}, Failure.WRONG_AUDIENCE),
        ({"headers": {"X-Road-Service": "VN/GOV/9/x/y"}}, Failure.WRONG_ISSUER),
        ({"headers": {"Content-Type": "text/html"}}, Failure.BROKEN_ANSWER),
        ({"reset": 2}, Failure.UNREACHABLE),
    ],
)
def test_what_goes_wrong_on_the_way_or_behind_it(
    register_door: Door, server: SecurityServer, told: dict[str, Any], expected: Failure
) -> None:
    server.told(**told)
    answer: Any = server.business.organisations(register_door.context, "001190000101")
    assert failure(answer) is expected, answer
    assert "<" not in answer.detail


def test_headers_that_rest_may_leave_out(register_door: Door, server: SecurityServer) -> None:
    server.told(headers={"X-Road-Client": None, "X-Road-Service": None, "X-Road-Request-Id": None})
    assert isinstance(server.business.organisations(register_door.context, "001190000101"), tuple)


def test_a_reset_connection_is_tried_once_more_under_the_same_id(register_door: Door, server: SecurityServer) -> None:
    server.told(reset=1)
    assert isinstance(server.business.organisations(register_door.context, "001190000101"), tuple)
    first, second = (one["headers"]["x-road-id"] for one in server.seen())
    assert first == second


def test_a_time_out_is_not_tried_again(register_door: Door, server: SecurityServer) -> None:
    server.told(hang=2)
    impatient = Egress(LIMITS.model_copy(update={"total_seconds": 0.5}))
    context = replace(register_door.context, http=impatient)
    assert failure(server.business.organisations(context, "001190000101")) is Failure.TIMED_OUT
    impatient.close()
    assert len(server.seen()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"client": "VN/GOV/1000"},
        {"client": "VN/GOV/1000/mot cua"},
        {"client": "VN/GOV/../motcua"},
        {"provider": "VN/GOV/0002/business/representation"},
        {"provider": ""},
        {"address": "http://security-server.example"},
        {"address": "https://user@security-server.example"},
        {"address": "https://security-server.example?x=1"},
        {"issue": "a\nb"},
        {"ndxp_user": "a:b"},
        {"page_size": 5},
        {"service": "a/b"},
        {"unknown": 1},
    ],
)
def test_a_configuration_that_cannot_be(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        firms_configuration(**{"address": "https://security-server.example", **changed})


def test_no_official_is_a_person() -> None:
    with pytest.raises(ValueError, match="personal number"):
        people_configuration("https://security-server.example", official="001190000101")
    assert issubclass(type(people_configuration("https://x.example")), XRoadConfiguration)
